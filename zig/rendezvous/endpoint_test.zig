//! Two endpoints that meet: driven without waiting, cut short, and many on one listener.

const std = @import("std");
const linux = std.os.linux;
const endpoints = @import("endpoint.zig");
const Role = @import("end.zig").Role;
const Endpoint = endpoints.Endpoint;
const handshake = @import("handshake.zig");
const memory = @import("memory.zig");
const covers = @import("cover.zig");
const support = @import("../test_support.zig");
const system = @import("../os/system.zig");
const wire = @import("../ring/wire.zig");
const Address = @import("address.zig").Address;
const Deadline = @import("../os/time.zig").Deadline;
const Failure = @import("../failure.zig").Failure;
const Envelope = @import("../ring/writer.zig").Envelope;
const must = support.must;
const patience_ms = support.patience_ms;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

const offer: endpoints.Offer = .{ .version = 4, .capacity = 4096 };
const no_wait: Deadline = .{ .at_ns = 0 };

/// What a closed endpoint left to be unmapped.
fn close(endpoint: *Endpoint) void {
    if (endpoint.close()) |mapping| memory.unmap(mapping);
}

/// What must be the same again after everything was closed.
const Held = struct {
    descriptors: u32,
    arenas: usize,

    fn now() !Held {
        const fd: i32 = @intCast(try must(linux.open("/proc/self/maps", .{ .CLOEXEC = true }, 0)));
        defer system.close_fd(fd);
        var text: [1 << 18]u8 = undefined;
        var length: usize = 0;
        while (true) {
            const count = try must(linux.read(fd, text[length..].ptr, text.len - length));
            if (count == 0) break;
            length += count;
        }
        return .{
            .descriptors = support.open_descriptors(),
            .arenas = std.mem.count(u8, text[0..length], "memfd:zerocross"),
        };
    }
};

/// A listener and a connector that it has accepted.
const Meeting = struct {
    folder: support.Folder,
    listener: Endpoint = .{},
    connector: Endpoint = .{},

    fn open(self: *Meeting) !void {
        self.* = .{ .folder = try .make() };
        const path = self.folder.file("a.sock");
        try self.listener.listen(path, 0o600);
        try self.connector.connect(path, no_wait, true);
        try self.listener.accept(no_wait);
    }

    fn deinit(self: *Meeting) void {
        close(&self.listener);
        close(&self.connector);
        self.folder.remove();
    }
};

fn expect_call(caller: *Endpoint, callee: *Endpoint, bytes: []const u8) !void {
    const message: Envelope = .{ .type_id = 5, .correlation_id = 1 };
    try expect(try caller.end.rpc.try_send(bytes.ptr, @intCast(bytes.len), message));
    var into: [64]u8 = undefined;
    const size = (try callee.end.rpc.try_receive(&into)).?;
    try std.testing.expectEqualStrings(bytes, into[0..size]);
    try expect(try callee.end.rpc.try_send(&into, size, message));
    try expectEqual(size, try caller.end.rpc.try_receive(&into));
}

test "caller and callee meet on either side, and give everything back" {
    for ([_]Role{ .caller, .callee }) |role| {
        const before = try Held.now();
        var meeting: Meeting = undefined;
        try meeting.open();
        const is_caller = role == .caller;
        const other: Role = if (is_caller) .callee else .caller;
        try expectError(error.Timeout, meeting.listener.establish(role, offer, 0, no_wait));
        try meeting.connector.establish(other, offer, 0, no_wait);
        try meeting.listener.establish(role, offer, 0, no_wait);
        const caller = if (is_caller) &meeting.listener else &meeting.connector;
        const callee = if (is_caller) &meeting.connector else &meeting.listener;
        try expect_call(caller, callee, "hello");
        try expectEqual(4, (try Held.now()).arenas - before.arenas);

        try expectEqual(linux.getpid(), meeting.connector.peer().?.pid);
        try expectEqual(null, meeting.listener.visible_mapping());
        try expectEqual(null, meeting.connector.visible_mapping());
        meeting.deinit();
        try expectEqual(before, try Held.now());
    }
}

