//! Waiting for the other side: spin while an answer is likely to be near, then sleep in the kernel.
//!
//! Both sides sleep on a futex word in shared memory. The sleeper stores 1, fences and looks once
//! more; the waker publishes, fences and looks at the word. With both fences at least one of them
//! sees the other (store buffering, or Dekker's pattern); without either, both can miss. The waker
//! also takes the 1 back: a sleeper that has looked but does not wait yet would otherwise fall asleep
//! after the only wake-up.

const std = @import("std");
const hot_safety = @import("settings").hot_safety;
const linux = std.os.linux;
const wire = @import("../ring/wire.zig");
const cpu = @import("../os/cpu.zig");
const mark = @import("../os/mark.zig");
const time = @import("../os/time.zig");
const Deadline = time.Deadline;
const Peer = @import("../os/peer.zig").Peer;
const waiters = @import("../loop/waiters.zig");

pub const Outcome = enum {
    /// What was waited for may be there now.
    ready,
    /// The channel is no longer in the ready state.
    ended,
    died,
    timeout,
};

/// Looks between two reads of the cycle counter while spinning.
const looks_per_tick_read = 64;
/// How often a spinning side asks the kernel for the time and for the peer's health.
const check_interval_us = 1000;

/// Everything that a wait watches besides what it waits for.
pub const WaitContext = struct {
    /// The control block's state word.
    state: *const u32,
    peer: *const Peer,
    /// Ticks of spinning before sleeping; `spin_forever` never sleeps.
    spin_ticks: u64,
    /// Counts the waits that came to sleep.
    sleeps: *u64,
    /// The watch that the event loop of this thread may have armed on the same word.
    watch_index: ?u16 = null,

    pub const spin_forever = std.math.maxInt(u64);

    pub fn is_ready(self: *const WaitContext) bool {
        // Acquire: pairs with the store of state in `Link.end`, so that what the peer published
        // before it closed is seen after it.
        return @atomicLoad(u32, self.state, .acquire) == @intFromEnum(wire.State.ready);
    }
};

/// How long a caller is willing to wait, over however many waits it takes.
pub const Patience = struct {
    /// Infinite or NaN: for ever.
    timeout_ms: f64,
    /// Ticks at the start of the first wait; unknown before it.
    start: ?u64 = null,

    /// What is left at `now`.
    fn left_ms(self: *Patience, now: u64) f64 {
        const start = self.start orelse {
            self.start = now;
            return self.timeout_ms;
        };
        return self.timeout_ms - to_ms(now -% start);
    }
};

/// `side` offers `is_ready() bool`, `word() *u32`, the futex word that it sleeps on, and
/// `sleep_ns_max`, how long it may sleep before it looks for itself.
pub fn wait(side: anytype, watch: *const WaitContext, patience: *Patience) Outcome {
    const start = cpu.ticks();
    const timeout_ms = patience.left_ms(start);
    if (spin(side, watch, start, timeout_ms)) |outcome| return outcome;
    watch.sleeps.* += 1;
    return sleep(side, watch, Deadline.after_ms(timeout_ms - to_ms(cpu.ticks() -% start)));
}

/// Null: the time for spinning is over.
fn spin(side: anytype, watch: *const WaitContext, start: u64, timeout_ms: f64) ?Outcome {
    @setRuntimeSafety(hot_safety);
    const check_ticks = check_interval_us * cpu.ticks_per_us();
    var checked: u64 = start;
    var deadline: ?Deadline = null;
    while (true) {
        for (0..looks_per_tick_read) |_| {
            if (side.is_ready()) return .ready;
            cpu.pause();
        }
        if (!watch.is_ready()) return .ended;
        const now = cpu.ticks();
        const spun = now -% start;
        if (spun >= watch.spin_ticks) return null;
        if (deadline == null and to_ms(spun) >= timeout_ms) return .timeout;
        if (now -% checked < check_ticks) continue;
        checked = now;
        // From here on the kernel's clock decides; the counter's rate was measured only roughly.
        if (deadline == null) deadline = Deadline.after_ms(timeout_ms - to_ms(spun));
        if (deadline.?.passed()) return .timeout;
        if (!watch.peer.is_alive()) return .died;
    }
}

fn sleep(side: anytype, watch: *const WaitContext, deadline: Deadline) Outcome {
    const word = side.word();
    // One word has one sleeper: each of two would take back what the other announced.
    if (watch.watch_index) |index| waiters.set_aside(index);
    while (true) {
        @atomicStore(u32, word, @intFromEnum(wire.Sleeping.sleeping), .monotonic);
        mark.at(.sleep_announced);
        cpu.full_fence(); // Pairs with the one in `wake`.
        var time_is_up = false;
        if (!side.is_ready() and watch.is_ready()) {
            const sleep_ns = @min(side.sleep_ns_max, deadline.remaining_ns());
            mark.at(.sleep_looked);
            time_is_up = futex_wait(word, @intFromEnum(wire.Sleeping.sleeping), sleep_ns);
        }
        mark.at(.sleep_ended);
        @atomicStore(u32, word, @intFromEnum(wire.Sleeping.awake), .monotonic);
        // A peer that died between publishing and waking leaves something to receive. Another whole sleep
        // after that would notice the death too late.
        if (time_is_up and !watch.peer.is_alive()) return .died;
        if (side.is_ready()) return .ready;
        if (!watch.is_ready()) return .ended;
        if (!watch.peer.is_alive()) return .died;
        if (deadline.passed()) return .timeout;
    }
}

