//! A storm of signals on this process: each one interrupts the system call that it meets.

const std = @import("std");
const linux = std.os.linux;
const process = @import("process.zig");

var received: u64 = 0;

/// std.os.linux has no name for it.
const ITIMER_REAL = 0;

/// From now on a signal every `interval_us`; 0 ends the storm.
pub fn blow(interval_us: u32) void {
    // Without SA_RESTART the kernel repeats nothing by itself.
    const action: linux.Sigaction = .{
        .handler = .{ .handler = note },
        .mask = linux.sigemptyset(),
        .flags = 0,
    };
    process.must("sigaction", linux.sigaction(.ALRM, &action, null));
    const interval: linux.timeval = .{ .sec = 0, .usec = interval_us };
    const timer: linux.itimerspec = @bitCast([4]isize{ 0, interval.usec, 0, interval.usec });
    process.must("setitimer", linux.syscall3(.setitimer, ITIMER_REAL, @intFromPtr(&timer), 0));
}

pub fn signals() u64 {
    return @atomicLoad(u64, &received, .monotonic);
}

fn note(_: linux.SIG) callconv(.c) void {
    _ = @atomicRmw(u64, &received, .Add, 1, .monotonic);
}
