//! Descriptors: whole messages through streams of bytes, whatever interrupts.

const std = @import("std");
const linux = std.os.linux;
const Error = @import("mechanism.zig").Error;

pub fn write_all(fd: i32, bytes: []const u8) Error!void {
    var written: usize = 0;
    while (written < bytes.len) {
        const result = linux.write(fd, bytes.ptr + written, bytes.len - written);
        if (try succeeded(result)) written += result;
    }
}

pub fn read_exactly(fd: i32, into: []u8) Error!void {
    var length: usize = 0;
    while (length < into.len) {
        const result = linux.read(fd, into.ptr + length, into.len - length);
        if (!try succeeded(result)) continue;
        if (result == 0) return error.Closed;
        length += result;
    }
}

/// False: a signal interrupted the call, which is to be made again.
pub inline fn succeeded(result: usize) Error!bool {
    return switch (linux.errno(result)) {
        .SUCCESS => true,
        .INTR => false,
        .PIPE, .CONNRESET => error.Closed,
        else => error.System,
    };
}

pub fn close(fd: i32) void {
    if (fd >= 0) _ = linux.close(fd);
}
