//! Whether somebody listens on an address, and who. It is found out without connecting, since that would
//! take a place in the listener's queue.

const std = @import("std");
const linux = std.os.linux;
const system = @import("../os/system.zig");
const Address = @import("address.zig").Address;
const Failure = @import("../failure.zig").Failure;
const Id = @import("entry.zig").Id;
const base_name = @import("address.zig").base_name;
const held_path = @import("entry.zig").held_path;
const held_path_size = @import("entry.zig").held_path_size;
const look = @import("entry.zig").look;

const open_flags: linux.O = .{ .CLOEXEC = true };
const folder_flags: linux.O = .{ .DIRECTORY = true, .CLOEXEC = true };

/// `alive` says by which errno it was found out.
pub const Verdict = union(enum) { dead, alive: linux.E };

/// Asks the kernel through a datagram socket. It looks up who is bound to the file before it
/// compares the types, so a stream listener answers EPROTOTYPE and never learns of it. Unlike
/// /proc/net/unix this also sees a listener of another network namespace, and compares inodes.
/// `file` holds the socket's file, and `address` is where it was found.
pub fn probe(file: i32, address: *const Address, failure: *Failure) error{System}!Verdict {
    const kind = linux.SOCK.DGRAM | linux.SOCK.NONBLOCK | linux.SOCK.CLOEXEC;
    const opened = linux.socket(linux.AF.UNIX, kind, 0);
    if (linux.errno(opened) != .SUCCESS) return failure.system(.socket, linux.errno(opened));
    const fd: i32 = @intCast(opened);
    defer system.close_fd(fd);

    var buffer: [held_path_size]u8 = undefined;
    const held = Address.parse(held_path(file, &buffer)) catch unreachable;
    var errno = connect(fd, &held);
    // Without /proc the path has to do, which may lead elsewhere by now.
    if (errno == .NOENT) errno = connect(fd, address);
    return switch (errno) {
        .CONNREFUSED, .NOENT => .dead,
        .PROTOTYPE, .SUCCESS => .{ .alive = .ADDRINUSE },
        // Nobody may remove a file of which it is not known that it is unused.
        else => .{ .alive = errno },
    };
}

fn connect(fd: i32, address: *const Address) linux.E {
    return linux.errno(system.retry(linux.connect, .{ fd, address.sockaddr(), address.length }));
}

pub const BoundName = union(enum) {
    file: struct { name: []const u8, id: Id },
    abstract: []const u8,

    /// Whether a socket bound to `path`, as /proc/net/unix prints it, may be this one.
    fn may_be(self: BoundName, path: []const u8) bool {
        return switch (self) {
            .file => |file| std.mem.eql(u8, base_name(path), file.name),
            .abstract => |name| path.len > 0 and path[0] == '@' and std.mem.eql(u8, path[1..], name),
        };
    }

    /// Whether `path` leads the process behind `process` to this one: a relative path counts from
    /// its folder, an absolute one from its root.
    fn is_at(self: BoundName, process: i32, path: []const u8) bool {
        const id = switch (self) {
            .file => |file| file.id,
            .abstract => return true,
        };
        const start = if (path[0] == '/') "root" else "cwd/";
        var buffer: [start.len + Address.text_max + 1]u8 = undefined;
        if (path.len > Address.text_max) return false;
        @memcpy(buffer[0..start.len], start);
        @memcpy(buffer[start.len..][0..path.len], path);
        buffer[start.len + path.len] = 0;
        return switch (look(process, buffer[0 .. start.len + path.len :0], linux.AT.SYMLINK_NOFOLLOW)) {
            .entry => |entry| std.meta.eql(entry.id, id),
            .failed => false,
        };
    }
};

/// The process that listens there; 0 when /proc does not show it to us.
pub fn pid_of(target: BoundName) i32 {
    var table: Lines = .{ .fd = open(linux.AT.FDCWD, "/proc/net/unix", open_flags) orelse return 0 };
    defer system.close_fd(table.fd);
    while (table.next()) |line| {
        const row = Row.parse(line) orelse continue;
        if (!target.may_be(row.path)) continue;
        const pid = holder_of(row, target);
        if (pid != 0) return pid;
    }
    return 0;
}

fn holder_of(row: Row, target: BoundName) i32 {
    var processes: Names = .{ .fd = open(linux.AT.FDCWD, "/proc", folder_flags) orelse return 0 };
    defer system.close_fd(processes.fd);
    while (processes.next()) |name| {
        const pid = std.fmt.parseInt(i32, name, 10) catch continue;
        const process = open(processes.fd, name, folder_flags) orelse continue;
        defer system.close_fd(process);
        if (holds(process, row.inode) and target.is_at(process, row.path)) return pid;
    }
    return 0;
}

/// Whether the process has a descriptor of the socket with this inode number.
fn holds(process: i32, inode: []const u8) bool {
    var descriptors: Names = .{ .fd = open(process, "fd", folder_flags) orelse return false };
    defer system.close_fd(descriptors.fd);
    while (descriptors.next()) |name| {
        var buffer: [64]u8 = undefined;
        const result = linux.readlinkat(descriptors.fd, name, &buffer, buffer.len);
        if (linux.errno(result) != .SUCCESS) continue;
        if (is_socket_link(buffer[0..result], inode)) return true;
    }
    return false;
}