/// Wakes the side that sleeps on `word`, after something was published for it.
pub inline fn wake(word: *u32) void {
    @setRuntimeSafety(hot_safety);
    // Relaxed, before the fence: this value is stored once, before the peer's first wait.
    if (@atomicLoad(u32, word, .monotonic) == @intFromEnum(wire.Sleeping.never_sleeps)) return;
    cpu.full_fence(); // Pairs with the one in `sleep`.
    if (@atomicLoad(u32, word, .monotonic) == @intFromEnum(wire.Sleeping.sleeping)) wake_sleeper(word);
}

/// For a side that has just fenced behind what it published.
pub noinline fn wake_sleeper(word: *u32) void {
    const sleeping = @intFromEnum(wire.Sleeping.sleeping);
    const awake = @intFromEnum(wire.Sleeping.awake);
    mark.at(.sleeper_seen);
    // Relaxed: the futex call compares the word under the kernel's lock, which orders the two.
    if (@cmpxchgStrong(u32, word, sleeping, awake, .monotonic, .monotonic) != null) return;
    mark.at(.wake_taken_back);
    futex_wake(word);
    mark.at(.sleeper_woken);
}

/// True: the time is up. Any other answer (woken, the word changed, a signal) means that it is time to look.
fn futex_wait(word: *const u32, expected: u32, ns: u64) bool {
    var timeout = time.timespec_from_ns(ns);
    const result = linux.futex_4arg(word, .{ .cmd = .WAIT, .private = false }, expected, &timeout);
    return linux.errno(result) == .TIMEDOUT;
}

/// Wakes all there are: a waiter's thread that is leaving the word stays in its queue until it runs,
/// and would take the only wake-up of the one that sleeps there next.
fn futex_wake(word: *const u32) void {
    // Cannot fail: the word is aligned and mapped.
    _ = linux.futex_3arg(word, .{ .cmd = .WAKE, .private = false }, std.math.maxInt(i32));
}

fn to_ms(ticks: u64) f64 {
    return @as(f64, @floatFromInt(ticks)) / @as(f64, @floatFromInt(cpu.ticks_per_us() * std.time.us_per_ms));
}

/// Ticks of a spin given in microseconds; infinite, or more than a day, never ends.
pub fn spin_ticks_of_us(spin_us: f64) u64 {
    if (!(spin_us < 24 * std.time.us_per_hour)) return WaitContext.spin_forever;
    return @as(u64, @intFromFloat(@max(0, spin_us))) * cpu.ticks_per_us();
}

test "a waker takes the sleeper's 1 back, and leaves every other value alone" {
    for ([_][2]u32{ .{ 1, 0 }, .{ 0, 0 }, .{ 2, 2 }, .{ 7, 7 } }) |values| {
        var word = values[0];
        wake(&word);
        try std.testing.expectEqual(values[1], word);
    }
}

test "a wake-up reaches whoever sleeps, also behind another in the word's queue" {
    const support = @import("../test_support.zig");
    const Sleeper = struct {
        word: *u32,
        tid: i32 = 0,
        time_was_up: bool = false,

        fn sleep_once(self: *@This()) void {
            @atomicStore(i32, &self.tid, linux.gettid(), .release); // Pairs with `until_asleep`.
            self.time_was_up = futex_wait(self.word, 1, support.patience_ms * std.time.ns_per_ms);
        }
    };
    var word: u32 = 1;
    var sleepers = [2]Sleeper{ .{ .word = &word }, .{ .word = &word } };
    var threads: [2]std.Thread = undefined;
    for (&sleepers, &threads) |*sleeper, *thread| {
        thread.* = try std.Thread.spawn(.{}, Sleeper.sleep_once, .{sleeper});
        try support.until_asleep(&sleeper.tid);
    }
    wake(&word);
    for (threads) |thread| thread.join();
    for (sleepers) |sleeper| try std.testing.expect(!sleeper.time_was_up);
}

test "a side that nobody woke looks whether its peer lives, also when there is something for it" {
    var side: struct {
        looks: u32 = 0,
        futex_word: u32 = 0,
        sleep_ns_max: u64 = std.time.ns_per_ms,

        /// Nothing before the sleep, something after it.
        pub fn is_ready(self: *@This()) bool {
            self.looks += 1;
            return self.looks > 1;
        }

        pub fn word(self: *@This()) *u32 {
            return &self.futex_word;
        }
    } = .{};
    const state: u32 = @intFromEnum(wire.State.ready);
    const dead: Peer = .{ .pid = 0, .uid = 0, .gid = 0, .pidfd = Peer.pidfd_gone };
    var sleeps: u64 = 0;
    const watch: WaitContext = .{ .state = &state, .peer = &dead, .spin_ticks = 0, .sleeps = &sleeps };
    try std.testing.expectEqual(.died, sleep(&side, &watch, .never));
}

test "what a caller is willing to wait counts from its first wait" {
    var patience: Patience = .{ .timeout_ms = 100 };
    const start = cpu.ticks();
    try std.testing.expectEqual(100, patience.left_ms(start));
    const later = start + 30 * std.time.us_per_ms * cpu.ticks_per_us();
    try std.testing.expectEqual(70, patience.left_ms(later));
}
