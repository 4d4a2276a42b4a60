//! Waiters that are taken from those who have nothing armed on them.

const std = @import("std");
const waiter = @import("waiter.zig");
const waiters = @import("waiters.zig");
const watching = @import("../abi/watching.zig");
const waiter_support = @import("waiter_support.zig");
const Inlet = waiter_support.Inlet;
const Sleeper = waiter_support.Sleeper;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

const Numbers = [waiter.waiter_count]u32;

fn take_all() Numbers {
    var numbers: Numbers = undefined;
    for (&numbers) |*number| number.* = waiters.open_waiter().?;
    return numbers;
}

/// Whether anybody else has come to have it since.
fn is_stale(number: u32) bool {
    var none: [0]u32 = undefined;
    return std.meta.isError(watching.take(number, &none));
}

fn close_all(numbers: []const u32) void {
    for (numbers) |number| _ = waiters.close_waiter(number);
}

test "an idle waiter is taken from whoever has it, one at a time, and one with a watch is not" {
    const numbers = take_all();
    defer close_all(&numbers);
    var inlet: Inlet = try .open(waiter_support.myself);
    defer inlet.close();
    try expect(!try watching.watch(numbers[7], inlet.handle, .news, 0));

    var reclaimed: Numbers = undefined;
    defer close_all(&reclaimed);
    for (&reclaimed, 1..) |*number, count| {
        number.* = waiters.reclaim_waiter().?;
        var stale: usize = 0;
        for (numbers) |old| stale += @intFromBool(is_stale(old));
        try expectEqual(@min(count, numbers.len - 1), stale);
    }
    try expect(!is_stale(numbers[7]));
    try inlet.send();
    try expectEqual(1, try waiters.wait_for_reports(numbers[7], 1000));
    // Nor is one with a report that was not taken.
    for (&reclaimed) |*number| number.* = waiters.reclaim_waiter().?;
    try waiter_support.expect_taken(numbers[7], &.{inlet.handle});
}

test "the sleeper of an idle waiter has left when another thread has the waiter" {
    const numbers = take_all();
    defer close_all(&numbers);
    var sleeper: Sleeper = .{ .number = numbers[9] };
    try sleeper.start();
    var reclaimed: Numbers = @splat(0);
    defer close_all(&reclaimed);
    for (&reclaimed) |*number| {
        number.* = waiters.reclaim_waiter().?;
        if (is_stale(numbers[9])) break;
    }
    try expectError(error.Closed, sleeper.end());
    for (reclaimed) |number| {
        if (number != 0) try expectEqual(0, try waiters.wait_for_reports(number, 0));
    }
}

test "where each waiter has a watch there is none to take" {
    const numbers = take_all();
    defer close_all(&numbers);
    var inlets: [numbers.len]Inlet = undefined;
    for (&inlets, numbers) |*inlet, number| {
        inlet.* = try .open(waiter_support.myself);
        try expect(!try watching.watch(number, inlet.handle, .news, 0));
    }
    defer for (&inlets) |*inlet| inlet.close();
    try expectEqual(null, waiters.reclaim_waiter());
}
