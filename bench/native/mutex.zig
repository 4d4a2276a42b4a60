//! Waiting with a mutex and two conditions, all made of futexes: what most would write first.

const std = @import("std");
const slots = @import("slots.zig");
const futex = @import("futex.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// The mutex of three states from Ulrich Drepper's "Futexes Are Tricky".
pub const Mutex = extern struct {
    word: u32,

    const free: u32 = 0;
    const locked: u32 = 1;
    /// Locked, and somebody may sleep until it is free.
    const contended: u32 = 2;

    fn lock(self: *Mutex) Error!void {
        // Acquire, here and below: pairs with the swap in `unlock`.
        if (@cmpxchgStrong(u32, &self.word, free, locked, .acquire, .monotonic) == null) return;
        // Whoever slept cannot know whether the other still does, so it takes the lock as contended.
        while (@atomicRmw(u32, &self.word, .Xchg, contended, .acquire) != free)
            try futex.wait(&self.word, contended);
    }

    fn unlock(self: *Mutex) Error!void {
        // Release: pairs with the ones in `lock`.
        if (@atomicRmw(u32, &self.word, .Xchg, free, .release) == contended) try futex.wake(&self.word);
    }
};

/// Used by whoever has the mutex locked. At most one side waits.
const Condition = extern struct {
    /// Goes up with each wake-up, so that one between `unlock` and the sleep is not missed.
    sequence: u32,
    is_waited_for: u32,

    fn wait(self: *Condition, mutex: *Mutex) Error!void {
        self.is_waited_for = 1;
        // Relaxed, as in `signal`: the mutex orders them, and the kernel compares before it sleeps.
        const sequence = @atomicLoad(u32, &self.sequence, .monotonic);
        try mutex.unlock();
        try futex.wait(&self.sequence, sequence);
        try mutex.lock();
    }

    /// True: the other side has to be woken when the mutex is unlocked.
    fn signal(self: *Condition) bool {
        if (self.is_waited_for == 0) return false;
        self.is_waited_for = 0;
        // Relaxed: pairs with the load in `wait` and with the kernel's comparison.
        @atomicStore(u32, &self.sequence, self.sequence +% 1, .monotonic);
        return true;
    }
};

pub const Conditions = struct {
    pub const forms: mechanism.Forms = .{};
    pub const State = extern struct {
        mutex: Mutex,
        /// Slots that are full. Guarded by the mutex, as the conditions are.
        used: u32,
        not_empty: Condition,
        not_full: Condition,
    };
    const Way = slots.Way(State);

    count: u32 = 0,

    pub fn open(self: *Conditions, failure: *Failure) error{Forbidden}!void {
        _ = self;
        _ = failure;
    }

    pub fn prepare(self: *Conditions, sending: Way, receiving: Way, count: u32) Error!void {
        _ = sending;
        _ = receiving;
        self.count = count;
    }

    pub fn before_send(self: *Conditions, way: Way, slot: u32) Error!void {
        _ = slot;
        const state = way.state;
        try state.mutex.lock();
        while (state.used == self.count) try state.not_full.wait(&state.mutex);
        try state.mutex.unlock();
    }

    pub fn after_send(self: *Conditions, way: Way, slot: u32) Error!void {
        _ = self;
        _ = slot;
        const state = way.state;
        try state.mutex.lock();
        state.used += 1;
        const must_wake = state.not_empty.signal();
        try state.mutex.unlock();
        if (must_wake) try futex.wake(&state.not_empty.sequence);
    }

    pub fn before_receive(self: *Conditions, way: Way, slot: u32) Error!void {
        _ = self;
        _ = slot;
        const state = way.state;
        try state.mutex.lock();
        while (state.used == 0) try state.not_empty.wait(&state.mutex);
        try state.mutex.unlock();
    }

    pub fn after_receive(self: *Conditions, way: Way, slot: u32) Error!void {
        _ = self;
        _ = slot;
        const state = way.state;
        try state.mutex.lock();
        state.used -= 1;
        const must_wake = state.not_full.signal();
        try state.mutex.unlock();
        if (must_wake) try futex.wake(&state.not_full.sequence);
    }

    pub fn close(self: *Conditions) void {
        _ = self;
    }
};
