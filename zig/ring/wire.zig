//! The wire: every byte that two processes must agree on, and nothing else.
//!
//! The layouts are those of the Tachyon IPC family, versions 2 to 4. Three additions of ours (the
//! express lane, packed records, the producer's parking word) live in bytes that the family leaves
//! as padding. All integers are little-endian, and "line" means a 64-byte cache line.

const std = @import("std");
const assert = std.debug.assert;
/// Off in what is shipped, for what each message passes through (build.zig).
const hot_safety = @import("settings").hot_safety;

comptime {
    // Layouts below are native structs over shared memory.
    assert(@import("builtin").cpu.arch.endian() == .little);
}

pub const magic: u32 = 0x54414348;
pub const line_size: u32 = 64;
/// The value of every msg_alignment field.
pub const alignment: u32 = line_size;
pub const control_size: u32 = 768;
pub const header_size: u32 = line_size;

/// Capacities that a listener of ours offers; a connector takes what a peer of the family offers,
/// down to `capacity_min_foreign`.
pub const version_min: u32 = 2;
pub const version_max: u32 = 4;
/// The first that has request and reply.
pub const version_rpc: u32 = 4;

pub const capacity_min: u32 = 4096;
pub const capacity_min_foreign: u32 = 128;
pub const capacity_max: u32 = 1 << 30;

/// The size field of a header that sends the reader back to the start of the ring.
pub const size_skip: u32 = 0xFFFFFFFF;
/// The type of a packed record, refused from users.
pub const type_packed: u32 = 0xFFFFFFFF;
/// The type of a failed reply of an RPC, whose payload is the message in UTF-8.
pub const type_failure: u32 = 0xFFFFFFFE;

/// The family publishes and releases at least every this many records.
pub const records_per_publish: u32 = 32;

pub const ability_any_order: u32 = 1 << 0;
pub const ability_packed: u32 = 1 << 1;
/// Of a consumer: takes failed replies. Of a producer: marks failed replies by their type.
pub const ability_failures: u32 = 1 << 2;

pub const State = enum(u32) {
    uninitialised = 0,
    initialising = 1,
    ready = 2,
    disconnected = 3,
    fatal = 4,
    _,
};

pub const Sleeping = enum(u32) {
    awake = 0,
    sleeping = 1,
    never_sleeps = 2,
    _,
};

/// A copy of a message that is alone in its publication, in the line that head itself lives in.
pub const Lane = extern struct {
    pub const payload_max: u32 = 32;

    /// The value head takes when this message is published; 0 never matches.
    head: u64,
    size: u32,
    type_id: u32,
    correlation_id: u64,
    payload: [4]u64,

    /// One word for both, size in the low half, so that one load takes them.
    pub fn size_and_type(lane: *Lane) *u64 {
        return @ptrCast(@alignCast(&lane.size));
    }
};

/// The control block at the start of an arena. Each group has one writer and its own pair of lines.
pub const Control = extern struct {
    magic: u32,
    version: u32,
    capacity: u32,
    alignment: u32,
    /// A `State`; written by both sides.
    state: u32,
    _0: [108]u8,

    /// Bytes ever published. Written by the producer, as is all up to `tail`.
    head: u64,
    lane: Lane,
    producer_abilities: u32,
    _1: [60]u8,

    /// Bytes ever released. Written by the consumer.
    tail: u64,
    /// 0 or 1; a futex word. Written by the producer.
    producer_parked: u32,
    /// Written by the consumer, once.
    consumer_abilities: u32,
    _2: [112]u8,

    /// A `Sleeping`; a futex word. Written by the consumer.
    consumer_sleeping: u32,
    _3: [124]u8,

    producer_heartbeat: u64,
    _4: [120]u8,

    consumer_heartbeat: u64,
    _5: [120]u8,
};

/// What fills the first line of a record. The payload starts on the next line.
pub const Header = extern struct {
    size: u32,
    type_id: u32,
    /// Header, payload and padding: `record_size(size)`, or more when less was committed than claimed.
    reserved: u32,
    _0: u32,
    correlation_id: u64,
    _1: [40]u8,
};

/// Precedes each message inside a packed record; the bytes follow, padded to 8.
pub const PackedEntry = extern struct {
    size: u32,
    type_id: u32,
};

