//! A waiter over what is no plain channel: both ways of an RPC, ends alone, listeners.

const std = @import("std");
const linux = std.os.linux;
const handles = @import("../abi/handles.zig");
const sockets = @import("../rendezvous/socket.zig");
const Address = @import("../rendezvous/address.zig").Address;
const support = @import("../test_support.zig");
const waiter = @import("waiter.zig");
const waiters = @import("waiters.zig");
const watching = @import("../abi/watching.zig");
const waiter_support = @import("waiter_support.zig");
const Failure = @import("../failure.zig").Failure;
const Rpc = @import("../channel/rpc.zig").Rpc;
const wire = @import("../ring/wire.zig");
const SharedArena = waiter_support.SharedArena;
const memory = @import("../rendezvous/memory.zig");
const Inlet = waiter_support.Inlet;
const Sleeper = waiter_support.Sleeper;
const expect_taken = waiter_support.expect_taken;
const myself = waiter_support.myself;
const only_wake_ups = waiter_support.only_wake_ups;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

var failure: Failure = .{};

/// A caller behind a handle, and the memory that its callee would have.
const RpcPair = struct {
    forward: SharedArena,
    reverse: SharedArena,
    handle: u32,

    fn open() !RpcPair {
        const pair: RpcPair = .{ .forward = try .make(4096), .reverse = try .make(4096), .handle = handles.open().? };
        const endpoint = handles.get(pair.handle).?;
        endpoint.mapping = pair.forward.near;
        endpoint.reverse = pair.reverse.near;
        endpoint.end = .{ .rpc = try .init_caller(pair.forward.near, pair.reverse.near, myself, 0, &failure) };
        return pair;
    }

    fn close(pair: RpcPair) void {
        watching.unwatch(pair.handle);
        _ = handles.close(pair.handle);
        memory.unmap(pair.forward.far);
        memory.unmap(pair.reverse.far);
    }
};

test "both directions of an RPC are watched, and its handle is taken once" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    const pair: RpcPair = try .open();
    defer pair.close();
    const handle = pair.handle;
    const caller = &handles.get(handle).?.end.rpc;
    var callee: Rpc = try .init_callee(pair.forward.far, pair.reverse.far, myself, 0, &failure);
    const bytes: [64]u8 = @splat(0);
    while (try caller.try_send(&bytes, 64, .{ .type_id = 1, .correlation_id = 1 })) {}
    try expect(!try watching.watch(number, handle, .news, 0));
    try expect(!try watching.watch(number, handle, .room, 64));

    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    var into: [64]u8 = undefined;
    _ = (try callee.try_receive(&into)).?;
    callee.in.release();
    try expectEqual(1, try sleeper.end());
    try sleeper.start();
    try expect(try callee.try_send(&bytes, 64, .{ .type_id = 1, .correlation_id = 1 }));
    try expectEqual(2, try sleeper.end());
    try expect_taken(number, &.{handle});
}

test "a watch for the end alone lets messages be" {
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    try expect(!try watching.watch(number, inlet.handle, .end, 0));
    try expect(try inlet.producer.try_send("x", 1, .{ .type_id = 1 }));
    try expectEqual(0, try waiters.wait_for_reports(number, 1));
    inlet.far.control().state = @intFromEnum(wire.State.disconnected);
    try expectEqual(1, try waiters.wait_for_reports(number, 1000));
    try expect_taken(number, &.{inlet.handle});
    try expect(try watching.watch(number, inlet.handle, .end, 0));
}

test "a peer that ends the other arena of an RPC is reported" {
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    const pair: RpcPair = try .open();
    defer pair.close();
    const handle = pair.handle;
    try expect(!try watching.watch(number, handle, .news, 0));
    pair.forward.far.control().state = @intFromEnum(wire.State.fatal);
    try expectEqual(1, try waiters.wait_for_reports(number, 1000));
    try expect_taken(number, &.{handle});
    try expect(try watching.watch(number, handle, .news, 0));
}

test "the name of a listener is free as soon as it is closed, though a thread sleeps on it" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var buffer: [64]u8 = undefined;
    const name = try std.fmt.bufPrint(&buffer, "@zerocross-freed-{d}", .{linux.getpid()});
    for (0..200) |_| {
        const handle = handles.open().?;
        try handles.get(handle).?.listen(name, 0);
        try expect(!try watching.watch(number, handle, .connector, 0));
        var sleeper: Sleeper = .{ .number = number };
        try sleeper.start();
        watching.unwatch(handle);
        try expect(handles.close(handle));
        const again = handles.open().?;
        try handles.get(again).?.listen(name, 0);
        try expect(handles.close(again));
        try expectEqual(0, try sleeper.end());
    }
}

test "a connector is noticed at once where only listeners are watched, and soon besides channels" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a.sock");
    const address = try Address.parse(path);
    const handle = handles.open().?;
    defer _ = handles.close(handle);
    defer watching.unwatch(handle);
    const endpoint = handles.get(handle).?;
    try endpoint.listen(path, 0o600);
    const before = support.open_descriptors();

    try expect(!try watching.watch(number, handle, .connector, 0));
    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    var connector = try sockets.connect(&address, .after_ms(0), false, &failure);
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{handle});
    try expect(try watching.watch(number, handle, .connector, 0));
    try endpoint.accept(.after_ms(0));
    endpoint.refuse();
    connector.close();
    try expectEqual(before, support.open_descriptors());

    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    try expect(!try watching.watch(number, handle, .connector, 0));
    try sleeper.start();
    // The bell has to ring while it sleeps on the listener.
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    try sleeper.settle();
    try inlet.send();
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{inlet.handle});
    try expectEqual(before, support.open_descriptors());

    var into: [8]u8 = undefined;
    _ = try inlet.consumer().try_receive(&into);
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    waiter.intervals.partial_ns = 5 * std.time.ns_per_ms;
    try sleeper.start();
    connector = try sockets.connect(&address, .after_ms(0), false, &failure);
    defer connector.close();
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{handle});
}
