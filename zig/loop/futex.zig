//! Sleeping in the kernel on words: on one of this process, or on any of many.

const std = @import("std");
const linux = std.os.linux;
const time = @import("../os/time.zig");

/// One word to sleep on, and the value that it must still have.
pub const WaitEntry = linux.futex2_waitone;

/// The kernel's FUTEX_WAITV_MAX.
pub const entries_max = 128;

/// True once the kernel (before Linux 5.16) or a sandbox was found to have no futex_waitv. Tests set it.
pub var waitv_is_missing: bool = false;

pub fn entry_of(word: *const u32, expected: u32, is_private: bool) WaitEntry {
    return .{ .val = expected, .uaddr = @intFromPtr(word), .flags = .{ .size = .U32, .private = is_private } };
}

/// False: it cannot be slept on these words, at least not now. True says nothing (woken, a word
/// changed, time is up, a signal) but that it is time to look.
pub fn wait_any(entries: []const WaitEntry, until_ns: u64) bool {
    // Relaxed: whoever misses the store finds out for itself.
    if (@atomicLoad(bool, &waitv_is_missing, .monotonic)) return false;
    const end = time.timespec_from_ns(until_ns);
    const until: linux.kernel_timespec = .{ .sec = end.sec, .nsec = end.nsec };
    const timeout = if (until_ns == time.Deadline.never.at_ns) null else &until;
    // Sound: the kernel reads the entries, and a word that is no longer mapped is an error to it.
    const result = linux.futex2_waitv(entries.ptr, @intCast(entries.len), .{}, timeout, .MONOTONIC);
    switch (linux.errno(result)) {
        .SUCCESS, .AGAIN, .INTR, .TIMEDOUT => return true,
        .NOSYS, .PERM => @atomicStore(bool, &waitv_is_missing, true, .monotonic),
        else => {},
    }
    return false;
}

/// Sleeps while `word`, which no other process sees, is `expected`. May end early.
pub fn wait_on(word: *const u32, expected: u32, until_ns: u64) void {
    const is_endless = until_ns == time.Deadline.never.at_ns;
    var left = time.timespec_from_ns(if (is_endless) 0 else until_ns -| time.now_ns());
    _ = linux.futex_4arg(word, .{ .cmd = .WAIT, .private = true }, expected, if (is_endless) null else &left);
}

/// Wakes one thread of this process that sleeps on `word`.
pub fn wake_one(word: *const u32) void {
    // Cannot fail: the word is aligned and mapped.
    _ = linux.futex_3arg(word, .{ .cmd = .WAKE, .private = true }, 1);
}
