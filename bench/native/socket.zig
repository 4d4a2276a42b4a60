//! Sockets: of the Unix domain, in their three types, and TCP over the loopback device.

const std = @import("std");
const linux = std.os.linux;
const mechanism = @import("mechanism.zig");
const stream = @import("stream.zig");
const Side = mechanism.Side;
const Error = mechanism.Error;
const Failure = mechanism.Failure;

pub const Kind = enum { stream, datagram, seqpacket, tcp };

pub fn Socket(comptime kind: Kind) type {
    return struct {
        const Self = @This();
        const has_bounds = kind == .datagram or kind == .seqpacket;

        ends: [2]i32 = .{ -1, -1 },
        /// Bytes of the largest message that the buffers let through.
        message_max: u32 = 0,

        pub const forms: mechanism.Forms = .{};

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            self.ends = switch (kind) {
                .stream => try unix_pair(linux.SOCK.STREAM, failure),
                .datagram => try unix_pair(linux.SOCK.DGRAM, failure),
                .seqpacket => try unix_pair(linux.SOCK.SEQPACKET, failure),
                .tcp => try tcp_pair(failure),
            };
            if (has_bounds) self.message_max = try widen(self.ends, failure);
        }

        pub fn take_side(self: *Self, side: Side, _: *Failure) error{Forbidden}!void {
            stream.close(self.ends[1 - @intFromEnum(side)]);
        }

        pub fn max_size(self: *const Self) ?u32 {
            return if (has_bounds) self.message_max else null;
        }

        pub fn send(self: *Self, side: Side, bytes: []const u8) Error!void {
            try stream.write_all(self.ends[@intFromEnum(side)], bytes);
        }

        pub fn receive(self: *Self, side: Side, into: []u8) Error!usize {
            const end = self.ends[@intFromEnum(side)];
            if (has_bounds) return receive_message(end, into);
            try stream.read_exactly(end, into);
            return into.len;
        }
    };
}

/// Its size, also where that is more than `into` takes.
fn receive_message(end: i32, into: []u8) Error!usize {
    while (true) {
        const result = linux.recvfrom(end, into.ptr, into.len, linux.MSG.TRUNC, null, null);
        if (!try stream.succeeded(result)) continue;
        if (result == 0) return error.Closed;
        return result;
    }
}

fn unix_pair(socket_type: u32, failure: *Failure) error{Forbidden}![2]i32 {
    var ends: [2]i32 = undefined;
    _ = try failure.check("socketpair", linux.socketpair(linux.AF.UNIX, socket_type, 0, &ends));
    return ends;
}

/// A message is never larger than the sender's buffer: asks for one that 1 MiB fits into, and says
/// what fits into what net.core.wmem_max left of it.
fn widen(ends: [2]i32, failure: *Failure) error{Forbidden}!u32 {
    const wanted: u32 = 1 << 20;
    var size: u32 = undefined;
    for (ends) |end| {
        try set_option(end, linux.SOL.SOCKET, linux.SO.SNDBUF, wanted, failure);
        var length: linux.socklen_t = @sizeOf(u32);
        const result = linux.getsockopt(end, linux.SOL.SOCKET, linux.SO.SNDBUF, std.mem.asBytes(&size), &length);
        _ = try failure.check("getsockopt of SO_SNDBUF", result);
    }
    // What the kernel keeps for itself: unix_dgram_sendmsg of net/unix/af_unix.c.
    const overhead = 32;
    return @min(wanted, size - overhead);
}

fn tcp_pair(failure: *Failure) error{Forbidden}![2]i32 {
    const listener = try tcp_socket(failure);
    defer stream.close(listener);
    var address: linux.sockaddr.in = .{ .port = 0, .addr = std.mem.nativeToBig(u32, 0x7F000001) };
    var length: linux.socklen_t = @sizeOf(linux.sockaddr.in);
    _ = try failure.check("bind to 127.0.0.1", linux.bind(listener, @ptrCast(&address), length));
    _ = try failure.check("listen on 127.0.0.1", linux.listen(listener, 1));
    _ = try failure.check("getsockname", linux.getsockname(listener, @ptrCast(&address), &length));
    const first = try tcp_socket(failure);
    // The kernel completes the connection before anybody accepts it.
    _ = try failure.check("connect to 127.0.0.1", linux.connect(first, &address, length));
    const second: i32 = @intCast(try failure.check("accept4", linux.accept4(listener, null, null, 0)));
    for ([_]i32{ first, second }) |end| try set_option(end, linux.IPPROTO.TCP, linux.TCP.NODELAY, 1, failure);
    return .{ first, second };
}

fn tcp_socket(failure: *Failure) error{Forbidden}!i32 {
    return @intCast(try failure.check("a TCP socket", linux.socket(linux.AF.INET, linux.SOCK.STREAM, 0)));
}

fn set_option(fd: i32, level: i32, comptime option: u32, value: u32, failure: *Failure) error{Forbidden}!void {
    const result = linux.setsockopt(fd, level, option, std.mem.asBytes(&value), @sizeOf(u32));
    _ = try failure.check(std.fmt.comptimePrint("setsockopt of option {d}", .{option}), result);
}
