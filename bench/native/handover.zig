//! A large piece of data for the other side, which reads all of it. A handover mechanism has `open` as
//! every mechanism may, and
//!
//!     /// Not timed: what the first side fills, and what the second side needs to take it. The second side is
//!     /// done with it before the first one begins.
//!     pub fn make(self: *Self, end: End, size: u32, failure: *Failure) error{Forbidden}!Mapping
//!     /// Timed, in the first side and in the second one, which then answers with the sum of what it got.
//!     pub fn give(self: *Self) Error!void
//!     pub fn take(self: *Self) Error![]const u8
//!     /// Both sides, not timed: gives the memory back.
//!     pub fn release(self: *Self, end: End) void

const std = @import("std");
const linux = std.os.linux;
const memory = @import("memory.zig");
const mechanism = @import("mechanism.zig");
const system = @import("system.zig");
const Semaphore = @import("semaphores.zig").Counted(.futex);
const Mapping = memory.Mapping;
const End = mechanism.End;
const Error = mechanism.Error;
const Failure = mechanism.Failure;

const handover: mechanism.Forms = .{ .round_trip = false, .one_way = false, .handover = true };

/// A memfd of its own for each piece, sealed so that nobody can change it any more, and passed over a
/// Unix socket. Nothing is copied.
pub const Memfd = struct {
    pub const forms = handover;

    const seals = linux.F.SEAL_SEAL | linux.F.SEAL_SHRINK | linux.F.SEAL_GROW | linux.F.SEAL_WRITE;

    sockets: [2]i32 = .{ -1, -1 },
    file: i32 = -1,
    data: Mapping = &.{},

    pub fn open(self: *Memfd, failure: *Failure) error{Forbidden}!void {
        self.sockets = try system.unix_pair(linux.SOCK.SEQPACKET, failure);
    }

    pub fn make(self: *Memfd, end: End, size: u32, failure: *Failure) error{Forbidden}!Mapping {
        if (end == .receiving) return &.{};
        self.file = try memory.memfd_file(failure);
        self.data = try memory.map_new(self.file, size, failure);
        return self.data;
    }

    pub fn give(self: *Memfd) Error!void {
        // A file that is mapped for writing cannot be sealed against it.
        memory.unmap(self.data);
        _ = try system.call(linux.fcntl, .{ self.file, linux.F.ADD_SEALS, seals });
        try send_file(self.sockets[0], self.file);
    }

    pub fn take(self: *Memfd) Error![]const u8 {
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

fn send_file(socket: i32, file: i32) Error!void {
    const control: Control = .{ .file = file };
    const message = std.mem.zeroInit(linux.msghdr_const, .{ .iov = &.{}, .control = &control, .controllen = @sizeOf(Control) });
    _ = try system.call(linux.sendmsg, .{ socket, &message, 0 });
}

fn receive_file(socket: i32) Error!i32 {
    var control: Control = .{};
    var no_data: [0]std.posix.iovec = .{};
    var message = std.mem.zeroInit(linux.msghdr, .{ .iov = &no_data, .control = &control, .controllen = @sizeOf(Control) });
    _ = try system.call(linux.recvmsg, .{ socket, &message, linux.MSG.CMSG_CLOEXEC });
    return if (message.controllen >= Control.length) control.file else error.System;
}

/// Through a pipe: copied into it and out of it.
pub const Pipe = struct {
    pub const forms = handover;

    pipe: [2]i32 = .{ -1, -1 },
    data: Mapping = &.{},

    pub fn open(self: *Pipe, failure: *Failure) error{Forbidden}!void {
        self.pipe = try system.new_pipe(failure);
        // Where the user's pipes have too many pages already it stays smaller.
        _ = linux.fcntl(self.pipe[1], linux.F.SETPIPE_SZ, 1 << 20);
    }

    pub fn make(self: *Pipe, _: End, size: u32, failure: *Failure) error{Forbidden}!Mapping {
        self.data = try memory.map_private(size, failure);
        return self.data;
    }

    pub fn give(self: *Pipe) Error!void {
        try system.write_all(self.pipe[1], self.data);
    }

    pub fn take(self: *Pipe) Error![]const u8 {
        try system.read_exactly(self.pipe[0], self.data);
        return self.data;
    }

    pub fn release(self: *Pipe, _: End) void {
        memory.unmap(self.data);
    }
};

/// Copied into POSIX shared memory that both sides have mapped, and read there.
pub const Shared = struct {
    pub const forms = handover;

    file: i32 = -1,
    full: *Semaphore = undefined,
    shared: Mapping = &.{},
    data: Mapping = &.{},

    pub fn open(self: *Shared, failure: *Failure) error{Forbidden}!void {
        self.full = try memory.shared(Semaphore, failure);
        self.file = try memory.posix_file(failure);
    }

    pub fn make(self: *Shared, end: End, size: u32, failure: *Failure) error{Forbidden}!Mapping {
        self.shared = try memory.map_new(self.file, size, failure);
        memory.populate(self.shared);
        if (end == .sending) self.data = try memory.map_private(size, failure);
        return self.data;
    }

    pub fn give(self: *Shared) Error!void {
        @memcpy(self.shared, self.data);
        try self.full.post();
    }

    pub fn take(self: *Shared) Error![]const u8 {
        try self.full.wait();
        return self.shared;
    }

    pub fn release(self: *Shared, end: End) void {
        memory.unmap(self.shared);
        switch (end) {
            .sending => memory.unmap(self.data),
            // Gives the pages back.
            .receiving => _ = linux.ftruncate(self.file, 0),
        }
    }
};
