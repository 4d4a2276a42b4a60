//! System calls as several mechanisms make them: whole messages through descriptors, whatever interrupts,
//! and sleeping on a word that both processes see; and what a process has used, and where it runs.

const std = @import("std");
const linux = std.os.linux;
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// Again where a signal interrupted it.
pub inline fn call(function: anytype, arguments: std.meta.ArgsTuple(@TypeOf(function))) Error!usize {
    while (true) {
        const result = @call(.auto, function, arguments);
        switch (linux.errno(result)) {
            .SUCCESS => return result,
            .INTR => {},
            else => return error.System,
        }
    }
}

pub fn write_all(fd: i32, bytes: []const u8) Error!void {
    var written: usize = 0;
    while (written < bytes.len) {
        written += try call(linux.write, .{ fd, bytes.ptr + written, bytes.len - written });
    }
}

pub fn read_exactly(fd: i32, into: []u8) Error!void {
    var length: usize = 0;
    while (length < into.len) {
        const size = try call(linux.read, .{ fd, into.ptr + length, into.len - length });
        if (size == 0) return error.System;
        length += size;
    }
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
    _ = try call(linux.futex_3arg, .{ word, .{ .cmd = .WAKE, .private = false }, 1 });
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
    return if (errno.* == .SUCCESS) std.mem.trim(u8, buffer[0..size], " \n") else null;
}

/// Nanoseconds of processor time, voluntary and involuntary context switches.
pub const Usage = @Vector(3, u64);

pub fn usage_now() Usage {
    var usage: linux.rusage = undefined;
    // Cannot fail: the process asks for itself, and the pointer is to our stack.
    _ = linux.getrusage(linux.rusage.SELF, &usage);
    const cpu_ns = to_ns(usage.utime) + to_ns(usage.stime);
    return .{ cpu_ns, @intCast(usage.nvcsw), @intCast(usage.nivcsw) };
}

fn to_ns(time: linux.timeval) u64 {
    return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.usec)) * std.time.ns_per_us;
}

/// One more than the largest core that can be named.
pub const core_limit = @bitSizeOf(linux.cpu_set_t);

pub fn pin(process: i32, core: u32) linux.E {
    var set: linux.cpu_set_t = @splat(0);
    set[core / @bitSizeOf(usize)] = @as(usize, 1) << @intCast(core % @bitSizeOf(usize));
    const id: usize = @intCast(process);
    return linux.errno(linux.syscall3(.sched_setaffinity, id, @sizeOf(linux.cpu_set_t), @intFromPtr(&set)));
}
