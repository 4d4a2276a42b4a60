//! The one message of the rendezvous: what the memory is, and its descriptors.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const system = @import("../os/system.zig");
const wire = @import("../ring/wire.zig");
const Deadline = @import("../os/time.zig").Deadline;
const Failure = @import("../failure.zig").Failure;

pub const Announcement = struct {
    version: u32,
    capacity_fwd: u32,
    capacity_rev: u32 = 0,
    rpc: bool = false,
};

pub const ReceivedMemory = struct {
    version: u32,
    capacity_fwd: u32,
    capacity_rev: u32,
    /// The first `count` are there. They are the reception's, and closed with it.
    descriptors: [2]i32,
    count: u32,
};

/// SCM_MAX_FD of the kernel: no message carries more descriptors.
const descriptors_max_kernel = 253;

/// Bytes of a handshake from which its version, and so its size, is known.
const version_end = 8;

/// A SCM_RIGHTS control message with room for `count` descriptors, as the kernel lays it out.
fn Rights(comptime count: u32) type {
    return extern struct {
        header: linux.cmsghdr,
        descriptors: [count]i32,

        comptime {
            assert(@offsetOf(@This(), "descriptors") == @sizeOf(linux.cmsghdr));
        }
    };
}

/// What is to be sent, and how much of it was: a timeout leaves it so that it can be gone on with.
pub const Transmission = struct {
    buffer: [@sizeOf(wire.Handshake)]u8 = undefined,
    length: usize,
    sent: usize = 0,

    pub fn init(offer: Announcement) Transmission {
        var self: Transmission = .{ .length = 0 };
        self.length = encode(offer, &self.buffer).len;
        return self;
    }

    pub fn send_rest(
        self: *Transmission,
        fd: i32,
        descriptors: []const i32,
        deadline: Deadline,
        failure: *Failure,
    ) error{ System, PeerGone, Timeout }!void {
        var rights: Rights(2) = .{
            .header = .{
                .len = @sizeOf(linux.cmsghdr) + descriptors.len * @sizeOf(i32),
                .level = linux.SOL.SOCKET,
                .type = linux.SCM.RIGHTS,
            },
            .descriptors = .{ -1, -1 },
        };
        @memcpy(rights.descriptors[0..descriptors.len], descriptors);
        const control = std.mem.asBytes(&rights)[0..rights.header.len];
        while (self.sent < self.length) {
            // The descriptors go with the first byte, and only once.
            const unsent = if (self.sent == 0) control else &.{};
            self.sent += try send_some(fd, self.buffer[self.sent..self.length], unsent, deadline, failure);
        }
    }
};

/// How long to wait for a hang-up before looking whether the bytes were read.
const taken_check_ms = 5;

/// Returns once the connector has read the handshake. One that goes away before that is gone, and
/// the next one may come.
pub fn wait_until_taken(fd: i32, deadline: Deadline, failure: *Failure) error{ System, PeerGone, Timeout }!void {
    while (true) {
        var byte: [1]u8 = undefined;
        const result = system.retry(linux.recvfrom, .{ fd, &byte, byte.len, linux.MSG.DONTWAIT, null, null });
        switch (linux.errno(result)) {
            // A connector of ours hangs up when it has the memory. Nothing that it says matters here.
            .SUCCESS => if (result == 0) return,
            .AGAIN => if (try is_read(fd, failure)) return,
            // The kernel says so when a socket is closed with something unread.
            .CONNRESET => return error.PeerGone,
            else => |errno| return failure.system(.recvmsg, errno),
        }
        if (deadline.passed()) return error.Timeout;
        system.poll_until(fd, linux.POLL.IN, deadline.at_most_ms(taken_check_ms), failure) catch |err| switch (err) {
            error.Timeout => {},
            error.System => return error.System,
        };
    }
}

