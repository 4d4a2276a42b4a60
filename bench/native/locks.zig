//! Waiting for a slot as one would write it first: by looking again, and with a mutex and two conditions.

const std = @import("std");
const memory = @import("memory.zig");
const slots = @import("slots.zig");
const system = @import("system.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Slot = slots.Slot;

/// A flag for each slot, alone in its line. No system call, no sleep. Between commands every flag says empty,
/// whatever the number of slots was.
pub const Spin = struct {
    pub const forms: mechanism.Forms = .{ .spins = true };

    flags: [slots.slots_max]Flag = @splat(.{}),

    const Flag = struct { slot: Slot align(memory.line_size) = .empty };

    pub fn await(self: *Spin, comptime what: Slot, slot: u32) Error!void {
        // Acquire: pairs with `announce`, whose side has written the payload, or is done reading it.
        while (@atomicLoad(Slot, &self.flags[slot].slot, .acquire) != what) std.atomic.spinLoopHint();
    }

    pub fn announce(self: *Spin, comptime what: Slot, slot: u32) Error!void {
        // Release: publishes the payload to `await`, or gives the slot back.
        @atomicStore(Slot, &self.flags[slot].slot, what, .release);
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

    pub fn prepare(self: *Conditions, end: mechanism.End, count: u32) Error!void {
        if (end == .sending) self.count = count;
    }

    pub fn await(self: *Conditions, comptime what: Slot, _: u32) Error!void {
        try self.mutex.lock();
        switch (what) {
            .empty => while (self.used == self.count) try self.not_full.wait(&self.mutex),
            .full => while (self.used == 0) try self.not_empty.wait(&self.mutex),
        }
        try self.mutex.unlock();
    }

    pub fn announce(self: *Conditions, comptime what: Slot, _: u32) Error!void {
        const condition = if (what == .full) &self.not_empty else &self.not_full;
        try self.mutex.lock();
        if (what == .full) self.used += 1 else self.used -= 1;
        const must_wake = condition.signal();
        try self.mutex.unlock();
        if (must_wake) try system.futex_wake(&condition.sequence);
    }
};