test "a listener that does not wait makes and sends the memory once" {
    const before = try Held.now();
    var meeting: Meeting = undefined;
    try meeting.open();
    try expectError(error.Timeout, meeting.listener.establish(.producer, offer, 0, no_wait));
    const offered = try Held.now();
    const mapping = meeting.listener.mapping.?;
    for (0..3) |_| {
        try expectError(error.Timeout, meeting.listener.establish(.producer, offer, 0, no_wait));
    }
    try expectEqual(offered, try Held.now());
    try expectEqual(.none, meeting.listener.end);
    // Were it sent twice, there would be too much of it here.
    try meeting.connector.establish(.consumer, offer, 0, no_wait);
    try meeting.listener.establish(.producer, offer, 0, no_wait);
    try expectEqual(mapping, meeting.listener.mapping.?);
    try expectError(error.Misuse, meeting.listener.establish(.producer, offer, 0, no_wait));

    try expect(try meeting.listener.end.producer.try_send("hello", 5, .{ .type_id = 1 }));
    var into: [8]u8 = undefined;
    try expectEqual(5, try meeting.connector.end.consumer.try_receive(&into));
    meeting.deinit();
    try expectEqual(before, try Held.now());
}

/// A listener that sends an RPC's memory in as many pieces as a test wants, and a connector of ours
/// that it has accepted.
const Pieces = struct {
    folder: support.Folder,
    socket: i32,
    connector: Endpoint = .{},
    descriptors: [2]i32,
    transmission: handshake.Transmission,
    failure: Failure = .{},

    const capacities = [2]u32{ 4096, 8192 };

    fn open(self: *Pieces) !void {
        self.* = .{ .folder = try .make(), .socket = -1, .descriptors = undefined, .transmission = .init(.{
            .version = 4,
            .capacity_fwd = capacities[0],
            .capacity_rev = capacities[1],
            .rpc = true,
        }) };
        const path = self.folder.file("a.sock");
        const listening = try support.listening_socket(&try Address.parse(path));
        defer system.close_fd(listening);
        try self.connector.connect(path, no_wait, false);
        self.socket = @intCast(try must(linux.accept4(listening, null, null, linux.SOCK.CLOEXEC)));
        for (&self.descriptors, capacities) |*fd, capacity| {
            fd.* = try memory.create(capacity, &self.failure);
            const mapping = try memory.map(fd.*, capacity, null, &self.failure);
            memory.initialise(mapping, 4);
            memory.unmap(mapping);
        }
    }

    fn send_up_to(self: *Pieces, length: usize) !void {
        self.transmission.length = length;
        try self.transmission.send_rest(self.socket, &self.descriptors, no_wait, &self.failure);
    }

    fn expect_silence(self: *Pieces, role: Role, length: usize) !void {
        try expectError(error.Timeout, self.connector.establish(role, offer, 0, no_wait));
        try expectEqual(.silence, self.connector.failure.subject);
        try expectEqual(length, self.connector.failure.found);
    }

    fn deinit(self: *Pieces) void {
        close(&self.connector);
        system.close_fd(self.socket);
        support.close_all(&self.descriptors);
        self.folder.remove();
    }
};

test "a connector that does not wait keeps what has come so far" {
    for ([_]Role{ .caller, .callee }, Pieces.capacities) |role, capacity| {
        const before = try Held.now();
        var pieces: Pieces = undefined;
        try pieces.open();
        try pieces.expect_silence(role, 0);
        try pieces.send_up_to(7);
        try pieces.expect_silence(role, 7);
        try pieces.expect_silence(role, 7);
        try pieces.send_up_to(20);
        try pieces.expect_silence(role, 20);
        try pieces.send_up_to(32);
        try pieces.connector.establish(role, offer, 0, no_wait);
        try expectEqual(capacity, pieces.connector.ring_capacity());
        pieces.deinit();
        try expectEqual(before, try Held.now());
    }
}

