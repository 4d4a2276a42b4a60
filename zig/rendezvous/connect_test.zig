//! Connecting and accepting: what is waited for, what is not, and for how long.

const std = @import("std");
const linux = std.os.linux;
const sockets = @import("socket.zig");
const support = @import("../test_support.zig");
const system = @import("../os/system.zig");
const Address = @import("address.zig").Address;
const Deadline = @import("../os/time.zig").Deadline;
const Failure = @import("../failure.zig").Failure;
const Listener = sockets.Listener;
const Subject = @import("../failure.zig").Subject;
const must = support.must;
const patience_ms = support.patience_ms;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

/// Expects a connector to give up at once, and one that may try again to try until its deadline.
fn expect_waited_for(address: *const Address, errno: linux.E) !void {
    const before = support.open_descriptors();
    var failure: Failure = .{};
    try expectError(error.System, sockets.connect(address, .after_ms(patience_ms), false, &failure));
    try expectEqual(.connect, failure.subject);
    try expectEqual(errno, failure.errno);

    failure = .{};
    const deadline: Deadline = .after_ms(20);
    try expectError(error.Timeout, sockets.connect(address, deadline, true, &failure));
    try expect(deadline.passed());
    try expectEqual(.connect, failure.subject);
    try expectEqual(errno, failure.errno);
    try expectEqual(before, support.open_descriptors());
}

/// Expects an error long before the deadline although trying again is allowed.
fn expect_not_waited_for(address: *const Address, expected: anyerror, subject: Subject) !Failure {
    const before = support.open_descriptors();
    var failure: Failure = .{};
    const deadline: Deadline = .after_ms(patience_ms);
    try expectError(expected, sockets.connect(address, deadline, true, &failure));
    try expect(!deadline.passed());
    try expectEqual(subject, failure.subject);
    try expectEqual(before, support.open_descriptors());
    return failure;
}

test "a connector waits for a path that is not there, and for a socket that nobody listens on" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a.sock");
    const address = try Address.parse(path);
    try expect_waited_for(&address, .NOENT);
    system.close_fd(try support.listening_socket(&address));
    try expect_waited_for(&address, .CONNREFUSED);
}

test "a connector waits for room in a listener's queue" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const path = folder.file("a.sock");
    const address = try Address.parse(path);
    const busy = try support.listening_socket(&address);
    defer system.close_fd(busy);

    var failure: Failure = .{};
    var first = try sockets.connect(&address, .after_ms(0), false, &failure);
    defer first.close();
    try expect_waited_for(&address, .AGAIN);
}

test "a connector waits for an abstract name" {
    var buffer: [64]u8 = undefined;
    const name = try std.fmt.bufPrint(&buffer, "@zerocross-nobody-{d}", .{linux.getpid()});
    const address = try Address.parse(name);
    try expect_waited_for(&address, .CONNREFUSED);
}

test "a connector that came first connects as soon as there is a listener" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    const tried = try support.pipe();
    const child = try support.spawn(connect_twice, .{ &address, tried[1] });
    system.close_fd(tried[1]);
    try expectEqual('t', support.read_byte(tried[0]));
    system.close_fd(tried[0]);

    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    defer listener.close();
    var accepted = try listener.accept(.after_ms(patience_ms), &failure);
    defer accepted.close();
    try expectEqual(child, accepted.peer.pid);
    try expectEqual(0, try support.exit_code(child));
    try expect(!accepted.peer.is_alive());
}

fn connect_twice(address: *const Address, tried: i32) u8 {
    var failure: Failure = .{};
    if (sockets.connect(address, .after_ms(0), true, &failure)) |_| return 1 else |_| {}
    _ = linux.write(tried, "t", 1);
    _ = sockets.connect(address, .after_ms(patience_ms), true, &failure) catch return 2;
    return 0;
}

test "a connector does not wait for what is no socket" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const file = folder.file("file");
    const link = folder.file("link");
    const fd = try must(linux.open(file, .{ .CREAT = true, .CLOEXEC = true }, 0o600));
    system.close_fd(@intCast(fd));
    _ = try must(linux.symlink("file", link));

    _ = try expect_not_waited_for(&try Address.parse(file), error.PathRefused, .regular_file);
    _ = try expect_not_waited_for(&try Address.parse(link), error.PathRefused, .regular_file);
    _ = try expect_not_waited_for(&try Address.parse(folder.path()), error.PathRefused, .directory);
}

test "a connector does not wait where that cannot help" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const loop = folder.file("loop");
    const other = folder.file("datagram.sock");
    _ = try must(linux.symlink("loop", loop));
    const other_address = try Address.parse(other);
    const datagram = try support.bound_socket(&other_address, linux.SOCK.DGRAM);
    defer system.close_fd(datagram);

    const below = try Address.parse(folder.file("datagram.sock/a.sock"));
    try expectEqual(.LOOP, (try expect_not_waited_for(&try Address.parse(loop), error.System, .connect)).errno);
    try expectEqual(.NOTDIR, (try expect_not_waited_for(&below, error.System, .connect)).errno);
    try expectEqual(.PROTOTYPE, (try expect_not_waited_for(&other_address, error.System, .connect)).errno);
}

test "a connector without permission does not wait" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o000, &failure);
    defer listener.close();
    const child = try support.spawn(connect_as_nobody, .{&address});
    try expectEqual(0, try support.exit_code(child));
}

fn connect_as_nobody(address: *const Address) u8 {
    support.become_nobody() catch return 1;
    const failure = expect_not_waited_for(address, error.System, .connect) catch return 2;
    return if (failure.errno == .ACCES) 0 else 3;
}

test "accepting ends at its deadline and can be taken up again" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    defer listener.close();

    const deadline: Deadline = .after_ms(20);
    try expectError(error.Timeout, listener.accept(deadline, &failure));
    try expect(deadline.passed());
    var connector = try sockets.connect(&address, .after_ms(0), false, &failure);
    defer connector.close();
    var accepted = try listener.accept(.after_ms(0), &failure);
    accepted.close();
}

test "a signal ends neither accepting nor connecting" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const address = try Address.parse(folder.file("a.sock"));
    var failure: Failure = .{};
    var listener = try Listener.open(&address, 0o600, &failure);
    const missing = try Address.parse(folder.file("missing.sock"));
    defer listener.close();

    const no_mask = std.mem.zeroes(linux.sigset_t);
    const action: linux.Sigaction = .{ .handler = .{ .handler = count_signal }, .mask = no_mask, .flags = 0 };
    var previous: linux.Sigaction = undefined;
    _ = try must(linux.sigaction(.ALRM, &action, &previous));
    defer _ = linux.sigaction(.ALRM, &previous, null);
    // The kernel takes microseconds here, whatever the type calls them.
    const often: @FieldType(linux.itimerspec, "it_value") = .{ .sec = 0, .nsec = 2000 };
    const timer: linux.itimerspec = .{ .it_interval = often, .it_value = often };
    _ = try must(linux.setitimer(@intFromEnum(linux.ITIMER.REAL), &timer, null));
    defer _ = linux.setitimer(@intFromEnum(linux.ITIMER.REAL), &std.mem.zeroes(linux.itimerspec), null);

    signals = 0;
    try expectError(error.Timeout, listener.accept(.after_ms(20), &failure));
    try expectError(error.Timeout, sockets.connect(&missing, .after_ms(20), true, &failure));
    try expect(signals > 0);
}

var signals: u32 = 0;

fn count_signal(_: linux.SIG) callconv(.c) void {
    signals += 1;
}
