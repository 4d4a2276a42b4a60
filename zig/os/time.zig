//! Clocks and deadlines. Reading the clock is a system call here, so nothing on a hot path does it:
//! std's clock_gettime would look for the vDSO with the help of libc, which is not there.

const std = @import("std");
const linux = std.os.linux;

/// The longest sleep before the peer's health is looked at (ms): how soon a death is noticed.
pub const slice_ms = 50;

/// A point of CLOCK_MONOTONIC, in nanoseconds. What reads the clock stays out of line: it is in no hurry,
/// and every wait has it.
pub const Deadline = struct {
    at_ns: u64,

    pub const never: Deadline = .{ .at_ns = std.math.maxInt(u64) };

    /// `timeout_ms` from now; infinite or NaN means never.
    pub noinline fn after_ms(timeout_ms: f64) Deadline {
        // Beyond about 31 years a timeout is as good as none, and the arithmetic below cannot overflow.
        if (!(timeout_ms < 1e12)) return never;
        if (timeout_ms <= 0) return .{ .at_ns = 0 };
        return .{ .at_ns = now_ns() + @as(u64, @intFromFloat(timeout_ms * 1e6)) };
    }

    /// This deadline, or one `ms` from now if that is earlier.
    pub fn at_most_ms(self: Deadline, ms: u32) Deadline {
        return .{ .at_ns = @min(self.at_ns, now_ns() + @as(u64, ms) * std.time.ns_per_ms) };
    }

    pub noinline fn remaining_ns(self: Deadline) u64 {
        if (self.at_ns == never.at_ns) return self.at_ns;
        return self.at_ns -| now_ns();
    }

    pub fn passed(self: Deadline) bool {
        return self.remaining_ns() == 0;
    }
};

pub fn now_ns() u64 {
    var ts: linux.timespec = undefined;
    // Cannot fail: the clock exists since Linux 2.6 and the pointer is to our stack.
    _ = linux.syscall2(.clock_gettime, @intFromEnum(linux.CLOCK.MONOTONIC), @intFromPtr(&ts));
    return @as(u64, @intCast(ts.sec)) * std.time.ns_per_s + @as(u64, @intCast(ts.nsec));
}

pub fn timespec_from_ns(ns: u64) linux.timespec {
    return .{ .sec = @intCast(ns / std.time.ns_per_s), .nsec = @intCast(ns % std.time.ns_per_s) };
}

test "a deadline of zero has passed, and one of infinity never does" {
    try std.testing.expect(Deadline.after_ms(0).passed());
    try std.testing.expect(Deadline.after_ms(-5).passed());
    try std.testing.expect(!Deadline.after_ms(std.math.inf(f64)).passed());
    try std.testing.expect(!Deadline.after_ms(std.math.nan(f64)).passed());
    try std.testing.expect(!Deadline.after_ms(60_000).passed());
}