test "a connector that gives up midway closes the descriptors that came" {
    for ([_]bool{ true, false }) |refuse| {
        var pieces: Pieces = undefined;
        try pieces.open();
        defer pieces.deinit();
        try pieces.send_up_to(7);
        const before = try Held.now();
        try pieces.expect_silence(.caller, 7);
        try expectEqual(before.descriptors + 2, (try Held.now()).descriptors);
        if (refuse) pieces.connector.refuse() else close(&pieces.connector);
        // The connection's socket and the peer's pidfd are gone as well.
        try expect((try Held.now()).descriptors < before.descriptors);
        try expectEqual(null, pieces.connector.connection);
    }
}

test "a handshake that turns out wrong leaves nothing behind, though it came in pieces" {
    var pieces: Pieces = undefined;
    try pieces.open();
    defer pieces.deinit();
    // The flags come last, and say that this is an RPC, which nobody asked for.
    try pieces.send_up_to(20);
    const before = try Held.now();
    try pieces.expect_silence(.producer, 20);
    try pieces.send_up_to(32);
    try expectError(error.Wire, pieces.connector.establish(.producer, offer, 0, no_wait));
    try expectEqual(.flags, pieces.connector.failure.subject);
    try expectEqual(before, try Held.now());
}

test "each arena of an RPC is checked before it is believed, and none of it stays" {
    for ([_]usize{ 0, 1 }) |spoiled| {
        var pieces: Pieces = undefined;
        try pieces.open();
        defer pieces.deinit();
        const capacity = Pieces.capacities[spoiled];
        const mapping = try memory.map(pieces.descriptors[spoiled], capacity, null, &pieces.failure);
        mapping.control().version = 3;
        memory.unmap(mapping);
        const before = try Held.now();
        try pieces.send_up_to(32);
        try expectError(error.Wire, pieces.connector.establish(.caller, offer, 0, no_wait));
        try expectEqual(.memory_version, pieces.connector.failure.subject);
        try expectEqual(before, try Held.now());
    }
    var pieces: Pieces = undefined;
    try pieces.open();
    defer pieces.deinit();
    std.mem.swap(i32, &pieces.descriptors[0], &pieces.descriptors[1]);
    try pieces.send_up_to(32);
    try expectError(error.Wire, pieces.connector.establish(.caller, offer, 0, no_wait));
    try expectEqual(.file_size, pieces.connector.failure.subject);
}

test "a listener that gives up midway takes the memory back, and who has taken it is told" {
    for ([_]bool{ true, false }) |refuse| {
        var meeting: Meeting = undefined;
        try meeting.open();
        defer meeting.deinit();
        const before = try Held.now();
        try expectError(error.Timeout, meeting.listener.establish(.caller, offer, 0, no_wait));
        try expectEqual(before.arenas + 2, (try Held.now()).arenas);
        try meeting.connector.establish(.callee, offer, 0, no_wait);
        if (refuse) meeting.listener.refuse() else close(&meeting.listener);
        try expectEqual(before.arenas + 2, (try Held.now()).arenas);
        try expect((try Held.now()).descriptors < before.descriptors);
        var into: [8]u8 = undefined;
        try expectError(error.PeerClosed, meeting.connector.end.rpc.try_receive(&into));
    }
}

test "after a connector that went away, the listener offers the next one fresh memory" {
    var meeting: Meeting = undefined;
    try meeting.open();
    defer meeting.deinit();
    const before = try Held.now();
    try expectError(error.Timeout, meeting.listener.establish(.callee, offer, 0, no_wait));
    meeting.connector.refuse();
    try expectError(error.PeerGone, meeting.listener.establish(.callee, offer, 0, no_wait));
    try expectEqual(before.arenas, (try Held.now()).arenas);
    meeting.listener.refuse();

    const path = std.mem.sliceTo(&meeting.folder.names[0], 0);
    try meeting.connector.connect(path, no_wait, true);
    try meeting.listener.accept(no_wait);
    try expectError(error.Timeout, meeting.listener.establish(.callee, offer, 0, no_wait));
    try meeting.connector.establish(.caller, offer, 0, no_wait);
    try meeting.listener.establish(.callee, offer, 0, no_wait);
    try expect_call(&meeting.connector, &meeting.listener, "next");
}

