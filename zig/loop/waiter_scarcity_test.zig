//! A waiter that finds no descriptor to sleep on.

const std = @import("std");
const linux = std.os.linux;
const handles = @import("../abi/handles.zig");
const sockets = @import("../rendezvous/socket.zig");
const Address = @import("../rendezvous/address.zig").Address;
const support = @import("../test_support.zig");
const system = @import("../os/system.zig");
const waiter = @import("waiter.zig");
const waiters = @import("waiters.zig");
const watching = @import("../abi/watching.zig");
const waiter_support = @import("waiter_support.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expect_taken = waiter_support.expect_taken;
const only_wake_ups = waiter_support.only_wake_ups;

/// Connects a little later, when whoever waits for that is asleep.
fn connect_later(socket: i32, address: *const Address) void {
    system.sleep(20 * std.time.ns_per_ms);
    _ = linux.connect(socket, address.sockaddr(), address.length);
}

test "a connector is noticed soon though there is no descriptor left to sleep on it" {
    waiter.intervals = .{ .check_ns = only_wake_ups.check_ns, .blind_ns = only_wake_ups.blind_ns };
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var buffer: [64]u8 = undefined;
    const name = try std.fmt.bufPrint(&buffer, "@zerocross-crowded-{d}", .{linux.getpid()});
    const address = try Address.parse(name);
    const handle = handles.open().?;
    defer _ = handles.close(handle);
    defer watching.unwatch(handle);
    try handles.get(handle).?.listen(name, 0);
    try expect(!try watching.watch(number, handle, .connector, 0));
    const kind = linux.SOCK.STREAM | linux.SOCK.CLOEXEC;
    const socket: i32 = @intCast(try support.must(linux.socket(linux.AF.UNIX, kind, 0)));
    defer system.close_fd(socket);

    var limit: linux.rlimit = undefined;
    _ = try support.must(linux.getrlimit(.NOFILE, &limit));
    // All numbers below are taken; and with a limit of 0 not even poll works.
    const none: linux.rlimit = .{ .cur = 1, .max = limit.max };
    _ = try support.must(linux.setrlimit(.NOFILE, &none));
    defer _ = linux.setrlimit(.NOFILE, &limit);
    const connector = try std.Thread.spawn(.{}, connect_later, .{ socket, &address });
    defer connector.join();
    try expectEqual(1, try waiters.wait_for_reports(number, support.patience_ms));
    try expect_taken(number, &.{handle});
}
