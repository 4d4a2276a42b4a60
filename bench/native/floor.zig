//! What nothing can be faster than: a cache line that goes from core to core, a system call that does
//! nothing, and a copy within one process.

const linux = @import("std").os.linux;
const core = @import("zerocross_core");
const memory = @import("memory.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// A line that its sender writes and the other side polls. A message overwrites the one before it, so
/// each needs an answer: there is no one-way form.
pub const BareLine = struct {
    pub const forms: mechanism.Forms = .{ .one_way = false, .spins = true };

    line: *Line = undefined,
    /// Messages that were sent or received here.
    count: u64 = 0,
    size_max: ?u32 = payload_max,

    const Line = extern struct { count: u64, bytes: [payload_max]u8 };
    const payload_max = 56;

    pub fn open(self: *BareLine, failure: *Failure) error{Forbidden}!void {
        self.line = try memory.shared(Line, failure);
    }

    pub inline fn send(self: *BareLine, bytes: []const u8) Error!void {
        core.copy.copy(&self.line.bytes, bytes.ptr, bytes.len);
        self.count += 1;
        @atomicStore(u64, &self.line.count, self.count, .release); // Pairs with the load in `receive`.
    }

    pub inline fn receive(self: *BareLine, into: []u8) Error!usize {
        self.count += 1;
        while (@atomicLoad(u64, &self.line.count, .acquire) != self.count) core.cpu.pause();
        core.copy.copy(into.ptr, &self.line.bytes, into.len);
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

/// Out of memory that is in no cache, and into such. Made by the first side alone, as the empty call is.
pub const Memcpy = struct {
    pub const forms: mechanism.Forms = .{ .round_trip = false };

    from: memory.Mapping = &.{},
    to: memory.Mapping = &.{},
    size: u32 = 0,
    next: usize = 0,
    size_max: ?u32 = half,

    /// More than the caches of a processor's cores together.
    const half = 128 << 20;

    pub fn prepare(self: *Memcpy, end: mechanism.End, _: mechanism.Form, size: u32, failure: *Failure) error{Forbidden}!void {
        if (end == .receiving) return;
        try memory.reserve(&self.from, half, failure);
        try memory.reserve(&self.to, half, failure);
        self.size = size;
    }

    pub fn call(self: *Memcpy) void {
        if (self.next + self.size > half) self.next = 0;
        @memcpy(self.to[self.next..][0..self.size], self.from[self.next..][0..self.size]);
        self.next += self.size;
    }
};
