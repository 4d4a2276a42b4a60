//! A loop whose thread sleeps itself, in a call that blocks, while its waiter sleeps on the same word.

const std = @import("std");
const waiters = @import("waiters.zig");
const waiter = @import("waiter.zig");
const watching = @import("../abi/watching.zig");
const waiter_support = @import("waiter_support.zig");
const Inlet = waiter_support.Inlet;
const Outlet = waiter_support.Outlet;
const Sleeper = waiter_support.Sleeper;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

test "a loop that slept itself on a word that was watched is told to look again" {
    waiter.intervals = waiter_support.only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(waiter_support.myself);
    defer inlet.close();
    for (0..3) |_| {
        try expect(!try watching.watch(number, inlet.handle, .news, 0));
        var sleeper: Sleeper = .{ .number = number };
        try sleeper.start();
        var into: [8]u8 = undefined;
        try expectError(error.Timeout, inlet.consumer().receive(&into, 1));
        // Nothing relies on the word any more, and nothing came: only a report can end the wait.
        try expectEqual(0, inlet.word());
        try expectEqual(1, try sleeper.end());
        try waiter_support.expect_taken(number, &.{inlet.handle});
    }
}

test "a producer that slept itself is told to look for room again" {
    waiter.intervals = waiter_support.only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var outlet: Outlet = try .open();
    defer outlet.close();
    try outlet.fill();
    try expect(!try watching.watch(number, outlet.handle, .room, 64));
    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    const payload: [64]u8 = @splat(0);
    try expectError(error.Timeout, outlet.producer().send(&payload, 64, .{ .type_id = 1 }, 1));
    try expectEqual(1, try sleeper.end());
    try waiter_support.expect_taken(number, &.{outlet.handle});
}

test "a watch that was set aside before the waiter's thread came is told as soon as it comes" {
    waiter.intervals = waiter_support.only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(waiter_support.myself);
    defer inlet.close();
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    var into: [8]u8 = undefined;
    try expectError(error.Timeout, inlet.consumer().receive(&into, 1));
    try expectEqual(1, try waiters.wait_for_reports(number, 0));
    try waiter_support.expect_taken(number, &.{inlet.handle});
    // Once: it is not told again when it was taken.
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    try expectEqual(0, try waiters.wait_for_reports(number, 0));
}
