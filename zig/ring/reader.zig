//! The consumer's end of a ring: finds records, checks them, releases them. No system call.
//!
//! Nothing that the other side wrote is believed twice: head and every header are copied to locals
//! once, the copies are checked, and only the copies are used. A header that has to be read once more,
//! because its message did not fit, must say the same size again.

const std = @import("std");
const assert = std.debug.assert;
const wire = @import("wire.zig");
const cpu = @import("../os/cpu.zig");
const copy = @import("copy.zig");
const mark = @import("../os/mark.zig");
/// Off in what is shipped, for what each message passes through (build.zig).
const hot_safety = @import("settings").hot_safety;
const Counters = @import("counters.zig").Counters;
const Arena = @import("arena.zig").Arena;
const Failure = @import("../failure.zig").Failure;

/// A checked message: `size` payload bytes at `offset` of the ring lie inside it.
pub const Message = struct {
    offset: u32,
    size: u32,
    type_id: u32,
    correlation_id: u64,
    /// Bytes of its record; 0 for an entry of a packed one.
    reserved: u32,
};

/// What a copying receive answers besides the bytes.
pub const Received = struct {
    size: u32,
    type_id: u32,
    correlation_id: u64,
};

/// What a drain writes for each message, as TypeScript reads it.
pub const Place = extern struct {
    /// From the start of the mapping.
    offset: u32,
    size: u32,
    type_id: u32,
};

pub const ReceiveError = error{ Corrupt, TooLarge };

