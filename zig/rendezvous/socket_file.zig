//! The file that a listening socket is bound to: what stands at the path, and whose it is.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const live_listener = @import("live_listener.zig");
const system = @import("../os/system.zig");
const Address = @import("address.zig").Address;
const Entry = @import("entry.zig").Entry;
const Failure = @import("../failure.zig").Failure;
const Id = @import("entry.zig").Id;
const Look = @import("entry.zig").Look;
const StaleLock = @import("stale_lock.zig").StaleLock;
const held_path = @import("entry.zig").held_path;
const held_path_size = @import("entry.zig").held_path_size;
const look = @import("entry.zig").look;

const mode_mask = 0o777;

/// A name in a folder. The folder is held by a descriptor, so that the file is found again after
/// the process has changed its working directory.
pub const SocketFile = struct {
    address: Address,
    /// AT_FDCWD when the folder cannot be opened; then the whole path stands in for the name.
    folder: i32,

    pub fn open(address: *const Address) SocketFile {
        return .{ .address = address.*, .folder = open_folder(address) orelse linux.AT.FDCWD };
    }

    pub fn close(self: *const SocketFile) void {
        if (self.folder != linux.AT.FDCWD) system.close_fd(self.folder);
    }

    /// Removes a socket file that nobody listens on.
    pub fn clear(self: *const SocketFile, failure: *Failure) error{ System, PathRefused, AddressInUse }!void {
        const entry = switch (self.look_here()) {
            .entry => |entry| entry,
            .failed => |errno| switch (errno) {
                // A sandbox forbids to look: what is bound here could not be told from another file.
                .NOSYS, .PERM => return failure.system(.lstat, errno),
                // Where nothing can be seen, binding will succeed or say why.
                else => return,
            },
        };
        if (!entry.is_socket()) return entry.refuse(.EXIST, failure);
        const file = try self.hold(entry.id, failure) orelse return;
        defer system.close_fd(file);
        switch (try live_listener.probe(file, &self.address, failure)) {
            .dead => try self.remove_stale(entry.id, failure),
            .alive => |errno| {
                const pid = live_listener.pid_of(.{ .file = .{ .name = self.address.file_name(), .id = entry.id } });
                failure.* = .{ .subject = .bind, .errno = errno, .pid = pid };
                return error.AddressInUse;
            },
        }
    }

    /// It needs no second look at whether the file is in use: a socket that was closed is never bound again.
    fn remove_stale(self: *const SocketFile, id: Id, failure: *Failure) error{ System, AddressInUse }!void {
        const lock = StaleLock.take(self.folder, &self.address) catch {
            // Another listener is replacing this very file, and will be the one that listens here.
            failure.* = .{ .subject = .bind, .errno = .ADDRINUSE };
            return error.AddressInUse;
        };
        defer if (lock) |held| held.drop();
        try self.unlink(id, failure);
    }

    /// The file has its mode from the moment it exists: bind gives it that of the socket, less the
    /// umask.
    pub fn bind(self: *const SocketFile, fd: i32, mode: u16, failure: *Failure) error{ System, PathRefused, AddressInUse }!Id {
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
        // Whoever may write to the folder may have put something else there meanwhile.
        if (!entry.is_socket()) return entry.refuse(.EXIST, failure);
        errdefer self.unlink_if(entry.id);
        // The mode was asked for by name, so it wins over the umask, which is only a default.
        if (entry.mode & mode_mask != mode) try self.chmod(entry.id, mode, failure);
        return entry.id;
    }

    /// To be called before the socket is closed: until then no other file can get its inode number.
    pub fn unlink_if(self: *const SocketFile, id: Id) void {
        var ignored: Failure = .{};
        self.unlink(id, &ignored) catch {};
    }

    fn name(self: *const SocketFile) [*:0]const u8 {
        return if (self.folder == linux.AT.FDCWD) self.address.file_path() else self.address.file_name();
    }

    fn look_here(self: *const SocketFile) Look {
        return look(self.folder, self.name(), linux.AT.SYMLINK_NOFOLLOW);
    }

    /// A descriptor that stays with this very file, whatever takes its place; null when something has.
    fn hold(self: *const SocketFile, id: Id, failure: *Failure) error{System}!?i32 {
        const flags: linux.O = .{ .PATH = true, .NOFOLLOW = true, .CLOEXEC = true };
        const opened = system.retry(linux.openat, .{ self.folder, self.name(), flags, 0 });
        switch (linux.errno(opened)) {
            .SUCCESS => {},
            .MFILE, .NFILE, .NOMEM => |errno| return failure.system(.open, errno),
            else => return null,
        }
        const file: i32 = @intCast(opened);
        switch (look(file, "", linux.AT.EMPTY_PATH)) {
            .entry => |entry| if (std.meta.eql(entry.id, id)) return file,
            .failed => {},
        }
        system.close_fd(file);
        return null;
    }

    /// Leaves a file alone that has taken the place of the one that is meant.
    fn unlink(self: *const SocketFile, id: Id, failure: *Failure) error{System}!void {
        switch (self.look_here()) {
            .entry => |entry| if (!std.meta.eql(entry.id, id)) return,
            .failed => return,
        }
        switch (linux.errno(system.retry(linux.unlinkat, .{ self.folder, self.name(), 0 }))) {
            .SUCCESS, .NOENT => {},
            else => |errno| return failure.system(.unlink, errno),
        }
    }

    fn chmod(self: *const SocketFile, id: Id, mode: u16, failure: *Failure) error{System}!void {
        const file = try self.hold(id, failure) orelse return failure.system(.chmod, .NOENT);
        defer system.close_fd(file);
        const errno = linux.errno(linux.fchmodat2(file, "", mode, linux.AT.EMPTY_PATH));
        if (errno == .SUCCESS) return;
        // Before Linux 6.6, and where a sandbox forbids that call, /proc leads to the same file.
        var buffer: [held_path_size]u8 = undefined;
        const path = held_path(file, &buffer);
        if (linux.errno(linux.fchmodat(linux.AT.FDCWD, path, mode)) != .SUCCESS) return failure.system(.chmod, errno);
    }
};

