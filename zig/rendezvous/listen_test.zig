//! The rendezvous with real sockets, each in a folder of its own.

const std = @import("std");
const linux = std.os.linux;
const sockets = @import("socket.zig");
const support = @import("../test_support.zig");
const system = @import("../os/system.zig");
const Address = @import("address.zig").Address;
const Failure = @import("../failure.zig").Failure;
const Listener = sockets.Listener;
const Subject = @import("../failure.zig").Subject;
const must = support.must;
const patience_ms = support.patience_ms;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

/// A name that no other test run uses.
fn abstract_address(buffer: []u8) !Address {
    return Address.parse(try std.fmt.bufPrint(buffer, "@zerocross-{d}", .{linux.getpid()}));
}

fn mode_of(path: [*:0]const u8) !u16 {
    var found: linux.Statx = undefined;
    const wanted: linux.STATX = .{ .TYPE = true, .MODE = true };
    _ = try must(linux.statx(linux.AT.FDCWD, path, linux.AT.SYMLINK_NOFOLLOW, wanted, &found));
    return found.mode;
}

fn is_there(path: [*:0]const u8) bool {
    return linux.errno(linux.faccessat(linux.AT.FDCWD, path, linux.F_OK, linux.AT.SYMLINK_NOFOLLOW)) == .SUCCESS;
}

pub fn make_file(path: [*:0]const u8) !void {
    const fd = try must(linux.open(path, .{ .ACCMODE = .WRONLY, .CREAT = true, .CLOEXEC = true }, 0o600));
    system.close_fd(@intCast(fd));
}

fn set_umask(mask: u32) u32 {
    return @intCast(linux.syscall1(.umask, mask));
}

/// Expects the path to be refused as what it is, by a listener, and to be left there.
fn expect_refused(path: [:0]const u8, subject: Subject) !void {
    const address = try Address.parse(path);
    var failure: Failure = .{};
    const before = support.open_descriptors();
    const mode = try mode_of(path);
    try expectError(error.PathRefused, Listener.open(&address, 0o600, &failure));
    try expectEqual(subject, failure.subject);
    try expectEqual(mode, try mode_of(path));
    try expectEqual(before, support.open_descriptors());
}

fn expect_in_use(address: *const Address, pid: i32) !void {
    var failure: Failure = .{};
    const before = support.open_descriptors();
    try expectError(error.AddressInUse, Listener.open(address, 0o600, &failure));
    try expectEqual(pid, failure.pid);
    try expectEqual(.ADDRINUSE, failure.errno);
    try expectEqual(before, support.open_descriptors());
}

pub fn expect_cannot_listen(path: []const u8, subject: Subject, errno: linux.E) !void {
    const address = try Address.parse(path);
    var failure: Failure = .{};
    const before = support.open_descriptors();
    try expectError(error.System, Listener.open(&address, 0o600, &failure));
    try expectEqual(subject, failure.subject);
    try expectEqual(errno, failure.errno);
    try expectEqual(before, support.open_descriptors());
}

test "a connector meets a listener, and each knows the other's process" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    const before = support.open_descriptors();

    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    var connector = try sockets.connect(&address, .after_ms(patience_ms), true, &failure);
    var accepted = try listener.accept(.after_ms(patience_ms), &failure);
    for ([_]i32{ listener.fd, connector.fd, accepted.fd, listener.file.?.place.folder }) |fd| {
        try expect(!support.is_inherited(fd));
    }
    try expectEqual(linux.getpid(), connector.peer.pid);
    try expectEqual(linux.getpid(), accepted.peer.pid);
    _ = try must(linux.write(accepted.fd, "x", 1));
    try expectEqual('x', support.read_byte(connector.fd));

    accepted.close();
    connector.close();
    listener.close();
    try expectEqual(before, support.open_descriptors());
}

test "a listener that closes removes its file" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a.sock");
    const address = try Address.parse(path);

    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    try expect(is_there(path));
    listener.close();
    try expect(!is_there(path));
}

test "a listener that closes leaves a file that took the place of its own" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a.sock");
    const address = try Address.parse(path);

    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    _ = try must(linux.unlink(path));
    const usurper = try support.bound_socket(&address, linux.SOCK.STREAM);
    defer system.close_fd(usurper);
    listener.close();
    try expect(is_there(path));
}

