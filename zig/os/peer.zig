//! Who is on the other side, and whether it lives. The kernel says so, never the peer.

const std = @import("std");
const linux = std.os.linux;
const system = @import("system.zig");
const Failure = @import("../failure.zig").Failure;

/// Linux 6.5; std has no name for it.
const SO_PEERPIDFD = 77;

/// `struct ucred` of the kernel.
const Credentials = extern struct { pid: i32, uid: u32, gid: u32 };

pub const Peer = struct {
    /// 0 for a process that this one's PID namespace does not show.
    pid: i32,
    uid: u32,
    gid: u32,
    /// `pidfd_none` where this system has no pidfds to give, `pidfd_gone` for a process that had
    /// ended before it could be held.
    pidfd: i32,

    pub const pidfd_none: i32 = -1;
    pub const pidfd_gone: i32 = -2;

    /// The process at the other end of a connected socket. It may be dead already, and what it left
    /// to be read may be worth reading all the same.
    pub fn from_socket(fd: i32, failure: *Failure) error{System}!Peer {
        var credentials: Credentials = undefined;
        const errno = get_option(Credentials, fd, linux.SO.PEERCRED, &credentials);
        if (errno != .SUCCESS) return failure.system(.getsockopt, errno);
        return .{
            .pid = credentials.pid,
            .uid = credentials.uid,
            .gid = credentials.gid,
            .pidfd = open_pidfd(fd, credentials.pid, failure) catch |err| switch (failure.errno) {
                .SRCH => pidfd_gone,
                else => return err,
            },
        };
    }

    /// Certain with a pidfd, which never stands for another process. Where there is only a pid, the kernel
    /// may have given that to a stranger, who then counts as the living peer. Out of line: every wait
    /// asks, and none is in a hurry then.
    pub noinline fn is_alive(self: *const Peer) bool {
        if (self.pidfd >= 0) return !is_readable(self.pidfd);
        if (self.pidfd == pidfd_gone) return false;
        if (self.pid == 0) return true;
        const no_signal: linux.SIG = @enumFromInt(0);
        return linux.errno(linux.kill(self.pid, no_signal)) != .SRCH;
    }

    pub fn close(self: *Peer) void {
        if (self.pidfd >= 0) system.close_fd(self.pidfd);
        self.pidfd = pidfd_none;
    }
};

fn open_pidfd(fd: i32, pid: i32, failure: *Failure) error{System}!i32 {
    var pidfd: i32 = -1;
    return switch (get_option(i32, fd, SO_PEERPIDFD, &pidfd)) {
        .SUCCESS => pidfd,
        // Kernels differ in how they say that the process was reaped.
        .SRCH, .INVAL => failure.system(.getsockopt, .SRCH),
        .MFILE, .NFILE, .NOMEM => |errno| failure.system(.getsockopt, errno),
        else => open_pidfd_by_pid(fd, pid, failure),
    };
}

/// Before Linux 6.5. Between the connection and this call the pid may have passed to another
/// process, but not while the socket shows that the peer still holds its end.
fn open_pidfd_by_pid(fd: i32, pid: i32, failure: *Failure) error{System}!i32 {
    if (pid == 0) return Peer.pidfd_none;
    const result = linux.pidfd_open(pid, 0);
    switch (linux.errno(result)) {
        .SUCCESS => {},
        .SRCH, .MFILE, .NFILE, .NOMEM => |errno| return failure.system(.pidfd_open, errno),
        // A sandbox forbids pidfds, or the kernel is older than 5.3.
        else => return Peer.pidfd_none,
    }
    const pidfd: i32 = @intCast(result);
    if (!has_gone(fd)) return pidfd;
    system.close_fd(pidfd);
    return failure.system(.pidfd_open, .SRCH);
}

/// A listener may lawfully have sent its handshake and closed by now; then the bytes still wait
/// here. Only an end without them means that nobody is there any more.
fn has_gone(fd: i32) bool {
    var byte: [1]u8 = undefined;
    const flags = linux.MSG.PEEK | linux.MSG.DONTWAIT;
    const result = system.retry(linux.recvfrom, .{ fd, &byte, byte.len, flags, null, null });
    return switch (linux.errno(result)) {
        .SUCCESS => result == 0,
        .AGAIN => false,
        else => true,
    };
}

/// Sound for every `T` without padding: the kernel writes at most `@sizeOf(T)` bytes to `value`.
fn get_option(comptime T: type, fd: i32, option: u32, value: *T) linux.E {
    var size: linux.socklen_t = @sizeOf(T);
    return linux.errno(linux.getsockopt(fd, linux.SOL.SOCKET, option, @ptrCast(value), &size));
}

/// A pidfd becomes readable when its process ends, reaped or not.
fn is_readable(pidfd: i32) bool {
    var polled = [1]linux.pollfd{.{ .fd = pidfd, .events = linux.POLL.IN, .revents = 0 }};
    const result = system.retry(linux.poll, .{ &polled, polled.len, 0 });
    return linux.errno(result) == .SUCCESS and result == 1;
}

