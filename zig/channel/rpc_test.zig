//! Both ends of an RPC over plain memory: what crosses, what is refused, and how it ends.

const std = @import("std");
const testing = std.testing;
const memory = @import("../rendezvous/memory.zig");
const Arena = @import("../ring/arena.zig").Arena;
const wire = @import("../ring/wire.zig");
const Deadline = @import("../os/time.zig").Deadline;
const Failure = @import("../failure.zig").Failure;
const Envelope = @import("../ring/writer.zig").Envelope;
const Peer = @import("../os/peer.zig").Peer;
const Rpc = @import("rpc.zig").Rpc;
const patience_ms = @import("../test_support.zig").patience_ms;
const expect = testing.expect;
const expectEqual = testing.expectEqual;
const expectError = testing.expectError;

/// A caller and a callee in this process. Not to be moved: its ends point into it.
const Pair = struct {
    forward: Arena,
    reverse: Arena,
    failures: [2]Failure,
    caller: Rpc,
    callee: Rpc,

    fn open(self: *Pair, capacity: u32) !void {
        const nobody: Peer = .{ .pid = 0, .uid = 0, .gid = 0, .pidfd = Peer.pidfd_none };
        self.forward = try arena(capacity);
        self.reverse = try arena(capacity);
        self.failures = .{ .{}, .{} };
        self.caller = try .init_caller(self.forward, self.reverse, nobody, 0, &self.failures[0]);
        self.callee = try .init_callee(self.forward, self.reverse, nobody, 0, &self.failures[1]);
    }

    fn arena(capacity: u32) !Arena {
        const size = wire.memory_size(capacity);
        const bytes = try testing.allocator.alignedAlloc(u8, .fromByteUnits(wire.line_size), size);
        @memset(bytes, 0);
        const mapping: Arena = .{ .bytes = bytes };
        memory.initialise(mapping, 4);
        return mapping;
    }

    fn deinit(self: *Pair) void {
        testing.allocator.free(self.forward.bytes);
        testing.allocator.free(self.reverse.bytes);
    }

    fn expect_states(self: *const Pair, forward: wire.State, reverse: wire.State) !void {
        try expectEqual(@intFromEnum(forward), word(u32, self.forward, 16));
        try expectEqual(@intFromEnum(reverse), word(u32, self.reverse, 16));
    }
};

/// What stands in an arena's memory, as the wire counts its bytes.
fn word(comptime T: type, mapping: Arena, offset: u32) T {
    return std.mem.readInt(T, mapping.bytes[offset..][0..@sizeOf(T)], .little);
}

fn send(rpc: *Rpc, bytes: []const u8, type_id: u32, id: u64) !bool {
    return rpc.try_send(bytes.ptr, @intCast(bytes.len), .{ .type_id = type_id, .correlation_id = id });
}

fn expect_message(rpc: *Rpc, bytes: []const u8, type_id: u32, id: u64) !void {
    var into: [4096]u8 = undefined;
    const size = (try rpc.try_receive(&into)).?;
    try testing.expectEqualSlices(u8, bytes, into[0..size]);
    try expectEqual(type_id, rpc.in.last_type_id);
    try expectEqual(id, rpc.in.last_correlation_id);
}

/// Expects every further call on an end to fail, whatever it is.
fn expect_all_fail(rpc: *Rpc, expected: anyerror) !void {
    var into: [8]u8 = undefined;
    try expectError(expected, send(rpc, "x", 0, 1));
    try expectError(expected, rpc.send("x", 1, .{ .type_id = 0, .correlation_id = 1 }, 0));
    try expectError(expected, rpc.try_receive(&into));
    try expectError(expected, rpc.receive(&into, 0));
    try expectError(expected, rpc.wait(0, 0));
}

