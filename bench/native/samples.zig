//! How long each round trip and each handover took.

const std = @import("std");
const memory = @import("memory.zig");
const stream = @import("stream.zig");
const Clock = @import("clock.zig").Clock;

pub const Samples = struct {
    clock: *const Clock,
    buffer: memory.Buffer = .{},
    /// Of the current part; in ticks, and no more than fit: 1.4 s of a counter at 3 GHz.
    values: []u32 = &.{},
    count: usize = 0,
    start: u64 = 0,
    last: u64 = 0,

    pub fn reserve(self: *Samples, count: u32) error{OutOfMemory}!void {
        try self.buffer.reserve(@as(usize, count) * @sizeOf(u32));
        self.values = @ptrCast(self.buffer.bytes[0 .. count * @sizeOf(u32)]);
    }

    pub inline fn begin(self: *Samples) void {
        self.count = 0;
        self.start = self.clock.ticks();
        self.last = self.start;
    }

    /// The end of one round trip is the start of the next: the clock is read once for each.
    pub inline fn note(self: *Samples) void {
        const now = self.clock.ticks();
        self.values[self.count] = std.math.lossyCast(u32, now - self.last);
        self.count += 1;
        self.last = now;
    }

    /// Of messages that go one way.
    pub fn end(self: *Samples) void {
        self.last = self.clock.ticks();
    }

    pub fn elapsed_ticks(self: *const Samples) u64 {
        return self.last - self.start;
    }

    /// As nanoseconds, each a u32 of little-endian bytes.
    pub fn append_to(self: *Samples, file: i32, scale: f64) error{System}!void {
        const values = self.values[0..self.count];
        for (values) |*value| {
            const ns = std.math.lossyCast(u32, @round(@as(f64, @floatFromInt(value.*)) * scale));
            value.* = std.mem.nativeToLittle(u32, ns);
        }
        stream.write_all(file, std.mem.sliceAsBytes(values)) catch return error.System;
    }
};

pub const Handovers = struct {
    ticks: [max]u64 = undefined,
    count: usize = 0,

    /// Their times are answered in one line.
    pub const max = 1000;

    pub fn note(self: *Handovers, ticks: u64) void {
        self.ticks[self.count] = ticks;
        self.count += 1;
    }

    pub fn sum_ns(self: *const Handovers, scale: f64) f64 {
        var sum: u64 = 0;
        for (self.ticks[0..self.count]) |ticks| sum += ticks;
        return @as(f64, @floatFromInt(sum)) * scale;
    }

    /// As a further field of an answer.
    pub fn list_ms(self: *const Handovers, scale: f64, buffer: []u8) []const u8 {
        var writer: std.Io.Writer = .fixed(buffer);
        writer.writeAll(",\"milliseconds\":[") catch unreachable;
        for (self.ticks[0..self.count], 0..) |ticks, index| {
            const ms = @as(f64, @floatFromInt(ticks)) * scale / std.time.ns_per_ms;
            writer.print("{s}{d:.3}", .{ if (index == 0) "" else ",", ms }) catch unreachable;
        }
        writer.writeAll("]") catch unreachable;
        return writer.buffered();
    }
};
