//! Who this process is, and a number that may be anybody's.

const std = @import("std");
const linux = std.os.linux;
const system = @import("system.zig");

/// Unless somebody has changed it. Also where /proc does not say.
const overflow_uid_default = 65534;

/// No user has it: to the kernel it means "leave as it is".
const unread = std.math.maxInt(u32);
var overflow_uid_cached: u32 = unread;

/// The number that stands for every user who has none in this user namespace: two who bear it need not
/// be the same.
pub fn overflow_uid() u32 {
    // Partner: the store below. Every thread reads the same file, so nothing has to be ordered.
    const cached = @atomicLoad(u32, &overflow_uid_cached, .monotonic);
    if (cached != unread) return cached;
    const uid = read_number("/proc/sys/kernel/overflowuid") orelse overflow_uid_default;
    // Partner: the load above.
    @atomicStore(u32, &overflow_uid_cached, uid, .monotonic);
    return uid;
}

/// Null where there is no such file, or no number in it.
fn read_number(path: [*:0]const u8) ?u32 {
    const opened = system.retry(linux.open, .{ path, .{ .CLOEXEC = true }, 0 });
    if (linux.errno(opened) != .SUCCESS) return null;
    const fd: i32 = @intCast(opened);
    defer system.close_fd(fd);
    var buffer: [16]u8 = undefined;
    const result = system.retry(linux.read, .{ fd, &buffer, buffer.len });
    if (linux.errno(result) != .SUCCESS) return null;
    return std.fmt.parseInt(u32, std.mem.trim(u8, buffer[0..result], " \n"), 10) catch null;
}

test "a number is read from a file, and where there is none it is missed" {
    const uid = read_number("/proc/sys/kernel/overflowuid") orelse return error.SkipZigTest;
    try std.testing.expectEqual(uid, overflow_uid());
    try std.testing.expectEqual(uid, overflow_uid());
    try std.testing.expectEqual(null, read_number("/proc/sys/kernel/none"));
    try std.testing.expectEqual(null, read_number("/proc/self/comm"));
    try std.testing.expectEqual(null, read_number("/proc/self"));
}