fn is_socket_link(link: []const u8, inode: []const u8) bool {
    const start = "socket:[";
    return link.len == start.len + inode.len + 1 and std.mem.startsWith(u8, link, start) and
        std.mem.eql(u8, link[start.len..][0..inode.len], inode);
}

fn open(folder: i32, path: [*:0]const u8, flags: linux.O) ?i32 {
    const result = system.retry(linux.openat, .{ folder, path, flags, 0 });
    return if (linux.errno(result) == .SUCCESS) @intCast(result) else null;
}

/// A line of /proc/net/unix.
const Row = struct {
    inode: []const u8,
    /// As it was given to bind, which may be relative and may hold spaces.
    path: []const u8,

    /// null for a socket without a name, and for a connection: one that a listener has accepted
    /// bears the listener's name. A datagram socket that somebody sends to is no such thing.
    fn parse(line: []const u8) ?Row {
        var fields = std.mem.tokenizeScalar(u8, line, ' ');
        for ([_][]const u8{ "address", "references", "protocol", "flags" }) |_| _ = fields.next();
        const kind = fields.next() orelse return null;
        const state = fields.next() orelse return null;
        const inode = fields.next() orelse return null;
        const datagram = "0002";
        const unconnected = "01";
        if (!std.mem.eql(u8, kind, datagram) and !std.mem.eql(u8, state, unconnected)) return null;
        if (fields.index + 1 >= line.len) return null;
        return .{ .inode = inode, .path = line[fields.index + 1 ..] };
    }
};

/// The lines of a file. One is valid until the next is asked for.
const Lines = struct {
    fd: i32,
    buffer: [1024]u8 = undefined,
    start: usize = 0,
    end: usize = 0,

    fn next(self: *Lines) ?[]const u8 {
        while (true) {
            const unread = self.buffer[self.start..self.end];
            if (std.mem.indexOfScalar(u8, unread, '\n')) |length| {
                self.start += length + 1;
                return unread[0..length];
            }
            if (!self.fill()) return null;
        }
    }

    /// false at the end of the file, and for a line that the buffer cannot hold.
    fn fill(self: *Lines) bool {
        const kept = self.end - self.start;
        std.mem.copyForwards(u8, self.buffer[0..kept], self.buffer[self.start..self.end]);
        self.start = 0;
        self.end = kept;
        const free = self.buffer[kept..];
        if (free.len == 0) return false;
        const result = system.retry(linux.read, .{ self.fd, free.ptr, free.len });
        if (linux.errno(result) != .SUCCESS) return false;
        self.end += result;
        return result > 0;
    }
};

/// The names in a folder. One is valid until the next is asked for.
const Names = struct {
    fd: i32,
    buffer: [2048]u8 align(@alignOf(linux.dirent64)) = undefined,
    start: usize = 0,
    end: usize = 0,

    fn next(self: *Names) ?[:0]const u8 {
        if (self.start == self.end) {
            const result = linux.getdents64(self.fd, &self.buffer, self.buffer.len);
            if (linux.errno(result) != .SUCCESS or result == 0) return null;
            self.start = 0;
            self.end = result;
        }
        // Sound: the kernel puts whole entries back to back, each aligned and with its name ended.
        const entry: *const linux.dirent64 = @ptrCast(@alignCast(&self.buffer[self.start]));
        const name: [*:0]const u8 = @ptrCast(&self.buffer[self.start + @offsetOf(linux.dirent64, "name")]);
        self.start += entry.reclen;
        return std.mem.span(name);
    }
};

const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;

test "a line tells the socket's inode and its path, spaces and all" {
    const row = Row.parse("0000000018c520b7: 00000002 00000000 00010000 0001 01  8567 /tmp/a  b").?;
    try expectEqualStrings("8567", row.inode);
    try expectEqualStrings("/tmp/a  b", row.path);
}

test "a datagram socket is found although it counts as connected once somebody sends to it" {
    const row = Row.parse("00000000d0f535c5: 00000002 00000000 00000000 0002 03 12022 relative").?;
    try expectEqualStrings("12022", row.inode);
    try expectEqualStrings("relative", row.path);
}

test "lines without a listener are passed over" {
    try expectEqual(null, Row.parse("Num       RefCount Protocol Flags    Type St Inode Path"));
    try expectEqual(null, Row.parse("00: 00000003 00000000 00000000 0001 01  1678"));
    try expectEqual(null, Row.parse("00: 00000003 00000000 00000000 0001 03  8571 /tmp/accepted"));
    try expectEqual(null, Row.parse(""));
}

test "lines are whole although they straddle what one read gives" {
    const support = @import("../test_support.zig");
    const pipe = try support.pipe();
    defer system.close_fd(pipe[0]);
    const line = "x" ** 299 ++ "\n";
    // In turns, and only as much as a pipe holds: 20 lines pass the end of the buffer several times.
    for (0..20) |_| _ = try support.must(linux.write(pipe[1], line, line.len));
    system.close_fd(pipe[1]);

    var lines: Lines = .{ .fd = pipe[0] };
    for (0..20) |_| try expectEqualStrings(line[0..299], lines.next().?);
    try expectEqual(null, lines.next());
}

test "a socket's link is told from one whose number only begins alike" {
    try expect(is_socket_link("socket:[123]", "123"));
    try expect(!is_socket_link("socket:[1234]", "123"));
    try expect(!is_socket_link("socket:[12]", "123"));
    try expect(!is_socket_link("pipe:[123456]", "123"));
}