/// Whether nothing of what was sent waits to be read: a foreign connector may stay connected.
fn is_read(fd: i32, failure: *Failure) error{System}!bool {
    var unread: i32 = 0;
    const errno = linux.errno(linux.ioctl(fd, linux.T.IOCOUTQ, @intFromPtr(&unread)));
    if (errno != .SUCCESS) return failure.system(.ioctl, errno);
    return unread == 0;
}

fn encode(offer: Announcement, buffer: *[@sizeOf(wire.Handshake)]u8) []const u8 {
    assert(wire.capacity_is_accepted(offer.capacity_fwd));
    if (offer.version < 4) {
        assert(offer.version >= 2 and !offer.rpc and offer.capacity_rev == 0);
        const short: wire.HandshakeShort = .{
            .magic = wire.magic,
            .version = offer.version,
            .capacity = offer.capacity_fwd,
            .shm_size = wire.memory_size(offer.capacity_fwd),
            .alignment = wire.alignment,
        };
        buffer[0..@sizeOf(wire.HandshakeShort)].* = @bitCast(short);
        return buffer[0..@sizeOf(wire.HandshakeShort)];
    }
    assert(offer.version == 4);
    assert(if (offer.rpc) wire.capacity_is_accepted(offer.capacity_rev) else offer.capacity_rev == 0);
    buffer.* = @bitCast(wire.Handshake{
        .magic = wire.magic,
        .version = offer.version,
        .capacity_fwd = offer.capacity_fwd,
        .shm_size_fwd = wire.memory_size(offer.capacity_fwd),
        .capacity_rev = offer.capacity_rev,
        .shm_size_rev = if (offer.rpc) wire.memory_size(offer.capacity_rev) else 0,
        .alignment = wire.alignment,
        .flags = if (offer.rpc) wire.Handshake.flag_rpc else 0,
    });
    return buffer;
}

/// Returns how many bytes went, at least one.
fn send_some(
    fd: i32,
    bytes: []const u8,
    control: []const u8,
    deadline: Deadline,
    failure: *Failure,
) error{ System, PeerGone, Timeout }!usize {
    const part: [1]std.posix.iovec_const = .{.{ .base = bytes.ptr, .len = bytes.len }};
    const message: linux.msghdr_const = .{
        .name = null,
        .namelen = 0,
        .iov = &part,
        .iovlen = part.len,
        .control = if (control.len > 0) control.ptr else null,
        .controllen = control.len,
        .flags = 0,
    };
    while (true) {
        const flags = linux.MSG.NOSIGNAL | linux.MSG.DONTWAIT;
        const result = system.retry(linux.sendmsg, .{ fd, &message, flags });
        switch (linux.errno(result)) {
            .SUCCESS => return result,
            .AGAIN => try system.poll_until(fd, linux.POLL.OUT, deadline, failure),
            .PIPE, .CONNRESET => return error.PeerGone,
            else => |errno| return failure.system(.sendmsg, errno),
        }
    }
}