test "a call and its reply carry id, type and bytes, through the lane and through the ring" {
    const bytes: [1000]u8 = @splat('b');
    for ([_]u32{ 0, 5, 32, 33, 1000 }) |size| {
        var pair: Pair = undefined;
        try pair.open(4096);
        defer pair.deinit();
        const id: u64 = 0x1_0000_0002;
        try expect(try send(&pair.caller, bytes[0..size], 7, id));
        try expectEqual(id, word(u64, pair.forward, 768 + 16));
        try expectEqual(if (size <= 32) id else 0, word(u64, pair.forward, 152));
        try expect_message(&pair.callee, bytes[0..size], 7, id);
        try expect(try send(&pair.callee, bytes[0..size], 8, id));
        try expectEqual(id, word(u64, pair.reverse, 768 + 16));
        try expect_message(&pair.caller, bytes[0..size], 8, id);
    }
}

test "the lane alone is enough for an id, and so is the ring" {
    for ([_]bool{ true, false }) |from_lane| {
        var pair: Pair = undefined;
        try pair.open(4096);
        defer pair.deinit();
        try expect(try send(&pair.caller, "call", 7, 3));
        if (from_lane) @memset(pair.forward.ring(), 0xFF) else pair.forward.control().lane.head = 0;
        try expect_message(&pair.callee, "call", 7, 3);
    }
}

test "what each side can do stands in the memory before anything is sent" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    try expectEqual(0b010, word(u32, pair.forward, 192));
    try expectEqual(0b010, word(u32, pair.forward, 268));
    try expectEqual(0b110, word(u32, pair.reverse, 192));
    try expectEqual(0b111, word(u32, pair.reverse, 268));
}

test "each side reads what the other can do, of a stranger that it can do nothing" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    try expectEqual(0b100, pair.caller.peer_abilities());
    try expectEqual(0b011, pair.callee.peer_abilities());
    pair.reverse.control().consumer_abilities = 0b101;
    try expectEqual(0b011, pair.callee.peer_abilities());
    pair.reverse.control().consumer_abilities = 0b001;
    try expectEqual(0b001, pair.callee.peer_abilities());
    pair.reverse.control().consumer_abilities = 0;
    pair.reverse.control().producer_abilities = 0;
    try expectEqual(0, pair.callee.peer_abilities());
    try expectEqual(0, pair.caller.peer_abilities());
}

test "replies may come in any order" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    for ([_]u64{ 1, 2, 3 }) |id| try expect(try send(&pair.caller, "", 0, id));
    for ([_]u64{ 3, 1, 2 }) |id| try expect(try send(&pair.callee, "", 0, id));
    for ([_]u64{ 3, 1, 2 }) |id| try expect_message(&pair.caller, "", 0, id);
}

/// Expects a caller that has sent the ids 1 and 2 to take a reply with this one for corruption.
fn expect_reply_refused(id: u64, blocking: bool) !void {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    for ([_]u64{ 2, 1 }) |sent| {
        try expect(try send(&pair.caller, "", 0, sent));
        try expect_message(&pair.callee, "", 0, sent);
    }
    try expect(try send(&pair.callee, "", 0, id));
    var into: [8]u8 = undefined;
    if (blocking) {
        try expectError(error.Corrupt, pair.caller.receive(&into, 0));
    } else {
        try expectError(error.Corrupt, pair.caller.try_receive(&into));
    }
    try expectEqual(.correlation, pair.failures[0].subject);
    try expectEqual(id, pair.failures[0].found);
    try expectEqual(2, pair.failures[0].expected);
    try pair.expect_states(.disconnected, .fatal);
    try expect_all_fail(&pair.caller, error.Corrupt);
    // The callee hears the verdict though the arena that it looks at was only closed.
    try expectError(error.Corrupt, pair.callee.try_receive(&into));
    try expectEqual(.peer_verdict, pair.failures[1].subject);
    try expect_all_fail(&pair.callee, error.Corrupt);
}

test "a reply whose id was never sent is corruption" {
    for ([_]u64{ 0, 3, 0x1_0000_0001, std.math.maxInt(u64) }) |id| {
        for ([_]bool{ false, true }) |blocking| try expect_reply_refused(id, blocking);
    }
}

