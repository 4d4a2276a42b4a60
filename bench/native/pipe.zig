//! Pipes, one each way: anonymous, with a name (FIFO), and with a buffer of 1 MiB.

const std = @import("std");
const linux = std.os.linux;
const mechanism = @import("mechanism.zig");
const stream = @import("stream.zig");
const Side = mechanism.Side;
const Error = mechanism.Error;
const Failure = mechanism.Failure;

pub const Kind = enum { anonymous, named, large };

pub fn Pipe(comptime kind: Kind) type {
    return struct {
        const Self = @This();

        /// In the order of the sides that write into them.
        ways: [2]Way = .{ .{}, .{} },

        pub const forms: mechanism.Forms = .{};

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            for (&self.ways) |*way| way.* = switch (kind) {
                .anonymous => try Way.anonymous(failure),
                .named => try Way.named(failure),
                .large => try Way.large(failure),
            };
        }

        pub fn take_side(self: *Self, side: Side, _: *Failure) error{Forbidden}!void {
            stream.close(self.outgoing(side).read_end);
            stream.close(self.incoming(side).write_end);
        }

        pub fn send(self: *Self, side: Side, bytes: []const u8) Error!void {
            try stream.write_all(self.outgoing(side).write_end, bytes);
        }

        pub fn receive(self: *Self, side: Side, into: []u8) Error!usize {
            try stream.read_exactly(self.incoming(side).read_end, into);
            return into.len;
        }

        inline fn outgoing(self: *Self, side: Side) *Way {
            return &self.ways[@intFromEnum(side)];
        }

        inline fn incoming(self: *Self, side: Side) *Way {
            return &self.ways[1 - @intFromEnum(side)];
        }
    };
}

const Way = struct {
    read_end: i32 = -1,
    write_end: i32 = -1,

    fn anonymous(failure: *Failure) error{Forbidden}!Way {
        var ends: [2]i32 = undefined;
        _ = try failure.check("pipe2", linux.pipe2(&ends, .{}));
        return .{ .read_end = ends[0], .write_end = ends[1] };
    }

    fn large(failure: *Failure) error{Forbidden}!Way {
        const F_SETPIPE_SZ = 1031;
        const way = try anonymous(failure);
        _ = try failure.check("F_SETPIPE_SZ of 1 MiB", linux.fcntl(way.write_end, F_SETPIPE_SZ, 1 << 20));
        return way;
    }

    /// The name goes as soon as both ends are open, so that nothing has to be removed later.
    fn named(failure: *Failure) error{Forbidden}!Way {
        var buffer: [64]u8 = undefined;
        const path = try make_fifo(&buffer, failure);
        defer _ = linux.unlink(path);
        // Neither waits for the other: the reader is told not to, the writer finds the reader.
        const read_end = linux.open(path, .{ .ACCMODE = .RDONLY, .NONBLOCK = true }, 0);
        const write_end = linux.open(path, .{ .ACCMODE = .WRONLY }, 0);
        const way: Way = .{
            .read_end = @intCast(try failure.check("open of a FIFO", read_end)),
            .write_end = @intCast(try failure.check("open of a FIFO", write_end)),
        };
        _ = try failure.check("F_SETFL", linux.fcntl(way.read_end, linux.F.SETFL, 0));
        return way;
    }
};

/// Only its owner may open it, and in a folder with the sticky bit nobody else may replace it.
fn make_fifo(buffer: []u8, failure: *Failure) error{Forbidden}![:0]const u8 {
    for (0..100) |attempt| {
        const arguments = .{ linux.getpid(), attempt };
        const path = std.fmt.bufPrintZ(buffer, "/tmp/zerocross-bench-{d}-{d}.fifo", arguments) catch unreachable;
        const result = linux.mknod(path, linux.S.IFIFO | 0o600, 0);
        if (linux.errno(result) == .EXIST) continue;
        _ = try failure.check("mknod of a FIFO in /tmp", result);
        return path;
    }
    return failure.set("mknod of a FIFO in /tmp finds no free name", .{});
}
