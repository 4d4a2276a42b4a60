//! Large memory is made, taken and given back in slices, each a small part of a turn of an event loop.

const std = @import("std");
const linux = std.os.linux;
const endpoints = @import("endpoint.zig");
const Role = @import("end.zig").Role;
const leaving = @import("leaving.zig");
const memory = @import("memory.zig");
const support = @import("../test_support.zig");
const wire = @import("../ring/wire.zig");
const Deadline = @import("../os/time.zig").Deadline;
const Endpoint = endpoints.Endpoint;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

const no_wait: Deadline = .{ .at_ns = 0 };
const offer: endpoints.Offer = .{ .version = 4, .capacity = 1 << 26 };

/// Time of its processor that this thread has had, whatever others do to it.
fn thread_ns() u64 {
    var ts: linux.timespec = undefined;
    _ = linux.clock_gettime(.THREAD_CPUTIME_ID, &ts);
    return @as(u64, @intCast(ts.sec)) * std.time.ns_per_s + @as(u64, @intCast(ts.nsec));
}

/// Calls until there is no work left. Returns how many slices there were, and checks that none took long.
fn establish(endpoint: *Endpoint, role: Role) !struct { slices: u32, answer: endpoints.EndpointError!void } {
    var slices: u32 = 0;
    while (true) : (slices += 1) {
        const start = thread_ns();
        const answer = endpoint.establish(role, offer, 0, no_wait);
        try expect(thread_ns() - start < 2 * std.time.ns_per_ms);
        if (answer) |_| {} else |err| if (err == error.WorkLeft) continue;
        return .{ .slices = slices, .answer = answer };
    }
}

fn let_go() !u32 {
    var slices: u32 = 0;
    while (true) : (slices += 1) {
        const start = thread_ns();
        const slice: Deadline = .after_ms(0.5);
        const answer = leaving.go_on(slice);
        try expect(thread_ns() - start < 2 * std.time.ns_per_ms);
        answer catch continue;
        return slices;
    }
}

test "memory of 128 MiB is made, taken and given back in slices of less than 2 ms" {
    var folder: support.Folder = try .make();
    defer folder.remove();
    const path = folder.file("a.sock");
    var listener: Endpoint = .{};
    var connector: Endpoint = .{};
    try listener.listen(path, 0o600);
    try connector.connect(path, no_wait, true);
    try listener.accept(no_wait);

    const made = try establish(&listener, .callee);
    try expectError(error.Timeout, made.answer);
    try expect(made.slices > 10);
    const taken = try establish(&connector, .caller);
    try taken.answer;
    try expect(taken.slices > 5);
    try listener.establish(.callee, offer, 0, no_wait);

    for ([_]*Endpoint{ &listener, &connector }) |endpoint| {
        const start = thread_ns();
        try expectEqual(null, endpoint.close());
        try expect(thread_ns() - start < 2 * std.time.ns_per_ms);
        try expect(!leaving.is_empty());
        try expect(try let_go() > 2);
        try expect(leaving.is_empty());
    }
}

test "a view of large memory shows zeros as soon as the channel is closed, and the memory leaves in slices" {
    var folder: support.Folder = try .make();
    defer folder.remove();
    const path = folder.file("a.sock");
    var listener: Endpoint = .{};
    var connector: Endpoint = .{};
    try listener.listen(path, 0o600);
    try connector.connect(path, no_wait, true);
    try listener.accept(no_wait);
    _ = try establish(&listener, .producer);
    try (try establish(&connector, .consumer)).answer;
    try listener.establish(.producer, offer, 0, no_wait);
    @memset(connector.mapping.?.ring(), 7);
    try connector.prepare_view();

    const start = thread_ns();
    const retired = connector.close().?;
    try expect(thread_ns() - start < 2 * std.time.ns_per_ms);
    for ([_]usize{ 0, wire.control_size, retired.bytes.len - 1 }) |at| try expectEqual(0, retired.bytes[at]);
    try expectEqual(7, listener.mapping.?.ring()[0]);
    try expect(try let_go() > 2);
    memory.unmap(retired);
    try expectEqual(null, listener.close());
    _ = try let_go();
}

test "a connector that leaves while its memory is made costs no long turn either" {
    var folder: support.Folder = try .make();
    defer folder.remove();
    const path = folder.file("a.sock");
    var listener: Endpoint = .{};
    defer _ = listener.close();
    var connector: Endpoint = .{};
    try listener.listen(path, 0o600);
    try connector.connect(path, no_wait, true);
    try listener.accept(no_wait);
    for (0..20) |_| try expectError(error.WorkLeft, listener.establish(.producer, offer, 0, no_wait));
    _ = connector.close();
    const start = thread_ns();
    listener.refuse();
    try expect(thread_ns() - start < 2 * std.time.ns_per_ms);
    try expect(try let_go() > 2);
}
