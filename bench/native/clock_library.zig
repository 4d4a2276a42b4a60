//! The same clock for JavaScript, whose own costs as much as some of what it is to measure, and what pins a thread.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const pin = @import("system.zig").pin;
const Clock = @import("clock.zig").Clock;

/// The workers of a process share this library.
var mutex: core.Mutex = .{};
var is_ready: bool = false;
var clock: Clock = undefined;
var scale: f64 = undefined;

/// With what a reading of both clocks is off by, some 50 ns, the scale is right to a few millionths.
const calibration_ns = 20 * std.time.ns_per_ms;

/// Nanoseconds since the first call in this process, which takes 20 ms.
export fn bench_now() f64 {
    calibrate_once();
    return @as(f64, @floatFromInt(clock.ticks() -% clock.start.ticks)) * scale;
}

/// A `Source`.
export fn bench_clock() i32 {
    calibrate_once();
    return @intFromEnum(clock.source);
}

/// The calling thread, to a core. Other than 0: the kernel does not.
export fn bench_pin(core_number: u32) i32 {
    const this_thread = 0;
    return @intFromEnum(pin(this_thread, core_number));
}

inline fn calibrate_once() void {
    if (!@atomicLoad(bool, &is_ready, .acquire)) calibrate(); // Pairs with the store below.
}

noinline fn calibrate() void {
    mutex.lock();
    defer mutex.unlock();
    if (is_ready) return;
    clock = .init();
    const pause = core.time.timespec_from_ns(calibration_ns);
    _ = linux.nanosleep(&pause, null);
    scale = clock.scale();
    @atomicStore(bool, &is_ready, true, .release);
}
