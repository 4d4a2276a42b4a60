//! How watches, channels and waiters end.

const std = @import("std");
const linux = std.os.linux;
const handles = @import("../abi/handles.zig");
const support = @import("../test_support.zig");
const system = @import("../os/system.zig");
const waiter = @import("waiter.zig");
const waiters = @import("waiters.zig");
const watching = @import("../abi/watching.zig");
const waiter_support = @import("waiter_support.zig");
const Deadline = @import("../os/time.zig").Deadline;
const Failure = @import("../failure.zig").Failure;
const Peer = @import("../os/peer.zig").Peer;
const memory = @import("../rendezvous/memory.zig");
const Inlet = waiter_support.Inlet;
const Outlet = waiter_support.Outlet;
const Sleeper = waiter_support.Sleeper;
const expect_taken = waiter_support.expect_taken;
const myself = waiter_support.myself;
const only_wake_ups = waiter_support.only_wake_ups;
const patience_ms = support.patience_ms;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

var failure: Failure = .{};

test "a channel that the peer closes is reported" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    var outlet: Outlet = try .open();
    defer outlet.close();
    try outlet.fill();
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    try expect(!try watching.watch(number, outlet.handle, .room, 64));

    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    inlet.producer.close();
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{inlet.handle});
    try expect(try watching.watch(number, inlet.handle, .news, 0));

    try sleeper.start();
    outlet.consumer.close();
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{outlet.handle});
}

test "a peer that dies is reported, and the next call knows it" {
    for ([_]bool{ true, false }) |has_pidfd| {
        const number = waiters.open_waiter().?;
        defer _ = waiters.close_waiter(number);
        const release = try support.pipe();
        const pid = try support.spawn(live_until_released, .{release});
        system.close_fd(release[0]);
        var peer: Peer = .{ .pid = pid, .uid = 0, .gid = 0, .pidfd = Peer.pidfd_none };
        if (has_pidfd) peer.pidfd = @intCast(try support.must(linux.pidfd_open(pid, 0)));
        defer peer.close();
        var inlet: Inlet = try .open(peer);
        defer inlet.close();
        try expect(!try watching.watch(number, inlet.handle, .news, 0));
        try expectEqual(0, try waiters.wait_for_reports(number, 60));

        var sleeper: Sleeper = .{ .number = number };
        try sleeper.start();
        system.close_fd(release[1]);
        if (!has_pidfd) try expectEqual(0, try support.exit_code(pid));
        try expectEqual(1, try sleeper.end());
        if (has_pidfd) try expectEqual(0, try support.exit_code(pid));
        try expect(!inlet.consumer().link.is_orphaned);
        try expect_taken(number, &.{inlet.handle});
        var into: [8]u8 = undefined;
        try expectError(error.PeerDied, inlet.consumer().try_receive(&into));
        try expect(try watching.watch(number, inlet.handle, .news, 0));
    }
}

fn live_until_released(release: [2]i32) u8 {
    system.close_fd(release[1]);
    return support.read_byte(release[0]) orelse 0;
}

test "disarming the last watch ends the wait, also before it has begun, and once" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    watching.unwatch(inlet.handle);
    try expectEqual(0, try sleeper.end());
    try expectEqual(0, inlet.far.control().consumer_sleeping);

    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    watching.unwatch(inlet.handle);
    var deadline: Deadline = .after_ms(patience_ms);
    try expectEqual(0, try waiters.wait_for_reports(number, patience_ms));
    try expect(!deadline.passed());

    deadline = .after_ms(20);
    try expectEqual(0, try waiters.wait_for_reports(number, 20));
    try expect(deadline.passed());
}

test "disarming ends a watch for room too" {
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var outlet: Outlet = try .open();
    defer outlet.close();
    try outlet.fill();
    try expect(!try watching.watch(number, outlet.handle, .room, 64));
    watching.unwatch(outlet.handle);
    try outlet.free(1);
    try expectEqual(0, try waiters.wait_for_reports(number, 0));
    try expect_taken(number, &.{});
}

test "no bell is missed by a thread that falls asleep while it rings" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    var answers: u32 = 0;
    const thread = try std.Thread.spawn(.{}, count_answers, .{ number, &answers });
    defer thread.join();
    defer _ = waiters.close_waiter(number);
    const deadline: Deadline = .after_ms(patience_ms);
    for (0..5000) |round| {
        try expect(!try watching.watch(number, inlet.handle, .news, 0));
        for (0..round % 500) |_| std.atomic.spinLoopHint();
        watching.unwatch(inlet.handle);
        // Pairs with `count_answers`.
        while (@atomicLoad(u32, &answers, .acquire) == round) try expect(!deadline.passed());
    }
}

fn count_answers(number: u32, answers: *u32) void {
    while (waiters.wait_for_reports(number, std.math.inf(f64))) |_| {
        _ = @atomicRmw(u32, answers, .Add, 1, .release); // Pairs with the test's load.
    } else |_| {}
}

test "disarming takes back a report that was not taken" {
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    try inlet.send();
    try expectEqual(1, try waiters.wait_for_reports(number, 0));
    watching.unwatch(inlet.handle);
    try expect_taken(number, &.{});
}

