//! The ways on which a run ends: its input is over, it is told to by a signal, it has failed, or the
//! second side has died. On each the second side ends first, and nothing of the mechanism stays behind.
//! The first side hears of the second one's end by a signal, whatever it is at, and ends the second one with it.

const linux = @import("std").os.linux;
const answer = @import("command.zig").answer;
const keeper = @import("keeper.zig");
const Side = @import("mechanism.zig").Side;

const heeded = [_]linux.SIG{ .INT, .TERM, .HUP, .CHLD };

/// The second side's process; 0 where there is none any more.
var second: i32 = 0;

/// What a process says for its last line, and ends with.
pub const Verdict = enum(u8) { forbidden, @"error" };

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
    if (linux.getppid() != first) linux.exit_group(1);
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

/// Ends it from either side.
pub fn leave_with(side: Side, verdict: Verdict, text: []const u8) noreturn {
    answer("{{\"{t}\":\"{s}\"}}", .{ verdict, text });
    if (side == .first) leave(@intFromEnum(verdict));
    linux.exit_group(@intFromEnum(verdict));
}

fn handle(signal: linux.SIG) callconv(.c) void {
    if (signal != .CHLD) leave(128 + @as(u8, @intCast(@intFromEnum(signal))));
    var status: u32 = undefined;
    const result = linux.waitpid(second, &status, linux.W.NOHANG);
    // It was stopped, or goes on.
    if (linux.errno(result) != .SUCCESS or result == 0) return;
    second = 0;
    if (!linux.W.IFEXITED(status)) leave_with(.first, .@"error", "the second side has died");
    leave(linux.W.EXITSTATUS(status)); // It has said why.
}

fn set_mask(how: u32) void {
    const set = heeded_set();
    _ = linux.sigprocmask(how, &set, null);
}

fn handle_by(signal: linux.SIG, handler: ?linux.Sigaction.handler_fn) void {
    const action: linux.Sigaction = .{
        .handler = .{ .handler = handler },
        .mask = heeded_set(),
        .flags = linux.SA.RESTART,
    };
    _ = linux.sigaction(signal, &action, null);
}

fn heeded_set() linux.sigset_t {
    var set = linux.sigemptyset();
    for (heeded) |signal| linux.sigaddset(&set, signal);
    return set;
}
