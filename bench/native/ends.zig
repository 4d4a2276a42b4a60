//! The ways on which a run ends: its input is over, it is told to by a signal, it has failed, or the
//! second side has died. On each the second side ends first, and nothing of the mechanism stays behind.

const linux = @import("std").os.linux;
const answer = @import("command.zig").answer;
const keeper = @import("keeper.zig");

const told_to_end = [_]linux.SIG{ .INT, .TERM, .HUP };
const heeded = told_to_end ++ [_]linux.SIG{.CHLD};

/// The second side's process; 0 where there is none any more.
var second: i32 = 0;

/// What a process says for its last line, and ends with.
pub const Verdict = enum(u8) { forbidden, @"error" };

/// What a second side ends with that has not said why.
const silent_code = 2;

/// From here on no signal ends the process, until `heed`.
pub fn hold() void {
    handle_by(.PIPE, linux.SIG.IGN);
    set_mask(linux.SIG.BLOCK);
}

/// The first side: from here on whatever ends the run cleans up after it.
pub fn heed(second_side: i32) void {
    second = second_side;
    for (heeded) |signal| handle_by(signal, handle);
    set_mask(linux.SIG.UNBLOCK);
}

/// The second side ends with the first, and leaves the signals of the terminal to it.
pub fn follow(first: i32) void {
    _ = linux.prctl(@intFromEnum(linux.PR.SET_PDEATHSIG), @intFromEnum(linux.SIG.KILL), 0, 0, 0);
    // It may have died before that call.
    if (linux.getppid() != first) leave_second(null, "");
    handle_by(.INT, linux.SIG.IGN);
    handle_by(.HUP, linux.SIG.IGN);
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
    keeper.remove();
    linux.exit_group(code);
}

pub fn leave_with(verdict: Verdict, text: []const u8) noreturn {
    answer("{{\"{t}\":\"{s}\"}}", .{ verdict, text });
    leave(@intFromEnum(verdict));
}

/// For what fails when the second side is gone: its own verdict is better, and the signal that brings
/// it is under way then.
pub fn leave_after_second(text: []const u8) noreturn {
    const one_second: linux.timespec = .{ .sec = 1, .nsec = 0 };
    _ = linux.nanosleep(&one_second, null);
    leave_with(.@"error", text);
}

/// Null: the first side is gone, so there is nothing to say.
pub fn leave_second(verdict: ?Verdict, text: []const u8) noreturn {
    const said = verdict orelse linux.exit_group(silent_code);
    answer("{{\"{t}\":\"{s}\"}}", .{ said, text });
    linux.exit_group(@intFromEnum(said));
}

fn handle(signal: linux.SIG) callconv(.c) void {
    if (signal != .CHLD) leave(128 + @as(u8, @intCast(@intFromEnum(signal))));
    var status: u32 = undefined;
    const result = linux.waitpid(second, &status, linux.W.NOHANG);
    if (linux.errno(result) != .SUCCESS or result == 0) return;
    second = 0;
    const has_said_why = linux.W.IFEXITED(status) and linux.W.EXITSTATUS(status) != silent_code;
    if (!has_said_why) leave_with(.@"error", "the second side has died");
    leave(linux.W.EXITSTATUS(status));
}

fn set_mask(how: u32) void {
    var set = linux.sigemptyset();
    for (heeded) |signal| linux.sigaddset(&set, signal);
    _ = linux.sigprocmask(how, &set, null);
}

fn handle_by(signal: linux.SIG, handler: ?linux.Sigaction.handler_fn) void {
    var mask = linux.sigemptyset();
    for (heeded) |other| linux.sigaddset(&mask, other);
    const action: linux.Sigaction = .{
        .handler = .{ .handler = handler },
        .mask = mask,
        .flags = linux.SA.RESTART,
    };
    _ = linux.sigaction(signal, &action, null);
}
