//! The same clock for JavaScript, whose own costs as much as some of what it is to measure.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const Clock = @import("clock.zig").Clock;

const State = enum(u8) { unset, calibrating, ready };

var state: State = .unset;
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

/// The workers of a process share this library.
inline fn calibrate_once() void {
    if (@atomicLoad(State, &state, .acquire) != .ready) calibrate();
}

noinline fn calibrate() void {
    if (@cmpxchgStrong(State, &state, .unset, .calibrating, .monotonic, .monotonic) != null) {
        while (@atomicLoad(State, &state, .acquire) != .ready) core.cpu.pause();
        return;
    }
    clock = .init();
    const pause = core.time.timespec_from_ns(calibration_ns);
    _ = linux.nanosleep(&pause, null);
    scale = clock.scale();
    @atomicStore(State, &state, .ready, .release);
}