test "a listener learns that a connector did not take what it was sent" {
    var meeting: Meeting = undefined;
    try meeting.open();
    defer meeting.deinit();
    const before = try Held.now();
    try expectError(error.Timeout, meeting.listener.establish(.callee, offer, 0, no_wait));
    // It has read the handshake, which is not what it wants.
    try expectError(error.Wire, meeting.connector.establish(.producer, offer, 0, no_wait));
    try expectError(error.Timeout, meeting.listener.establish(.callee, offer, 0, no_wait));
    meeting.connector.refuse();
    try expectError(error.PeerGone, meeting.listener.establish(.callee, offer, 0, no_wait));
    try expectEqual(before.arenas, (try Held.now()).arenas);
}

test "one listener serves two connectors, each with a handle of its own" {
    const before = try Held.now();
    var folder = try support.Folder.make();
    const path = folder.file("a.sock");
    var listening: Endpoint = .{};
    try listening.listen(path, 0o600);
    var servers: [2]Endpoint = .{ .{}, .{} };
    var clients: [2]Endpoint = .{ .{}, .{} };
    try expectError(error.Timeout, servers[0].accept_from(&listening, no_wait));
    for (&clients) |*client| try client.connect(path, no_wait, true);
    for (&servers) |*server| try server.accept_from(&listening, no_wait);
    for (&servers) |*server| try expectError(error.Timeout, server.establish(.callee, offer, 0, no_wait));
    for (&clients) |*client| try client.establish(.caller, offer, 0, no_wait);
    for (&servers) |*server| try server.establish(.callee, offer, 0, no_wait);
    try expect_call(&clients[0], &servers[0], "first");
    try expect_call(&clients[1], &servers[1], "second");

    try expectError(error.Misuse, servers[0].accept_from(&listening, no_wait));
    try expectError(error.Misuse, listening.accept_from(&listening, no_wait));
    var late: Endpoint = .{};
    try expectError(error.Misuse, late.accept_from(&clients[0], no_wait));
    try late.connect(path, no_wait, false);

    for (&servers) |*server| close(server);
    for (&clients) |*client| close(client);
    close(&late);
    close(&listening);
    folder.remove();
    try expectEqual(before, try Held.now());
}

test "without time to wait there is one attempt, and nobody there is a timeout" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a.sock");
    var connector: Endpoint = .{};
    try expectError(error.Timeout, connector.connect(path, no_wait, true));
    var listener: Endpoint = .{};
    defer close(&listener);
    try listener.listen(path, 0o600);
    try expectError(error.Timeout, listener.accept(no_wait));
    try connector.connect(path, no_wait, true);
    defer close(&connector);
    try listener.accept(no_wait);
}

test "an RPC keeps clear of the addresses that a channel's memory goes to" {
    var meeting: Meeting = undefined;
    try meeting.open();
    defer meeting.deinit();
    var failure: Failure = .{};
    const fd = try memory.create(8192, &failure);
    defer system.close_fd(fd);
    const reserve = try memory.map(fd, 8192, null, &failure);
    defer memory.unmap(reserve);
    memory.unmap(covers.retire(reserve, try covers.make(reserve.bytes.len, &failure)).?);
    meeting.listener.reserve = reserve;
    try expectError(error.Timeout, meeting.listener.establish(.callee, offer, 0, no_wait));
    try expect(meeting.listener.mapping.?.bytes.ptr != reserve.bytes.ptr);
    try expect(meeting.listener.reverse.?.bytes.ptr != reserve.bytes.ptr);
}
