//! The kernel's message queues. Both copy a message from and to a buffer of their own shape here: the
//! POSIX one must have room for the queue's largest message, the System V one starts with the type.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const keeper = @import("keeper.zig");
const mechanism = @import("mechanism.zig");
const system = @import("system.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

const owner_only = 0o600;
/// Machines that allow longer messages than this are measured up to here.
const size_cap = 1 << 20;

/// msgbuf of the kernel.
const Message = extern struct { type: usize, bytes: [size_cap]u8 };

var outgoing: Message = undefined;
var incoming: Message = undefined;

pub const Posix = struct {
    pub const forms: mechanism.Forms = .{};

    queue: usize = 0,
    size_max: ?u32 = null,

    pub fn open(self: *Posix, failure: *Failure) error{Forbidden}!void {
        self.size_max = @min(limit("/proc/sys/fs/mqueue/msgsize_max", 8192), size_cap);
        // mq_attr of the kernel: flags, the most messages, their size, how many there are, reserved.
        const attributes = [8]c_long{ 0, limit("/proc/sys/fs/mqueue/msg_max", 10), self.size_max.?, 0, 0, 0, 0, 0 };
        // The kernel wants the name without the slash that mq_open(3) wants.
        var buffer: [64]u8 = undefined;
        const name = std.fmt.bufPrintZ(&buffer, "zerocross-bench-{x}", .{core.cpu.ticks()}) catch unreachable;
        const options: linux.O = .{ .ACCMODE = .RDWR, .CREAT = true, .EXCL = true, .CLOEXEC = true };
        const flags: u32 = @bitCast(options);
        const result = linux.syscall4(.mq_open, @intFromPtr(name.ptr), flags, owner_only, @intFromPtr(&attributes));
        self.queue = try failure.check("mq_open", result);
        _ = linux.syscall1(.mq_unlink, @intFromPtr(name.ptr));
    }

    pub fn send(self: *Posix, bytes: []const u8) Error!void {
        _ = try system.call(linux.syscall5, .{ .mq_timedsend, self.queue, @intFromPtr(bytes.ptr), bytes.len, 0, 0 });
    }

    pub fn receive(self: *Posix, into: []u8) Error!usize {
        // The kernel refuses a buffer that a longest message would not fit into.
        const fits = into.len >= self.size_max.?;
        const buffer = if (fits) into else incoming.bytes[0..self.size_max.?];
        const room = @intFromPtr(buffer.ptr);
        const size = try system.call(linux.syscall5, .{ .mq_timedreceive, self.queue, room, buffer.len, 0, 0 });
        if (!fits) copy_out(into, buffer[0..size]);
        return size;
    }
};

pub const SystemV = struct {
    pub const forms: mechanism.Forms = .{};

    id: usize = 0,
    /// Of the messages that go this way: both go through one queue. Never zero.
    type: usize = 1,
    size_max: ?u32 = null,

    pub fn open(self: *SystemV, failure: *Failure) error{Forbidden}!void {
        const queue_max = limit("/proc/sys/kernel/msgmnb", 16384);
        self.size_max = @min(limit("/proc/sys/kernel/msgmax", 8192), queue_max, size_cap);
        self.id = try keeper.make(.msgget, .msgctl, .{ owner_only, 0 }, failure);
    }

    pub fn open_back(self: *SystemV, there: *const SystemV, _: *Failure) error{Forbidden}!void {
        self.* = .{ .id = there.id, .type = 2 };
    }

    pub fn send(self: *SystemV, bytes: []const u8) Error!void {
        outgoing.type = self.type;
        @memcpy(outgoing.bytes[0..bytes.len], bytes);
        _ = try system.call(linux.syscall4, .{ .msgsnd, self.id, @intFromPtr(&outgoing), bytes.len, 0 });
    }

    pub fn receive(self: *SystemV, into: []u8) Error!usize {
        const room = @intFromPtr(&incoming);
        const size = try system.call(linux.syscall5, .{ .msgrcv, self.id, room, size_cap, self.type, 0 });
        copy_out(into, incoming.bytes[0..size]);
        return size;
    }
};

/// As much as there is room for: the caller compares the sizes.
fn copy_out(into: []u8, bytes: []const u8) void {
    const size = @min(into.len, bytes.len);
    @memcpy(into[0..size], bytes[0..size]);
}

/// The number in a file of the kernel, `usual` where there is none.
fn limit(path: [*:0]const u8, usual: u32) u32 {
    var buffer: [32]u8 = undefined;
    var ignored: linux.E = undefined;
    const text = system.read_file(path, &buffer, &ignored) orelse return usual;
    const number = std.fmt.parseInt(u64, text, 10) catch return usual;
    return std.math.lossyCast(u32, number);
}
