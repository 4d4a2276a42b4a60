//! The handshake with real sockets: what is sent byte for byte, and what is refused.

const std = @import("std");
const linux = std.os.linux;
const handshake = @import("handshake.zig");
const support = @import("../test_support.zig");
const system = @import("../os/system.zig");
const wire = @import("../ring/wire.zig");
const Deadline = @import("../os/time.zig").Deadline;
const Failure = @import("../failure.zig").Failure;
const Subject = @import("../failure.zig").Subject;
const must = support.must;
const patience_ms = support.patience_ms;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

const plain: wire.Handshake = .{
    .magic = 0x54414348,
    .version = 4,
    .capacity_fwd = 4096,
    .shm_size_fwd = 768 + 4096,
    .capacity_rev = 0,
    .shm_size_rev = 0,
    .alignment = 64,
    .flags = 0,
};

const rpc: wire.Handshake = .{
    .magic = 0x54414348,
    .version = 4,
    .capacity_fwd = 4096,
    .shm_size_fwd = 768 + 4096,
    .capacity_rev = 8192,
    .shm_size_rev = 768 + 8192,
    .alignment = 64,
    .flags = 1,
};

const short: wire.HandshakeShort = .{
    .magic = 0x54414348,
    .version = 2,
    .capacity = 4096,
    .shm_size = 768 + 4096,
    .alignment = 64,
};

/// `base` with some of its fields changed.
fn with(base: anytype, changes: anytype) @TypeOf(base) {
    var changed = base;
    inline for (@typeInfo(@TypeOf(changes)).@"struct".fields) |field| {
        @field(changed, field.name) = @field(changes, field.name);
    }
    return changed;
}

fn memory() !i32 {
    return @intCast(try must(linux.memfd_create("test", linux.MFD.CLOEXEC)));
}

/// Sends without the code under test: any bytes, with any number of copies of one descriptor, in
/// any number of control messages.
fn send_raw(fd: i32, bytes: []const u8, groups: []const u32) !void {
    const descriptor = try memory();
    defer system.close_fd(descriptor);
    var control: [4096]u8 align(@alignOf(linux.cmsghdr)) = undefined;
    var length: usize = 0;
    for (groups) |count| {
        const header: *linux.cmsghdr = @ptrCast(@alignCast(&control[length]));
        header.* = .{
            .len = @sizeOf(linux.cmsghdr) + count * @sizeOf(i32),
            .level = linux.SOL.SOCKET,
            .type = linux.SCM.RIGHTS,
        };
        for (0..count) |i| {
            const place = control[length + @sizeOf(linux.cmsghdr) + i * @sizeOf(i32) ..];
            std.mem.writeInt(i32, place[0..4], descriptor, .little);
        }
        length += std.mem.alignForward(usize, header.len, @alignOf(linux.cmsghdr));
    }
    const part: [1]std.posix.iovec_const = .{.{ .base = bytes.ptr, .len = bytes.len }};
    const message: linux.msghdr_const = .{
        .name = null,
        .namelen = 0,
        .iov = &part,
        .iovlen = part.len,
        .control = &control,
        .controllen = length,
        .flags = 0,
    };
    try expectEqual(bytes.len, try must(linux.sendmsg(fd, &message, linux.MSG.NOSIGNAL)));
}

/// What a refusal is about, what was found there, and what was expected.
const Expected = struct { Subject, u64, u64 };

/// A whole handshake sent at once.
fn send(fd: i32, offer: handshake.Announcement, descriptors: []const i32, deadline: Deadline, failure: *Failure) !void {
    var transmission: handshake.Transmission = .init(offer);
    try transmission.send_rest(fd, descriptors, deadline, failure);
}

/// A whole handshake received at once; its descriptors are the caller's to close.
fn receive(fd: i32, expect_rpc: bool, deadline: Deadline, failure: *Failure) !handshake.ReceivedMemory {
    var reception: handshake.Reception = .{};
    errdefer reception.close_descriptors();
    try reception.read_whole(fd, deadline, failure);
    return reception.check(expect_rpc, failure);
}

/// Expects a peer that sends these bytes and closes to be refused, and no descriptor to stay.
fn expect_refused(bytes: []const u8, groups: []const u32, expect_rpc: bool, expected: Expected) !void {
    const before = support.open_descriptors();
    const pair = try support.socket_pair();
    if (bytes.len > 0) try send_raw(pair[1], bytes, groups);
    system.close_fd(pair[1]);

    var failure: Failure = .{};
    try expectError(error.Wire, receive(pair[0], expect_rpc, .after_ms(patience_ms), &failure));
    try expectEqual(expected, Expected{ failure.subject, failure.found, failure.expected });
    system.close_fd(pair[0]);
    try expectEqual(before, support.open_descriptors());
}