test "a request without an id is corruption" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    try expect(try send(&pair.caller, "good", 0, std.math.maxInt(u64)));
    try expect(try send(&pair.caller, "bad", 0, 0));
    try expect_message(&pair.callee, "good", 0, std.math.maxInt(u64));
    var into: [8]u8 = undefined;
    try expectError(error.Corrupt, pair.callee.try_receive(&into));
    try expectEqual(.correlation, pair.failures[1].subject);
    try expectEqual(0, pair.failures[1].found);
    try expectEqual(1, pair.failures[1].expected);
    try pair.expect_states(.fatal, .disconnected);
    try expect_all_fail(&pair.callee, error.Corrupt);
    try expect_all_fail(&pair.caller, error.Corrupt);
}

test "corruption of either ring ends both" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    for ([_]u64{ 1, 2 }) |id| try expect(try send(&pair.caller, &@as([1984]u8, @splat(0)), 0, id));
    pair.forward.control().tail = 1;
    try expectError(error.Corrupt, send(&pair.caller, "", 0, 3));
    try expectEqual(.tail, pair.failures[0].subject);
    try pair.expect_states(.fatal, .disconnected);
    // A peer cannot make good again what it has broken.
    pair.forward.control().state = @intFromEnum(wire.State.ready);
    pair.reverse.control().state = @intFromEnum(wire.State.ready);
    pair.forward.control().tail = 4096;
    try expect_all_fail(&pair.caller, error.Corrupt);
}

test "a side that closes ends both arenas, and what it sent before is delivered first" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    try expect(try send(&pair.caller, "", 0, 1));
    try expect(try send(&pair.callee, "last", 9, 1));
    pair.callee.close();
    try pair.expect_states(.disconnected, .disconnected);
    try expectError(error.PeerClosed, send(&pair.caller, "", 0, 2));
    try pair.caller.wait(0, 0);
    try expect_message(&pair.caller, "last", 9, 1);
    try expect_all_fail(&pair.caller, error.PeerClosed);
}

test "a peer that ends one arena only has ended both for a side that waits" {
    for ([_]bool{ true, false }) |forward| {
        // With room left there would be nothing to wait for.
        var pair: Pair = undefined;
        try pair.open(4096);
        defer pair.deinit();
        for ([_]u64{ 1, 2 }) |id| try expect(try send(&pair.caller, &@as([1984]u8, @splat(0)), 0, id));
        if (forward) pair.callee.in.close() else pair.callee.out.close();
        const deadline: Deadline = .after_ms(patience_ms);
        try expectError(error.PeerClosed, pair.caller.wait(0, patience_ms));
        try expect(!deadline.passed());
    }
}

test "a side that receives sees that the peer has ended the other arena, after what it sent" {
    for ([_]wire.State{ .disconnected, .fatal }) |state| {
        var pair: Pair = undefined;
        try pair.open(4096);
        defer pair.deinit();
        _ = try send(&pair.caller, "last", 5, 1);
        @as(*u32, @ptrCast(@alignCast(pair.reverse.bytes[16..]))).* = @intFromEnum(state);
        try expect_message(&pair.callee, "last", 5, 1);

        const expected: anyerror = if (state == .fatal) error.Corrupt else error.PeerClosed;
        var into: [8]u8 = undefined;
        try expectError(expected, pair.callee.receive(&into, patience_ms));
        try expectError(expected, pair.callee.try_receive(&into));
    }
}

test "a peer that has gone is known to have, though not all was received" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    _ = try send(&pair.caller, "last", 5, 1);
    try pair.callee.check();
    pair.caller.close();
    try expectError(error.PeerClosed, pair.callee.check());
    try expect_message(&pair.callee, "last", 5, 1);

    var other: Pair = undefined;
    try other.open(4096);
    defer other.deinit();
    other.callee.in.link.peer.pidfd = Peer.pidfd_gone;
    try expectError(error.PeerDied, other.callee.check());
}

