//! What an arena held before a call, so that a write where there should be none shows.

const std = @import("std");
const core = @import("zerocross_core");
const wire = core.wire;
const Arena = core.Arena;
const capacity_max = @import("arena.zig").capacity_max;
const check = @import("arena.zig").check;

pub const Snapshot = struct {
    control: wire.Control,
    ring: [capacity_max]u8,

    pub fn take(self: *Snapshot, mapping: Arena) void {
        self.control = mapping.control().*;
        @memcpy(self.ring[0..mapping.capacity()], mapping.ring());
    }

    /// Nothing but these fields of the control block was written.
    pub fn check_control(self: *const Snapshot, mapping: Arena, comptime own_fields: anytype) void {
        var expected = self.control;
        inline for (own_fields) |name| @field(expected, name) = @field(mapping.control(), name);
        const is_same = std.mem.eql(u8, std.mem.asBytes(&expected), std.mem.asBytes(mapping.control()));
        check(is_same, "a word of the control block was written that is the peer's", .{});
    }

    /// The bytes at these positions of the ring are what they were.
    pub fn check_ring(self: *const Snapshot, mapping: Arena, from: u64, to: u64) void {
        const capacity = mapping.capacity();
        const size: usize = @intCast(to -% from);
        check(size <= capacity, "the ring holds more than its capacity", .{});
        const start: usize = @intCast(from % capacity);
        const first = @min(size, capacity - start);
        self.check_bytes(mapping, start, first);
        self.check_bytes(mapping, 0, size - first);
    }

    fn check_bytes(self: *const Snapshot, mapping: Arena, start: usize, size: usize) void {
        const is_same = std.mem.eql(u8, self.ring[start..][0..size], mapping.ring()[start..][0..size]);
        check(is_same, "the ring was written where nothing was to be written", .{});
    }
};