fn expect_plain_refused(changes: anytype, subject: Subject, found: u64, expected: u64) !void {
    const changed = with(plain, changes);
    try expect_refused(std.mem.asBytes(&changed), &.{1}, false, .{ subject, found, expected });
}

fn expect_rpc_refused(changes: anytype, subject: Subject, found: u64, expected: u64) !void {
    const changed = with(rpc, changes);
    try expect_refused(std.mem.asBytes(&changed), &.{2}, true, .{ subject, found, expected });
}

fn inode_of(fd: i32) !u64 {
    var found: linux.Statx = undefined;
    _ = try must(linux.statx(fd, "", linux.AT.EMPTY_PATH, .{ .INO = true }, &found));
    return found.ino;
}

/// Sends an offer and expects it to arrive whole, over these very bytes.
fn expect_exchange(offer: handshake.Announcement, bytes: []const u8) !void {
    const before = support.open_descriptors();
    const count: u32 = if (offer.rpc) 2 else 1;
    const sent = [2]i32{ try memory(), try memory() };
    var failure: Failure = .{};
    for ([_]bool{ false, true }) |look_at_bytes| {
        const pair = try support.socket_pair();
        defer support.close_all(&pair);
        try send(pair[1], offer, sent[0..count], .after_ms(patience_ms), &failure);
        if (look_at_bytes) {
            var buffer: [64]u8 = undefined;
            const length = try must(linux.read(pair[0], &buffer, buffer.len));
            try std.testing.expectEqualSlices(u8, bytes, buffer[0..length]);
            continue;
        }
        const received = try receive(pair[0], offer.rpc, .after_ms(patience_ms), &failure);
        defer support.close_all(received.descriptors[0..received.count]);
        try expectEqual(count, received.count);
        try expectEqual(offer.version, received.version);
        try expectEqual(offer.capacity_fwd, received.capacity_fwd);
        try expectEqual(offer.capacity_rev, received.capacity_rev);
        for (received.descriptors[0..count], sent[0..count]) |got, original| {
            try expectEqual(try inode_of(original), try inode_of(got));
            try expect(!support.is_inherited(got));
        }
    }
    support.close_all(&sent);
    try expectEqual(before, support.open_descriptors());
}

test "versions 2, 3 and 4 and RPC are sent as the wire says and received" {
    const version_3 = with(short, .{ .version = 3 });
    try expect_exchange(.{ .version = 2, .capacity_fwd = 4096 }, std.mem.asBytes(&short));
    try expect_exchange(.{ .version = 3, .capacity_fwd = 4096 }, std.mem.asBytes(&version_3));
    try expect_exchange(.{ .version = 4, .capacity_fwd = 4096 }, std.mem.asBytes(&plain));
    const offer: handshake.Announcement = .{ .version = 4, .capacity_fwd = 4096, .capacity_rev = 8192, .rpc = true };
    try expect_exchange(offer, std.mem.asBytes(&rpc));
}

test "a handshake begins with the magic, least significant byte first" {
    try expectEqual([8]u8{ 0x48, 0x43, 0x41, 0x54, 4, 0, 0, 0 }, std.mem.asBytes(&plain)[0..8].*);
}

test "a wrong magic, version, alignment or flag is refused" {
    try expect_plain_refused(.{ .magic = 0x50545448 }, .magic, 0x50545448, 0x54414348);
    try expect_plain_refused(.{ .version = 1 }, .version, 1, 4);
    try expect_plain_refused(.{ .version = 5 }, .version, 5, 4);
    try expect_plain_refused(.{ .alignment = 128 }, .alignment, 128, 64);
    try expect_plain_refused(.{ .flags = 2 }, .flags, 2, 0);
    try expect_rpc_refused(.{ .flags = 3 }, .flags, 3, 1);
}

test "a capacity that no ring has is refused" {
    for ([_]u32{ 0, 64, 4095, 4097, 1 << 31 }) |capacity| {
        const changes = .{ .capacity_fwd = capacity, .shm_size_fwd = 768 + capacity };
        try expect_plain_refused(changes, .capacity, capacity, 1 << 30);
    }
    try expect_rpc_refused(.{ .capacity_rev = 12 }, .capacity, 12, 1 << 30);
}

test "a size that is not the capacity and its control block is refused" {
    try expect_plain_refused(.{ .shm_size_fwd = 4096 }, .shm_size, 4096, 768 + 4096);
    try expect_rpc_refused(.{ .shm_size_rev = 0 }, .shm_size, 0, 768 + 8192);
}

