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

fn measure_ticks_per_us() u64 {
    if (arch == .aarch64) {
        const hertz = asm volatile ("mrs %[out], cntfrq_el0"
            : [out] "=r" (-> u64),
        );
        return hertz / std.time.us_per_s;
    }
    const start_ns = time.now_ns();
    const start_ticks = ticks();
    var elapsed_ns: u64 = 0;
    while (elapsed_ns < 100 * std.time.ns_per_us) elapsed_ns = time.now_ns() - start_ns;
    return (ticks() - start_ticks) * std.time.ns_per_us / elapsed_ns;
}

test "the counter's rate agrees with the monotonic clock" {
    const per_us = ticks_per_us();
    const start_ns = time.now_ns();
    const start_ticks = ticks();
    while (time.now_ns() - start_ns < 20 * std.time.ns_per_ms) {}
    const counted_us = (ticks() - start_ticks) / per_us;
    const elapsed_us = (time.now_ns() - start_ns) / std.time.ns_per_us;
    // A virtual machine may be stopped between two reads; a wrong rate is off by far more.
    try std.testing.expect(counted_us > elapsed_us * 8 / 10 and counted_us < elapsed_us * 12 / 10);
}
