//! A waiter over real channels of this process: what ends its sleep, and what is reported.

const std = @import("std");
const linux = std.os.linux;
const channel = @import("../channel/channel.zig");
const futex = @import("futex.zig");
const handles = @import("../abi/handles.zig");
const memory = @import("../rendezvous/memory.zig");
const support = @import("../test_support.zig");
const system = @import("../os/system.zig");
const waiter = @import("waiter.zig");
const waiters = @import("waiters.zig");
const watching = @import("../abi/watching.zig");
const Deadline = @import("../os/time.zig").Deadline;
const Failure = @import("../failure.zig").Failure;
const Arena = @import("../ring/arena.zig").Arena;
const Peer = @import("../os/peer.zig").Peer;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

var failure: Failure = .{};

pub const myself: Peer = .{ .pid = 0, .uid = 0, .gid = 0, .pidfd = Peer.pidfd_none };

/// Longer than any test: no sleep ends just because it is time to look.
const hour_ns = std.time.ns_per_hour;
pub const only_wake_ups: waiter.Intervals = .{ .check_ns = hour_ns, .partial_ns = hour_ns, .blind_ns = hour_ns };

/// The memory of an arena as each of two processes maps it.
pub const SharedArena = struct {
    near: Arena,
    far: Arena,

    pub fn make(capacity: u32) !SharedArena {
        const fd = try memory.create(capacity, &failure);
        defer system.close_fd(fd);
        const near = try memory.map(fd, capacity, null, &failure);
        memory.initialise(near, 4);
        return .{ .near = near, .far = try memory.map(fd, capacity, null, &failure) };
    }
};

/// A consumer behind a handle, and the producer that sends to it.
pub const Inlet = struct {
    handle: u32,
    far: Arena,
    producer: channel.Producer,

    pub fn open(peer: Peer) !Inlet {
        const arena: SharedArena = try .make(4096);
        const handle = handles.open().?;
        const endpoint = handles.get(handle).?;
        endpoint.mapping = arena.near;
        endpoint.end = .{ .consumer = try .init(arena.near, peer, 0, 0, &failure) };
        return .{ .handle = handle, .far = arena.far, .producer = try .init(arena.far, myself, 0, 0, &failure) };
    }

    pub fn send(self: *Inlet) !void {
        try expect(try self.producer.try_send("hello", 5, .{ .type_id = 1 }));
    }

    pub fn consumer(self: *const Inlet) *channel.Consumer {
        return &handles.get(self.handle).?.end.consumer;
    }

    pub fn word(self: *const Inlet) u32 {
        return @atomicLoad(u32, &self.far.control().consumer_sleeping, .monotonic);
    }

    pub fn close(self: *Inlet) void {
        watching.unwatch(self.handle);
        _ = handles.close(self.handle);
        memory.unmap(self.far);
    }
};

/// A producer behind a handle, and the consumer that receives from it.
pub const Outlet = struct {
    handle: u32,
    far: Arena,
    consumer: channel.Consumer,

    pub fn open() !Outlet {
        const arena: SharedArena = try .make(4096);
        const handle = handles.open().?;
        const endpoint = handles.get(handle).?;
        endpoint.mapping = arena.near;
        endpoint.end = .{ .producer = try .init(arena.near, myself, 0, 0, &failure) };
        return .{ .handle = handle, .far = arena.far, .consumer = try .init(arena.far, myself, 0, 0, &failure) };
    }

    pub fn producer(self: *const Outlet) *channel.Producer {
        return &handles.get(self.handle).?.end.producer;
    }

    /// Sends messages of 64 bytes, which take 128, until the ring is full.
    pub fn fill(self: *Outlet) !void {
        while (try self.producer().try_send(&@as([64]u8, @splat(0)), 64, .{ .type_id = 1 })) {}
    }

    pub fn free(self: *Outlet, messages: u32) !void {
        var into: [64]u8 = undefined;
        for (0..messages) |_| _ = (try self.consumer.try_receive(&into)).?;
        self.consumer.release();
    }

    pub fn close(self: *Outlet) void {
        watching.unwatch(self.handle);
        _ = handles.close(self.handle);
        memory.unmap(self.far);
    }
};

