//! How the two sides agree on what comes next, apart from the mechanism that is measured: a page that
//! they share, and a socket each, in which whoever is early sleeps.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const memory = @import("memory.zig");
const system = @import("system.zig");
const mechanism = @import("mechanism.zig");
const Command = @import("command.zig").Command;
const Usage = @import("usage.zig").Usage;

const Shared = extern struct {
    /// Whether the second side has read all messages of a one-way part; of a mechanism that spins.
    all_read: u32 align(128),
    /// The second side's, over the timed part.
    usage: Usage align(128),
    /// Of what was handed over, as the second side has found it.
    sum: u64,
};

pub const Meeting = struct {
    shared: *Shared,
    sockets: [2]i32,
    socket: i32 = -1,

    pub fn open(failure: *mechanism.Failure) error{Forbidden}!Meeting {
        return .{
            .shared = try memory.shared(Shared, failure),
            .sockets = try system.unix_pair(linux.SOCK.STREAM, failure),
        };
    }

    /// Each side keeps its own end only, so that it sees when the other side is gone.
    pub fn take_side(self: *Meeting, side: mechanism.Side) void {
        self.socket = self.sockets[@intFromEnum(side)];
        _ = linux.close(self.sockets[1 - @intFromEnum(side)]);
    }

    pub fn tell(self: *const Meeting, command: Command) mechanism.Error!void {
        try system.write_all(self.socket, std.mem.asBytes(&command));
    }

    pub fn hear(self: *const Meeting) mechanism.Error!Command {
        var command: Command = undefined;
        try system.read_exactly(self.socket, std.mem.asBytes(&command));
        return command;
    }

    /// The second side says that it has come so far, and the first one waits for that.
    pub fn meet(self: *const Meeting, side: mechanism.Side) mechanism.Error!void {
        var byte: [1]u8 = .{0};
        switch (side) {
            .first => try system.read_exactly(self.socket, &byte),
            .second => try system.write_all(self.socket, &byte),
        }
    }

    /// The same in shared memory, for when the way through the kernel would be measured too.
    pub fn meet_spinning(self: *const Meeting, side: mechanism.Side) void {
        const all_read = &self.shared.all_read;
        if (side == .second) return @atomicStore(u32, all_read, 1, .release); // Pairs with the load below.
        while (@atomicLoad(u32, all_read, .acquire) == 0) core.cpu.pause();
        @atomicStore(u32, all_read, 0, .monotonic); // The second side sets it after the next command only.
    }
};
