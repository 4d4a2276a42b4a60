//! The ways on which a run ends: its input is over, it is told to by a signal, it has failed, or the
//! second side has died. On each the second side ends first, and nothing of the mechanism stays behind.

const std = @import("std");
const linux = std.os.linux;
const command = @import("command.zig");
const Meeting = @import("meeting.zig").Meeting;
const Verdict = @import("meeting.zig").Verdict;

const told_to_end = [_]linux.SIG{ .INT, .TERM, .HUP };
const heeded = told_to_end ++ [_]linux.SIG{.CHLD};

/// Removes what would outlive both processes.
var remove: *const fn () void = undefined;
/// The second side's process; 0 where there is none.
var second: i32 = 0;
/// Where a second side leaves its verdict.
var meeting: *const Meeting = undefined;

/// From here on no signal ends the process, until `heed`.
pub fn hold(remove_all: *const fn () void) void {
    remove = remove_all;
    ignore(.PIPE);
    set_mask(linux.SIG.BLOCK);
}

/// The first side: from here on whatever ends the run cleans up after it.
pub fn heed(second_side: i32, common: *const Meeting) void {
    second = second_side;
    meeting = common;
    const action: linux.Sigaction = .{
        .handler = .{ .handler = handle },
        .mask = mask(),
        .flags = linux.SA.RESTART,
    };
    for (heeded) |signal| _ = linux.sigaction(signal, &action, null);
    set_mask(linux.SIG.UNBLOCK);
}

/// The second side ends with the first, and leaves the signals of the terminal to it.
pub fn follow(first: i32) void {
    _ = linux.prctl(@intFromEnum(linux.PR.SET_PDEATHSIG), @intFromEnum(linux.SIG.KILL), 0, 0, 0);
    // It may have died before that call.
    if (linux.getppid() != first) linux.exit_group(1);
    ignore(.INT);
    ignore(.HUP);
    set_mask(linux.SIG.UNBLOCK);
}

/// Ends the run from the first side.
pub fn leave(code: u8) noreturn {
    set_mask(linux.SIG.BLOCK);
    if (second > 0) {
        _ = linux.kill(second, .KILL);
        var status: u32 = undefined;
        while (linux.errno(linux.waitpid(second, &status, 0)) == .INTR) {}
    }
    remove();
    linux.exit_group(code);
}

pub fn leave_with(verdict: Verdict, text: []const u8) noreturn {
    switch (verdict) {
        .none, .wrong => command.answer("{{\"error\":\"{s}\"}}", .{text}),
        .forbidden => command.answer("{{\"forbidden\":\"{s}\"}}", .{text}),
    }
    leave(if (verdict == .forbidden) 0 else 1);
}

/// For what fails when the second side is gone: its own verdict is better, and the signal that brings
/// it is under way then.
pub fn leave_after_second(text: []const u8) noreturn {
    const one_second: linux.timespec = .{ .sec = 1, .nsec = 0 };
    _ = linux.nanosleep(&one_second, null);
    leave_with(.wrong, text);
}

fn handle(signal: linux.SIG) callconv(.c) void {
    if (signal != .CHLD) leave(128 + @as(u8, @intCast(@intFromEnum(signal))));
    if (!second_has_ended()) return;
    switch (meeting.shared.verdict) {
        .none => leave_with(.wrong, "the second side has died"),
        else => |verdict| leave_with(verdict, meeting.judgement()),
    }
}

fn second_has_ended() bool {
    var status: u32 = undefined;
    const result = linux.waitpid(second, &status, linux.W.NOHANG);
    if (linux.errno(result) != .SUCCESS or result == 0) return false;
    second = 0;
    return true;
}

fn mask() linux.sigset_t {
    var set = linux.sigemptyset();
    for (heeded) |signal| linux.sigaddset(&set, signal);
    return set;
}

fn set_mask(how: u32) void {
    const set = mask();
    _ = linux.sigprocmask(how, &set, null);
}

fn ignore(signal: linux.SIG) void {
    const action: linux.Sigaction = .{
        .handler = .{ .handler = linux.SIG.IGN },
        .mask = linux.sigemptyset(),
        .flags = 0,
    };
    _ = linux.sigaction(signal, &action, null);
}