/// What has come so far from a peer of which nothing is known yet; a timeout leaves it so that it
/// can be gone on with.
pub const Reception = struct {
    /// One byte more than any version sends, so that what follows shows.
    bytes: [@sizeOf(wire.Handshake) + 1]u8 = undefined,
    length: usize = 0,
    descriptors: [2]i32 = .{ -1, -1 },
    /// Counts those too that were closed because there is no use for so many.
    descriptor_count: u32 = 0,
    /// Some descriptors were lost, since this process had as many as it may have.
    some_were_lost: bool = false,

    /// Closes what came, be it for want of use or because it is mapped by now.
    pub fn close_descriptors(self: *Reception) void {
        for (&self.descriptors) |*descriptor| {
            if (descriptor.* >= 0) system.close_fd(descriptor.*);
            descriptor.* = -1;
        }
    }

    /// Ends as soon as the bytes cannot be a handshake of ours any more: a peer that speaks
    /// something else may never send as many as one has. The last byte stays with the kernel until
    /// `acknowledge`, so that a connection that is closed before shows the listener that nobody has
    /// taken the memory.
    pub fn read_whole(self: *Reception, fd: i32, deadline: Deadline, failure: *Failure) error{ System, Wire, Timeout }!void {
        var size = try self.size_expected(failure);
        while (self.length < size) : (size = try self.size_expected(failure)) {
            const is_last = self.length == size - 1;
            const received = if (is_last) try self.peek_last(fd, failure) else try self.read_some(fd, size, failure);
            const count = received orelse {
                system.poll_until(fd, linux.POLL.IN, deadline, failure) catch |problem| {
                    if (problem == error.Timeout) failure.* = .{ .subject = .silence, .found = self.length };
                    return problem;
                };
                continue;
            };
            if (count == 0) return failure.wire(.truncated, self.length, size);
        }
        if (self.length > size) return failure.wire(.trailing_bytes, self.length, size);
    }

    /// Judges by the bytes that are there.
    fn size_expected(self: *const Reception, failure: *Failure) error{Wire}!usize {
        if (self.length >= 4 and self.word(0) != wire.magic) return failure.wire(.magic, self.word(0), wire.magic);
        if (self.length < version_end) return @sizeOf(wire.Handshake);
        return switch (self.word(1)) {
            2, 3 => @sizeOf(wire.HandshakeShort),
            4 => @sizeOf(wire.Handshake),
            else => |version| failure.wire(.version, version, 4),
        };
    }

    fn word(self: *const Reception, index: usize) u32 {
        return std.mem.readInt(u32, self.bytes[4 * index ..][0..4], .little);
    }

    /// Takes bytes of a handshake of `size` bytes, but not the last one. Returns how many came: null
    /// when none is there yet, 0 when none will come.
    fn read_some(self: *Reception, fd: i32, size: usize, failure: *Failure) error{System}!?usize {
        // As long as the version is not known, the last byte may be that of a shorter one.
        const end = if (self.length < version_end) version_end else size - 1;
        return self.receive(fd, self.bytes[self.length..end], 0, failure);
    }

    /// The last byte, and one behind it if there is one, both of which stay with the kernel. Answers
    /// as `read_some` does.
    fn peek_last(self: *Reception, fd: i32, failure: *Failure) error{System}!?usize {
        return self.receive(fd, self.bytes[self.length..][0..2], linux.MSG.PEEK, failure);
    }

    fn receive(self: *Reception, fd: i32, free: []u8, peek: u32, failure: *Failure) error{System}!?usize {
        assert(free.len > 0);
        var control: [@sizeOf(Rights(descriptors_max_kernel))]u8 align(@alignOf(linux.cmsghdr)) = undefined;
        var part: [1]std.posix.iovec = .{.{ .base = free.ptr, .len = free.len }};
        var message: linux.msghdr = .{
            .name = null,
            .namelen = 0,
            .iov = &part,
            .iovlen = part.len,
            .control = &control,
            .controllen = control.len,
            .flags = 0,
        };
        const flags = linux.MSG.CMSG_CLOEXEC | linux.MSG.DONTWAIT | peek;
        const result = system.retry(linux.recvmsg, .{ fd, &message, flags });
        const count = try count_of(result, failure) orelse return null;
        // Nothing comes with an end, and after a reset `message` is not written.
        if (count == 0) return 0;
        self.length += count;
        self.collect(control[0..message.controllen]);
        if (message.flags & linux.MSG.CTRUNC != 0) self.some_were_lost = true;
        return count;
    }

    /// Takes the descriptors out of control messages that the kernel wrote.
    fn collect(self: *Reception, control: []align(@alignOf(linux.cmsghdr)) const u8) void {
        const header_size = @sizeOf(linux.cmsghdr);
        var start: usize = 0;
        while (start + header_size <= control.len) {
            // Sound: the buffer is aligned, and the next message starts at an aligned offset.
            const header: *const linux.cmsghdr = @ptrCast(@alignCast(control[start..].ptr));
            assert(header.len >= header_size and header.len <= control.len - start);
            if (header.level == linux.SOL.SOCKET and header.type == linux.SCM.RIGHTS) {
                const payload = control[start + header_size .. start + header.len];
                for (std.mem.bytesAsSlice(i32, payload)) |descriptor| self.take(descriptor);
            }
            start += std.mem.alignForward(usize, header.len, @alignOf(linux.cmsghdr));
        }
    }

    fn take(self: *Reception, descriptor: i32) void {
        if (self.descriptor_count < self.descriptors.len) {
            self.descriptors[self.descriptor_count] = descriptor;
        } else {
            system.close_fd(descriptor);
        }
        self.descriptor_count += 1;
    }

    pub fn check(self: *const Reception, expect_rpc: bool, failure: *Failure) error{ System, Wire }!ReceivedMemory {
        const offer = self.decode();
        const flags: u32 = if (expect_rpc) wire.Handshake.flag_rpc else 0;
        if (offer.alignment != wire.alignment) return failure.wire(.alignment, offer.alignment, wire.alignment);
        if (offer.flags != flags) return failure.wire(.flags, offer.flags, flags);
        try check_arena(offer.capacity_fwd, offer.shm_size_fwd, failure);
        if (expect_rpc) {
            try check_arena(offer.capacity_rev, offer.shm_size_rev, failure);
        } else {
            if (offer.capacity_rev != 0) return failure.wire(.capacity, offer.capacity_rev, 0);
            if (offer.shm_size_rev != 0) return failure.wire(.shm_size, offer.shm_size_rev, 0);
        }
        const count = descriptors_expected(expect_rpc);
        if (self.some_were_lost and self.descriptor_count < count) return failure.system(.recvmsg, .MFILE);
        const sent = self.descriptor_count + @intFromBool(self.some_were_lost);
        if (sent != count) return failure.wire(.descriptors, sent, count);
        return .{
            .version = offer.version,
            .capacity_fwd = offer.capacity_fwd,
            .capacity_rev = offer.capacity_rev,
            .descriptors = self.descriptors,
            .count = count,
        };
    }

    /// The older versions are the newest one without the reverse arena and without flags.
    fn decode(self: *const Reception) wire.Handshake {
        if (self.length == @sizeOf(wire.Handshake)) return @bitCast(self.bytes[0..@sizeOf(wire.Handshake)].*);
        assert(self.length == @sizeOf(wire.HandshakeShort));
        const short: wire.HandshakeShort = @bitCast(self.bytes[0..@sizeOf(wire.HandshakeShort)].*);
        return .{
            .magic = short.magic,
            .version = short.version,
            .capacity_fwd = short.capacity,
            .shm_size_fwd = short.shm_size,
            .capacity_rev = 0,
            .shm_size_rev = 0,
            .alignment = short.alignment,
            .flags = 0,
        };
    }
};

/// What a call that receives has answered: null for nothing yet, 0 for never any more.
fn count_of(result: usize, failure: *Failure) error{System}!?usize {
    return switch (linux.errno(result)) {
        .SUCCESS => result,
        .AGAIN => null,
        .CONNRESET => 0,
        else => |errno| failure.system(.recvmsg, errno),
    };
}

/// Tells the listener that its memory is taken: it sees that nothing is unread any more.
pub fn acknowledge(fd: i32) void {
    var byte: [1]u8 = undefined;
    // Should it fail, the listener takes this side for gone and ends the channel.
    _ = system.retry(linux.recvfrom, .{ fd, &byte, byte.len, linux.MSG.DONTWAIT, null, null });
}

fn check_arena(capacity: u32, shm_size: u32, failure: *Failure) error{Wire}!void {
    if (!wire.capacity_is_accepted(capacity)) return failure.wire(.capacity, capacity, wire.capacity_max);
    const size = wire.memory_size(capacity);
    if (shm_size != size) return failure.wire(.shm_size, shm_size, size);
}

fn descriptors_expected(rpc: bool) u32 {
    return if (rpc) 2 else 1;
}

test {
    _ = @import("handshake_test.zig");
}