/// The thread that sleeps.
pub const Sleeper = struct {
    number: u32,
    thread: std.Thread = undefined,
    tid: i32 = 0,
    deadline: Deadline = .never,
    answer: waiters.WaiterError!u32 = 0,

    /// Returns when it is asleep.
    pub fn start(self: *Sleeper) !void {
        self.tid = 0;
        self.deadline = .after_ms(support.patience_ms);
        self.thread = try std.Thread.spawn(.{}, sleep, .{self});
        try self.settle();
    }

    fn sleep(self: *Sleeper) void {
        @atomicStore(i32, &self.tid, linux.gettid(), .release); // Pairs with `until_asleep`.
        self.answer = waiters.wait_for_reports(self.number, support.patience_ms);
    }

    /// Returns when it has done what it was woken for and is asleep again.
    pub fn settle(self: *const Sleeper) !void {
        return support.until_asleep(&self.tid);
    }

    /// What `wait` answered. An error when nothing but the end of all patience woke it.
    pub fn end(self: *Sleeper) !u32 {
        self.thread.join();
        if (self.deadline.passed()) return error.TestUnexpectedResult;
        return self.answer;
    }
};

/// In whatever order.
pub fn expect_taken(number: u32, expected: []const u32) !void {
    var taken: [8]u32 = undefined;
    const count = try watching.take(number, &taken);
    try expectEqual(expected.len, count);
    for (expected) |handle| try expect(std.mem.indexOfScalar(u32, taken[0..count], handle) != null);
}

test "a message wakes the thread that sleeps for its channel" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();

    for (0..20) |_| {
        try expect(!try watching.watch(number, inlet.handle, .news, 0));
        var sleeper: Sleeper = .{ .number = number };
        try sleeper.start();
        try expectEqual(1, inlet.word());
        try inlet.send();
        try expectEqual(1, try sleeper.end());
        try expectEqual(0, inlet.word());
        try expect_taken(number, &.{inlet.handle});
        var into: [8]u8 = undefined;
        try expectEqual(5, try inlet.consumer().try_receive(&into));
    }
}

test "a watch fires once, and one that was published before it slept is not missed" {
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    try inlet.send();
    try expectEqual(1, try waiters.wait_for_reports(number, 0));
    try inlet.send();
    try expectEqual(0, try waiters.wait_for_reports(number, 0));
    try expect_taken(number, &.{inlet.handle});
    try expect_taken(number, &.{});
}

test "only the channels that are ready are reported" {
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlets: [4]Inlet = undefined;
    for (&inlets) |*inlet| {
        inlet.* = try .open(myself);
        try expect(!try watching.watch(number, inlet.handle, .news, 0));
    }
    defer for (&inlets) |*inlet| inlet.close();
    try inlets[0].send();
    try inlets[2].send();
    try expectEqual(2, try waiters.wait_for_reports(number, 0));
    try expect_taken(number, &.{ inlets[0].handle, inlets[2].handle });
}

test "a report is announced once and stays until it is taken" {
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var first: Inlet = try .open(myself);
    defer first.close();
    var second: Inlet = try .open(myself);
    defer second.close();
    for ([_]u32{ first.handle, second.handle }) |handle| try expect(!try watching.watch(number, handle, .news, 0));
    try first.send();
    try expectEqual(1, try waiters.wait_for_reports(number, 0));
    try expectEqual(0, try waiters.wait_for_reports(number, 0));
    try second.send();
    try expectEqual(2, try waiters.wait_for_reports(number, 0));

    var one: [1]u32 = undefined;
    var taken: u32 = 0;
    while (try watching.take(number, &one) > 0) taken += one[0];
    try expectEqual(first.handle + second.handle, taken);
}

test "what is ready already is not armed" {
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    var outlet: Outlet = try .open();
    defer outlet.close();
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    try inlet.send();
    try expect(try watching.watch(number, inlet.handle, .news, 0));
    try expect(try watching.watch(number, outlet.handle, .room, 64));
    // Neither is the watch that was there before.
    try expectEqual(0, try waiters.wait_for_reports(number, 0));
    try expect_taken(number, &.{});
}

test "a message that was read ahead and not consumed is news" {
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    try inlet.send();
    try inlet.send();
    var into: [8]u8 = undefined;
    try expectEqual(5, try inlet.consumer().try_receive(&into));
    try expect(try watching.watch(number, inlet.handle, .news, 0));
    try expectEqual(5, try inlet.consumer().try_receive(&into));
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    // What was consumed is given back before anything is waited for.
    try expectEqual(256, inlet.far.control().tail);
}

test "a channel may be armed while the waiter sleeps, with or without others" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var first: Inlet = try .open(myself);
    defer first.close();
    var second: Inlet = try .open(myself);
    defer second.close();

    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    try expect(!try watching.watch(number, first.handle, .news, 0));
    try sleeper.settle();
    try expect(!try watching.watch(number, second.handle, .news, 0));
    try sleeper.settle();
    try second.send();
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{second.handle});
}

