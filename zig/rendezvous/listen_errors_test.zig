//! What keeps a listener from its path, each by an error of its own.

const std = @import("std");
const linux = std.os.linux;
const support = @import("../test_support.zig");
const system = @import("../os/system.zig");
const Address = @import("address.zig").Address;
const Subject = @import("../failure.zig").Subject;
const must = support.must;
const expectEqual = std.testing.expectEqual;
const expect_cannot_listen = @import("listen_test.zig").expect_cannot_listen;
const make_file = @import("listen_test.zig").make_file;

test "a missing folder, and a file where a folder should be, each have their own error" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const file = folder.file("file");
    try make_file(file);

    try expect_cannot_listen(folder.file("missing/a.sock"), .bind, .NOENT);
    try expect_cannot_listen(folder.file("file/a.sock"), .bind, .NOTDIR);
}

test "a folder without permission is an error, also where it hides or holds a stale file" {
    var folder = try support.Folder.make();
    defer folder.remove();
    const closed = folder.file("closed");
    _ = try must(linux.mkdir(closed, 0o755));
    const stale = folder.file("closed/stale.sock");
    const address = try Address.parse(stale);
    system.close_fd(try support.listening_socket(&address));
    _ = try must(linux.chmod(stale, 0o666));

    _ = try must(linux.chmod(closed, 0o555));
    try expect_as_nobody(folder.file("closed/a.sock"), .bind);
    try expect_as_nobody(stale, .unlink);
    _ = try must(linux.chmod(closed, 0o000));
    try expect_as_nobody(folder.file("closed/a.sock"), .bind);
    _ = try must(linux.chmod(closed, 0o755));
}

/// Root may do everything, so another user tries.
fn expect_as_nobody(path: [:0]const u8, subject: Subject) !void {
    const child = try support.spawn(listen_as_nobody, .{ path, subject });
    try expectEqual(0, try support.exit_code(child));
}

fn listen_as_nobody(path: [:0]const u8, subject: Subject) u8 {
    support.become_nobody() catch return 1;
    expect_cannot_listen(path, subject, .ACCES) catch return 2;
    return 0;
}
