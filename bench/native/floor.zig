//! What nothing can be faster than: a cache line that goes from core to core, and a system call that
//! does nothing.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const mechanism = @import("mechanism.zig");
const memory = @import("memory.zig");
const Side = mechanism.Side;
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// One line each way that its sender writes and the other side polls. A message overwrites the one
/// before it, so each needs an answer: there is no one-way form.
pub const BareLine = struct {
    lines: *[2]Line = undefined,
    sent: u64 = 0,
    received: u64 = 0,

    /// Two lines apart: processors fetch lines in pairs.
    const Line = extern struct {
        count: u64 align(128),
        bytes: [payload_max]u8,
    };
    const payload_max = 56;

    pub const forms: mechanism.Forms = .{ .one_way = false, .spins = true };

    pub fn open(self: *BareLine, failure: *Failure) error{Forbidden}!void {
        self.lines = try memory.shared([2]Line, failure);
    }

    pub fn take_side(_: *BareLine, _: Side, _: *Failure) error{Forbidden}!void {}

    pub fn max_size(_: *const BareLine) ?u32 {
        return payload_max;
    }

    pub inline fn send(self: *BareLine, side: Side, bytes: []const u8) Error!void {
        const line = &self.lines[@intFromEnum(side)];
        core.copy.copy(&line.bytes, bytes.ptr, bytes.len);
        self.sent += 1;
        @atomicStore(u64, &line.count, self.sent, .release); // Pairs with the load in `receive`.
    }

    pub inline fn receive(self: *BareLine, side: Side, into: []u8) Error!usize {
        const line = &self.lines[1 - @intFromEnum(side)];
        self.received += 1;
        while (@atomicLoad(u64, &line.count, .acquire) != self.received) core.cpu.pause();
        core.copy.copy(into.ptr, &line.bytes, into.len);
        return into.len;
    }
};

pub const EmptyCall = struct {
    pub const forms: mechanism.Forms = .{ .one_way = false, .alone = true };

    pub inline fn call(_: *EmptyCall) void {
        _ = linux.getppid();
    }
};