test "a watch that is armed again while the waiter sleeps looks for what it says now" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var outlet: Outlet = try .open();
    defer outlet.close();
    try outlet.fill();
    try expect(!try watching.watch(number, outlet.handle, .room, 1024));
    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    try expect(!try watching.watch(number, outlet.handle, .room, 64));
    // Somebody else slept on the word in between, and left it like this.
    @atomicStore(u32, &outlet.far.control().producer_parked, 0, .monotonic);
    try expect(!try watching.watch(number, outlet.handle, .room, 64));
    try sleeper.settle();
    try outlet.free(1);
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{outlet.handle});
}

test "a watch moves to the waiter that armed it last" {
    const numbers = [2]u32{ waiters.open_waiter().?, waiters.open_waiter().? };
    defer for (numbers) |number| {
        _ = waiters.close_waiter(number);
    };
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    for (numbers) |number| try expect(!try watching.watch(number, inlet.handle, .news, 0));
    try inlet.send();
    try expectEqual(0, try waiters.wait_for_reports(numbers[0], 0));
    try expectEqual(1, try waiters.wait_for_reports(numbers[1], 0));
    try expect_taken(numbers[1], &.{inlet.handle});
}

test "room is reported when the consumer has released enough, and not before" {
    waiter.intervals = only_wake_ups;
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var outlet: Outlet = try .open();
    defer outlet.close();
    try outlet.fill();
    try expect(!try watching.watch(number, outlet.handle, .room, 320));
    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    try outlet.free(2);
    try sleeper.settle();
    try expectEqual(1, @atomicLoad(u32, &outlet.far.control().producer_parked, .monotonic));
    try expect_taken(number, &.{});
    try outlet.free(1);
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{outlet.handle});
    try expect((try outlet.producer().try_claim(320)) != null);
}

test "room is counted as a claim counts it, wherever the ring stands" {
    var outlet: Outlet = try .open();
    defer outlet.close();
    var random: std.Random.DefaultPrng = .init(std.testing.random_seed);
    const bytes: [1984]u8 = @splat(0);
    for (0..2000) |_| {
        const size = random.random().uintAtMost(u32, 1984);
        const writer = &outlet.producer().writer;
        const tail = @atomicLoad(u64, &outlet.far.control().tail, .monotonic);
        const is_enough = @as(i64, @bitCast(tail -% writer.tail_needed(size))) >= 0;
        try expectEqual(try writer.can_claim(size, &failure), is_enough);
        try expectEqual(is_enough, try outlet.producer().try_send(&bytes, size, .{ .type_id = 1 }));
        var into: [1984]u8 = undefined;
        if (random.random().boolean()) _ = try outlet.consumer.try_receive(&into);
        outlet.consumer.release();
    }
}

test "a consumer that wakes nobody is looked at all the same" {
    waiter.intervals = .{ .check_ns = hour_ns, .partial_ns = hour_ns };
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var outlet: Outlet = try .open();
    defer outlet.close();
    try outlet.fill();
    const control = outlet.far.control();
    @atomicStore(u32, &control.consumer_abilities, 0, .release);
    try expect(!try watching.watch(number, outlet.handle, .room, 64));
    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    @atomicStore(u64, &control.tail, 128, .release);
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{outlet.handle});
}

test "more channels than the kernel waits for at once are all reported" {
    waiter.intervals = .{ .check_ns = hour_ns, .blind_ns = hour_ns };
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlets: [200]Inlet = undefined;
    for (&inlets) |*inlet| {
        inlet.* = try .open(myself);
        try expect(!try watching.watch(number, inlet.handle, .news, 0));
    }
    defer for (&inlets) |*inlet| inlet.close();
    for (0..8) |round| {
        const inlet = &inlets[round * 28];
        var sleeper: Sleeper = .{ .number = number };
        try sleeper.start();
        try inlet.send();
        try expectEqual(1, try sleeper.end());
        try expect_taken(number, &.{inlet.handle});
    }
}

test "without futex_waitv a message is noticed soon, and a bell at once" {
    futex.waitv_is_missing = true;
    defer futex.waitv_is_missing = false;
    waiter.intervals = .{ .check_ns = hour_ns, .partial_ns = hour_ns };
    defer waiter.intervals = .{};
    const number = waiters.open_waiter().?;
    defer _ = waiters.close_waiter(number);
    var inlet: Inlet = try .open(myself);
    defer inlet.close();
    var sleeper: Sleeper = .{ .number = number };
    try sleeper.start();
    try expect(!try watching.watch(number, inlet.handle, .news, 0));
    try sleeper.settle();
    try inlet.send();
    try expectEqual(1, try sleeper.end());
    try expect_taken(number, &.{inlet.handle});
}
