//! System V queues and semaphores outlive the processes that use them. A third process, the keeper,
//! makes the object, holds the end of a pipe that both sides keep open, and removes the object when
//! both are gone, whatever ended them.

const std = @import("std");
const linux = std.os.linux;
const stream = @import("stream.zig");
const Error = @import("mechanism.zig").Error;
const Failure = @import("mechanism.zig").Failure;

pub const Kind = union(enum) {
    queue,
    /// So many in one set.
    semaphores: u32,

    const ipc_private = 0;
    const ipc_rmid = 0;
    const owner_only = 0o600;

    fn make(self: Kind) usize {
        return switch (self) {
            .queue => linux.syscall2(.msgget, ipc_private, owner_only),
            .semaphores => |count| linux.syscall3(.semget, ipc_private, count, owner_only),
        };
    }

    fn remove(self: Kind, id: usize) void {
        // Fails where another process removed it already, which is as good.
        _ = switch (self) {
            .queue => linux.syscall3(.msgctl, id, ipc_rmid, 0),
            .semaphores => linux.syscall3(.semctl, id, 0, ipc_rmid),
        };
    }
};

/// A System V object that is gone when both sides are.
pub const Kept = struct {
    kind: Kind = .queue,
    id: ?usize = null,

    /// Before the fork.
    pub fn make(self: *Kept, kind: Kind, failure: *Failure) error{Forbidden}!void {
        var life: [2]i32 = undefined;
        var reply: [2]i32 = undefined;
        for ([_]*[2]i32{ &life, &reply }) |pipe| _ = try failure.check("pipe2", linux.pipe2(pipe, .{ .CLOEXEC = true }));
        const process = try failure.check("clone", clone_unseen());
        if (process == 0) keep(kind, life[0], reply[1]);
        // The other end of `life` stays open for as long as this process and the second side live.
        stream.close(life[0]);
        stream.close(reply[1]);
        defer stream.close(reply[0]);
        var result: usize = undefined;
        stream.read_exactly(reply[0], std.mem.asBytes(&result)) catch return failure.set("the keeper died", .{});
        const id = switch (kind) {
            .queue => try failure.check("msgget", result),
            .semaphores => try failure.check("semget", result),
        };
        self.* = .{ .kind = kind, .id = id };
    }

    pub fn remove(self: *Kept) void {
        if (self.id) |id| self.kind.remove(id);
        self.id = null;
    }
};

/// Of a call on a kept object. False: a signal interrupted it, and it is to be made again.
pub fn succeeded(result: usize) Error!bool {
    return switch (linux.errno(result)) {
        .SUCCESS => true,
        .INTR => false,
        // The object was removed.
        .IDRM, .INVAL => error.Closed,
        else => error.System,
    };
}

/// A fork whose end is told to nobody: no SIGCHLD, and no wait for children returns it.
fn clone_unseen() usize {
    return linux.syscall5(.clone, 0, 0, 0, 0, 0);
}

fn keep(kind: Kind, life: i32, reply: i32) noreturn {
    // A Ctrl-C, or a SIGKILL, may go to the whole process group: the keeper ends after the others.
    _ = linux.setsid();
    const all = linux.sigfillset();
    _ = linux.sigprocmask(linux.SIG.BLOCK, &all, null);
    const result = kind.make();
    stream.write_all(reply, std.mem.asBytes(&result)) catch {};
    if (linux.errno(result) != .SUCCESS) linux.exit_group(1);

    const kept: i32 = 0;
    if (life != kept) _ = linux.dup3(life, kept, 0);
    // Also its own copy of the end that it waits for, and the output that somebody may read to its end.
    _ = linux.close_range(kept + 1, std.math.maxInt(i32), .{ .UNSHARE = false, .CLOEXEC = false });
    var byte: [1]u8 = undefined;
    while (linux.errno(linux.read(kept, &byte, 1)) == .INTR) {}
    kind.remove(result);
    linux.exit_group(0);
}
