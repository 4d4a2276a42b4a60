//! The kernel's message queues. Both copy a message from and to a buffer of their own shape here: the
//! POSIX one must have room for the queue's largest message, the System V one starts with the type.

const std = @import("std");
const linux = std.os.linux;
const keeper = @import("keeper.zig");
const mechanism = @import("mechanism.zig");
const stream = @import("stream.zig");
const Side = mechanism.Side;
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// Machines that allow longer messages than this are measured up to here.
const size_cap = 1 << 20;

var received_bytes: [size_cap]u8 = undefined;

pub const Posix = struct {
    /// Each is named by the side that sends into it.
    queues: [2]i32 = .{ -1, -1 },
    message_size: u32 = 0,

    pub const forms: mechanism.Forms = .{};

    /// mq_attr of the kernel.
    const Attributes = extern struct {
        flags: c_long = 0,
        messages_max: c_long,
        message_size: c_long,
        messages_now: c_long = 0,
        reserved: [4]c_long = @splat(0),
    };

    pub fn open(self: *Posix, failure: *Failure) error{Forbidden}!void {
        const largest = limit("/proc/sys/fs/mqueue/msgsize_max") orelse 8192;
        self.message_size = @intCast(@min(largest, size_cap));
        const messages_max = limit("/proc/sys/fs/mqueue/msg_max") orelse 10;
        for (&self.queues, 0..) |*queue, index| queue.* = try self.new_queue(index, messages_max, failure);
    }

    fn new_queue(self: *const Posix, index: usize, messages_max: u64, failure: *Failure) error{Forbidden}!i32 {
        // The kernel wants the name without the slash that mq_open(3) wants.
        var buffer: [64]u8 = undefined;
        const arguments = .{ linux.getpid(), index };
        const name = std.fmt.bufPrintZ(&buffer, "zerocross-bench-{d}-{d}", arguments) catch unreachable;
        const attributes: Attributes = .{ .messages_max = @intCast(messages_max), .message_size = self.message_size };
        const flags: linux.O = .{ .ACCMODE = .RDWR, .CREAT = true, .EXCL = true, .CLOEXEC = true };
        const result = linux.syscall4(
            .mq_open,
            @intFromPtr(name.ptr),
            @as(u32, @bitCast(flags)),
            0o600,
            @intFromPtr(&attributes),
        );
        const queue = try failure.check("mq_open", result);
        _ = linux.syscall1(.mq_unlink, @intFromPtr(name.ptr));
        return @intCast(queue);
    }

    pub fn take_side(self: *Posix, side: Side, failure: *Failure) error{Forbidden}!void {
        _ = self;
        _ = side;
        _ = failure;
    }

    pub fn max_size(self: *const Posix) ?u32 {
        return self.message_size;
    }

    pub fn send(self: *Posix, side: Side, bytes: []const u8) Error!void {
        const queue = descriptor(self.queues[@intFromEnum(side)]);
        while (true) {
            const result = linux.syscall5(.mq_timedsend, queue, @intFromPtr(bytes.ptr), bytes.len, 0, 0);
            if (try stream.succeeded(result)) return;
        }
    }

    pub fn receive(self: *Posix, side: Side, into: []u8) Error!usize {
        const queue = descriptor(self.queues[1 - @intFromEnum(side)]);
        // The kernel refuses a buffer that a longest message would not fit into.
        const fits = into.len >= self.message_size;
        const buffer = if (fits) into else received_bytes[0..self.message_size];
        while (true) {
            const size = linux.syscall5(.mq_timedreceive, queue, @intFromPtr(buffer.ptr), buffer.len, 0, 0);
            if (!try stream.succeeded(size)) continue;
            if (!fits) copy_out(into, buffer[0..size]);
            return size;
        }
    }
};

pub const SystemV = struct {
    kept: keeper.Kept = .{},
    size_max: u32 = 0,

    pub const forms: mechanism.Forms = .{};

    pub fn open(self: *SystemV, failure: *Failure) error{Forbidden}!void {
        const message = limit("/proc/sys/kernel/msgmax") orelse 8192;
        const queue = limit("/proc/sys/kernel/msgmnb") orelse 16384;
        self.size_max = @intCast(@min(message, queue, size_cap));
        try self.kept.make(.queue, failure);
    }

    pub fn take_side(self: *SystemV, side: Side, failure: *Failure) error{Forbidden}!void {
        _ = self;
        _ = side;
        _ = failure;
    }

    pub fn max_size(self: *const SystemV) ?u32 {
        return self.size_max;
    }

    /// msgbuf of the kernel. The type says which side sent it, and is never zero.
    const Message = extern struct { sender: c_long, bytes: [size_cap]u8 };

    var outgoing: Message = undefined;
    var incoming: Message = undefined;

    pub fn send(self: *SystemV, side: Side, bytes: []const u8) Error!void {
        outgoing.sender = sender_type(side);
        @memcpy(outgoing.bytes[0..bytes.len], bytes);
        while (true) {
            const result = linux.syscall4(.msgsnd, self.kept.id.?, @intFromPtr(&outgoing), bytes.len, 0);
            if (try keeper.succeeded(result)) return;
        }
    }

    pub fn receive(self: *SystemV, side: Side, into: []u8) Error!usize {
        const from: usize = @intCast(sender_type(if (side == .first) .second else .first));
        while (true) {
            const size = linux.syscall5(.msgrcv, self.kept.id.?, @intFromPtr(&incoming), size_cap, from, 0);
            if (!try keeper.succeeded(size)) continue;
            copy_out(into, incoming.bytes[0..size]);
            return size;
        }
    }

    pub fn close(self: *SystemV) void {
        self.kept.remove();
    }

    fn sender_type(side: Side) c_long {
        return @as(c_long, @intFromEnum(side)) + 1;
    }
};

/// As much as there is room for: the caller compares the sizes.
fn copy_out(into: []u8, bytes: []const u8) void {
    const size = @min(into.len, bytes.len);
    @memcpy(into[0..size], bytes[0..size]);
}

fn descriptor(fd: i32) usize {
    return @intCast(fd);
}

/// The number in a file of the kernel, null where there is none.
fn limit(path: [*:0]const u8) ?u64 {
    const fd = linux.open(path, .{ .CLOEXEC = true }, 0);
    if (linux.errno(fd) != .SUCCESS) return null;
    defer _ = linux.close(@intCast(fd));
    var buffer: [32]u8 = undefined;
    const size = linux.read(@intCast(fd), &buffer, buffer.len);
    if (linux.errno(size) != .SUCCESS) return null;
    return std.fmt.parseInt(u64, std.mem.trim(u8, buffer[0..size], " \n"), 10) catch null;
}
