//! A peer that keeps to the wire, or lies, as a script has it.

const std = @import("std");
const core = @import("zerocross_core");
const wire = core.wire;
const Arena = core.Arena;
const Script = @import("script.zig").Script;

/// Of whom nothing is known, so that no system call asks after it.
pub const stranger: core.Peer = .{ .pid = 0, .uid = 0, .gid = 0, .pidfd = core.Peer.pidfd_none };

/// What a side finds in the two counters when it opens its end. False: it has to refuse them.
pub fn start_counters(mapping: Arena, script: *Script) bool {
    const control = mapping.control();
    const Start = enum { new, used, old, impossible };
    const tail: u64 = switch (script.choice(Start)) {
        .new => 0,
        .used => @as(u64, script.int(u16)) * wire.line_size,
        .old => counter_limit - (1 + @as(u64, script.byte())) * wire.line_size,
        .impossible => script.lie(u64, 0),
    };
    control.tail = tail;
    control.head = if (script.flag()) tail else script.lie(u64, tail);
    const are_lines = control.head % wire.line_size == 0 and tail % wire.line_size == 0;
    const is_below = tail <= control.head and control.head < counter_limit;
    return are_lines and is_below and control.head - tail <= mapping.capacity();
}

/// Counters stay below this.
const counter_limit: u64 = 1 << 63;

/// What any peer can do to an arena: all of it is writable by both.
pub fn write_anywhere(mapping: Arena, script: *Script) void {
    const at = script.int(u16) % mapping.bytes.len;
    const given = script.slice(1 + script.byte() % 16);
    const size = @min(given.len, mapping.bytes.len - at);
    @memcpy(mapping.bytes[at..][0..size], given[0..size]);
}

/// The words besides head and tail that a side looks at.
pub fn write_word(mapping: Arena, script: *Script) void {
    const control = mapping.control();
    const Word = enum { state, producer_abilities, consumer_abilities, consumer_sleeping, producer_parked };
    const word = switch (script.choice(Word)) {
        .state => &control.state,
        .producer_abilities => &control.producer_abilities,
        .consumer_abilities => &control.consumer_abilities,
        .consumer_sleeping => &control.consumer_sleeping,
        .producer_parked => &control.producer_parked,
    };
    const small = script.byte();
    word.* = if (small < 0xF0) small % 8 else script.int(u32);
}

