//! System calls as several mechanisms make them: whole messages through descriptors, whatever interrupts,
//! and sleeping on a word that both processes see.

const std = @import("std");
const linux = std.os.linux;
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

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
        .PIPE, .CONNRESET, .IDRM, .SRCH => error.Closed,
        else => error.System,
    };
}

/// Of a call that nothing interrupts.
pub fn expect(result: usize) Error!void {
    if (!try succeeded(result)) return error.System;
}

/// Sleeps while `word` is `expected`. May end early: the caller looks again.
pub fn futex_wait(word: *const u32, expected: u32) Error!void {
    const result = linux.futex_4arg(word, .{ .cmd = .WAIT, .private = false }, expected, null);
    switch (linux.errno(result)) {
        .SUCCESS, .AGAIN, .INTR => {},
        else => return error.System,
    }
}

/// Wakes one that sleeps on `word`.
pub fn futex_wake(word: *const u32) Error!void {
    try expect(linux.futex_3arg(word, .{ .cmd = .WAKE, .private = false }, 1));
}

/// The end to read from, then the one to write to.
pub fn new_pipe(failure: *Failure) error{Forbidden}![2]i32 {
    var ends: [2]i32 = undefined;
    _ = try failure.check("pipe2", linux.pipe2(&ends, .{ .CLOEXEC = true }));
    return ends;
}

pub fn unix_pair(socket_type: u32, failure: *Failure) error{Forbidden}![2]i32 {
    var ends: [2]i32 = undefined;
    const kind = socket_type | linux.SOCK.CLOEXEC;
    _ = try failure.check("socketpair", linux.socketpair(linux.AF.UNIX, kind, 0, &ends));
    return ends;
}

/// What a small file of the kernel holds, without the line's end.
pub fn read_file(path: [*:0]const u8, buffer: []u8, errno: *linux.E) ?[]const u8 {
    const fd = linux.open(path, .{ .CLOEXEC = true }, 0);
    errno.* = linux.errno(fd);
    if (errno.* != .SUCCESS) return null;
    defer _ = linux.close(@intCast(fd));
    const size = linux.read(@intCast(fd), buffer.ptr, buffer.len);
    errno.* = linux.errno(size);
    if (errno.* != .SUCCESS) return null;
    return std.mem.trim(u8, buffer[0..size], " \n");
}
