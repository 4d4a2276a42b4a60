//! How long each round trip and each handover took, and all messages of one way together.

const std = @import("std");
const memory = @import("memory.zig");
const system = @import("system.zig");
const Clock = @import("clock.zig").Clock;
const Failure = @import("mechanism.zig").Failure;

pub const Samples = struct {
    buffer: memory.Mapping = &.{},
    count: usize = 0,
    last: u64 = 0,

    pub fn reserve(self: *Samples, count: usize, failure: *Failure) error{Forbidden}!void {
        try memory.reserve(&self.buffer, count * @sizeOf(u64), failure);
        self.count = 0;
    }

    /// In ticks.
    inline fn values(self: *const Samples) [*]u64 {
        return @ptrCast(self.buffer.ptr);
    }

    pub inline fn begin(self: *Samples, clock: *const Clock) void {
        self.last = clock.ticks();
    }

    /// The end of one is the start of the next: the clock is read once for each.
    pub inline fn note(self: *Samples, clock: *const Clock) void {
        const now = clock.ticks();
        self.values()[self.count] = now - self.last;
        self.count += 1;
        self.last = now;
    }

    pub fn sum_ns(self: *const Samples, scale: f64) f64 {
        var sum: u64 = 0;
        for (self.values()[0..self.count]) |ticks| sum += ticks;
        return scale * @as(f64, @floatFromInt(sum));
    }

    /// As nanoseconds, each a u32 of little-endian bytes, in the place of the ticks.
    pub fn append_to(self: *Samples, file: i32, scale: f64) error{Unwritten}!void {
        const bytes = self.buffer[0 .. self.count * @sizeOf(u32)];
        for (self.values()[0..self.count], 0..) |ticks, index| {
            const ns = std.math.lossyCast(u32, @round(@as(f64, @floatFromInt(ticks)) * scale));
            std.mem.writeInt(u32, bytes[index * @sizeOf(u32) ..][0..@sizeOf(u32)], ns, .little);
        }
        system.write_all(file, bytes) catch return error.Unwritten;
    }
};