test "a listener whose file somebody has removed closes all the same" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a.sock");
    const address = try Address.parse(path);
    const before = support.open_descriptors();
    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    _ = try must(linux.unlink(path));
    listener.close();
    try expect(!is_there(path));
    try expectEqual(before, support.open_descriptors());
}

test "a relative path is cleaned up after the working directory has changed" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const child = try support.spawn(listen_then_leave, .{folder.path()});
    try expectEqual(0, try support.exit_code(child));
    try expect(!is_there(folder.file("a.sock")));
}

fn listen_then_leave(folder: [*:0]const u8) u8 {
    var failure: Failure = .{};
    _ = linux.chdir(folder);
    const address = Address.parse("a.sock") catch return 1;
    var listener = Listener.open(&address, 0o600, &failure) catch return 2;
    if (!is_there("a.sock")) return 3;
    _ = linux.chdir("/");
    listener.close();
    return 0;
}

test "a regular file, a directory, a symlink and a pipe are refused and left alone" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const file = folder.file("file");
    const directory = folder.file("directory");
    const symlink = folder.file("symlink");
    const fifo = folder.file("fifo");
    try make_file(file);
    _ = try must(linux.mkdir(directory, 0o755));
    _ = try must(linux.symlink("nowhere", symlink));
    _ = try must(linux.mknod(fifo, linux.S.IFIFO | 0o600, 0));

    try expect_refused(file, .regular_file);
    try expect_refused(directory, .directory);
    try expect_refused(symlink, .symlink);
    try expect_refused(fifo, .other_file);
}

test "a symlink to a socket is refused by a listener and followed by a connector" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const link = folder.file("link");
    const address = try Address.parse(folder.file("a.sock"));
    const address_of_link = try Address.parse(link);
    _ = try must(linux.symlink("a.sock", link));

    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    defer listener.close();
    try expect_refused(link, .symlink);
    var connector = try sockets.connect(&address_of_link, .after_ms(0), false, &failure);
    connector.close();
}

test "a socket file that nobody listens on is replaced" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    system.close_fd(try support.listening_socket(&address));

    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    defer listener.close();
    var connector = try sockets.connect(&address, .after_ms(0), false, &failure);
    connector.close();
}

test "a socket file is replaced while a connection that its dead listener accepted lives on" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    const dead = try support.listening_socket(&address);
    var failure: Failure = .{};
    var connector = try sockets.connect(&address, .after_ms(0), false, &failure);
    defer connector.close();
    const accepted: i32 = @intCast(try must(linux.accept4(dead, null, null, linux.SOCK.CLOEXEC)));
    defer system.close_fd(accepted);
    system.close_fd(dead);

    var listener = try Listener.open(&address, 0o600, &failure);
    listener.close();
}

test "a live listener is left alone, and named, and learns nothing of it" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a b.sock");
    const address = try Address.parse(path);
    const live = try support.listening_socket(&address);
    defer system.close_fd(live);

    try expect_in_use(&address, linux.getpid());
    var failure: Failure = .{};
    try expectError(error.Timeout, system.poll_until(live, linux.POLL.IN, .after_ms(0), &failure));
    var connector = try sockets.connect(&address, .after_ms(0), false, &failure);
    connector.close();
}

test "a socket that is bound but does not listen yet, and a datagram socket, are left alone" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const names = [_][]const u8{ "stream.sock", "seqpacket.sock", "datagram.sock" };
    const kinds = [_]u32{ linux.SOCK.STREAM, linux.SOCK.SEQPACKET, linux.SOCK.DGRAM };
    for (names, kinds) |name, kind| {
        const address = try Address.parse(folder.file(name));
        const bound = try support.bound_socket(&address, kind);
        defer system.close_fd(bound);
        try expect_in_use(&address, linux.getpid());
    }
}

test "a live listener in another process is named, also when it bound a relative path" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("relative.sock");
    const address = try Address.parse(path);
    const ready = try support.pipe();
    const release = try support.pipe();
    const child = try support.spawn(listen_relatively, .{ folder.path(), ready, release });
    system.close_fd(ready[1]);
    system.close_fd(release[0]);
    try expectEqual('r', support.read_byte(ready[0]));
    system.close_fd(ready[0]);

    try expect_in_use(&address, child);
    system.close_fd(release[1]);
    try expectEqual(0, try support.exit_code(child));
}

