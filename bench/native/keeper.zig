//! System V queues and semaphores outlive the processes that use them. A third process, the keeper,
//! makes the object, holds the end of a pipe that both sides keep open, and removes the object when
//! both are gone, whatever ended them. No mechanism needs more than one.

const std = @import("std");
const linux = std.os.linux;
const system = @import("system.zig");
const Failure = @import("mechanism.zig").Failure;

/// What is kept, and the call that removes it.
var kept: ?struct { call: linux.SYS, id: usize } = null;

/// Before the fork. `get` makes it and `control` removes it.
pub fn make(comptime get: linux.SYS, control: linux.SYS, arguments: [2]usize, failure: *Failure) error{Forbidden}!usize {
    const life = try system.new_pipe(failure);
    const reply = try system.new_pipe(failure);
    const process = try failure.check("clone", clone_unseen());
    if (process == 0) keep(get, control, arguments, life[0], reply[1]);
    // The other end of `life` stays open for as long as this process and the second side live.
    _ = linux.close(life[0]);
    _ = linux.close(reply[1]);
    defer _ = linux.close(reply[0]);
    var result: usize = undefined;
    system.read_exactly(reply[0], std.mem.asBytes(&result)) catch return failure.set("the keeper died", .{});
    const id = try failure.check(@tagName(get), result);
    kept = .{ .call = control, .id = id };
    return id;
}

/// What there is to be removed, without waiting for the keeper. Fails where it was removed already, which
/// is as good.
pub fn remove() void {
    const object = kept orelse return;
    kept = null;
    remove_by(object.call, object.id);
}

fn remove_by(control: linux.SYS, id: usize) void {
    const ipc_rmid = 0;
    _ = switch (control) {
        .semctl => linux.syscall3(control, id, 0, ipc_rmid),
        else => linux.syscall3(control, id, ipc_rmid, 0),
    };
}

/// A fork whose end is told to nobody: no SIGCHLD, and no wait for children returns it.
fn clone_unseen() usize {
    return linux.syscall5(.clone, 0, 0, 0, 0, 0);
}

fn keep(get: linux.SYS, control: linux.SYS, arguments: [2]usize, life: i32, reply: i32) noreturn {
    // A Ctrl-C, or a SIGKILL, may go to the whole process group: the keeper ends after the others.
    _ = linux.setsid();
    const all = linux.sigfillset();
    _ = linux.sigprocmask(linux.SIG.BLOCK, &all, null);
    const ipc_private = 0;
    const result = linux.syscall3(get, ipc_private, arguments[0], arguments[1]);
    system.write_all(reply, std.mem.asBytes(&result)) catch {};
    if (linux.errno(result) != .SUCCESS) linux.exit_group(1);

    const kept_end: i32 = 0;
    _ = linux.dup3(life, kept_end, 0);
    // Also its own copy of the end that it waits for, and the output that somebody may read to its end.
    _ = linux.close_range(kept_end + 1, std.math.maxInt(i32), .{ .UNSHARE = false, .CLOEXEC = false });
    var byte: [1]u8 = undefined;
    while (linux.errno(linux.read(kept_end, &byte, 1)) == .INTR) {}
    remove_by(control, result);
    linux.exit_group(0);
}
