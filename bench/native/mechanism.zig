//! What a mechanism is to `run.zig`: a way for messages from one side to the other. There is one there and, for
//! round trips, one back. Each is a struct of its own that is zero-initialised (`.{}`) and has
//!
//!     pub const forms: Forms
//!     /// Before the fork: makes everything that both sides inherit.
//!     pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void
//!     /// The same for the way back, where it shares what the way there has made.
//!     pub fn open_back(self: *Self, there: *const Self, failure: *Failure) error{Forbidden}!void
//!     /// After the fork, in each process.
//!     pub fn take_end(self: *Self, end: End, failure: *Failure) error{Forbidden}!void
//!     /// In each process, before each command, while nothing is under way: lays out what depends on the size.
//!     /// Before each piece of a handover, in the second side first.
//!     pub fn prepare(self: *Self, end: End, form: Form, size: u32, failure: *Failure) error{Forbidden, System}!void
//!     /// Where the next message is to be written; left out, `send` copies it from anywhere.
//!     pub fn place(self: *Self, size: u32) Error![]u8
//!     /// Returns when the bytes may be written over.
//!     pub fn send(self: *Self, bytes: []const u8) Error!void
//!     /// One message, of `into.len` bytes; its real size where the mechanism knows the bounds of messages.
//!     pub fn receive(self: *Self, into: []u8) Error!usize
//!     /// Instead of that: the next message where it has come to lie, until the one after it is asked for.
//!     pub fn receive_in_place(self: *Self) Error![]u8
//!     /// After the last message of a loop one way: sends, or gives back, what was kept for later.
//!     pub fn finish(self: *Self, end: End) Error!void
//!     /// The largest payload; null, or no such field, where there is no limit below 16 MiB.
//!     size_max: ?u32
//!
//! All but `forms`, `send` and `receive` may be left out. What carries nothing has `pub fn call(self: *Self) void`
//! instead of those two; see `handover.zig` for handovers. No side has to see that the other one is gone:
//! see `ends.zig`.

const std = @import("std");
const linux = std.os.linux;

pub const Side = enum { first, second };

/// Of a way, in the process whose end it is.
pub const End = enum { sending, receiving };

pub const Form = enum(u8) { round_trip, one_way, handover };

pub const Forms = struct {
    round_trip: bool = true,
    one_way: bool = true,
    handover: bool = false,
    /// Neither side ever sleeps in the kernel while it waits: needs a core for each.
    spins: bool = false,
};

pub const handover: Forms = .{ .round_trip = false, .one_way = false, .handover = true };

/// A system call failed in a way that no mechanism expects.
pub const Error = error{System};

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
        return if (errno == .SUCCESS) result else self.set(what ++ " is refused: E{t}", .{errno});
    }

    /// The same of one whose result is a descriptor.
    pub fn descriptor(self: *Failure, comptime what: []const u8, result: usize) error{Forbidden}!i32 {
        return @intCast(try self.check(what, result));
    }
};
