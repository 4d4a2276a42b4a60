//! The producer's end of a ring: claims space, writes records, publishes them. No system call.
//!
//! What the other side wrote (tail) is believed only as far as it is possible; what this side needs
//! to know about itself lives here and is never read back from shared memory.

const std = @import("std");
const assert = std.debug.assert;
const wire = @import("wire.zig");
const cpu = @import("../os/cpu.zig");
const copy = @import("copy.zig");
const mark = @import("../os/mark.zig");
/// Off in what is shipped, for what each message passes through (build.zig).
const hot_safety = @import("settings").hot_safety;
const Arena = @import("arena.zig").Arena;
const Failure = @import("../failure.zig").Failure;
const Counters = @import("counters.zig").Counters;

/// Payload bytes of a packed record: large enough that its header costs little, small enough that a
/// consumer starts reading long before a large batch is written.
const packed_payload_max: u32 = 4096 - wire.header_size;

pub const Envelope = struct {
    type_id: u32,
    correlation_id: u64 = 0,
};

pub const Writer = struct {
    control: *wire.Control,
    ring: [*]align(wire.line_size) u8,
    capacity: u32,

    /// Where the next record starts; ahead of `published` by what is staged.
    head: u64,
    /// What the control block's head says.
    published: u64,
    /// The newest tail that was read and believed.
    tail: u64,

    claim_open: bool = false,
    /// Payload bytes of the open claim.
    claim_size: u32 = 0,
    /// Bytes to the end of the ring that the open claim jumps over.
    claim_skip: u32 = 0,
    /// Records between `published` and `head`.
    staged: u32 = 0,

    messages: u64 = 0,
    bytes: u64 = 0,

    /// `extra_abilities`: besides packing, which every writer of ours does.
    pub fn init(mapping: Arena, extra_abilities: u32, failure: *Failure) error{Corrupt}!Writer {
        const control = mapping.control();
        const counters = try Counters.load(control, mapping.capacity(), failure);
        // Release: pairs with `Reader.producer_packs` and `Rpc.peer_abilities`.
        @atomicStore(u32, &control.producer_abilities, wire.ability_packed | extra_abilities, .release);
        mark.at(.writer_opened);
        return .{
            .control = control,
            .ring = mapping.ring().ptr,
            .capacity = mapping.capacity(),
            .head = counters.head,
            .published = counters.head,
            .tail = counters.tail,
        };
    }

    pub fn payload_max(self: *const Writer) u32 {
        return wire.payload_max(self.capacity);
    }

    /// Copies a message in and publishes it with all that is staged. False: the ring is full.
    pub inline fn send(self: *Writer, from: [*]const u8, size: u32, message: Envelope, failure: *Failure) error{Corrupt}!bool {
        @setRuntimeSafety(hot_safety);
        assert(!self.claim_open);
        // The consumer polls that line, so it is not ours; meanwhile the record is written.
        cpu.prefetch_for_write(&self.control.head);
        const offset = try self.claim(size, failure) orelse return false;
        if (size <= wire.Lane.payload_max) {
            const words = copy.load_words(from, size);
            // A payload of 1 to 32 bytes owns its whole line, so all four words have room.
            if (size > 0) self.words_at(offset).* = words;
            mark.at(.payload_written);
            self.end_claim(size, message);
            self.publish_alone(words, size, message);
            self.prefetch_next();
        } else {
            copy.copy_out(self.payload_at(offset), from, size, self.capacity);
            mark.at(.payload_written);
            self.end_claim(size, message);
            self.publish();
        }
        self.note_message(size);
        return true;
    }

    /// In a ring larger than the first cache a record's lines come from further away, and the store of
    /// head would wait behind them. Here nobody waits yet.
    inline fn prefetch_next(self: *const Writer) void {
        @setRuntimeSafety(hot_safety);
        const next = self.ring + self.offset_of(self.head);
        cpu.prefetch_for_write(next);
        cpu.prefetch_for_write(next + wire.line_size);
    }

    /// Opens a claim and returns the payload's place in the ring. Null: there is no room, and what
    /// was staged has been published so that the consumer can make some.
    pub inline fn claim(self: *Writer, size: u32, failure: *Failure) error{Corrupt}!?u32 {
        @setRuntimeSafety(hot_safety);
        assert(!self.claim_open);
        assert(size <= self.payload_max());
        const at = self.offset_of(self.head);
        const need = wire.record_size(size);
        const room = self.capacity - at;
        const skip = if (need > room) room else 0;
        if (!self.has_room(skip + need)) {
            try self.refresh_tail(failure);
            if (!self.has_room(skip + need)) {
                self.publish();
                return null;
            }
        }
        self.claim_open = true;
        self.claim_size = size;
        self.claim_skip = skip;
        mark.at(.claim_opened);
        return (if (skip > 0) 0 else at) + wire.header_size;
    }

    /// Ends the open claim with `size` payload bytes in place; published with the next `publish`.
    pub fn stage(self: *Writer, size: u32, message: Envelope) void {
        @setRuntimeSafety(hot_safety);
        self.end_claim(size, message);
        self.note_message(size);
        mark.at(.record_staged);
        if (self.staged == wire.records_per_publish) self.publish();
    }

    /// Ends the open claim and publishes it with all that is staged.
    pub fn commit(self: *Writer, size: u32, message: Envelope) void {
        @setRuntimeSafety(hot_safety);
        const offset: u32 = (if (self.claim_skip > 0) 0 else self.offset_of(self.head)) + wire.header_size;
        self.end_claim(size, message);
        self.note_message(size);
        if (size > wire.Lane.payload_max) return self.publish();
        const words: [4]u64 = if (size > 0) self.words_at(offset).* else @splat(0);
        self.publish_alone(words, size, message);
    }

    /// Ends the open claim as if it had never been.
    pub fn rollback(self: *Writer) void {
        assert(self.claim_open);
        self.claim_open = false;
        mark.at(.claim_rolled_back);
    }

    /// Makes everything staged visible to the consumer.
    pub inline fn publish(self: *Writer) void {
        @setRuntimeSafety(hot_safety);
        if (self.published == self.head) return;
        @atomicStore(u64, &self.control.head, self.head, .release); // Pairs with `Reader.load_head` and `Reader.has_news`.
        mark.at(.published);
        self.published = self.head;
        self.staged = 0;
    }

    /// Like `publish`; a record that is the only one in its publication also goes into the lane.
    inline fn publish_alone(self: *Writer, words: [4]u64, size: u32, message: Envelope) void {
        @setRuntimeSafety(hot_safety);
        if (self.head - self.published == wire.record_size(size) and message.type_id != wire.type_packed)
            self.write_lane(words, size, message);
        self.publish();
    }

    /// Pairs with `Reader.read_lane`: a reader that sees any word of this message sees its `head` too,
    /// or a later one, and one that finds the head it expects after the words has them whole.
    inline fn write_lane(self: *Writer, words: [4]u64, size: u32, message: Envelope) void {
        @setRuntimeSafety(hot_safety);
        const lane = &self.control.lane;
        @atomicStore(u64, &lane.head, self.head, .monotonic);
        cpu.release_fence();
        mark.at(.lane_opened);
        @atomicStore(u64, lane.size_and_type(), pair(size, message.type_id), .monotonic);
        @atomicStore(u64, &lane.correlation_id, message.correlation_id, .monotonic);
        inline for (words, 0..) |word, index| @atomicStore(u64, &lane.payload[index], word, .monotonic);
        mark.at(.lane_written);
    }

    /// Packs messages that lie back to back in `from` into as few records as make sense and publishes
    /// them. Returns how many fitted. Every size is at most `payload_max`, and their sum is in `from`.
    pub fn send_many(self: *Writer, from: []const u8, sizes: []align(1) const u32, type_id: u32, failure: *Failure) error{Corrupt}!u32 {
        @setRuntimeSafety(hot_safety);
        const abilities = @atomicLoad(u32, &self.control.consumer_abilities, .acquire); // Pairs with `Reader.init`.
        const can_pack = abilities & wire.ability_packed != 0;
        const run_max = if (can_pack) @min(packed_payload_max, self.payload_max()) else 0;
        var sent: u32 = 0;
        var from_offset: usize = 0;
        while (sent < sizes.len) {
            const rest = from[from_offset..].ptr;
            var run = measure_run(sizes[sent..], run_max);
            if (!try self.send_run(rest, sizes[sent..], run, type_id, failure)) {
                // There is no room for all of the run; the last room may do for some of it.
                run = measure_run(sizes[sent..], @min(run_max, self.payload_that_fits()));
                if (!try self.send_run(rest, sizes[sent..], run, type_id, failure)) break;
            }
            sent += run.count;
            from_offset += run.source_size;
        }
        self.publish();
        self.messages += sent;
        self.bytes += from_offset;
        return sent;
    }

    const Run = struct { count: u32, source_size: u32, packed_size: u32 };

    /// As many messages as fit into one packed record of `run_max` payload bytes; at least one.
    fn measure_run(sizes: []align(1) const u32, run_max: u32) Run {
        @setRuntimeSafety(hot_safety);
        var run: Run = .{ .count = 0, .source_size = 0, .packed_size = 0 };
        for (sizes) |size| {
            const grown = run.packed_size + wire.entry_size(size);
            if (run.count > 0 and grown > run_max) break;
            run = .{ .count = run.count + 1, .source_size = run.source_size + size, .packed_size = grown };
            if (grown > run_max) break;
        }
        return run;
    }

    /// The largest payload that a claim would take now.
    fn payload_that_fits(self: *const Writer) u32 {
        const free: u32 = @intCast(self.capacity - (self.head - self.tail));
        const room = self.capacity - self.offset_of(self.head);
        const behind_skip = free -| room;
        return @max(@min(free, room), behind_skip) -| wire.header_size;
    }

    /// Sends the first `run.count` messages. A run of one is an ordinary record.
    fn send_run(self: *Writer, from: [*]const u8, sizes: []align(1) const u32, run: Run, type_id: u32, failure: *Failure) error{Corrupt}!bool {
        @setRuntimeSafety(hot_safety);
        const is_packed = run.count > 1;
        const payload_size = if (is_packed) run.packed_size else run.source_size;
        const offset = try self.claim(payload_size, failure) orelse return false;
        if (is_packed) {
            write_entries(self.ring + offset, from, sizes[0..run.count], type_id);
            mark.at(.entries_written);
        } else {
            copy.copy_out(self.payload_at(offset), from, payload_size, self.capacity);
        }
        self.end_claim(payload_size, .{ .type_id = if (is_packed) wire.type_packed else type_id });
        if (is_packed or self.staged == wire.records_per_publish) self.publish();
        return true;
    }

    fn write_entries(to: [*]u8, from: [*]const u8, sizes: []align(1) const u32, type_id: u32) void {
        @setRuntimeSafety(hot_safety);
        var to_offset: usize = 0;
        var from_offset: usize = 0;
        for (sizes) |size| {
            // Sound: entries start on multiples of 8 in a payload that starts on a line.
            const entry: *wire.PackedEntry = @ptrCast(@alignCast(to + to_offset));
            entry.* = .{ .size = size, .type_id = type_id };
            copy.copy(to + to_offset + @sizeOf(wire.PackedEntry), from + from_offset, size);
            to_offset += wire.entry_size(size);
            from_offset += size;
        }
    }

    inline fn note_message(self: *Writer, size: u32) void {
        @setRuntimeSafety(hot_safety);
        self.messages += 1;
        self.bytes += size;
    }

    /// Writes the header (before it a skip, where one is due) and moves head past the record.
    inline fn end_claim(self: *Writer, size: u32, message: Envelope) void {
        @setRuntimeSafety(hot_safety);
        assert(self.claim_open);
        assert(size <= self.claim_size);
        if (self.claim_skip > 0) {
            self.write_skip();
            mark.at(.skip_written);
            self.head += self.claim_skip;
        }
        const need = wire.record_size(size);
        // The header's first three words, in as many stores.
        const header: *[3]u64 = @ptrCast(@alignCast(self.header_at(self.offset_of(self.head))));
        header.* = .{ pair(size, message.type_id), need, message.correlation_id };
        mark.at(.header_written);
        self.head += need;
        self.staged += 1;
        self.claim_open = false;
    }

    fn write_skip(self: *Writer) void {
        const line: *[wire.line_size]u8 = @ptrCast(self.header_at(self.offset_of(self.head)));
        @memset(line, 0);
        self.header_at(self.offset_of(self.head)).size = wire.size_skip;
    }

    inline fn has_room(self: *const Writer, need: u32) bool {
        @setRuntimeSafety(hot_safety);
        return self.head - self.tail + need <= self.capacity;
    }

    fn refresh_tail(self: *Writer, failure: *Failure) error{Corrupt}!void {
        @setRuntimeSafety(hot_safety);
        const tail = @atomicLoad(u64, &self.control.tail, .acquire); // Pairs with `Reader.release`.
        // A consumer can have released no more than was published and no less than before.
        const is_possible = tail -% self.tail <= self.published - self.tail and tail % wire.line_size == 0;
        if (!is_possible) return failure.corrupt(.tail, tail, self.published);
        self.tail = tail;
    }

    /// True when a claim of `size` would succeed. Looks at tail anew.
    pub fn can_claim(self: *Writer, size: u32, failure: *Failure) error{Corrupt}!bool {
        try self.refresh_tail(failure);
        const need = wire.record_size(size);
        const room = self.capacity - self.offset_of(self.head);
        return self.has_room(need + if (need > room) room else 0);
    }

    /// What tail has to reach before a claim of `size` succeeds; wraps below 0 in a ring that was never full.
    pub fn tail_needed(self: *const Writer, size: u32) u64 {
        const need = wire.record_size(size);
        const room = self.capacity - self.offset_of(self.head);
        return self.head + need + (if (need > room) room else 0) -% self.capacity;
    }

    inline fn offset_of(self: *const Writer, position: u64) u32 {
        @setRuntimeSafety(hot_safety);
        return @intCast(position & (self.capacity - 1));
    }

    inline fn header_at(self: *const Writer, offset: u32) *wire.Header {
        @setRuntimeSafety(hot_safety);
        // Sound: records start on lines inside the ring, and `ring` starts on one.
        return @ptrCast(@alignCast(self.ring + offset));
    }

    inline fn payload_at(self: *const Writer, offset: u32) [*]align(wire.line_size) u8 {
        @setRuntimeSafety(hot_safety);
        return @alignCast(self.ring + offset);
    }

    inline fn words_at(self: *const Writer, offset: u32) *[4]u64 {
        @setRuntimeSafety(hot_safety);
        return @ptrCast(@alignCast(self.ring + offset));
    }
};

inline fn pair(low: u32, high: u32) u64 {
    return @as(u64, high) << 32 | low;
}
