//! Event loops as they use the waiter: one thread arms, takes and closes, another sleeps for it, and a
//! third is all the peers. No interval ends a sleep here, so a wake-up that is lost is a loop that never
//! goes on.

const std = @import("std");
const core = @import("zerocross_core");
const arena = @import("arena.zig");
const report = @import("report.zig");
const Near = @import("near.zig").Near;
const waiter = core.waiter;
const waiters = core.waiters;
const watching = core.watching;

const loop_count = 2;
const near_count = 5;

pub fn run(random: std.Random, round_ms: f64) void {
    // What only `blind_ns` ends is told of in no other way, where the kernel has no futex_waitv.
    waiter.intervals = .{ .check_ns = std.time.ns_per_hour, .partial_ns = std.time.ns_per_hour };
    var loops: [loop_count]Loop = undefined;
    var threads: [loop_count]std.Thread = undefined;
    for (&loops, &threads) |*loop, *thread| {
        loop.* = .{ .prng = .init(random.int(u64)), .far_prng = .init(random.int(u64)), .end = .after_ms(round_ms) };
        thread.* = std.Thread.spawn(.{}, Loop.run, .{loop}) catch report.fail("no thread", .{});
    }
    for (threads) |thread| thread.join();
}

const Loop = struct {
    prng: std.Random.DefaultPrng,
    far_prng: std.Random.DefaultPrng,
    end: core.time.Deadline,
    /// The waiter's; changes when the loop gives one back and takes another.
    number: u32 = 0,
    /// A futex word: how often the sleeper had something to tell.
    bell: u32 = 0,
    is_stopping: bool = false,
    nears: [near_count]Near = undefined,

    fn run(self: *Loop) void {
        const random = self.prng.random();
        self.open_waiter();
        for (&self.nears, 0..) |*near, index| near.* = .open(random, index % 2 == 0);
        const far = std.Thread.spawn(.{}, run_far, .{self}) catch report.fail("no thread", .{});
        const sleeper = std.Thread.spawn(.{}, run_sleeper, .{self}) catch report.fail("no thread", .{});
        while (!self.end.passed()) self.turn(random);
        @atomicStore(bool, &self.is_stopping, true, .release);
        report.expect(waiters.close_waiter(self.number), "the waiter was closed before", .{});
        sleeper.join();
        far.join();
        for (&self.nears) |*near| near.close();
    }

    fn open_waiter(self: *Loop) void {
        const number = waiters.open_waiter() orelse report.fail("no waiter is left", .{});
        @atomicStore(u32, &self.number, number, .release);
    }

    /// One turn of the event loop.
    fn turn(self: *Loop, random: std.Random) void {
        // Before the reports are taken: a bell behind them ends the sleep below at once.
        const seen = @atomicLoad(u32, &self.bell, .acquire);
        self.take_reports();
        var is_idle = true;
        for (&self.nears) |*near| {
            near.go_on(random, self.number);
            is_idle = is_idle and near.is_armed;
        }
        if (random.uintLessThan(u32, 20) == 0) return self.disturb(random);
        if (is_idle) self.sleep(seen);
    }

    fn take_reports(self: *Loop) void {
        var ready: [near_count - 2]u32 = undefined;
        while (true) {
            const count = watching.take(self.number, &ready) catch |err| report.fail("take: {t}", .{err});
            for (ready[0..count]) |handle| self.find(handle).is_armed = false;
            report.totals.add(.reports, count);
            if (count < ready.len) return;
        }
    }

    fn find(self: *Loop, handle: u32) *Near {
        for (&self.nears) |*near| if (near.handle == handle) return near;
        report.fail("handle {x} was reported and is not open", .{handle});
    }

    /// What a program does to a loop that sleeps.
    fn disturb(self: *Loop, random: std.Random) void {
        const near = &self.nears[random.uintLessThan(usize, near_count)];
        switch (random.uintLessThan(u32, 8)) {
            0 => {
                report.expect(waiters.close_waiter(self.number), "the waiter was closed before", .{});
                for (&self.nears) |*other| other.is_armed = false;
                self.open_waiter();
            },
            1, 2 => {
                watching.unwatch(near.handle);
                near.is_armed = false;
            },
            3, 4 => near.reopen(random),
            // Armed twice is armed once, for what was asked for last.
            else => near.watch(self.number),
        }
    }

    fn sleep(self: *Loop, seen: u32) void {
        const deadline: core.time.Deadline = .after_ms(report.patience_ms);
        while (@atomicLoad(u32, &self.bell, .acquire) == seen) {
            if (deadline.passed()) report.fail("nothing was reported in {d} ms", .{report.patience_ms});
            core.futex.wait_on(&self.bell, seen, deadline.at_ns);
        }
    }

    fn run_sleeper(self: *Loop) void {
        while (!@atomicLoad(bool, &self.is_stopping, .acquire)) {
            const number = @atomicLoad(u32, &self.number, .acquire);
            const reports = waiters.wait_for_reports(number, report.patience_ms) catch |err| switch (err) {
                // The loop is about to open another.
                error.Closed => {
                    std.Thread.yield() catch {};
                    continue;
                },
                else => report.fail("wait: {t}", .{err}),
            };
            if (reports == 0) continue;
            _ = @atomicRmw(u32, &self.bell, .Add, 1, .release);
            core.futex.wake_one(&self.bell);
        }
    }

    fn run_far(self: *Loop) void {
        const random = self.far_prng.random();
        while (!@atomicLoad(bool, &self.is_stopping, .acquire)) {
            for (&self.nears) |*near| near.step_far(random);
            if (random.uintLessThan(u32, 16) == 0) arena.rest(random);
        }
    }
};
