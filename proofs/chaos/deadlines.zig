//! Under a storm of signals every waiting call still ends when its time is up: neither much earlier nor
//! much later.

const std = @import("std");
const core = @import("zerocross_core");
const process = @import("process.zig");
const storm = @import("storm.zig");
const Results = @import("results.zig").Results;

const timeout_ms = 200;
const storm_interval_us = 25;
/// What a busy machine may add.
const late_max_ms = 100;

/// A channel and an RPC whose other ends stay silent; each call in a process of its own.
pub fn check(results: *Results) void {
    var children: [calls.len]i32 = undefined;
    inline for (calls, &children) |call, *child| child.* = process.fork(measure, .{ results, call });
    for (children, calls) |child, call| {
        if (process.reap(child) != 0) results.note_fault("{s} did not survive the storm", .{call.name});
    }
}

const Call = struct { name: []const u8, make: *const fn (*Fixture) anyerror!void };

const calls = [_]Call{
    .{ .name = "receive, asleep", .make = receive_asleep },
    .{ .name = "receive, spinning", .make = receive_spinning },
    .{ .name = "drain", .make = drain },
    .{ .name = "send into a full ring", .make = send },
    .{ .name = "receive a call", .make = receive_call },
    .{ .name = "wait for an RPC's room", .make = wait_for_room },
    .{ .name = "accept", .make = accept },
    .{ .name = "connect", .make = connect },
    .{ .name = "a waiter's wait", .make = wait_on_waiter },
    .{ .name = "a waiter's wait for a connector", .make = wait_for_connector },
};

fn measure(results: *Results, call: Call) u8 {
    const myself = std.os.linux.getpid();
    var fixture: Fixture = .init();
    storm.blow(storm_interval_us);
    const delayed_ns = process.run_delay_ns(myself);
    const begun_ns = core.time.now_ns();
    const outcome = call.make(&fixture);
    const waited_ms = @as(f64, @floatFromInt(core.time.now_ns() - begun_ns)) / std.time.ns_per_ms;
    // What the scheduler kept from this process is not the library's.
    const delayed_ms = @as(f64, @floatFromInt(process.run_delay_ns(myself) - delayed_ns)) / std.time.ns_per_ms;
    storm.blow(0);
    if (outcome) |_| results.note_fault("{s}: no timeout", .{call.name}) else |err| {
        if (err != error.Timeout) results.note_fault("{s}: {t} instead of a timeout", .{ call.name, err });
    }
    if (waited_ms < timeout_ms * 0.98 or waited_ms > timeout_ms + late_max_ms + delayed_ms)
        results.note_fault("{s}: its {d} ms were over after {d:.1} ms and {d} signals", .{ call.name, timeout_ms, waited_ms, storm.signals() });
    return 0;
}

const peer: core.Peer = .{ .pid = 0, .uid = 0, .gid = 0, .pidfd = core.Peer.pidfd_none };

/// Arenas of this process alone, and handles without an end.
const Fixture = struct {
    failure: core.Failure = .{},
    forward: core.Arena = undefined,
    reverse: core.Arena = undefined,

    fn init() Fixture {
        var self: Fixture = .{};
        self.forward = self.arena();
        self.reverse = self.arena();
        return self;
    }

    fn arena(self: *Fixture) core.Arena {
        const fd = core.memory.create(4096, &self.failure) catch unreachable;
        const mapping = core.memory.map(fd, 4096, null, &self.failure) catch unreachable;
        core.memory.initialise(mapping, 4);
        return mapping;
    }

    fn consumer(self: *Fixture, spin_us: f64) !core.channel.Consumer {
        return .init(self.forward, peer, spin_us, 0, &self.failure);
    }

    fn callee(self: *Fixture) !core.Rpc {
        return .init_callee(self.forward, self.reverse, peer, 0, &self.failure);
    }
};

fn receive_asleep(fixture: *Fixture) !void {
    var into: [64]u8 = undefined;
    var consumer = try fixture.consumer(0);
    _ = try consumer.receive(&into, timeout_ms);
}

fn receive_spinning(fixture: *Fixture) !void {
    var into: [64]u8 = undefined;
    var consumer = try fixture.consumer(std.math.inf(f64));
    _ = try consumer.receive(&into, timeout_ms);
}

fn drain(fixture: *Fixture) !void {
    var places: [4]core.Place = undefined;
    var consumer = try fixture.consumer(50);
    _ = try consumer.drain(&places, timeout_ms);
}

fn send(fixture: *Fixture) !void {
    var producer: core.channel.Producer = try .init(fixture.forward, peer, 0, 0, &fixture.failure);
    const bytes: [960]u8 = @splat(0);
    while (try producer.try_send(&bytes, bytes.len, .{ .type_id = 1 })) {}
    try producer.send(&bytes, bytes.len, .{ .type_id = 1 }, timeout_ms);
}

fn receive_call(fixture: *Fixture) !void {
    var into: [64]u8 = undefined;
    var callee = try fixture.callee();
    _ = try callee.receive(&into, timeout_ms);
}

fn wait_for_room(fixture: *Fixture) !void {
    var callee = try fixture.callee();
    const bytes: [960]u8 = @splat(0);
    while (try callee.try_send(&bytes, bytes.len, .{ .type_id = 1, .correlation_id = 1 })) {}
    try callee.wait(960, timeout_ms);
}

/// An abstract name, so that nothing is left in the file system.
fn path_of(buffer: []u8) ![]const u8 {
    return std.fmt.bufPrint(buffer, "@zerocross-chaos-{d}", .{std.os.linux.getpid()});
}

fn listening_handle() !u32 {
    var buffer: [64]u8 = undefined;
    const handle = core.handles.open().?;
    try core.handles.get(handle).?.listen(try path_of(&buffer), 0o600);
    return handle;
}

fn accept(_: *Fixture) !void {
    try core.handles.get(try listening_handle()).?.accept(.after_ms(timeout_ms));
}

fn connect(_: *Fixture) !void {
    var buffer: [64]u8 = undefined;
    const endpoint = core.handles.get(core.handles.open().?).?;
    try endpoint.connect(try path_of(&buffer), .after_ms(timeout_ms), true);
}

fn wait_on_waiter(fixture: *Fixture) !void {
    const handle = core.handles.open().?;
    const endpoint = core.handles.get(handle).?;
    endpoint.mapping = fixture.forward;
    endpoint.end = .{ .consumer = try fixture.consumer(0) };
    try wait_for(handle, .news);
}

fn wait_for_connector(_: *Fixture) !void {
    try wait_for(try listening_handle(), .connector);
}

fn wait_for(handle: u32, interest: core.Interest) !void {
    const waiter = core.waiters.open_waiter().?;
    if (try core.watching.watch(waiter, handle, interest, 0)) return;
    if (try core.waiters.wait_for_reports(waiter, timeout_ms) == 0) return error.Timeout;
}
