//! The right to remove a socket file that nobody listens on. Of two listeners that found the same stale
//! file the slower one would otherwise remove what the faster one has put in its place.
//!
//! It is a lock on a file beside the socket's, which only this user can open. A lock on the folder would
//! be anybody's who may read that. When its process is killed the lock is free, and the file stays for
//! the next listener to use and remove.

const std = @import("std");
const linux = std.os.linux;
const system = @import("../os/system.zig");
const Address = @import("address.zig").Address;
const look = @import("entry.zig").look;

const LOCK_EX = 2;
const LOCK_NB = 4;

const suffix = ".zerocross-lock";
const flags: linux.O = .{
    .ACCMODE = .RDWR,
    .CREAT = true,
    .CLOEXEC = true,
    // Whatever else may stand there: it is not followed, and opening it does not wait.
    .NOFOLLOW = true,
    .NONBLOCK = true,
};

pub const StaleLock = struct {
    folder: i32,
    name_buffer: [Address.text_max + suffix.len + 2]u8,
    fd: i32,

    /// For the socket file of `address`, whose folder is `folder`; AT_FDCWD where that is not open. Never
    /// waits. Null where there can be no such file, for want of room or permission, or because a stranger
    /// has put one of his own there: then whoever listens goes on without.
    pub fn take(folder: i32, address: *const Address) error{Taken}!?StaleLock {
        var self: StaleLock = .{ .folder = folder, .name_buffer = undefined, .fd = -1 };
        const file_name = address.file_name();
        const path = address.file_path();
        const before = if (folder == linux.AT.FDCWD) path[0 .. path.len - file_name.len] else "";
        _ = std.fmt.bufPrintZ(&self.name_buffer, "{s}.{s}" ++ suffix, .{ before, file_name }) catch unreachable;

        const opened = system.retry(linux.openat, .{ folder, self.name(), flags, 0o600 });
        if (linux.errno(opened) != .SUCCESS) return null;
        self.fd = @intCast(opened);
        errdefer system.close_fd(self.fd);
        if (!self.is_ours()) {
            system.close_fd(self.fd);
            return null;
        }
        // Where the kernel or a sandbox has no such lock, nobody holds one.
        const is_held = linux.errno(system.retry(linux.flock, .{ self.fd, LOCK_EX | LOCK_NB })) == .AGAIN;
        // One that was removed since it was opened keeps nobody out who makes a new one.
        if (is_held or !self.is_in_place()) return error.Taken;
        return self;
    }

    pub fn drop(self: *const StaleLock) void {
        if (self.is_in_place()) _ = linux.unlinkat(self.folder, self.name(), 0);
        system.close_fd(self.fd);
    }

    fn name(self: *const StaleLock) [*:0]const u8 {
        // Sound: `take` has put a text with its end there.
        return @ptrCast(&self.name_buffer);
    }

    /// A stranger could hold the lock of his own file for ever.
    fn is_ours(self: *const StaleLock) bool {
        const held = look(self.fd, "", linux.AT.EMPTY_PATH);
        return held == .entry and held.entry.uid == linux.geteuid();
    }

    fn is_in_place(self: *const StaleLock) bool {
        const there = look(self.folder, self.name(), linux.AT.SYMLINK_NOFOLLOW);
        const held = look(self.fd, "", linux.AT.EMPTY_PATH);
        return there == .entry and held == .entry and std.meta.eql(there.entry.id, held.entry.id);
    }
};

const support = @import("../test_support.zig");
const expect = std.testing.expect;
const expectError = std.testing.expectError;

test "one listener at a time may replace a stale file, and nothing is left beside it" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    const at: i32 = @intCast(try support.must(linux.open(folder.path(), .{ .PATH = true, .DIRECTORY = true }, 0)));
    defer system.close_fd(at);

    // Through the folder and through the whole path it is the same lock.
    for ([_]i32{ at, linux.AT.FDCWD }, [_]i32{ linux.AT.FDCWD, at }) |first, second| {
        const lock = (try StaleLock.take(first, &address)).?;
        try expectError(error.Taken, StaleLock.take(second, &address));
        lock.drop();
        // The folder could not be removed if anything was in it.
        (try StaleLock.take(second, &address)).?.drop();
    }
}

test "a lock whose process was killed is free" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    const child = try support.spawn(take_and_end, .{&address});
    try std.testing.expectEqual(0, try support.exit_code(child));
    (try StaleLock.take(linux.AT.FDCWD, &address)).?.drop();
}

fn take_and_end(address: *const Address) u8 {
    const lock = StaleLock.take(linux.AT.FDCWD, address) catch return 1;
    return if (lock == null) 2 else 0;
}

test "whoever may only read the folder, or the file, can hold no lock" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    const lock = (try StaleLock.take(linux.AT.FDCWD, &address)).?;
    defer lock.drop();
    const child = try support.spawn(cannot_open_as_nobody, .{&lock});
    try std.testing.expectEqual(0, try support.exit_code(child));
}

fn cannot_open_as_nobody(lock: *const StaleLock) u8 {
    if (linux.geteuid() != 0) return 0; // Only root can become another user.
    support.become_nobody() catch return 1;
    const opened = linux.open(lock.name(), .{ .CLOEXEC = true }, 0);
    return if (linux.errno(opened) == .ACCES) 0 else 2;
}

test "a lock file of another user's is not used, and stays" {
    if (linux.geteuid() != 0) return error.SkipZigTest; // Only root can give a file away.
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    const path = folder.file(".a.sock" ++ suffix);
    const fd: i32 = @intCast(try support.must(linux.open(path, flags, 0o666)));
    defer system.close_fd(fd);
    _ = try support.must(linux.fchown(fd, 1000, 1000));
    _ = try support.must(linux.flock(fd, LOCK_EX));
    try expect(try StaleLock.take(linux.AT.FDCWD, &address) == null);
    _ = try support.must(linux.access(path, 0));
}

test "a link that stands in the lock's place is not followed, and stays" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    const bait = folder.file(".a.sock" ++ suffix);
    const target = folder.file("precious");
    _ = try support.must(linux.symlink(target, bait));
    try expect(try StaleLock.take(linux.AT.FDCWD, &address) == null);
    try std.testing.expectEqual(.NOENT, linux.errno(linux.access(target, 0)));
    _ = try support.must(linux.faccessat(linux.AT.FDCWD, bait, 0, linux.AT.SYMLINK_NOFOLLOW));
}
