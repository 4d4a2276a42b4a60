//! How the two sides agree on what comes next, apart from the mechanism that is measured: a page that
//! they share, and a pipe each way, in which whoever is early sleeps.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const memory = @import("memory.zig");
const stream = @import("stream.zig");
const Usage = @import("usage.zig").Usage;
const Command = @import("command.zig").Command;
const Side = @import("mechanism.zig").Side;
const Failure = @import("mechanism.zig").Failure;

/// Why a run is over before its input is.
pub const Verdict = enum(u32) {
    none,
    /// The mechanism cannot run here.
    forbidden,
    /// It did not do what it should.
    wrong,
};

const Shared = extern struct {
    /// Whether the second side has read all messages of a one-way part; of a mechanism that spins.
    all_read: u32 align(128),
    /// The second side's, over the timed part.
    usage: Usage align(128),
    /// Why the second side could not be pinned; 0: it was.
    pin_errno: u32,
    verdict: Verdict,
    text_length: u32,
    text: [256]u8,
};

pub const Meeting = struct {
    shared: *Shared,
    to_second: [2]i32,
    to_first: [2]i32,

    pub fn make(failure: *Failure) error{Forbidden}!Meeting {
        var self: Meeting = undefined;
        self.shared = try memory.shared(Shared, failure);
        _ = try failure.check("pipe2", linux.pipe2(&self.to_second, .{}));
        _ = try failure.check("pipe2", linux.pipe2(&self.to_first, .{}));
        return self;
    }

    /// Each side keeps its own ends only, so that it sees when the other side is gone.
    pub fn take_side(self: *const Meeting, side: Side) void {
        stream.close(if (side == .first) self.to_second[0] else self.to_second[1]);
        stream.close(if (side == .first) self.to_first[1] else self.to_first[0]);
    }

    pub fn tell(self: *const Meeting, command: Command) error{Gone}!void {
        stream.write_all(self.to_second[1], std.mem.asBytes(&command)) catch return error.Gone;
    }

    pub fn hear(self: *const Meeting) error{Gone}!Command {
        var command: Command = undefined;
        stream.read_exactly(self.to_second[0], std.mem.asBytes(&command)) catch return error.Gone;
        return command;
    }

    /// The second side says that it has come so far.
    pub fn arrive(self: *const Meeting) error{Gone}!void {
        stream.write_all(self.to_first[1], "x") catch return error.Gone;
    }

    /// The first side waits for that.
    pub fn expect(self: *const Meeting) error{Gone}!void {
        var byte: [1]u8 = undefined;
        stream.read_exactly(self.to_first[0], &byte) catch return error.Gone;
    }

    /// The same in shared memory, for when the way through the kernel would be measured too.
    pub fn arrive_spinning(self: *const Meeting) void {
        @atomicStore(u32, &self.shared.all_read, 1, .release); // Pairs with the load below.
    }

    pub fn expect_spinning(self: *const Meeting) void {
        const all_read = &self.shared.all_read;
        while (@atomicLoad(u32, all_read, .acquire) == 0) core.cpu.pause();
        @atomicStore(u32, all_read, 0, .monotonic); // The second side sets it after the next command only.
    }

    /// Leaves behind why the second side is about to end.
    pub fn judge(self: *const Meeting, verdict: Verdict, text: []const u8) void {
        const length = @min(text.len, self.shared.text.len);
        @memcpy(self.shared.text[0..length], text[0..length]);
        self.shared.text_length = @intCast(length);
        self.shared.verdict = verdict;
    }

    pub fn judgement(self: *const Meeting) []const u8 {
        return self.shared.text[0..self.shared.text_length];
    }
};
