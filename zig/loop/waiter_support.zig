//! Channels of this process and a thread that sleeps for them, for tests of the waiter.

const std = @import("std");
const linux = std.os.linux;
const channel = @import("../channel/channel.zig");
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
pub const hour_ns = std.time.ns_per_hour;
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
