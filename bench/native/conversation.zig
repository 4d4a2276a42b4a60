//! What the two sides of a handover say to each other, over a Unix socket of packets.

const std = @import("std");
const linux = std.os.linux;
const mechanism = @import("mechanism.zig");
const stream = @import("stream.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// One descriptor beside the data, as cmsg(3) wants it.
const Control = extern struct {
    header: linux.cmsghdr,
    file: i32,
    padding: i32 = 0,

    const length = @sizeOf(linux.cmsghdr) + @sizeOf(i32);
};

pub const Conversation = struct {
    sockets: [2]i32 = .{ -1, -1 },
    socket: i32 = -1,

    pub fn open(self: *Conversation, failure: *Failure) error{Forbidden}!void {
        const kind = linux.SOCK.SEQPACKET | linux.SOCK.CLOEXEC;
        _ = try failure.check("socketpair", linux.socketpair(linux.AF.UNIX, kind, 0, &self.sockets));
    }

    pub fn take_side(self: *Conversation, side: mechanism.Side) void {
        self.socket = self.sockets[@intFromEnum(side)];
        stream.close(self.sockets[1 - @intFromEnum(side)]);
    }

    pub fn say_ready(self: *const Conversation) Error!void {
        try stream.write_all(self.socket, "x");
    }

    pub fn await_ready(self: *const Conversation) Error!void {
        var byte: [1]u8 = undefined;
        try stream.read_exactly(self.socket, &byte);
    }

    pub fn answer(self: *const Conversation, sum: u64) Error!void {
        try stream.write_all(self.socket, std.mem.asBytes(&sum));
    }

    pub fn await_sum(self: *const Conversation, expected: u64) (Error || error{WrongSum})!void {
        var sum: u64 = undefined;
        try stream.read_exactly(self.socket, std.mem.asBytes(&sum));
        if (sum != expected) return error.WrongSum;
    }

    pub fn send_file(self: *const Conversation, file: i32) Error!void {
        const control: Control = .{
            .header = .{ .len = Control.length, .level = linux.SOL.SOCKET, .type = linux.SCM.RIGHTS },
            .file = file,
        };
        const data = [1]std.posix.iovec_const{.{ .base = "x", .len = 1 }};
        const message: linux.msghdr_const = .{
            .name = null,
            .namelen = 0,
            .iov = &data,
            .iovlen = data.len,
            .control = &control,
            .controllen = @sizeOf(Control),
            .flags = 0,
        };
        while (!try stream.succeeded(linux.sendmsg(self.socket, &message, 0))) {}
    }

    pub fn receive_file(self: *const Conversation) Error!i32 {
        var control: Control = undefined;
        var byte: [1]u8 = undefined;
        var data = [1]std.posix.iovec{.{ .base = &byte, .len = 1 }};
        var message: linux.msghdr = .{
            .name = null,
            .namelen = 0,
            .iov = &data,
            .iovlen = data.len,
            .control = &control,
            .controllen = @sizeOf(Control),
            .flags = 0,
        };
        while (true) {
            const size = linux.recvmsg(self.socket, &message, linux.MSG.CMSG_CLOEXEC);
            if (!try stream.succeeded(size)) continue;
            if (size == 0) return error.Closed;
            const is_file = message.controllen >= Control.length and control.header.type == linux.SCM.RIGHTS;
            return if (is_file) control.file else error.System;
        }
    }
};