/// null when the folder cannot be opened, or the path names no file inside one.
fn open_folder(address: *const Address) ?i32 {
    const path = address.file_path();
    const file_name = address.file_name();
    if (file_name.len == 0) return null;

    var buffer: [Address.text_max + 1]u8 = undefined;
    const folder = path[0 .. path.len - file_name.len];
    // The slash at its end is kept: on its own it is the root, and elsewhere it does no harm.
    const text = if (folder.len == 0) "./" else folder;
    @memcpy(buffer[0..text.len], text);
    buffer[text.len] = 0;

    const flags: linux.O = .{ .PATH = true, .DIRECTORY = true, .CLOEXEC = true };
    const result = system.retry(linux.open, .{ buffer[0..text.len :0].ptr, flags, 0 });
    return if (linux.errno(result) == .SUCCESS) @intCast(result) else null;
}

test {
    _ = @import("stale_lock.zig");
}

const support = @import("../test_support.zig");
const expectEqual = std.testing.expectEqual;

fn entry_at(path: [:0]const u8) !Entry {
    return switch (look(linux.AT.FDCWD, path, linux.AT.SYMLINK_NOFOLLOW)) {
        .entry => |entry| entry,
        .failed => error.TestUnexpectedResult,
    };
}

test "a listener is found by its file, though the path leads to one that nobody listens on" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const taken = try Address.parse(folder.file("taken.sock"));
    const stale = try Address.parse(folder.file("stale.sock"));
    const listener = try support.listening_socket(&taken);
    defer system.close_fd(listener);
    system.close_fd(try support.listening_socket(&stale));

    const place: SocketFile = .open(&taken);
    defer place.close();
    var failure: Failure = .{};
    const entry = try entry_at(taken.file_path());
    const file = (try place.hold(entry.id, &failure)).?;
    defer system.close_fd(file);
    try expectEqual(live_listener.Verdict{ .alive = .ADDRINUSE }, try live_listener.probe(file, &stale, &failure));
}

test "while another listener replaces a stale file, it is left to that one at once" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    system.close_fd(try support.listening_socket(&address));
    const place: SocketFile = .open(&address);
    defer place.close();
    const lock = (try StaleLock.take(place.folder, &address)).?;
    var failure: Failure = .{};
    try std.testing.expectError(error.AddressInUse, place.clear(&failure));
    _ = try entry_at(address.file_path());
    lock.drop();
    try place.clear(&failure);
    try expectEqual(.NOENT, look(linux.AT.FDCWD, address.file_path(), 0).failed);
}

test "a file that took the place of the socket's keeps its mode and its name" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    system.close_fd(try support.listening_socket(&address));
    const ours = (try entry_at(address.file_path())).id;
    const stranger = try Address.parse(folder.file("stranger.sock"));
    system.close_fd(try support.listening_socket(&stranger));
    _ = try support.must(linux.rename(stranger.file_path(), address.file_path()));
    const before = try entry_at(address.file_path());

    const place: SocketFile = .open(&address);
    defer place.close();
    var failure: Failure = .{};
    try std.testing.expectError(error.System, place.chmod(ours, 0o777, &failure));
    place.unlink_if(ours);
    try expectEqual(before, try entry_at(address.file_path()));
}
