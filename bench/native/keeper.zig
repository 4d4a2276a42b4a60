//! System V queues and semaphores outlive the processes that use them. A third process, the keeper,
//! makes the object, holds an end of a pair of sockets whose other end both sides keep open, and removes
//! the object when both are gone, whatever ended them. No mechanism needs more than one.

const std = @import("std");
const linux = std.os.linux;
const system = @import("system.zig");
const Failure = @import("mechanism.zig").Failure;

/// What is kept, and the call that removes it.
var kept: ?struct { control: linux.SYS, id: usize } = null;

/// Before the fork. `get` makes it, and `control` removes it.
pub fn make(comptime get: linux.SYS, control: linux.SYS, arguments: [2]usize, failure: *Failure) error{Forbidden}!usize {
    const keepers_end, const our_end = try system.unix_pair(linux.SOCK.STREAM, failure);
    // A fork whose end is told to nobody: no SIGCHLD, and no wait for children returns it.
    const process = try failure.check("clone", linux.syscall5(.clone, 0, 0, 0, 0, 0));
    if (process == 0) keep(get, control, arguments, keepers_end);
    _ = linux.close(keepers_end);
    var result: usize = undefined;
    system.read_exactly(our_end, std.mem.asBytes(&result)) catch return failure.set("the keeper died", .{});
    const id = try failure.check(@tagName(get), result);
    kept = .{ .control = control, .id = id };
    return id;
}

/// What there is to be removed, without waiting for the keeper.
pub fn remove() void {
    if (kept) |object| remove_by(object.control, object.id);
}

/// Fails where it was removed already, which is as good.
fn remove_by(control: linux.SYS, id: usize) void {
    // Of semctl the last is the command and the one before it the semaphore, of msgctl the other way round.
    const ipc_rmid = 0;
    _ = linux.syscall3(control, id, ipc_rmid, ipc_rmid);
}

fn keep(get: linux.SYS, control: linux.SYS, arguments: [2]usize, end: i32) noreturn {
    // A Ctrl-C, or a SIGKILL, may go to the whole process group: the keeper ends after the others.
    _ = linux.setsid();
    const all = linux.sigfillset();
    _ = linux.sigprocmask(linux.SIG.BLOCK, &all, null);
    const ipc_private = 0;
    const result = linux.syscall3(get, ipc_private, arguments[0], arguments[1]);
    system.write_all(end, std.mem.asBytes(&result)) catch {};
    if (linux.errno(result) != .SUCCESS) linux.exit_group(1);

    const last_end: i32 = 0;
    _ = linux.dup3(end, last_end, 0);
    // Also its own copy of the other end, and the output that somebody may read to its end.
    _ = linux.close_range(last_end + 1, std.math.maxInt(i32), .{ .UNSHARE = false, .CLOEXEC = false });
    var byte: [1]u8 = undefined;
    // Nothing is ever sent: it ends when the other ends are closed.
    system.read_exactly(last_end, &byte) catch {};
    remove_by(control, result);
    linux.exit_group(0);
}