test "a reverse arena is refused where none was asked for" {
    try expect_plain_refused(.{ .capacity_rev = 4096 }, .capacity, 4096, 0);
    try expect_plain_refused(.{ .shm_size_rev = 768 }, .shm_size, 768, 0);
}

test "a channel is no RPC, and an RPC is no channel" {
    try expect_refused(std.mem.asBytes(&rpc), &.{2}, false, .{ .flags, 1, 0 });
    try expect_refused(std.mem.asBytes(&plain), &.{1}, true, .{ .flags, 0, 1 });
    try expect_refused(std.mem.asBytes(&short), &.{1}, true, .{ .flags, 0, 1 });
}

test "too few or too many descriptors are refused, and none stays open" {
    const bytes = std.mem.asBytes(&plain);
    try expect_refused(bytes, &.{}, false, .{ .descriptors, 0, 1 });
    try expect_refused(bytes, &.{2}, false, .{ .descriptors, 2, 1 });
    try expect_refused(bytes, &.{ 1, 1, 1 }, false, .{ .descriptors, 3, 1 });
    try expect_refused(bytes, &.{253}, false, .{ .descriptors, 253, 1 });
    try expect_refused(std.mem.asBytes(&rpc), &.{1}, true, .{ .descriptors, 1, 2 });
    try expect_refused(std.mem.asBytes(&rpc), &.{3}, true, .{ .descriptors, 3, 2 });
}

test "descriptors that come with anything but a handshake do not stay open" {
    try expect_refused("GET / HTTP/1.1\r\n", &.{7}, false, .{ .magic, 0x20544547, 0x54414348 });
    try expect_refused(std.mem.asBytes(&plain)[0..31], &.{3}, false, .{ .truncated, 31, 32 });
}

test "descriptors that this process has no room for are refused, and none stays open" {
    const child = try support.spawn(receive_without_room, .{});
    try expectEqual(0, try support.exit_code(child));
}

fn receive_without_room() u8 {
    const pair = support.socket_pair() catch return 1;
    send_raw(pair[1], std.mem.asBytes(&rpc), &.{2}) catch return 2;
    const before = support.open_descriptors();
    // Exactly one number below the limit is free.
    const free: u32 = @intCast(must(linux.dup(pair[0])) catch return 3);
    system.close_fd(@intCast(free));
    var fd: i32 = @intCast(free + 1);
    while (fd < 1024) : (fd += 1) _ = linux.close(fd);
    const limit: linux.rlimit = .{ .cur = free + 1, .max = free + 1 };
    _ = must(linux.setrlimit(.NOFILE, &limit)) catch return 4;

    var failure: Failure = .{};
    if (receive(pair[0], true, .after_ms(patience_ms), &failure)) |_| return 5 else |_| {}
    if (failure.subject != .recvmsg or failure.errno != .MFILE) return 6;
    return if (support.open_descriptors() <= before) 0 else 7;
}

test "a handshake cut short says how much of it came" {
    try expect_refused("", &.{}, false, .{ .truncated, 0, 32 });
    for (1..32) |length| {
        const expected: Expected = .{ .truncated, length, 32 };
        try expect_refused(std.mem.asBytes(&plain)[0..length], &.{1}, false, expected);
    }
    try expect_refused(std.mem.asBytes(&short)[0..19], &.{1}, false, .{ .truncated, 19, 20 });
}

test "a peer that drops the connection has cut the handshake short" {
    const pair = try support.socket_pair();
    defer system.close_fd(pair[0]);
    // Closing with something unread resets the connection.
    _ = try must(linux.write(pair[0], "unread", 6));
    system.close_fd(pair[1]);

    var failure: Failure = .{};
    try expectError(error.Wire, receive(pair[0], false, .after_ms(patience_ms), &failure));
    try expectEqual(.truncated, failure.subject);
}

test "bytes beyond the handshake are refused, in the same message or in the next" {
    const trailing: Expected = .{ .trailing_bytes, 33, 32 };
    try expect_refused(std.mem.asBytes(&plain) ++ "x", &.{1}, false, trailing);
    const short_trailing: Expected = .{ .trailing_bytes, 21, 20 };
    try expect_refused(std.mem.asBytes(&short) ++ "x" ** 13, &.{1}, false, short_trailing);

    const before = support.open_descriptors();
    const pair = try support.socket_pair();
    try send_raw(pair[1], std.mem.asBytes(&plain), &.{1});
    try send_raw(pair[1], "x", &.{5});
    var failure: Failure = .{};
    try expectError(error.Wire, receive(pair[0], false, .after_ms(patience_ms), &failure));
    try expectEqual(.trailing_bytes, failure.subject);
    support.close_all(&pair);
    try expectEqual(before, support.open_descriptors());
}