const support = @import("../test_support.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

/// A process that lives until `release` is closed.
const Companion = struct {
    pid: i32,
    release: i32,

    fn start() !Companion {
        const pipe = try support.pipe();
        const pid = try support.spawn(until_released, .{pipe});
        system.close_fd(pipe[0]);
        return .{ .pid = pid, .release = pipe[1] };
    }

    fn until_released(pipe: [2]i32) u8 {
        system.close_fd(pipe[1]);
        return support.read_byte(pipe[0]) orelse 0;
    }

    /// Ends it, and returns when it is dead but not yet reaped.
    fn end(self: *const Companion) !void {
        system.close_fd(self.release);
        var info: linux.siginfo_t = undefined;
        const flags = linux.W.EXITED | linux.W.NOWAIT;
        _ = try support.must(system.retry(linux.waitid, .{ linux.P.PID, self.pid, &info, flags, null }));
    }
};

test "the kernel names the process behind a socket" {
    const pair = try support.socket_pair();
    defer support.close_all(&pair);

    var failure: Failure = .{};
    var peer = try Peer.from_socket(pair[0], &failure);
    defer peer.close();
    try expectEqual(linux.getpid(), peer.pid);
    try expectEqual(linux.geteuid(), peer.uid);
    try expectEqual(linux.getegid(), peer.gid);
    try expect(peer.is_alive());
    if (peer.pidfd >= 0) try expect(!support.is_inherited(peer.pidfd));
}

test "closing a peer twice closes its pidfd once" {
    const pair = try support.socket_pair();
    defer support.close_all(&pair);
    const before = support.open_descriptors();

    var failure: Failure = .{};
    var peer = try Peer.from_socket(pair[0], &failure);
    peer.close();
    peer.close();
    try expectEqual(before, support.open_descriptors());
}

test "a process is seen to be dead before anybody has reaped it" {
    const pair = try support.socket_pair();
    defer support.close_all(&pair);
    const companion = try Companion.start();

    var failure: Failure = .{};
    const pidfd = try open_pidfd_by_pid(pair[0], companion.pid, &failure);
    var peer: Peer = .{ .pid = companion.pid, .uid = 0, .gid = 0, .pidfd = pidfd };
    defer peer.close();
    try expect(peer.is_alive());
    try companion.end();
    try expect(!peer.is_alive());
    try expectEqual(0, try support.exit_code(companion.pid));
    try expect(!peer.is_alive());
}

test "without a pidfd a process is dead when its pid is free" {
    const companion = try Companion.start();
    const peer: Peer = .{ .pid = companion.pid, .uid = 0, .gid = 0, .pidfd = -1 };
    try expect(peer.is_alive());
    try companion.end();
    try expectEqual(0, try support.exit_code(companion.pid));
    try expect(!peer.is_alive());
}

test "a peer that nothing is known of counts as alive" {
    const peer: Peer = .{ .pid = 0, .uid = 0, .gid = 0, .pidfd = -1 };
    try expect(peer.is_alive());
}

test "a pid is not trusted when the socket's other end is closed" {
    const pair = try support.socket_pair();
    defer system.close_fd(pair[0]);
    system.close_fd(pair[1]);
    const before = support.open_descriptors();

    var failure: Failure = .{};
    try std.testing.expectError(error.System, open_pidfd_by_pid(pair[0], linux.getpid(), &failure));
    try expectEqual(.pidfd_open, failure.subject);
    try expectEqual(.SRCH, failure.errno);
    try expectEqual(before, support.open_descriptors());
}

test "a peer that had ended before it could be held is dead" {
    const peer: Peer = .{ .pid = linux.getpid(), .uid = 0, .gid = 0, .pidfd = Peer.pidfd_gone };
    try expect(!peer.is_alive());
}

test "a peer that has sent its handshake may have closed its end" {
    const pair = try support.socket_pair();
    defer system.close_fd(pair[0]);
    _ = linux.write(pair[1], "handshake", 9);
    system.close_fd(pair[1]);

    var failure: Failure = .{};
    const pidfd = try open_pidfd_by_pid(pair[0], linux.getpid(), &failure);
    defer system.close_fd(pidfd);
    var bytes: [16]u8 = undefined;
    try expectEqual(9, linux.read(pair[0], &bytes, bytes.len));
}

test "a process that cannot be held for want of a descriptor is an error" {
    const pair = try support.socket_pair();
    defer support.close_all(&pair);
    const limit = try support.forbid_descriptors();
    defer support.allow_descriptors(limit);
    var failure: Failure = .{};
    try std.testing.expectError(error.System, open_pidfd_by_pid(pair[0], linux.getpid(), &failure));
    try expectEqual(.pidfd_open, failure.subject);
    try expectEqual(.MFILE, failure.errno);
}
