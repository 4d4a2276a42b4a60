//! What a consumer has to make of the bytes of an arena, written from docs/wire.md alone: the message
//! that comes next, nothing, or corruption.

const core = @import("zerocross_core");
const wire = core.wire;
const Reader = core.Reader;
const Arena = core.Arena;

pub const Message = struct {
    size: u32,
    type_id: u32,
    correlation_id: u64 = 0,
    payload: [*]const u8,
};

pub const Next = union(enum) { none, corrupt, message: Message };

pub const Model = struct {
    mapping: Arena,
    /// What the consumer knows by itself and does not read back.
    position: u64,
    head: u64,
    released: u64,
    entries_at: u32,
    entries_end: u32,
    entries_reserved: u32,

    pub fn of(reader: *const Reader, mapping: Arena) Model {
        return .{
            .mapping = mapping,
            .position = reader.position,
            .head = reader.head,
            .released = reader.released,
            .entries_at = reader.entries.next,
            .entries_end = reader.entries.end,
            .entries_reserved = reader.entries.reserved,
        };
    }

    /// What a receive finds, which looks into the lane as well.
    pub fn receive(self: *Model) Next {
        if (self.position != self.head) return self.next();
        if (!self.take_head()) return .corrupt;
        const lane = &self.mapping.control().lane;
        const is_alone = lane.size <= wire.Lane.payload_max and self.head - self.position == wire.record_size(lane.size);
        if (lane.head != self.head or !is_alone or lane.type_id == wire.type_packed) return self.next();
        self.position = self.head;
        return .{ .message = .{
            .size = lane.size,
            .type_id = lane.type_id,
            .correlation_id = lane.correlation_id,
            .payload = @ptrCast(&lane.payload),
        } };
    }

    /// What a drain finds first; `next` says what it finds behind that.
    pub fn drain_first(self: *Model) Next {
        if (self.position == self.head and !self.take_head()) return .corrupt;
        return self.next();
    }

    fn take_head(self: *Model) bool {
        const head = self.mapping.control().head;
        const is_possible = head % wire.line_size == 0 and head >= self.head and
            head - self.released <= self.mapping.capacity();
        if (is_possible) self.head = head;
        return is_possible;
    }

    /// The next message in the ring, consumed.
    pub fn next(self: *Model) Next {
        while (true) {
            if (self.entries_reserved > 0) return self.next_entry();
            if (self.position == self.head) return .none;
            const at: u32 = @intCast(self.position % self.mapping.capacity());
            const to_end = self.mapping.capacity() - at;
            const room: u64 = @min(self.head - self.position, to_end);
            const header = self.header_at(at);
            if (header.size == wire.size_skip) {
                if (at == 0 or room < to_end) return .corrupt;
                self.position += to_end;
                continue;
            }
            const reserved = header.reserved;
            if (reserved < 64 or reserved % 64 != 0 or reserved > room or header.size > reserved - 64) return .corrupt;
            const packs = self.mapping.control().producer_abilities & 0b10 != 0;
            if (header.type_id != wire.type_packed or !packs) {
                self.position += reserved;
                return .{ .message = self.message_at(at + 64, header.size, header.type_id, header.correlation_id) };
            }
            if (header.size == 0) {
                self.position += reserved;
            } else {
                self.entries_at = at + 64;
                self.entries_end = at + 64 + header.size;
                self.entries_reserved = reserved;
            }
        }
    }

    fn next_entry(self: *Model) Next {
        const left = self.entries_end - self.entries_at;
        if (left < 8) return .corrupt;
        const header = self.header_at(self.entries_at);
        if (header.size > left - 8) return .corrupt;
        const message = self.message_at(self.entries_at + 8, header.size, header.type_id, 0);
        self.entries_at += wire.entry_size(header.size);
        if (self.entries_at >= self.entries_end) {
            self.position += self.entries_reserved;
            self.entries_reserved = 0;
        }
        return .{ .message = message };
    }

    /// Of an entry only the first two fields are there; the rest is not looked at.
    fn header_at(self: *const Model, at: u32) *align(8) const wire.Header {
        return @ptrCast(@alignCast(self.mapping.ring()[at..].ptr));
    }

    fn message_at(self: *const Model, at: u32, size: u32, type_id: u32, correlation_id: u64) Message {
        return .{
            .size = size,
            .type_id = type_id,
            .correlation_id = correlation_id,
            .payload = self.mapping.ring()[at..][0..size].ptr,
        };
    }
};
