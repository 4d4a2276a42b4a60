//! Waiting for a slot as one would write it first: by looking again, and with a mutex and two conditions.

const std = @import("std");
const memory = @import("memory.zig");
const slots = @import("slots.zig");
const system = @import("system.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;

/// A flag for each slot, alone in its line. No system call, no sleep. Between commands every flag says empty,
/// whatever the number of slots was.
pub const Spin = struct {
    pub const forms: mechanism.Forms = .{ .spins = true };

    const empty: u32 = 0;
    const full: u32 = 1;

    flags: [slots.slots_max]Flag = @splat(.{}),

    const Flag = struct { word: u32 align(memory.line_size) = empty };

    pub fn await_empty(self: *Spin, slot: u32) Error!void {
        // Acquire: pairs with `announce_empty`, whose side is done reading the slot.
        while (@atomicLoad(u32, &self.flags[slot].word, .acquire) != empty) std.atomic.spinLoopHint();
    }

    pub fn announce_full(self: *Spin, slot: u32) Error!void {
        // Release: publishes the payload to `await_full`.
        @atomicStore(u32, &self.flags[slot].word, full, .release);
    }

    pub fn await_full(self: *Spin, slot: u32) Error!void {
        // Acquire: pairs with `announce_full`.
        while (@atomicLoad(u32, &self.flags[slot].word, .acquire) != full) std.atomic.spinLoopHint();
    }

    pub fn announce_empty(self: *Spin, slot: u32) Error!void {
        // Release: gives the slot back to `await_empty`.
        @atomicStore(u32, &self.flags[slot].word, empty, .release);
    }
};

/// The mutex of three states from Ulrich Drepper's "Futexes Are Tricky". The core's is for one process.
const Mutex = extern struct {
    word: u32 = free,

    const free: u32 = 0;
    const locked: u32 = 1;
    /// Locked, and somebody may sleep until it is free.
    const contended: u32 = 2;

    fn lock(self: *Mutex) Error!void {
        // Acquire, here and below: pairs with the swap in `unlock`.
        if (@cmpxchgStrong(u32, &self.word, free, locked, .acquire, .monotonic) == null) return;
        // Whoever slept cannot know whether the other still does, so it takes the lock as contended.
        while (@atomicRmw(u32, &self.word, .Xchg, contended, .acquire) != free)
            try system.futex_wait(&self.word, contended);
    }

    fn unlock(self: *Mutex) Error!void {
        // Release: pairs with the ones in `lock`.
        if (@atomicRmw(u32, &self.word, .Xchg, free, .release) == contended) try system.futex_wake(&self.word);
    }
};

/// Used by whoever has the mutex locked. At most one side waits.
const Condition = extern struct {
    /// Goes up with each wake-up, so that one between `unlock` and the sleep is not missed.
    sequence: u32 = 0,
    is_waited_for: bool = false,

    fn wait(self: *Condition, mutex: *Mutex) Error!void {
        self.is_waited_for = true;
        // Relaxed, as in `signal`: the mutex orders them, and the kernel compares before it sleeps.
        const sequence = @atomicLoad(u32, &self.sequence, .monotonic);
        try mutex.unlock();
        try system.futex_wait(&self.sequence, sequence);
        try mutex.lock();
    }

    /// True: the other side has to be woken when the mutex is unlocked.
    fn signal(self: *Condition) bool {
        if (!self.is_waited_for) return false;
        self.is_waited_for = false;
        // Relaxed: pairs with the load in `wait` and with the kernel's comparison.
        @atomicStore(u32, &self.sequence, self.sequence +% 1, .monotonic);
        return true;
    }
};

pub const Conditions = extern struct {
    pub const forms: mechanism.Forms = .{};

    mutex: Mutex = .{},
    /// Slots that are full. Guarded by the mutex, as the conditions are.
    used: u32 = 0,
    not_empty: Condition = .{},
    not_full: Condition = .{},
    /// The sender's alone.
    count: u32 align(memory.line_size) = 0,

    pub fn prepare_sender(self: *Conditions, count: u32) Error!void {
        self.count = count;
    }

    pub fn await_empty(self: *Conditions, _: u32) Error!void {
        try self.wait_while_used_is(self.count, &self.not_full);
    }

    pub fn announce_full(self: *Conditions, _: u32) Error!void {
        try self.change_used(1, &self.not_empty);
    }

    pub fn await_full(self: *Conditions, _: u32) Error!void {
        try self.wait_while_used_is(0, &self.not_empty);
    }

    pub fn announce_empty(self: *Conditions, _: u32) Error!void {
        try self.change_used(-1, &self.not_full);
    }

    inline fn wait_while_used_is(self: *Conditions, used: u32, condition: *Condition) Error!void {
        try self.mutex.lock();
        while (self.used == used) try condition.wait(&self.mutex);
        try self.mutex.unlock();
    }

    inline fn change_used(self: *Conditions, by: i32, condition: *Condition) Error!void {
        try self.mutex.lock();
        self.used +%= @bitCast(by);
        const must_wake = condition.signal();
        try self.mutex.unlock();
        if (must_wake) try system.futex_wake(&condition.sequence);
    }
};