test "a channel is closed and unmapped while the waiter sleeps for it" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var stays: Inlet = try .open(myself);
    defer stays.close();
    var goes: Inlet = try .open(myself);
    for ([_]u32{ stays.handle, goes.handle }) |handle| try expect(!try watching.watch(number, handle, .news, 0));
    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    goes.close();
    try sleeper.settle();
    try stays.send();
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{stays.handle});
}

test "channels come and go while a thread sleeps for them" {
    const number = waiters.open_waiter().?;
    const thread = try std.Thread.spawn(.{}, wait_until_closed, .{number});
    for (0..300) |round| {
        var inlet: Inlet = try .open(myself);
        defer inlet.close();
        if (try watching.watch(number, inlet.handle, .news, 0)) return error.TestUnexpectedResult;
        if (round % 3 == 0) try inlet.send();
        if (round % 2 == 0) _ = try watching.watch(number, inlet.handle, .news, 0);
        var taken: [4]u32 = undefined;
        _ = try watching.take(number, &taken);
    }
    try expect(waiters.close_waiter(number));
    thread.join();
}

fn wait_until_closed(number: u32) void {
    while (true) _ = waiters.wait_for_reports(number, 5) catch return;
}

test "no message is missed by a thread that falls asleep while it comes" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    var count: u32 = 0;
    const thread = try std.Thread.spawn(.{}, send_each, .{ &inlet, &count });
    var into: [8]u8 = undefined;
    for (0..5000) |round| {
        while (try inlet.consumer().try_receive(&into) == null) {
            if (try watching.watch(number, inlet.handle, .news, 0)) continue;
            if (try waiters.wait_for_reports(number, patience_ms) == 0) return error.TestUnexpectedResult;
            try expect_taken(number, &.{inlet.handle});
        }
        @atomicStore(u32, &count, @intCast(round + 1), .release); // Pairs with `send_each`.
    }
    thread.join();
}

fn send_each(inlet: *Inlet, count: *const u32) void {
    for (0..5000) |round| {
        while (@atomicLoad(u32, count, .acquire) != round) std.Thread.yield() catch {}; // Pairs with the test's store.
        for (0..round % 200) |_| std.atomic.spinLoopHint();
        inlet.send() catch return;
    }
}

test "closing a waiter sends the sleeper away and disarms everything" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    const number = waiters.open_waiter().?;
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    try expect(waiters.close_waiter(number));
    try expectError(error.Closed, sleeper.end());
    try expectEqual(0, inlet.far.control().consumer_sleeping);

    try expect(!waiters.close_waiter(number));
    var into: [1]u32 = undefined;
    try expectError(error.Closed, waiters.wait_for_reports(number, 0));
    try expectError(error.Closed, watching.take(number, &into));
    try expectError(error.Closed, watching.watch(number, inlet.handle, .news, 0));
    const other = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(other);
    try expect(other != number);
    try expect(!try watching.watch(other, inlet.handle, .news, 0));
}

test "neither 0 nor a number out of nowhere is a waiter" {
    for ([_]u32{ 0, 1, 63, 64, 0x7FFFFFFF, 0xFFFFFFFF }) |number| {
        try expect(!waiters.close_waiter(number));
        try expectError(error.Closed, waiters.wait_for_reports(number, 0));
    }
}

test "when all waiters are taken there is none, and a closed one is taken again" {
    var numbers: [waiter.waiter_count]u32 = undefined;
    for (&numbers) |*number| number.* = waiters.open_waiter().?;
    try expectEqual(null, waiters.open_waiter());
    for (numbers) |number| try expect(waiters.close_waiter(number));
    try expect(waiters.close_waiter(waiters.open_waiter().?));
}

test "one thread sleeps for a waiter, not two" {
    const number = waiters.open_waiter().?;
    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    try expectError(error.Misuse, waiters.wait_for_reports(number, 0));
    try expect(waiters.close_waiter(number));
    try expectError(error.Closed, sleeper.end());
}

test "what an end cannot wait for is misuse" {
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    var outlet: Outlet = try .open();
    defer outlet.close();
    try expectError(error.Misuse, watching.watch(number, inlet.handle, .room, 64));
    try expectError(error.Misuse, watching.watch(number, outlet.handle, .news, 0));
    try expectError(error.Misuse, watching.watch(number, outlet.handle, .connector, 0));
    try expectError(error.Argument, watching.watch(number, outlet.handle, .room, 1985));
    try expectError(error.Closed, watching.watch(number, 0, .news, 0));

    const never_sleeps = inlet.consumer();
    never_sleeps.* = try .init(handles.get(inlet.handle).?.mapping.?, myself, std.math.inf(f64), 0, &failure);
    try expectError(error.Misuse, watching.watch(number, inlet.handle, .news, 0));
    try expectEqual(2, inlet.far.control().consumer_sleeping);
}

test "a thread that ended leaves its waiters to others" {
    const Owner = struct {
        fn take_all() void {
            while (waiters.open_waiter()) |_| {}
        }
    };
    const before = waiters.open_waiter().?;
    const owner = try std.Thread.spawn(.{}, Owner.take_all, .{});
    owner.join();
    const after = waiters.open_waiter().?;
    try expect(waiters.close_waiter(after));
    try expect(waiters.close_waiter(before));
}
