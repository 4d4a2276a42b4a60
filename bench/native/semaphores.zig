//! Waiting with two semaphores each way, "full" and "empty": the bounded buffer of the textbooks.

const std = @import("std");
const linux = std.os.linux;
const slots = @import("slots.zig");
const futex = @import("futex.zig");
const keeper = @import("keeper.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// What sem_t is in glibc: the value and the number of sleepers in one word of 64 bits, so that
/// `post` sees both at once and calls the kernel only when somebody sleeps. Does not spin.
const Semaphore = extern struct {
    word: u64,

    const one_sleeper: u64 = 1 << 32;

    fn wait(self: *Semaphore) Error!void {
        if (self.take(1)) return;
        // Relaxed: `post` reads the count of sleepers in the same word that it adds to.
        _ = @atomicRmw(u64, &self.word, .Add, one_sleeper, .monotonic);
        while (!self.take(one_sleeper + 1)) try futex.wait(self.value_word(), 0);
    }

    /// Takes one, and in the same step what else is to be taken off the word.
    fn take(self: *Semaphore, off: u64) bool {
        // Relaxed: the exchange below is what acquires.
        var word = @atomicLoad(u64, &self.word, .monotonic);
        while (value_of(word) > 0) {
            // Acquire: pairs with the addition in `post`.
            word = @cmpxchgWeak(u64, &self.word, word, word - off, .acquire, .monotonic) orelse return true;
        }
        return false;
    }

    fn post(self: *Semaphore) Error!void {
        // Release: pairs with the exchange in `take`.
        const before = @atomicRmw(u64, &self.word, .Add, 1, .release);
        if (before >= one_sleeper) try futex.wake(self.value_word());
    }

    fn value_of(word: u64) u32 {
        return @truncate(word);
    }

    /// The half that holds the value: the first on the little-endian machines that this is built for.
    fn value_word(self: *Semaphore) *const u32 {
        const halves: *const [2]u32 = @ptrCast(&self.word);
        return &halves[0];
    }
};

pub const Posix = struct {
    pub const forms: mechanism.Forms = .{};
    pub const State = extern struct {
        full: Semaphore align(slots.line_size),
        empty: Semaphore align(slots.line_size),
    };
    const Way = slots.Way(State);

    pub fn open(self: *Posix, failure: *Failure) error{Forbidden}!void {
        _ = self;
        _ = failure;
    }

    /// The receiver does not touch "empty" before it has received something.
    pub fn prepare(self: *Posix, sending: Way, receiving: Way, count: u32) Error!void {
        _ = self;
        _ = receiving;
        // Relaxed: the first `post` of "full" publishes it.
        @atomicStore(u64, &sending.state.empty.word, count, .monotonic);
    }

    pub fn before_send(self: *Posix, way: Way, slot: u32) Error!void {
        _ = self;
        _ = slot;
        try way.state.empty.wait();
    }

    pub fn after_send(self: *Posix, way: Way, slot: u32) Error!void {
        _ = self;
        _ = slot;
        try way.state.full.post();
    }

    pub fn before_receive(self: *Posix, way: Way, slot: u32) Error!void {
        _ = self;
        _ = slot;
        try way.state.full.wait();
    }

    pub fn after_receive(self: *Posix, way: Way, slot: u32) Error!void {
        _ = self;
        _ = slot;
        try way.state.empty.post();
    }

    pub fn close(self: *Posix) void {
        _ = self;
    }
};

/// A set of four System V semaphores: "full" and "empty" of one direction, then of the other. The
/// kernel orders the payload: whoever is let through comes after the one that let it.
pub const SystemV = struct {
    pub const forms: mechanism.Forms = .{};
    pub const State = extern struct {};
    const Way = slots.Way(State);

    const Operation = extern struct { number: u16, change: i16, flags: i16 };

    kept: keeper.Kept = .{},

    pub fn open(self: *SystemV, failure: *Failure) error{Forbidden}!void {
        try self.kept.make(.{ .semaphores = 4 }, failure);
    }

    /// The receiver does not touch "empty" before it has received something.
    pub fn prepare(self: *SystemV, sending: Way, receiving: Way, count: u32) Error!void {
        _ = receiving;
        const set_value = 16;
        const result = linux.syscall4(.semctl, self.kept.id.?, empty_of(sending), set_value, count);
        if (linux.errno(result) != .SUCCESS) return error.System;
    }

    pub fn before_send(self: *SystemV, way: Way, slot: u32) Error!void {
        _ = slot;
        try self.change(empty_of(way), -1);
    }

    pub fn after_send(self: *SystemV, way: Way, slot: u32) Error!void {
        _ = slot;
        try self.change(full_of(way), 1);
    }

    pub fn before_receive(self: *SystemV, way: Way, slot: u32) Error!void {
        _ = slot;
        try self.change(full_of(way), -1);
    }

    pub fn after_receive(self: *SystemV, way: Way, slot: u32) Error!void {
        _ = slot;
        try self.change(empty_of(way), 1);
    }

    pub fn close(self: *SystemV) void {
        self.kept.remove();
    }

    fn full_of(way: Way) u16 {
        return 2 * @as(u16, way.index);
    }

    fn empty_of(way: Way) u16 {
        return full_of(way) + 1;
    }

    fn change(self: *SystemV, number: u16, by: i16) Error!void {
        const operation: Operation = .{ .number = number, .change = by, .flags = 0 };
        while (true) {
            const result = if (@hasField(linux.SYS, "semop"))
                linux.syscall3(.semop, self.kept.id.?, @intFromPtr(&operation), 1)
            else
                linux.syscall4(.semtimedop, self.kept.id.?, @intFromPtr(&operation), 1, 0);
            if (try keeper.succeeded(result)) return;
        }
    }
};