fn listen_relatively(folder: [*:0]const u8, ready: [2]i32, release: [2]i32) u8 {
    system.close_fd(release[1]);
    _ = linux.chdir(folder);
    const address = Address.parse("relative.sock") catch return 1;
    _ = support.listening_socket(&address) catch return 2;
    _ = linux.write(ready[1], "r", 1);
    return support.read_byte(release[0]) orelse 0;
}

test "of many listeners that find the same stale file exactly one replaces it" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a.sock");
    const address = try Address.parse(path);
    system.close_fd(try support.listening_socket(&address));

    const results = try support.pipe();
    const start = try support.pipe();
    const end = try support.pipe();
    var children: [8]i32 = undefined;
    for (&children) |*child| child.* = try support.spawn(compete_for_path, .{ &address, results[1], start, end });
    support.close_all(&.{ results[1], start[0], end[0], start[1] });
    var winners: u32 = 0;
    for (children) |_| {
        const result = support.read_byte(results[0]) orelse return error.TestChildDied;
        try expect(result == 'w' or result == 'u');
        if (result == 'w') winners += 1;
    }
    try expectEqual(1, winners);
    support.close_all(&.{ results[0], end[1] });
    for (children) |child| try expectEqual(0, try support.exit_code(child));
    try expect(!is_there(path));
}

fn compete_for_path(address: *const Address, results: i32, start: [2]i32, end: [2]i32) u8 {
    support.close_all(&.{ start[1], end[1] });
    _ = support.read_byte(start[0]);
    var failure: Failure = .{};
    if (Listener.open(address, 0o600, &failure)) |opened| {
        var listener = opened;
        _ = linux.write(results, "w", 1);
        _ = support.read_byte(end[0]);
        listener.close();
    } else |problem| {
        _ = linux.write(results, if (problem == error.AddressInUse) "u" else "x", 1);
    }
    return 0;
}

test "a lock that a stranger holds on the folder does not keep a listener out" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    const stranger = try must(linux.open(folder.path(), .{ .DIRECTORY = true, .CLOEXEC = true }, 0));
    defer system.close_fd(@intCast(stranger));
    const exclusive = 2;
    _ = try must(linux.flock(@intCast(stranger), exclusive));
    system.close_fd(try support.listening_socket(&address));

    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    listener.close();
}

test "the socket file has its mode from the moment it exists" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a.sock");
    const address = try Address.parse(path);
    const watch: i32 = @intCast(try must(linux.inotify_init1(linux.IN.CLOEXEC | linux.IN.NONBLOCK)));
    defer system.close_fd(watch);
    _ = try must(linux.inotify_add_watch(watch, folder.path(), linux.IN.ATTRIB));

    const umask = set_umask(0);
    defer _ = set_umask(umask);
    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    try expectEqual(linux.S.IFSOCK | 0o600, try mode_of(path));
    // Nothing to read: the mode was never changed.
    var events: [256]u8 = undefined;
    try expectEqual(.AGAIN, linux.errno(linux.read(watch, &events, events.len)));
    listener.close();
}

test "a mode that was asked for wins over the umask" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a.sock");
    const address = try Address.parse(path);
    const umask = set_umask(0o077);
    defer _ = set_umask(umask);

    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o666, &failure);
    defer listener.close();
    try expectEqual(linux.S.IFSOCK | 0o666, try mode_of(path));
}

test "an abstract address needs no file, and a second listener is told who has it" {
    var buffer: [64]u8 = undefined;
    const address = try abstract_address(&buffer);
    const before = support.open_descriptors();

    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    try expect_in_use(&address, linux.getpid());
    var connector = try sockets.connect(&address, .after_ms(0), false, &failure);
    connector.close();
    listener.close();
    try expectEqual(before, support.open_descriptors());
    listener = try Listener.open(&address, 0o600, &failure);
    listener.close();
}

test {
    _ = @import("connect_test.zig");
    _ = @import("listen_errors_test.zig");
}