test "a message larger than the buffer stays" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    try expect(try send(&pair.caller, "four", 7, 1));
    var into: [3]u8 = undefined;
    try expectError(error.TooLarge, pair.callee.try_receive(&into));
    try expectEqual(4, pair.failures[1].found);
    try expect_message(&pair.callee, "four", 7, 1);
}

test "a wait ends with news or with room, whichever is first" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    const largest: [1984]u8 = @splat('l');
    try pair.caller.wait(1984, 0);
    for ([_]u64{ 1, 2 }) |id| try expect(try send(&pair.caller, &largest, 0, id));
    try expect(!try send(&pair.caller, &largest, 0, 3));
    try expectError(error.Timeout, pair.caller.wait(1984, 3));

    try expect(try send(&pair.callee, "", 0, 1));
    try pair.caller.wait(1984, 0);
    try expect_message(&pair.caller, "", 0, 1);
    try expectError(error.Timeout, pair.caller.wait(1984, 0));

    try expect_message(&pair.callee, &largest, 0, 1);
    try pair.caller.wait(1984, 0);
    try expect(try send(&pair.caller, &largest, 0, 3));
}

test "a side gives back what it has taken before it waits" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    try expect(try send(&pair.caller, "", 0, 1));
    try expect(try send(&pair.callee, "", 0, 1));
    try expect_message(&pair.caller, "", 0, 1);
    try expectEqual(0, word(u64, pair.reverse, 256));
    try pair.caller.wait(0, 0);
    try expectEqual(64, word(u64, pair.reverse, 256));

    const largest: [1984]u8 = @splat('l');
    for ([_]u64{ 2, 3 }) |id| _ = try send(&pair.caller, &largest, 0, id);
    try expect(try send(&pair.callee, "", 0, 1));
    try expect_message(&pair.caller, "", 0, 1);
    const message: Envelope = .{ .type_id = 0, .correlation_id = 4 };
    try expectError(error.Timeout, pair.caller.send(&largest, 1984, message, 0));
    try expectEqual(128, word(u64, pair.reverse, 256));
}

test "two rings that are full of the largest messages do not stop a caller that takes replies" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    const count = 300;
    const callee = try std.Thread.spawn(.{}, echo, .{ &pair.callee, count });
    defer callee.join();
    // Ends the callee too when something below has failed.
    errdefer pair.caller.close();

    const largest: [1984]u8 = @splat('l');
    var into: [1984]u8 = undefined;
    var received: u32 = 0;
    for (1..count + 1) |id| {
        while (!try send(&pair.caller, &largest, 0, id)) {
            try pair.caller.wait(largest.len, patience_ms);
            while (try pair.caller.try_receive(&into)) |_| received += 1;
        }
    }
    while (received < count) : (received += 1) _ = try pair.caller.receive(&into, patience_ms);
    try expectEqual(count, pair.caller.in.last_correlation_id);
}

fn echo(callee: *Rpc, count: u32) void {
    var bytes: [1984]u8 = undefined;
    for (0..count) |_| {
        const size = callee.receive(&bytes, patience_ms) catch return;
        const id = callee.in.last_correlation_id;
        callee.send(&bytes, size, .{ .type_id = 0, .correlation_id = id }, patience_ms) catch return;
    }
}

test "a side that waits for room or a reply learns that its peer has died" {
    var pair: Pair = undefined;
    try pair.open(4096);
    defer pair.deinit();
    while (try send(&pair.caller, "", 0, 1)) {}
    inline for (.{ &pair.caller.out.link, &pair.caller.in.link }) |link| link.peer.pidfd = Peer.pidfd_gone;
    try expectError(error.PeerDied, pair.caller.wait(0, patience_ms));
    const message: Envelope = .{ .type_id = 0, .correlation_id = 1 };
    try expectError(error.PeerDied, pair.caller.send("", 0, message, patience_ms));
}
