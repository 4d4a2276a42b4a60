//! What is written to and read from: pipes, one each way (anonymous, with a name, with a buffer of 1 MiB),
//! sockets of the Unix domain in their three types, and TCP over the loopback device.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const mechanism = @import("mechanism.zig");
const system = @import("system.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

pub const Kind = enum { pipe, fifo, large_pipe, handover_pipe, unix_stream, unix_datagram, unix_seqpacket, tcp };

pub fn Descriptors(comptime kind: Kind) type {
    return struct {
        const Self = @This();
        const has_bounds = kind == .unix_datagram or kind == .unix_seqpacket;
        pub const forms: mechanism.Forms = if (kind == .handover_pipe) mechanism.handover else .{};

        /// The receiver's and the sender's.
        ends: [2]i32 = undefined,
        size_max: ?u32 = null,

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            self.ends = switch (kind) {
                .pipe, .large_pipe, .handover_pipe => try system.new_pipe(failure),
                .fifo => try named_pipe(failure),
                .unix_stream => try system.unix_pair(linux.SOCK.STREAM, failure),
                .unix_datagram => try system.unix_pair(linux.SOCK.DGRAM, failure),
                .unix_seqpacket => try system.unix_pair(linux.SOCK.SEQPACKET, failure),
                .tcp => try tcp_pair(failure),
            };
            if (kind == .large_pipe or kind == .handover_pipe) {
                const result = linux.fcntl(self.ends[1], linux.F.SETPIPE_SZ, 1 << 20);
                // Where the user's pipes have too many pages already, that of a handover stays smaller.
                if (kind == .large_pipe) _ = try failure.check("F_SETPIPE_SZ of 1 MiB", result);
            }
            if (has_bounds) for (self.ends) |end| {
                self.size_max = try widen(end, failure);
            };
        }

        /// Of sockets, the same ones the other way round.
        pub fn open_back(self: *Self, there: *const Self, failure: *Failure) error{Forbidden}!void {
            switch (kind) {
                .pipe, .fifo, .large_pipe, .handover_pipe => try self.open(failure),
                else => self.ends = .{ there.ends[1], there.ends[0] },
            }
        }

        pub fn send(self: *Self, bytes: []const u8) Error!void {
            try system.write_all(self.ends[1], bytes);
        }

        pub fn receive(self: *Self, into: []u8) Error!usize {
            // Its size, also where that is more than `into` takes.
            const flags = linux.MSG.TRUNC;
            if (has_bounds) return system.call(linux.recvfrom, .{ self.ends[0], into.ptr, into.len, flags, null, null });
            try system.read_exactly(self.ends[0], into);
            return into.len;
        }
    };
}

/// The name goes as soon as both ends are open, so that nothing has to be removed later. Only its owner may open
/// it, and in a folder with the sticky bit nobody else may replace it.
fn named_pipe(failure: *Failure) error{Forbidden}![2]i32 {
    var buffer: [64]u8 = undefined;
    const path = std.fmt.bufPrintZ(&buffer, "/tmp/zerocross-bench-{x}.fifo", .{core.cpu.ticks()}) catch unreachable;
    _ = try failure.check("mknod of a FIFO in /tmp", linux.mknod(path, linux.S.IFIFO | 0o600, 0));
    defer _ = linux.unlink(path);
    // Neither waits for the other: the reader is told not to, the writer finds the reader.
    const reader = linux.open(path, .{ .ACCMODE = .RDONLY, .NONBLOCK = true }, 0);
    const in = try failure.descriptor("open of a FIFO", reader);
    const out = try failure.descriptor("open of a FIFO", linux.open(path, .{ .ACCMODE = .WRONLY }, 0));
    _ = try failure.check("F_SETFL", linux.fcntl(in, linux.F.SETFL, 0));
    return .{ in, out };
}

/// A message is never larger than the sender's buffer: asks for one that 1 MiB fits into, and says
/// what fits into what net.core.wmem_max left of it.
fn widen(socket: i32, failure: *Failure) error{Forbidden}!u32 {
    const wanted: u32 = 1 << 20;
    try set_option("SO_SNDBUF", socket, linux.SOL.SOCKET, linux.SO.SNDBUF, wanted, failure);
    var size: u32 = undefined;
    var length: linux.socklen_t = @sizeOf(u32);
    const result = linux.getsockopt(socket, linux.SOL.SOCKET, linux.SO.SNDBUF, std.mem.asBytes(&size), &length);
    _ = try failure.check("getsockopt of SO_SNDBUF", result);
    // What the kernel keeps for itself: unix_dgram_sendmsg of net/unix/af_unix.c.
    const overhead = 32;
    return @min(wanted, size - overhead);
}

fn tcp_pair(failure: *Failure) error{Forbidden}![2]i32 {
    var sockets: [2]i32 = undefined;
    for (&sockets) |*socket| {
        socket.* = try failure.descriptor("a TCP socket", linux.socket(linux.AF.INET, linux.SOCK.STREAM, 0));
        // What is accepted has it from the socket that listens.
        try set_option("TCP_NODELAY", socket.*, linux.IPPROTO.TCP, linux.TCP.NODELAY, 1, failure);
    }
    const listener, const first = sockets;
    defer _ = linux.close(listener);
    var address: linux.sockaddr.in = .{ .port = 0, .addr = std.mem.nativeToBig(u32, 0x7F000001) };
    var length: linux.socklen_t = @sizeOf(linux.sockaddr.in);
    _ = try failure.check("bind to 127.0.0.1", linux.bind(listener, @ptrCast(&address), length));
    _ = try failure.check("listen on 127.0.0.1", linux.listen(listener, 1));
    _ = try failure.check("getsockname", linux.getsockname(listener, @ptrCast(&address), &length));
    // The kernel completes the connection before anybody accepts it.
    _ = try failure.check("connect to 127.0.0.1", linux.connect(first, &address, length));
    return .{ first, try failure.descriptor("accept4", linux.accept4(listener, null, null, 0)) };
}

fn set_option(comptime name: []const u8, fd: i32, level: i32, option: u32, value: u32, failure: *Failure) error{Forbidden}!void {
    const result = linux.setsockopt(fd, level, option, std.mem.asBytes(&value), @sizeOf(u32));
    _ = try failure.check("setsockopt of " ++ name, result);
}
