//! What a mechanism is to the runner. Each is a struct of its own that is zero-initialised (`.{}`) and has
//!
//!     pub const forms: Forms
//!     /// Before the fork: makes everything that both sides inherit.
//!     pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void
//!     /// After the fork, in each process; closes what belongs to the other side only.
//!     pub fn take_side(self: *Self, side: Side, failure: *Failure) error{Forbidden}!void
//!     /// The largest payload; null where there is no limit below 16 MiB.
//!     pub fn max_size(self: *const Self) ?u32
//!     /// Both sides, before each command, while nothing is under way: lays out what depends on the size.
//!     pub fn prepare(self: *Self, side: Side, size: u32) Error!void
//!     /// Returns when the bytes may be written over.
//!     pub fn send(self: *Self, side: Side, bytes: []const u8) Error!void
//!     /// One message, of `into.len` bytes; its real size where the mechanism knows the bounds of messages.
//!     pub fn receive(self: *Self, side: Side, into: []u8) Error!usize
//!     /// Removes what would outlive both processes. Also called where a signal or a lost peer ends the process.
//!     pub fn close(self: *Self) void
//!
//! `max_size`, `prepare` and `close` may be left out.

const std = @import("std");
const linux = std.os.linux;

pub const Side = enum { first, second };

pub const Forms = struct {
    round_trip: bool = true,
    one_way: bool = true,
    /// Bytes of the smallest payload that it is meant for.
    min_size: u32 = 4,
    /// Has no second side: what is measured is one call of `pub fn call(self: *Self) void`.
    alone: bool = false,
    /// Neither side ever sleeps in the kernel while it waits: needs a core for each.
    spins: bool = false,
};

pub const Error = error{
    /// The other side is gone.
    Closed,
    /// A system call failed in a way that no mechanism expects.
    System,
};

/// Why a mechanism cannot run here, in one sentence.
pub const Failure = struct {
    buffer: [256]u8 = undefined,
    text: []const u8 = "",

    pub fn set(self: *Failure, comptime format: []const u8, arguments: anytype) error{Forbidden} {
        self.text = std.fmt.bufPrint(&self.buffer, format, arguments) catch self.buffer[0..];
        return error.Forbidden;
    }

    /// The result of a system call that a mechanism cannot run without.
    pub fn check(self: *Failure, comptime what: []const u8, result: usize) error{Forbidden}!usize {
        const errno = linux.errno(result);
        if (errno == .SUCCESS) return result;
        return self.set(what ++ " is refused: E{t}", .{errno});
    }
};