pub const Reader = struct {
    control: *wire.Control,
    ring: [*]align(wire.line_size) u8,
    capacity: u32,

    /// The end of the last record that was wholly consumed.
    position: u64,
    /// The newest head that was read and believed.
    head: u64,
    /// What the control block's tail says.
    released: u64,
    /// Records between `released` and `position`.
    unreleased: u32 = 0,

    /// The packed record at `position` that is being handed out; empty when there is none.
    entries: Entries = .{},

    /// The size of the next message, when it was told because it did not fit.
    told_size: ?u32 = null,

    messages: u64 = 0,
    bytes: u64 = 0,

    const Entries = struct {
        /// Ring offsets: of the next entry and of the end of the payload.
        next: u32 = 0,
        end: u32 = 0,
        /// Bytes of the whole record, given up after its last entry.
        reserved: u32 = 0,
    };

    /// `extra_abilities`: besides unpacking, which every reader of ours does.
    pub fn init(mapping: Arena, extra_abilities: u32, failure: *Failure) error{Corrupt}!Reader {
        const control = mapping.control();
        const counters = try Counters.load(control, mapping.capacity(), failure);
        // Release: pairs with `Writer.send_many` and `Rpc.peer_abilities`.
        @atomicStore(u32, &control.consumer_abilities, wire.ability_packed | extra_abilities, .release);
        mark.at(.reader_opened);
        return .{
            .control = control,
            .ring = mapping.ring().ptr,
            .capacity = mapping.capacity(),
            .position = counters.tail,
            // Head was believed only for `Counters.load`; it is read again when records are wanted.
            .head = counters.tail,
            .released = counters.tail,
        };
    }

    /// Copies the next message into `into` and consumes it. Null: nothing there. When it does not
    /// fit, `failure.found` is its size, it stays, and it must keep that size.
    pub inline fn receive(self: *Reader, into: []u8, failure: *Failure) ReceiveError!?Received {
        @setRuntimeSafety(hot_safety);
        if (self.position == self.head and self.entries.reserved == 0) {
            const head = try self.load_head(failure);
            if (head == self.position) return null;
            if (self.read_lane(head)) |lane| {
                // What does not fit is told from the ring, where it will be looked for again.
                if (lane.size <= into.len) {
                    copy.store_words(into.ptr, lane.words, lane.size);
                    mark.at(.message_copied);
                    self.finish_record(@intCast(head - self.head));
                    self.head = head;
                    self.note_message(lane.size);
                    return .{ .size = lane.size, .type_id = lane.type_id, .correlation_id = lane.correlation_id };
                }
            }
            self.head = head;
        }
        const message = try self.peek(failure) orelse return null;
        if (message.size > into.len) return self.tell_size(message.size, into.len, failure);
        copy.copy(into.ptr, self.ring + message.offset, message.size);
        mark.at(.message_copied);
        self.consume(message);
        return .{ .size = message.size, .type_id = message.type_id, .correlation_id = message.correlation_id };
    }

    /// Writes the places of the next messages and consumes them; their bytes stay until `release`.
    pub fn drain(self: *Reader, places: []align(1) Place, failure: *Failure) error{Corrupt}!u32 {
        @setRuntimeSafety(hot_safety);
        if (self.position == self.head) self.head = try self.load_head(failure);
        if (self.told_size) |size| try self.check_told(size, try self.find(failure), failure);
        var count: u32 = 0;
        while (count < places.len) : (count += 1) {
            const message = self.find(failure) catch |err| {
                // What came before the fault is good and is delivered first.
                if (count > 0) break;
                return err;
            } orelse break;
            places[count] = .{
                .offset = wire.control_size + message.offset,
                .size = message.size,
                .type_id = message.type_id,
            };
            self.consume(message);
        }
        if (count > 0) mark.at(.messages_drained);
        return count;
    }

    /// Gives everything consumed back to the producer. False: there was nothing to give.
    pub inline fn release(self: *Reader) bool {
        @setRuntimeSafety(hot_safety);
        if (self.released == self.position) return false;
        @atomicStore(u64, &self.control.tail, self.position, .release); // Pairs with `Writer.refresh_tail`.
        mark.at(.released);
        self.released = self.position;
        self.unreleased = 0;
        return true;
    }

    /// The wire's rule for releasing while messages flow. Waiting for the count alone could stop both
    /// sides: a few large records fill the ring before it is reached.
    pub inline fn release_is_due(self: *const Reader) bool {
        @setRuntimeSafety(hot_safety);
        return self.unreleased >= wire.records_per_publish or
            self.position - self.released >= self.capacity / 4;
    }

    /// True when there is a record, or the rest of one, that was not consumed. Looks at head anew.
    pub inline fn has_news(self: *const Reader) bool {
        @setRuntimeSafety(hot_safety);
        if (self.head != self.position) return true;
        return @atomicLoad(u64, &self.control.head, .acquire) != self.position; // Pairs with `Writer.publish`.
    }

    /// The message does not fit, and whoever receives has to come again with room for it.
    fn tell_size(self: *Reader, size: u32, room: usize, failure: *Failure) error{TooLarge} {
        @branchHint(.cold);
        self.told_size = size;
        failure.* = .{ .found = size, .expected = room };
        return error.TooLarge;
    }

    /// The next message, checked and not yet consumed. Null: none was published up to `head`.
    inline fn peek(self: *Reader, failure: *Failure) error{Corrupt}!?Message {
        @setRuntimeSafety(hot_safety);
        const message = try self.find(failure);
        if (self.told_size) |size| try self.check_told(size, message, failure);
        return message;
    }

    /// Not for each message of a drain, of which only the first can have been told.
    fn check_told(self: *Reader, size: u32, message: ?Message, failure: *Failure) error{Corrupt}!void {
        @branchHint(.cold);
        self.told_size = null;
        const found = if (message) |it| it.size else 0;
        if (message == null or found != size) return failure.corrupt(.size_changed, found, size);
    }

    inline fn find(self: *Reader, failure: *Failure) error{Corrupt}!?Message {
        @setRuntimeSafety(hot_safety);
        while (true) {
            if (self.entries.reserved > 0) {
                if (try self.peek_entry(failure)) |message| return message;
            } else if (self.position == self.head) {
                return null;
            } else if (try self.peek_record(failure)) |message| {
                return message;
            }
        }
    }

    /// Consumes what `peek` returned.
    inline fn consume(self: *Reader, message: Message) void {
        @setRuntimeSafety(hot_safety);
        if (message.reserved > 0) {
            self.finish_record(message.reserved);
        } else {
            self.entries.next += wire.entry_size(message.size);
            if (self.entries.next >= self.entries.end) self.finish_entries();
        }
        self.note_message(message.size);
    }

    inline fn finish_record(self: *Reader, reserved: u32) void {
        @setRuntimeSafety(hot_safety);
        self.position += reserved;
        self.unreleased += 1;
    }

    fn finish_entries(self: *Reader) void {
        @setRuntimeSafety(hot_safety);
        self.finish_record(self.entries.reserved);
        self.entries = .{};
    }

    inline fn note_message(self: *Reader, size: u32) void {
        @setRuntimeSafety(hot_safety);
        self.messages += 1;
        self.bytes += size;
    }

    /// The record at `position`, which lies before `head`. Null: it held no message itself; it was a
    /// skip, which is behind us now, or a packed record, which is open now.
    inline fn peek_record(self: *Reader, failure: *Failure) error{Corrupt}!?Message {
        @setRuntimeSafety(hot_safety);
        const at: u32 = @intCast(self.position & (self.capacity - 1));
        const header = self.load_header(at);
        if (header.size == wire.size_skip) {
            try self.skip_to_start(at, failure);
            return null;
        }
        try self.check_header(header, at, failure);
        const offset = at + wire.header_size;
        if (header.type_id == wire.type_packed and self.producer_packs()) {
            self.entries = .{ .next = offset, .end = offset + header.size, .reserved = header.reserved };
            if (header.size == 0) self.finish_entries();
            return null;
        }
        return .{
            .offset = offset,
            .size = header.size,
            .type_id = header.type_id,
            .correlation_id = header.correlation_id,
            .reserved = header.reserved,
        };
    }

    const HeaderCopy = struct { size: u32, type_id: u32, reserved: u32, correlation_id: u64 };

    /// Each word is loaded exactly once (relaxed: head, acquired before, orders them after the
    /// producer's stores), so what is checked is what is used.
    inline fn load_header(self: *const Reader, at: u32) HeaderCopy {
        @setRuntimeSafety(hot_safety);
        // Sound: positions are multiples of a line inside the ring, and `ring` starts on a line.
        const words: *const [3]u64 = @ptrCast(@alignCast(self.ring + at));
        const size_and_type = @atomicLoad(u64, &words[0], .monotonic);
        const reserved = @atomicLoad(u64, &words[1], .monotonic);
        return .{
            .size = @truncate(size_and_type),
            .type_id = @truncate(size_and_type >> 32),
            .reserved = @truncate(reserved),
            .correlation_id = @atomicLoad(u64, &words[2], .monotonic),
        };
    }

    inline fn check_header(self: *const Reader, header: HeaderCopy, at: u32, failure: *Failure) error{Corrupt}!void {
        @setRuntimeSafety(hot_safety);
        const reserved = header.reserved;
        if (reserved < wire.header_size or reserved % wire.line_size != 0)
            return failure.corrupt(.header_reserved, reserved, wire.line_size);
        const end_max = @min(self.head - self.position, self.capacity - at);
        if (reserved > end_max) return failure.corrupt(.header_end, reserved, end_max);
        if (header.size > reserved - wire.header_size)
            return failure.corrupt(.header_size, header.size, reserved - wire.header_size);
    }

    fn skip_to_start(self: *Reader, at: u32, failure: *Failure) error{Corrupt}!void {
        // At the start there is nothing to skip: this also ends a second skip in a row.
        if (at == 0) return failure.corrupt(.skip, 0, 0);
        const room = self.capacity - at;
        if (room > self.head - self.position) return failure.corrupt(.skip, room, self.head - self.position);
        self.position += room;
    }

    /// Without this ability a record of the packed type is an ordinary message of a foreign producer.
    fn producer_packs(self: *const Reader) bool {
        const abilities = @atomicLoad(u32, &self.control.producer_abilities, .acquire); // Pairs with `Writer.init`.
        return abilities & wire.ability_packed != 0;
    }

    inline fn peek_entry(self: *Reader, failure: *Failure) error{Corrupt}!?Message {
        @setRuntimeSafety(hot_safety);
        const left = self.entries.end - self.entries.next;
        if (left < @sizeOf(wire.PackedEntry)) return failure.corrupt(.entry, left, @sizeOf(wire.PackedEntry));
        // Sound: entries start on multiples of 8 in a payload that starts on a line. Loaded once.
        const word: *const u64 = @ptrCast(@alignCast(self.ring + self.entries.next));
        const size_and_type = @atomicLoad(u64, word, .monotonic);
        const size: u32 = @truncate(size_and_type);
        if (size > left - @sizeOf(wire.PackedEntry)) return failure.corrupt(.entry, size, left - @sizeOf(wire.PackedEntry));
        return .{
            .offset = self.entries.next + @sizeOf(wire.PackedEntry),
            .size = size,
            .type_id = @truncate(size_and_type >> 32),
            .correlation_id = 0,
            .reserved = 0,
        };
    }

    inline fn load_head(self: *Reader, failure: *Failure) error{Corrupt}!u64 {
        @setRuntimeSafety(hot_safety);
        const head = @atomicLoad(u64, &self.control.head, .acquire); // Pairs with `Writer.publish`.
        // A producer publishes no less than before and no more than what was released makes room for.
        const grown_max = self.capacity - (self.head - self.released);
        if (head -% self.head > grown_max or head % wire.line_size != 0)
            return failure.corrupt(.head, head, self.head + grown_max);
        return head;
    }

    const LaneCopy = struct { size: u32, type_id: u32, correlation_id: u64, words: [4]u64 };

    /// The message that ends at `head`, when it lies in the lane whole and is the next one. Pairs with
    /// `Writer.write_lane`. The lane is only a shortcut: null means that the ring has to be read.
    inline fn read_lane(self: *const Reader, head: u64) ?LaneCopy {
        @setRuntimeSafety(hot_safety);
        const lane = &self.control.lane;
        const size_and_type = @atomicLoad(u64, lane.size_and_type(), .monotonic);
        const correlation_id = @atomicLoad(u64, &lane.correlation_id, .monotonic);
        var words: [4]u64 = undefined;
        inline for (&words, 0..) |*word, index| word.* = @atomicLoad(u64, &lane.payload[index], .monotonic);
        cpu.acquire_fence();
        if (@atomicLoad(u64, &lane.head, .monotonic) != head) return null;
        const size: u32 = @truncate(size_and_type);
        const type_id: u32 = @truncate(size_and_type >> 32);
        if (size > wire.Lane.payload_max or head - self.position != wire.record_size(size)) return null;
        if (type_id == wire.type_packed) return null;
        return .{ .size = size, .type_id = type_id, .correlation_id = correlation_id, .words = words };
    }
};
