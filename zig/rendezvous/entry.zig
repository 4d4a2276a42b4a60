//! What stands at a path: which file it is, and of what kind.

const std = @import("std");
const linux = std.os.linux;
const system = @import("../os/system.zig");
const Failure = @import("../failure.zig").Failure;

/// Tells a file from every other one for as long as something holds it open.
pub const Id = struct { dev_major: u32, dev_minor: u32, ino: u64 };

pub const Entry = struct {
    id: Id,
    /// With the bits that say what kind of file it is.
    mode: u16,
    /// Its owner.
    uid: u32,

    pub fn is_socket(self: Entry) bool {
        return linux.S.ISSOCK(self.mode);
    }

    /// `errno`: what the kernel says of such a path.
    pub fn refuse(self: Entry, errno: linux.E, failure: *Failure) error{PathRefused} {
        failure.* = .{ .errno = errno, .subject = switch (@as(u32, self.mode) & linux.S.IFMT) {
            linux.S.IFREG => .regular_file,
            linux.S.IFDIR => .directory,
            linux.S.IFLNK => .symlink,
            else => .other_file,
        } };
        return error.PathRefused;
    }
};

pub const Look = union(enum) { entry: Entry, failed: linux.E };

/// What stands at `path`, seen from the descriptor `folder`. `flags` as for statx.
pub fn look(folder: i32, path: [*:0]const u8, flags: u32) Look {
    var found: linux.Statx = undefined;
    const wanted: linux.STATX = .{ .TYPE = true, .MODE = true, .INO = true, .UID = true };
    const errno = linux.errno(system.retry(linux.statx, .{ folder, path, flags, wanted, &found }));
    if (errno != .SUCCESS) return .{ .failed = errno };
    return .{ .entry = .{
        .id = .{ .dev_major = found.dev_major, .dev_minor = found.dev_minor, .ino = found.ino },
        .mode = found.mode,
        .uid = found.uid,
    } };
}

pub const held_path_size = "/proc/self/fd/2147483647".len + 1;

/// Leads to the very file that a descriptor holds, whatever has become of its name; nowhere without /proc.
pub fn held_path(file: i32, buffer: *[held_path_size]u8) [:0]const u8 {
    return std.fmt.bufPrintZ(buffer, "/proc/self/fd/{d}", .{file}) catch unreachable;
}
