//! What nothing can be faster than: a cache line that goes from core to core, and a system call that
//! does nothing.

const linux = @import("std").os.linux;
const core = @import("zerocross_core");
const memory = @import("memory.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// One line each way that its sender writes and the other side polls. A message overwrites the one
/// before it, so each needs an answer: there is no one-way form.
pub const BareLine = struct {
    pub const forms: mechanism.Forms = .{ .one_way = false, .spins = true };

    lines: *[2]Line = undefined,
    out: *Line = undefined,
    in: *Line = undefined,
    sent: u64 = 0,
    received: u64 = 0,
    size_max: ?u32 = payload_max,

    /// Two lines apart: processors fetch lines in pairs.
    const Line = extern struct {
        count: u64 align(memory.line_size),
        bytes: [payload_max]u8,
    };
    const payload_max = 56;

    pub fn open(self: *BareLine, failure: *Failure) error{Forbidden}!void {
        self.lines = try memory.shared([2]Line, failure);
    }

    pub fn take_side(self: *BareLine, side: mechanism.Side, _: *Failure) error{Forbidden}!void {
        self.out = &self.lines[@intFromEnum(side)];
        self.in = &self.lines[1 - @intFromEnum(side)];
    }

    pub inline fn send(self: *BareLine, bytes: []const u8) Error!void {
        core.copy.copy(&self.out.bytes, bytes.ptr, bytes.len);
        self.sent += 1;
        @atomicStore(u64, &self.out.count, self.sent, .release); // Pairs with the load in `receive`.
    }

    pub inline fn receive(self: *BareLine, into: []u8) Error!usize {
        self.received += 1;
        while (@atomicLoad(u64, &self.in.count, .acquire) != self.received) core.cpu.pause();
        core.copy.copy(into.ptr, &self.in.bytes, into.len);
        return into.len;
    }
};

/// Made by the first side; the second one has nothing to do.
pub const EmptyCall = struct {
    pub const forms: mechanism.Forms = .{ .one_way = false };

    pub inline fn call(_: *EmptyCall) void {
        _ = linux.getppid();
    }
};