/// The producer's end, independent of `Writer`.
pub const LyingProducer = struct {
    mapping: Arena,
    /// Where the next record goes, as this side believes.
    head: u64,

    pub fn act(self: *LyingProducer, script: *Script) void {
        const Act = enum { record, packed_record, other_record, bad_record, bad_head, bad_lane, bad_tail, word, anywhere };
        switch (script.choice(Act)) {
            .record, .other_record => self.publish_record(script),
            .packed_record => self.publish_packed(script),
            .bad_record => self.publish_bad_record(script),
            .bad_head => self.control().head = script.lie(u64, self.head),
            .bad_lane => self.write_bad_lane(script),
            .bad_tail => self.control().tail = script.lie(u64, self.control().tail),
            .word => write_word(self.mapping, script),
            .anywhere => write_anywhere(self.mapping, script),
        }
    }

    fn publish_record(self: *LyingProducer, script: *Script) void {
        const size = script.payload_size(wire.payload_max(self.mapping.capacity()));
        const type_id = script.int(u32);
        const id = script.lie(u64, 1);
        const with_lane = script.flag();
        const at = self.claim(wire.record_size(size)) orelse return;
        self.write_header(at, .{ .size = size, .type_id = type_id, .reserved = wire.record_size(size), .correlation_id = id });
        const payload = self.mapping.ring()[at + 64 ..][0..size];
        fill(payload, script);
        self.head +%= wire.record_size(size);
        if (with_lane and size <= wire.Lane.payload_max) {
            const lane = &self.control().lane;
            lane.* = .{ .head = self.head, .size = size, .type_id = type_id, .correlation_id = id, .payload = @splat(0) };
            @memcpy(std.mem.asBytes(&lane.payload)[0..size], payload);
        }
        self.control().head = self.head;
    }

    /// With entries that fit, but for the one that the script lies about.
    fn publish_packed(self: *LyingProducer, script: *Script) void {
        const count = script.byte() % 16;
        const liar = script.byte();
        const room = wire.payload_max(self.mapping.capacity());
        const at = self.claim(wire.record_size(room)) orelse return;
        const payload = self.mapping.ring()[at + 64 ..][0..room];
        var size: u32 = 0;
        for (0..count) |index| {
            const entry_size = script.payload_size(100);
            if (size + wire.entry_size(entry_size) > room) break;
            const said = if (index == liar) script.lie(u32, entry_size) else entry_size;
            const entry: *align(4) wire.PackedEntry = @ptrCast(@alignCast(payload[size..].ptr));
            entry.* = .{ .size = said, .type_id = script.int(u32) };
            fill(payload[size + 8 ..][0..entry_size], script);
            size += wire.entry_size(entry_size);
        }
        self.control().producer_abilities |= wire.ability_packed;
        self.write_header(at, .{ .size = size, .type_id = wire.type_packed, .reserved = wire.record_size(size), .correlation_id = 0 });
        self.head +%= wire.record_size(size);
        self.control().head = self.head;
    }

    fn publish_bad_record(self: *LyingProducer, script: *Script) void {
        const size = script.payload_size(wire.payload_max(self.mapping.capacity()));
        const at: u32 = @intCast(self.head % self.mapping.capacity());
        const Type = enum { ordinary, packed_record, failure };
        self.write_header(at, .{
            .size = if (script.flag()) wire.size_skip else script.lie(u32, size),
            .type_id = switch (script.choice(Type)) {
                .ordinary => script.int(u32),
                .packed_record => wire.type_packed,
                .failure => wire.type_failure,
            },
            .reserved = script.lie(u32, wire.record_size(size)),
            .correlation_id = script.lie(u64, 1),
        });
        self.head +%= script.lie(u64, wire.record_size(size));
        self.control().head = self.head;
        // Whatever was published, what comes next begins on a line.
        self.head -= self.head % wire.line_size;
    }

    fn write_bad_lane(self: *LyingProducer, script: *Script) void {
        const lane = &self.control().lane;
        lane.head = script.lie(u64, self.head +% 64);
        lane.size = script.lie(u32, wire.Lane.payload_max);
        lane.type_id = if (script.flag()) script.int(u32) else wire.type_packed;
        lane.correlation_id = script.lie(u64, 1);
        fill(std.mem.asBytes(&lane.payload), script);
    }

    const Header = struct { size: u32, type_id: u32, reserved: u32, correlation_id: u64 };

    fn write_header(self: *LyingProducer, at: u32, header: Header) void {
        const words: *align(64) [3]u64 = @ptrCast(@alignCast(self.mapping.ring()[at..].ptr));
        words.* = .{
            @as(u64, header.type_id) << 32 | header.size,
            header.reserved,
            header.correlation_id,
        };
    }

    /// The place of a record, behind a skip where one is due. Null: there is no room.
    fn claim(self: *LyingProducer, size: u32) ?u32 {
        const capacity = self.mapping.capacity();
        const at: u32 = @intCast(self.head % capacity);
        const skip = if (size > capacity - at) capacity - at else 0;
        if (self.head -% self.control().tail +% size +% skip > capacity) return null;
        if (skip > 0) self.write_header(at, .{ .size = wire.size_skip, .type_id = 0, .reserved = 0, .correlation_id = 0 });
        self.head +%= skip;
        return if (skip > 0) 0 else at;
    }

    fn control(self: *const LyingProducer) *wire.Control {
        return self.mapping.control();
    }
};

/// The consumer's end, independent of `Reader`.
pub const LyingConsumer = struct {
    mapping: Arena,

    pub fn act(self: LyingConsumer, script: *Script) void {
        if (script.byte() % 8 == 0) write_anywhere(self.mapping, script) else self.act_on_words(script);
    }

    /// Leaves the ring alone, which is the producer's to write.
    pub fn act_on_words(self: LyingConsumer, script: *Script) void {
        const control = self.mapping.control();
        const Act = enum { release, release_again, bad_tail, bad_head, word };
        switch (script.choice(Act)) {
            .release, .release_again => {
                const lines = (control.head -% control.tail) / wire.line_size;
                control.tail +%= @min(lines, script.byte()) * wire.line_size;
            },
            .bad_tail => control.tail = script.lie(u64, if (script.flag()) control.tail else control.head),
            .bad_head => control.head = script.lie(u64, control.head),
            .word => write_word(self.mapping, script),
        }
    }
};

/// Bytes that show when they are not the right ones, from one of the script's.
pub fn fill(bytes: []u8, script: *Script) void {
    const start = script.byte();
    for (bytes, 0..) |*byte, index| byte.* = start +% @as(u8, @truncate(index *% 37));
}
