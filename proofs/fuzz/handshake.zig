//! What can come over the socket: to a connector bytes, descriptors and the memory behind them, to a
//! listener a peer that reads a part, answers something, or leaves. A handshake as the wire has it is
//! taken, any other one is refused, and no descriptor stays open.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const Endpoint = core.endpoint.Endpoint;
const Role = core.end.Role;
const liar = @import("liar.zig");
const Script = @import("script.zig").Script;
const Offered = @import("offered.zig").Offered;
const descriptor_of = @import("offered.zig").descriptor_of;
const write_control_blocks = @import("offered.zig").write_control_blocks;
const check = @import("arena.zig").check;
const must = @import("arena.zig").must;

pub fn run(bytes: []const u8) void {
    var script: Script = .{ .bytes = bytes };
    _ = descriptor_of(.good);
    const before = open_descriptors();
    if (script.flag()) meet_listener(&script) else meet_connector(&script);
    check(open_descriptors() == before, "a descriptor stayed open", .{});
}

const pieces_max = 6;

/// A connector of ours meets a listener that lies.
fn meet_listener(script: *Script) void {
    const role = script.choice(Role);
    var offered: Offered = .make(script, role.is_rpc());
    write_control_blocks(script, &offered);
    const pair = socket_pair();
    var endpoint: Endpoint = .{
        .connection = .{ .fd = pair[0], .peer = liar.stranger },
        .exchange = .{ .receiving = .{} },
    };
    var theirs: ?i32 = pair[1];
    var is_established = false;
    for (0..pieces_max) |_| {
        if (theirs) |fd| offered.send_piece(fd, script);
        if (script.byte() % 8 == 0) hang_up(&theirs);
        if (endpoint.establish(role, .{ .version = 4, .capacity = 4096 }, 0, .after_ms(0))) {
            is_established = true;
            break;
        } else |err| switch (err) {
            error.Timeout => check(!offered.is_whole(), "a whole handshake was waited for", .{}),
            error.Wire, error.Corrupt => {
                check(!offered.is_good() or offered.has_late, "a good handshake was refused", .{});
                break;
            },
            else => std.debug.panic("a handshake ended in {t}", .{err}),
        }
    }
    if (is_established) check(offered.is_good(), "a bad handshake was taken", .{});
    end(&endpoint, &theirs);
}

/// A listener of ours meets a connector that lies.
fn meet_connector(script: *Script) void {
    const role = script.choice(Role);
    const version = if (role.is_rpc()) 4 else 2 + script.byte() % 3;
    const pair = socket_pair();
    var endpoint: Endpoint = .{
        .connection = .{ .fd = pair[0], .peer = liar.stranger },
        .exchange = .{ .sending = .{} },
    };
    var theirs: ?i32 = pair[1];
    for (0..pieces_max) |_| {
        endpoint.establish(role, .{ .version = version, .capacity = 4096 }, 0, .after_ms(0)) catch |err| switch (err) {
            error.Timeout => {
                if (theirs) |fd| act_as_connector(fd, script);
                if (script.byte() % 8 == 0) hang_up(&theirs);
                continue;
            },
            error.PeerGone => {},
            else => std.debug.panic("a handshake ended in {t}", .{err}),
        };
        break;
    }
    end(&endpoint, &theirs);
}

fn act_as_connector(fd: i32, script: *Script) void {
    const Act = enum { read, read_with_descriptors, write, shut_reading, shut_writing };
    const size = script.byte() % 40;
    var bytes: [40]u8 = undefined;
    switch (script.choice(Act)) {
        .read => _ = linux.recvfrom(fd, &bytes, size, linux.MSG.DONTWAIT, null, null),
        .read_with_descriptors => receive_descriptors(fd, bytes[0..size]),
        .write => {
            const given = script.slice(size);
            _ = linux.sendto(fd, given.ptr, given.len, linux.MSG.DONTWAIT | linux.MSG.NOSIGNAL, null, 0);
        },
        .shut_reading => _ = linux.shutdown(fd, linux.SHUT.RD),
        .shut_writing => _ = linux.shutdown(fd, linux.SHUT.WR),
    }
}

/// Takes them, and closes them at once.
fn receive_descriptors(fd: i32, bytes: []u8) void {
    var control: [64]u8 align(8) = undefined;
    var part: [1]std.posix.iovec = .{.{ .base = bytes.ptr, .len = bytes.len }};
    var message: linux.msghdr = .{
        .name = null,
        .namelen = 0,
        .iov = &part,
        .iovlen = 1,
        .control = &control,
        .controllen = control.len,
        .flags = 0,
    };
    const result = linux.recvmsg(fd, &message, linux.MSG.DONTWAIT | linux.MSG.CMSG_CLOEXEC);
    if (linux.errno(result) != .SUCCESS or message.controllen < @sizeOf(linux.cmsghdr)) return;
    const header: *const linux.cmsghdr = @ptrCast(&control);
    const descriptors: []align(4) const u8 = @alignCast(control[@sizeOf(linux.cmsghdr)..header.len]);
    for (std.mem.bytesAsSlice(i32, descriptors)) |descriptor| _ = linux.close(descriptor);
}

fn hang_up(theirs: *?i32) void {
    if (theirs.*) |fd| _ = linux.close(fd);
    theirs.* = null;
}

fn end(endpoint: *Endpoint, theirs: *?i32) void {
    if (endpoint.close()) |mapping| core.memory.unmap(mapping);
    hang_up(theirs);
}

fn socket_pair() [2]i32 {
    var pair: [2]i32 = undefined;
    const kind = linux.SOCK.STREAM | linux.SOCK.CLOEXEC | linux.SOCK.NONBLOCK;
    _ = must(linux.socketpair(linux.AF.UNIX, kind, 0, &pair));
    return pair;
}

/// Asks after all that an input can come to, in one call.
fn open_descriptors() u32 {
    var polled: [192]linux.pollfd = undefined;
    for (&polled, 0..) |*entry, fd| entry.* = .{ .fd = @intCast(fd), .events = 0, .revents = 0 };
    _ = must(linux.poll(&polled, polled.len, 0));
    var count: u32 = 0;
    for (polled) |entry| count += @intFromBool(entry.revents & linux.POLL.NVAL == 0);
    return count;
}
