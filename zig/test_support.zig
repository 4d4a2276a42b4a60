//! What the tests of the rendezvous need from the system: a folder of their own, other processes,
//! and a count of open descriptors.

const std = @import("std");
const linux = std.os.linux;
const system = @import("os/system.zig");
const Address = @import("rendezvous/address.zig").Address;
const Deadline = @import("os/time.zig").Deadline;

/// Long enough that a test which needs it all has failed.
pub const patience_ms = 10_000;

/// The result of a call that a test takes for granted.
pub fn must(result: usize) !usize {
    const errno = linux.errno(result);
    if (errno == .SUCCESS) return result;
    std.debug.print("unexpected errno {t}\n", .{errno});
    return error.TestUnexpectedErrno;
}

pub const Folder = struct {
    path_buffer: [64]u8,
    path_len: usize,
    /// Keeps the pointers handed out by `file` valid until the folder is removed.
    names: [8][108:0]u8 = undefined,
    names_used: usize = 0,

    var made: u32 = 0;

    pub fn make() !Folder {
        var folder: Folder = .{ .path_buffer = undefined, .path_len = 0 };
        made += 1;
        const numbers = .{ linux.getpid(), made };
        const text = try std.fmt.bufPrintZ(&folder.path_buffer, "/tmp/zerocross-test-{d}-{d}", numbers);
        folder.path_len = text.len;
        _ = try must(linux.mkdir(text, 0o755));
        return folder;
    }

    pub fn path(self: *const Folder) [:0]const u8 {
        return self.path_buffer[0..self.path_len :0];
    }

    pub fn file(self: *Folder, name: []const u8) [:0]const u8 {
        const buffer = &self.names[self.names_used];
        self.names_used += 1;
        return std.fmt.bufPrintZ(buffer, "{s}/{s}", .{ self.path(), name }) catch unreachable;
    }

    /// With every file that may be in it under a name that `file` was asked for.
    pub fn remove(self: *const Folder) void {
        var i = self.names_used;
        while (i > 0) {
            i -= 1;
            const name = std.mem.sliceTo(&self.names[i], 0);
            if (linux.errno(linux.unlink(name)) == .ISDIR) _ = linux.rmdir(name);
        }
        const errno = linux.errno(linux.rmdir(self.path()));
        if (errno != .SUCCESS) std.debug.print("{s} is left: {t}\n", .{ self.path(), errno });
    }
};

/// A socket made without the code under test.
pub fn bound_socket(address: *const Address, kind: u32) !i32 {
    const fd: i32 = @intCast(try must(linux.socket(linux.AF.UNIX, kind | linux.SOCK.CLOEXEC, 0)));
    _ = try must(linux.bind(fd, address.sockaddr(), address.length));
    return fd;
}

pub fn listening_socket(address: *const Address) !i32 {
    const fd = try bound_socket(address, linux.SOCK.STREAM);
    // The smallest queue there is holds one connector.
    _ = try must(linux.listen(fd, 0));
    return fd;
}

pub fn socket_pair() ![2]i32 {
    var pair: [2]i32 = undefined;
    _ = try must(linux.socketpair(linux.AF.UNIX, linux.SOCK.STREAM | linux.SOCK.CLOEXEC, 0, &pair));
    return pair;
}

pub fn pipe() ![2]i32 {
    var pair: [2]i32 = undefined;
    _ = try must(linux.pipe2(&pair, .{ .CLOEXEC = true }));
    return pair;
}

pub fn close_all(fds: []const i32) void {
    for (fds) |fd| system.close_fd(fd);
}

/// Another process that runs `body` and exits with what it returns.
pub fn spawn(body: anytype, arguments: std.meta.ArgsTuple(@TypeOf(body))) !i32 {
    const pid: i32 = @intCast(try must(linux.fork()));
    if (pid == 0) linux.exit_group(@call(.auto, body, arguments));
    return pid;
}

/// Waits for the end of a process; 255 when a signal ended it.
pub fn exit_code(pid: i32) !u8 {
    var status: u32 = 0;
    _ = try must(system.retry(linux.wait4, .{ pid, &status, 0, null }));
    return if (linux.W.IFEXITED(status)) linux.W.EXITSTATUS(status) else 255;
}

/// Blocks until a byte comes; null when the other end was closed instead.
pub fn read_byte(fd: i32) ?u8 {
    var byte: [1]u8 = undefined;
    const result = system.retry(linux.read, .{ fd, &byte, 1 });
    return if (linux.errno(result) == .SUCCESS and result == 1) byte[0] else null;
}

/// Returns when the thread that has put its number at `tid`, or will, is asleep.
pub fn until_asleep(tid: *const i32) !void {
    const deadline: Deadline = .after_ms(patience_ms);
    while (!deadline.passed()) {
        system.sleep(2 * std.time.ns_per_ms);
        const thread = @atomicLoad(i32, tid, .acquire); // Pairs with the store in that thread.
        if (thread == 0) continue;
        var buffer: [64]u8 = undefined;
        const path = try std.fmt.bufPrintZ(&buffer, "/proc/self/task/{d}/stat", .{thread});
        const fd: i32 = @intCast(try must(linux.open(path, .{ .CLOEXEC = true }, 0)));
        defer system.close_fd(fd);
        var stat: [128]u8 = undefined;
        const text = stat[0..try must(linux.read(fd, &stat, stat.len))];
        if (std.mem.indexOf(u8, text, ") S") != null) return;
    }
    return error.TestUnexpectedResult;
}

/// Gives up root, who may do everything; for a process that ends soon. Other users stay who they are.
pub fn become_nobody() !void {
    const nobody = 65534;
    if (linux.geteuid() == 0) _ = try must(linux.setresuid(nobody, nobody, nobody));
}

/// The limit of descriptors as it was, for `allow_descriptors`. Those that are open stay.
pub fn forbid_descriptors() !linux.rlimit {
    var before: linux.rlimit = undefined;
    _ = try must(linux.getrlimit(.NOFILE, &before));
    _ = try must(linux.setrlimit(.NOFILE, &.{ .cur = 0, .max = before.max }));
    return before;
}

pub fn allow_descriptors(before: linux.rlimit) void {
    _ = linux.setrlimit(.NOFILE, &before);
}

pub fn open_descriptors() u32 {
    var count: u32 = 0;
    var fd: i32 = 0;
    while (fd < 1024) : (fd += 1) {
        if (linux.errno(linux.fcntl(fd, linux.F.GETFD, 0)) == .SUCCESS) count += 1;
    }
    return count;
}

/// Whether a descriptor would stay open in a program that this one executes.
pub fn is_inherited(fd: i32) bool {
    return linux.fcntl(fd, linux.F.GETFD, 0) & linux.FD_CLOEXEC == 0;
}
