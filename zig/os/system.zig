//! System calls the way the rendezvous needs them: not ended by a signal, not past a deadline.

const std = @import("std");
const linux = std.os.linux;
const Deadline = @import("time.zig").Deadline;
const timespec_from_ns = @import("time.zig").timespec_from_ns;
const Failure = @import("../failure.zig").Failure;

/// Repeats a call that a signal interrupted. Only for calls that did nothing when they return EINTR.
pub inline fn retry(call: anytype, arguments: std.meta.ArgsTuple(@TypeOf(call))) usize {
    while (true) {
        const result = @call(.auto, call, arguments);
        if (linux.errno(result) != .INTR) return result;
    }
}

/// Never repeated: Linux frees the number even when it reports EINTR, and by then another thread
/// may have been given it.
pub fn close_fd(fd: i32) void {
    std.debug.assert(fd >= 0);
    _ = linux.close(fd);
}

/// Waits until `fd` has one of `events`, an error or a hang-up, which the next call on it will tell.
pub fn poll_until(fd: i32, events: i16, deadline: Deadline, failure: *Failure) error{ System, Timeout }!void {
    var polled = [1]linux.pollfd{.{ .fd = fd, .events = events, .revents = 0 }};
    while (true) {
        const remaining_ns = deadline.remaining_ns();
        var timeout = timespec_from_ns(remaining_ns);
        const wait: ?*linux.timespec = if (deadline.at_ns == Deadline.never.at_ns) null else &timeout;
        const result = linux.ppoll(&polled, polled.len, wait, null);
        switch (linux.errno(result)) {
            .SUCCESS => if (result > 0) return,
            .INTR => {},
            else => |errno| return failure.system(.poll, errno),
        }
        if (remaining_ns == 0) return error.Timeout;
    }
}

/// May end early, when a signal arrives: every caller looks again at what it waits for anyway.
pub fn sleep(ns: u64) void {
    const time = timespec_from_ns(ns);
    _ = linux.nanosleep(&time, null);
}

test "polling ends at its deadline, and at once when that has passed" {
    const support = @import("../test_support.zig");
    const pair = try support.socket_pair();
    defer support.close_all(&pair);

    var failure: Failure = .{};
    try std.testing.expectError(error.Timeout, poll_until(pair[0], linux.POLL.IN, .after_ms(0), &failure));
    const deadline: Deadline = .after_ms(20);
    try std.testing.expectError(error.Timeout, poll_until(pair[0], linux.POLL.IN, deadline, &failure));
    try std.testing.expect(deadline.passed());
}

test "polling ends when there is something to read, whatever the deadline" {
    const support = @import("../test_support.zig");
    const pair = try support.socket_pair();
    defer support.close_all(&pair);

    var failure: Failure = .{};
    _ = linux.write(pair[1], "x", 1);
    try poll_until(pair[0], linux.POLL.IN, .never, &failure);
    try poll_until(pair[0], linux.POLL.IN, .after_ms(0), &failure);
}
