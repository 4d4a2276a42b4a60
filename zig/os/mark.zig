//! Named moments between two effects that another process can see, at which proofs/chaos ends or stops
//! a process. Only a program whose root declares `zerocross_marks` has them; in the library that is
//! shipped, `at` is nothing.

const std = @import("std");
const linux = std.os.linux;
const system = @import("system.zig");
const time = @import("time.zig");

pub const is_on = @hasDecl(@import("root"), "zerocross_marks");

/// What has just been done.
pub const Step = enum(u32) {
    // The rendezvous.
    socket_bound,
    listening,
    connected,
    connector_accepted,
    memory_created,
    memory_sealed,
    memory_mapped,
    memory_initialised,
    reader_opened,
    writer_opened,
    handshake_sent,
    handshake_received,
    handshake_taken,
    channel_opened,
    connection_closed,
    path_unlinked,
    // A producer: claim, commit, publish.
    claim_opened,
    claim_rolled_back,
    skip_written,
    payload_written,
    entries_written,
    header_written,
    record_staged,
    lane_opened,
    lane_written,
    published,
    // A consumer: receive, drain, release.
    nothing_found,
    message_copied,
    messages_drained,
    released,
    // Sleep and wake, the same for both sides.
    sleep_announced,
    sleep_looked,
    sleep_ended,
    sleeper_seen,
    wake_taken_back,
    sleeper_woken,
    // The waiter of an event loop.
    watch_armed,
    watches_announced,
    watch_reported,
    watch_disarmed,
    waiter_asleep,
    waiter_polls,
    waiter_up,
    // Call and reply.
    call_sent,
    call_received,
    reply_sent,
    reply_received,
    // Close.
    rest_published,
    close_stored,
    consumer_told,
    both_told,
    arena_half_closed,
};

pub const step_count = @typeInfo(Step).@"enum".fields.len;

/// `linger`: lets the other side get ahead, until the test says that it may go on.
pub const Action = enum(u32) { none, kill, stop, linger };

/// Counts the passes of each step, and says at which of them to strike. A test puts it into memory
/// that it shares with the process.
pub const Board = extern struct {
    passes: [step_count]u32 = @splat(0),
    action: Action = .none,
    armed_step: u32 = 0,
    /// Strikes when the armed step is passed this often; 1 is the first time.
    armed_pass: u32 = 0,
    /// How long a process lingers at least, and at most.
    linger_us_min: u32 = 0,
    linger_us_max: u32 = 0,
    may_go_on: u32 = 0,
    /// CLOCK_MONOTONIC right before the signal; 0 while it did not come to that.
    struck_ns: u64 = 0,
    /// A stopped process runs again.
    resumed: u32 = 0,
};

var own_board: Board = .{};
pub var board: *Board = &own_board;

pub inline fn at(comptime step: Step) void {
    if (is_on) pass(@intFromEnum(step));
}

fn pass(step: u32) void {
    const passes = @atomicRmw(u32, &board.passes[step], .Add, 1, .monotonic) + 1;
    if (board.action == .none or step != board.armed_step or passes != board.armed_pass) return;
    @atomicStore(u64, &board.struck_ns, time.now_ns(), .release); // The test watches it.
    switch (board.action) {
        .none => unreachable,
        .kill => _ = linux.kill(linux.getpid(), .KILL),
        .stop => _ = linux.kill(linux.getpid(), .STOP),
        .linger => linger(),
    }
    @atomicStore(u32, &board.resumed, 1, .release); // The test watches it.
}

fn linger() void {
    const begun_ns = time.now_ns();
    while (true) {
        const lingered_us = (time.now_ns() - begun_ns) / std.time.ns_per_us;
        const may_go_on = @atomicLoad(u32, &board.may_go_on, .acquire) != 0; // The test stores it.
        if (lingered_us >= board.linger_us_max or (may_go_on and lingered_us >= board.linger_us_min)) return;
        system.sleep(100 * std.time.ns_per_us);
    }
}

comptime {
    if (is_on) {
        @export(&zc_mark_arm, .{ .name = "zc_mark_arm" });
        @export(&zc_mark_passes, .{ .name = "zc_mark_passes" });
    }
}

/// Arms the step of that name, from its next pass on. Answers -1 when there is none.
fn zc_mark_arm(name: [*]const u8, name_size: u32, pass_from_now: u32, action: u32) callconv(.c) i32 {
    const step = std.meta.stringToEnum(Step, name[0..name_size]) orelse return -1;
    const index = @intFromEnum(step);
    board.armed_step = index;
    board.armed_pass = @atomicLoad(u32, &board.passes[index], .monotonic) + pass_from_now;
    board.action = std.enums.fromInt(Action, action) orelse return -1;
    return 0;
}

/// How often the step of that name was passed; -1 when there is none.
fn zc_mark_passes(name: [*]const u8, name_size: u32) callconv(.c) i32 {
    const step = std.meta.stringToEnum(Step, name[0..name_size]) orelse return -1;
    return @intCast(@atomicLoad(u32, &board.passes[@intFromEnum(step)], .monotonic));
}
