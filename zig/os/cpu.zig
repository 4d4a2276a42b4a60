//! Fences, the spin hint and the cycle counter: the few instructions that Zig has no word for.

const std = @import("std");
const builtin = @import("builtin");
const time = @import("time.zig");

const arch = builtin.cpu.arch;

comptime {
    std.debug.assert(arch == .x86_64 or arch == .aarch64);
}

/// Orders every access before it with every access after it, a store with a later load included.
pub inline fn full_fence() void {
    switch (arch) {
        // A locked instruction on the stack is a full barrier on x86 and cheaper than MFENCE.
        .x86_64 => asm volatile ("lock orl $0, -4(%%rsp)" ::: .{ .memory = true, .cc = true }),
        .aarch64 => asm volatile ("dmb ish" ::: .{ .memory = true }),
        else => unreachable,
    }
}

/// Orders every access before it with every store after it.
pub inline fn release_fence() void {
    switch (arch) {
        // x86 reorders neither two stores nor a load with a later store; the compiler might.
        .x86_64 => asm volatile ("" ::: .{ .memory = true }),
        .aarch64 => asm volatile ("dmb ish" ::: .{ .memory = true }),
        else => unreachable,
    }
}

/// Orders every load before it with every access after it.
pub inline fn acquire_fence() void {
    switch (arch) {
        // x86 does not reorder two loads; the compiler might.
        .x86_64 => asm volatile ("" ::: .{ .memory = true }),
        .aarch64 => asm volatile ("dmb ishld" ::: .{ .memory = true }),
        else => unreachable,
    }
}

/// Asks for a line to be brought near, to be written soon.
pub inline fn prefetch_for_write(address: *const anyopaque) void {
    @prefetch(address, .{ .rw = .write });
}

pub inline fn pause() void {
    std.atomic.spinLoopHint();
}

/// A counter that runs at a constant rate and that user space may read without a system call.
pub inline fn ticks() u64 {
    switch (arch) {
        .x86_64 => {
            var low: u32 = undefined;
            var high: u32 = undefined;
            asm volatile ("rdtsc"
                : [low] "={eax}" (low),
                  [high] "={edx}" (high),
            );
            return (@as(u64, high) << 32) | low;
        },
        .aarch64 => return asm volatile ("mrs %[out], cntvct_el0"
            : [out] "=r" (-> u64),
        ),
        else => unreachable,
    }
}

/// 0 until the first call of `ticks_per_us`. Relaxed: whoever races measures the same.
var rate_cached: u64 = 0;

/// The first call takes about 100 us on x86-64, where the rate has to be measured.
pub fn ticks_per_us() u64 {
    const cached = @atomicLoad(u64, &rate_cached, .monotonic);
    if (cached != 0) return cached;
    const measured = @max(1, measure_ticks_per_us());
    @atomicStore(u64, &rate_cached, measured, .monotonic);
    return measured;
}

noinline fn measure_ticks_per_us() u64 {
    if (arch == .aarch64) {
        const hertz = asm volatile ("mrs %[out], cntfrq_el0"
            : [out] "=r" (-> u64),
        );
        return hertz / std.time.us_per_s;
    }
    const start: Reading = .now();
    while (time.now_ns() - start.ns < 100 * std.time.ns_per_us) {}
    return start.ticks_per_us_until(.now());
}

/// Both clocks at one moment. A thread can lose its core between reading the one and the other, for
/// longer than the whole measurement takes: of a few readings the one counts that took the least time.
const Reading = struct {
    ns: u64,
    ticks: u64,

    fn now() Reading {
        var best: Reading = undefined;
        var shortest: u64 = std.math.maxInt(u64);
        for (0..8) |_| {
            const before = ticks();
            const ns = time.now_ns();
            const after = ticks();
            if (after -% before >= shortest) continue;
            shortest = after -% before;
            best = .{ .ns = ns, .ticks = before +% shortest / 2 };
        }
        return best;
    }

    fn ticks_per_us_until(self: Reading, end: Reading) u64 {
        return (end.ticks -% self.ticks) * std.time.ns_per_us / (end.ns - self.ns);
    }
};

test "the counter's rate agrees with the monotonic clock" {
    const start: Reading = .now();
    while (time.now_ns() - start.ns < 20 * std.time.ns_per_ms) {}
    try expect_near(start.ticks_per_us_until(.now()), ticks_per_us());
}

test "the counter's rate is measured rightly while others want the core too" {
    var is_over = false;
    var crowd: [4]std.Thread = undefined;
    for (&crowd) |*thread| thread.* = try std.Thread.spawn(.{}, keep_busy, .{&is_over});
    defer for (crowd) |thread| thread.join();
    defer @atomicStore(bool, &is_over, true, .monotonic);
    for (0..2000) |_| try expect_near(ticks_per_us(), measure_ticks_per_us());
}

fn keep_busy(is_over: *const bool) void {
    while (!@atomicLoad(bool, is_over, .monotonic)) pause();
}

/// Within a tenth: a rate that was measured across an interruption is off by far more.
fn expect_near(expected: u64, found: u64) !void {
    try std.testing.expect(found > expected * 9 / 10 and found < expected * 11 / 10);
}
