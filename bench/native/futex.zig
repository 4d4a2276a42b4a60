//! Sleeping on a word that both processes see.

const linux = @import("std").os.linux;
const Error = @import("mechanism.zig").Error;

/// Sleeps while `word` is `expected`. May end early: the caller looks again.
pub fn wait(word: *const u32, expected: u32) Error!void {
    const result = linux.futex_4arg(word, .{ .cmd = .WAIT, .private = false }, expected, null);
    switch (linux.errno(result)) {
        .SUCCESS, .AGAIN, .INTR => {},
        else => return error.System,
    }
}

/// Wakes one that sleeps on `word`.
pub fn wake(word: *const u32) Error!void {
    const result = linux.futex_3arg(word, .{ .cmd = .WAKE, .private = false }, 1);
    if (linux.errno(result) != .SUCCESS) return error.System;
}