/// Sent by a listener of wire version 2 or 3.
pub const HandshakeShort = extern struct {
    magic: u32,
    version: u32,
    capacity: u32,
    shm_size: u32,
    alignment: u32,
};

/// Sent by a listener of wire version 4. The `_rev` fields are 0 unless `flag_rpc` is set.
pub const Handshake = extern struct {
    pub const flag_rpc: u32 = 1 << 0;

    magic: u32,
    version: u32,
    capacity_fwd: u32,
    shm_size_fwd: u32,
    capacity_rev: u32,
    shm_size_rev: u32,
    alignment: u32,
    flags: u32,
};

comptime {
    assert(@sizeOf(Control) == control_size);
    assert(@offsetOf(Control, "state") == 16);
    assert(@offsetOf(Control, "head") == 128);
    assert(@offsetOf(Control, "lane") == 136);
    assert(@offsetOf(Control, "producer_abilities") == 192);
    assert(@offsetOf(Control, "tail") == 256);
    assert(@offsetOf(Control, "producer_parked") == 264);
    assert(@offsetOf(Control, "consumer_abilities") == 268);
    assert(@offsetOf(Control, "consumer_sleeping") == 384);
    assert(@offsetOf(Control, "producer_heartbeat") == 512);
    assert(@offsetOf(Control, "consumer_heartbeat") == 640);

    assert(@sizeOf(Lane) == 56);
    assert(@offsetOf(Lane, "size") == 144 - 136);
    assert(@offsetOf(Lane, "type_id") == 148 - 136);
    assert(@offsetOf(Lane, "correlation_id") == 152 - 136);
    assert(@offsetOf(Lane, "payload") == 160 - 136);

    assert(@sizeOf(Header) == header_size);
    assert(@offsetOf(Header, "type_id") == 4);
    assert(@offsetOf(Header, "reserved") == 8);
    assert(@offsetOf(Header, "correlation_id") == 16);

    assert(@sizeOf(PackedEntry) == 8);
    assert(@sizeOf(HandshakeShort) == 20);
    assert(@sizeOf(Handshake) == 32);
}

/// Bytes that a record with this payload takes in the ring.
pub fn record_size(payload_size: u32) u32 {
    @setRuntimeSafety(hot_safety);
    assert(payload_size <= capacity_max);
    return header_size + std.mem.alignForward(u32, payload_size, line_size);
}

/// Bytes that a message takes inside a packed record.
pub fn entry_size(payload_size: u32) u32 {
    @setRuntimeSafety(hot_safety);
    assert(payload_size <= capacity_max);
    return @sizeOf(PackedEntry) + std.mem.alignForward(u32, payload_size, 8);
}

/// What part of a ring a record may take, for `payload_max`.
pub const payload_share: u32 = 2;

/// The largest payload that fits from any position: a record that does not fit before the end
/// costs the skipped bytes too, and those are fewer than the record itself.
pub fn payload_max(capacity: u32) u32 {
    @setRuntimeSafety(hot_safety);
    return capacity / payload_share - header_size;
}

/// The size of the memory file behind an arena.
pub fn memory_size(capacity: u32) u32 {
    return control_size + capacity;
}

pub fn capacity_is_offered(capacity: u32) bool {
    return std.math.isPowerOfTwo(capacity) and capacity >= capacity_min and capacity <= capacity_max;
}

pub fn capacity_is_accepted(capacity: u32) bool {
    return capacity != 0 and std.math.isPowerOfTwo(capacity) and
        capacity >= capacity_min_foreign and capacity <= capacity_max;
}

test "a record takes its header's line and whole lines for its payload" {
    try std.testing.expectEqual(64, record_size(0));
    try std.testing.expectEqual(128, record_size(1));
    try std.testing.expectEqual(128, record_size(64));
    try std.testing.expectEqual(192, record_size(65));
}

test "an entry is padded to eight bytes" {
    try std.testing.expectEqual(8, entry_size(0));
    try std.testing.expectEqual(40, entry_size(32));
    try std.testing.expectEqual(48, entry_size(33));
}

test "two of the largest records fill a ring exactly" {
    try std.testing.expectEqual(4096, 2 * record_size(payload_max(4096)));
}
