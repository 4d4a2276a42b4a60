//! The file that a listening socket is bound to: what stands at the path, and whose it is.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const live_listener = @import("live_listener.zig");
const system = @import("system.zig");
const Address = @import("address.zig").Address;
const Deadline = @import("time.zig").Deadline;
const Failure = @import("failure.zig").Failure;
const Id = @import("entry.zig").Id;
const Look = @import("entry.zig").Look;
const look = @import("entry.zig").look;

const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

const mode_mask = 0o777;

/// A name in a folder. The folder is held by a descriptor, so that the file is found again after
/// the process has changed its working directory.
pub const Place = struct {
    address: Address,
    /// AT_FDCWD when the folder cannot be read; then the whole path stands in for the name.
    folder: i32,

    pub fn open(address: *const Address) Place {
        return .{ .address = address.*, .folder = open_folder(address) orelse linux.AT.FDCWD };
    }

    pub fn close(self: *const Place) void {
        if (self.folder != linux.AT.FDCWD) system.close(self.folder);
    }

    /// Keeps two listeners of ours from replacing the same stale file. Whoever may read the folder
    /// can hold this lock, so after a second it is taken for abandoned.
    pub fn lock(self: *const Place) void {
        if (self.folder == linux.AT.FDCWD) return;
        const deadline: Deadline = .after_ms(1000);
        while (linux.errno(system.retry(linux.flock, .{ self.folder, LOCK_EX | LOCK_NB })) == .AGAIN) {
            if (deadline.passed()) return;
            system.sleep(std.time.ns_per_ms);
        }
    }

    pub fn unlock(self: *const Place) void {
        if (self.folder != linux.AT.FDCWD) _ = linux.flock(self.folder, LOCK_UN);
    }

    /// Removes a socket file that nobody listens on. Where nothing can be seen at all, binding will
    /// succeed or say why.
    pub fn clear(self: *const Place, failure: *Failure) error{ System, PathRefused, AddressInUse }!void {
        const entry = switch (self.look_here()) {
            .entry => |entry| entry,
            .failed => return,
        };
        if (!entry.is_socket()) return entry.refuse(.EXIST, failure);
        switch (try live_listener.probe(&self.address, failure)) {
            .dead => try self.unlink(failure),
            .alive => |errno| {
                const pid = live_listener.pid_of(.{ .file = .{ .name = self.address.file_name(), .id = entry.id } });
                failure.* = .{ .subject = .bind, .errno = errno, .pid = pid };
                return error.AddressInUse;
            },
        }
    }

    /// The file has its mode from the moment it exists: bind gives it that of the socket, less the
    /// umask.
    pub fn bind(self: *const Place, fd: i32, mode: u16, failure: *Failure) error{ System, AddressInUse }!Id {
        assert(mode & ~@as(u16, mode_mask) == 0);
        var errno = linux.errno(linux.fchmod(fd, mode));
        if (errno != .SUCCESS) return failure.system(.fchmod, errno);
        errno = linux.errno(system.retry(linux.bind, .{ fd, self.address.sockaddr(), self.address.length }));
        if (errno != .SUCCESS) {
            const system_error = failure.system(.bind, errno);
            return if (errno == .ADDRINUSE) error.AddressInUse else system_error;
        }
        const entry = switch (self.look_here()) {
            .entry => |entry| entry,
            .failed => |reason| return failure.system(.lstat, reason),
        };
        errdefer self.unlink_if(entry.id);
        // The mode was asked for by name, so it wins over the umask, which is only a default.
        if (entry.mode & mode_mask != mode) try self.chmod(mode, failure);
        return entry.id;
    }

    /// Leaves a file alone that has taken the place of ours. An inode number is not given again
    /// while the socket that was bound to it is open, so this comes before closing that.
    pub fn unlink_if(self: *const Place, id: Id) void {
        switch (self.look_here()) {
            .entry => |entry| if (std.meta.eql(entry.id, id)) {
                _ = system.retry(linux.unlinkat, .{ self.folder, self.name(), 0 });
            },
            .failed => {},
        }
    }

    fn name(self: *const Place) [*:0]const u8 {
        return if (self.folder == linux.AT.FDCWD) self.address.file_path() else self.address.file_name();
    }

    fn look_here(self: *const Place) Look {
        return look(self.folder, self.name(), linux.AT.SYMLINK_NOFOLLOW);
    }

    fn unlink(self: *const Place, failure: *Failure) error{System}!void {
        switch (linux.errno(system.retry(linux.unlinkat, .{ self.folder, self.name(), 0 }))) {
            .SUCCESS, .NOENT => {},
            else => |errno| return failure.system(.unlink, errno),
        }
    }

    fn chmod(self: *const Place, mode: u16, failure: *Failure) error{System}!void {
        const no_follow = linux.AT.SYMLINK_NOFOLLOW;
        var errno = linux.errno(linux.fchmodat2(self.folder, self.name(), mode, no_follow));
        // Before Linux 6.6 there is only the call that follows a symlink.
        if (errno == .NOSYS) errno = linux.errno(linux.fchmodat(self.folder, self.name(), mode));
        if (errno != .SUCCESS) return failure.system(.chmod, errno);
    }
};

/// null when the folder cannot be opened, or the path names no file inside one.
fn open_folder(address: *const Address) ?i32 {
    const path = address.file_path();
    const file_name = address.file_name();
    if (file_name.len == 0) return null;

    var buffer: [Address.text_max + 1]u8 = undefined;
    const folder = path[0 .. path.len - file_name.len];
    // The slash at its end is kept: it does no harm, and alone it is the root.
    const text = if (folder.len == 0) "./" else folder;
    @memcpy(buffer[0..text.len], text);
    buffer[text.len] = 0;

    const flags: linux.O = .{ .DIRECTORY = true, .CLOEXEC = true };
    const result = system.retry(linux.open, .{ buffer[0..text.len :0].ptr, flags, 0 });
    return if (linux.errno(result) == .SUCCESS) @intCast(result) else null;
}
