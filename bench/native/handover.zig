//! A large piece of data for the other side, which reads all of it where it has come to lie. What hands it over in
//! place has, beside what every mechanism has,
//!
//!     /// After each piece, not timed: gives its memory back.
//!     pub fn release(self: *Self, end: End) void

const std = @import("std");
const linux = std.os.linux;
const memory = @import("memory.zig");
const mechanism = @import("mechanism.zig");
const system = @import("system.zig");
const End = mechanism.End;
const Error = mechanism.Error;
const Failure = mechanism.Failure;
const Semaphore = @import("semaphores.zig").Counted(.futex);

/// A memfd of its own for each piece, sealed so that nobody can change it any more, and passed over a
/// Unix socket. Nothing is copied.
pub const Memfd = struct {
    pub const forms = mechanism.handover;

    const seals = linux.F.SEAL_SEAL | linux.F.SEAL_SHRINK | linux.F.SEAL_GROW | linux.F.SEAL_WRITE;

    sockets: [2]i32 = undefined,
    file: i32 = -1,
    data: memory.Mapping = &.{},

    pub fn open(self: *Memfd, failure: *Failure) error{Forbidden}!void {
        self.sockets = try system.unix_pair(linux.SOCK.SEQPACKET, failure);
    }

    pub fn prepare(self: *Memfd, end: End, _: mechanism.Form, size: u32, failure: *Failure) error{Forbidden}!void {
        if (end == .receiving) return;
        self.file = try memory.memfd_file(failure);
        self.data = try memory.map_new(self.file, size, failure);
    }

    pub fn place(self: *Memfd, _: u32) Error![]u8 {
        return self.data;
    }

    pub fn send(self: *Memfd, _: []const u8) Error!void {
        // A file that is mapped for writing cannot be sealed against it.
        memory.unmap(self.data);
        _ = try system.call(linux.fcntl, .{ self.file, linux.F.ADD_SEALS, seals });
        try send_file(self.sockets[0], self.file);
    }

    pub fn receive_in_place(self: *Memfd) Error![]u8 {
        self.file = try receive_file(self.sockets[1]);
        const f_get_seals = 1034;
        // Unsealed, the sender could cut it short under the reader's feet.
        if (linux.fcntl(self.file, f_get_seals, 0) != seals) return error.System;
        const size = try system.call(linux.lseek, .{ self.file, 0, linux.SEEK.END });
        const flags: linux.MAP = .{ .TYPE = .SHARED, .POPULATE = true };
        const address = try system.call(linux.mmap, .{ null, size, .{ .READ = true }, flags, self.file, 0 });
        self.data = memory.mapping_at(address, size);
        return self.data;
    }

    pub fn release(self: *Memfd, end: End) void {
        if (end == .receiving) memory.unmap(self.data);
        _ = linux.close(self.file);
    }
};

/// One descriptor, as cmsg(3) wants it, in a packet without data.
const Control = extern struct {
    header: linux.cmsghdr = .{ .len = length, .level = linux.SOL.SOCKET, .type = linux.SCM.RIGHTS },
    file: i32 = -1,
    padding: i32 = 0,

    const length = @sizeOf(linux.cmsghdr) + @sizeOf(i32);
};

var no_data: [0]std.posix.iovec = .{};

fn send_file(socket: i32, file: i32) Error!void {
    var control: Control = .{ .file = file };
    const message = message_with(&control);
    _ = try system.call(linux.sendmsg, .{ socket, @ptrCast(&message), 0 });
}

fn receive_file(socket: i32) Error!i32 {
    var control: Control = .{};
    var message = message_with(&control);
    _ = try system.call(linux.recvmsg, .{ socket, &message, linux.MSG.CMSG_CLOEXEC });
    return if (message.controllen >= Control.length) control.file else error.System;
}

fn message_with(control: *Control) linux.msghdr {
    return std.mem.zeroInit(linux.msghdr, .{ .iov = &no_data, .control = control, .controllen = @sizeOf(Control) });
}

/// Copied into POSIX shared memory that both sides have mapped, and read there.
pub const Shared = struct {
    pub const forms = mechanism.handover;

    file: i32 = -1,
    full: *Semaphore = undefined,
    data: memory.Mapping = &.{},

    pub fn open(self: *Shared, failure: *Failure) error{Forbidden}!void {
        self.full = try memory.shared(Semaphore, failure);
        self.file = try memory.posix_file(failure);
    }

    pub fn prepare(self: *Shared, _: End, _: mechanism.Form, size: u32, failure: *Failure) error{Forbidden}!void {
        self.data = try memory.map_new(self.file, size, failure);
        memory.populate(self.data);
    }

    pub fn send(self: *Shared, bytes: []const u8) Error!void {
        @memcpy(self.data, bytes);
        try self.full.post();
    }

    pub fn receive_in_place(self: *Shared) Error![]u8 {
        try self.full.wait();
        return self.data;
    }

    pub fn release(self: *Shared, end: End) void {
        memory.unmap(self.data);
        if (end == .receiving) _ = linux.ftruncate(self.file, 0);
    }
};