test "descriptors that come with the last byte count too, and none stays open" {
    const bytes = std.mem.asBytes(&plain);
    const before = support.open_descriptors();
    for ([_]u32{ 0, 1, 100 }) |early| {
        const pair = try support.socket_pair();
        try send_raw(pair[1], bytes[0..31], &.{early});
        try send_raw(pair[1], bytes[31..], &.{1});
        var failure: Failure = .{};
        if (receive(pair[0], false, .after_ms(patience_ms), &failure)) |received| {
            try expectEqual(0, early);
            support.close_all(received.descriptors[0..received.count]);
        } else |_| {
            try expectEqual(Expected{ .descriptors, early + 1, 1 }, Expected{ failure.subject, failure.found, failure.expected });
        }
        support.close_all(&pair);
        try expectEqual(before, support.open_descriptors());
    }
}

test "a handshake may come byte by byte, from a peer that then stays" {
    const pair = try support.socket_pair();
    defer support.close_all(&pair);
    const bytes = std.mem.asBytes(&plain);
    for (bytes, 0..) |*byte, i| {
        try send_raw(pair[1], byte[0..1], if (i == 7) &.{1} else &.{});
    }
    var failure: Failure = .{};
    const received = try receive(pair[0], false, .after_ms(patience_ms), &failure);
    defer support.close_all(received.descriptors[0..received.count]);
    try expectEqual(4096, received.capacity_fwd);
}

test "a peer that says nothing, or not enough, is waited for until the deadline" {
    for ([_]usize{ 0, 1, 8, 31 }) |length| {
        const before = support.open_descriptors();
        const pair = try support.socket_pair();
        if (length > 0) try send_raw(pair[1], std.mem.asBytes(&plain)[0..length], &.{2});

        var failure: Failure = .{};
        const deadline: Deadline = .after_ms(20);
        try expectError(error.Timeout, receive(pair[0], false, deadline, &failure));
        try expect(deadline.passed());
        try expectEqual(.silence, failure.subject);
        try expectEqual(length, failure.found);
        support.close_all(&pair);
        try expectEqual(before, support.open_descriptors());
    }
}

test "sending to a peer that is gone says so, without a signal" {
    const pair = try support.socket_pair();
    defer system.close_fd(pair[0]);
    system.close_fd(pair[1]);
    const descriptor = try memory();
    defer system.close_fd(descriptor);

    var failure: Failure = .{};
    const offer: handshake.Announcement = .{ .version = 4, .capacity_fwd = 4096 };
    try expectError(error.PeerGone, send(pair[0], offer, &.{descriptor}, .after_ms(patience_ms), &failure));
}

test "sending to a peer that does not read ends at the deadline" {
    const pair = try support.socket_pair();
    defer support.close_all(&pair);
    const descriptor = try memory();
    defer system.close_fd(descriptor);
    const filler: [4096]u8 = @splat(0);
    while (linux.errno(linux.sendto(pair[0], &filler, filler.len, linux.MSG.DONTWAIT, null, 0)) != .AGAIN) {}

    var failure: Failure = .{};
    const offer: handshake.Announcement = .{ .version = 4, .capacity_fwd = 4096 };
    const deadline: Deadline = .after_ms(20);
    try expectError(error.Timeout, send(pair[0], offer, &.{descriptor}, deadline, &failure));
    try expect(deadline.passed());
}

test "a call that fails for no reason of the peer's is named" {
    const pipe = try support.pipe();
    defer support.close_all(&pipe);
    var failure: Failure = .{};
    var transmission: handshake.Transmission = .init(.{ .version = 4, .capacity_fwd = 4096 });
    try expectError(error.System, transmission.send_rest(pipe[1], &.{}, .never, &failure));
    try expectEqual(.sendmsg, failure.subject);
    var reception: handshake.Reception = .{};
    try expectError(error.System, reception.read_whole(pipe[0], .never, &failure));
    try expectEqual(.recvmsg, failure.subject);
    failure = .{};
    try expectError(error.System, handshake.wait_until_taken(pipe[0], .never, &failure));
    try expectEqual(.recvmsg, failure.subject);
}

test "a listener that cannot wait for its handshake to be taken says so" {
    const pair = try support.socket_pair();
    defer support.close_all(&pair);
    _ = linux.write(pair[0], "unread", 6);
    // The kernel polls no more descriptors than the process may have.
    const limit = try support.forbid_descriptors();
    defer support.allow_descriptors(limit);
    var failure: Failure = .{};
    try expectError(error.System, handshake.wait_until_taken(pair[0], .never, &failure));
    try expectEqual(.poll, failure.subject);
    try expectEqual(.INVAL, failure.errno);
}
