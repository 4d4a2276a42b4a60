//! What a run is told to do, one line for each command, see `parse`, and its answers.

const std = @import("std");
const linux = std.os.linux;
const mechanism = @import("mechanism.zig");
const system = @import("system.zig");
const Depth = @import("payload.zig").Depth;
const Form = mechanism.Form;

/// As the second side is told of it too.
pub const Command = extern struct {
    form: Form,
    depth: Depth,
    warm_up: u32,
    count: u32,
    size: u32,
};

const Word = enum { verify, @"verify-one-way", @"round-trip", @"one-way", handover };

/// Nobody waits for more in one message.
const size_limit = 1 << 30;
const count_limit = 1 << 28;

/// `verify COUNT SIZE`, and in the same way `verify-one-way`, `round-trip`, `one-way` and `handover`, for what
/// the mechanism can do.
pub fn parse(line: []const u8, forms: mechanism.Forms, size_max: ?u32, why: *mechanism.Failure) error{Forbidden}!Command {
    var words = std.mem.tokenizeScalar(u8, line, ' ');
    const word = std.meta.stringToEnum(Word, words.next() orelse "");
    const count = number(words.next(), 1, count_limit);
    const size = number(words.next(), 0, size_limit);
    if (word == null or count == null or size == null or words.next() != null) {
        return why.set("a command is verify, verify-one-way, round-trip, one-way or handover, with a count and a size", .{});
    }
    const form: Form = switch (word.?) {
        // What has no round trips is verified in the form that it has.
        .verify => if (forms.handover) .handover else if (forms.round_trip) .round_trip else .one_way,
        .@"round-trip" => .round_trip,
        .@"verify-one-way", .@"one-way" => .one_way,
        .handover => .handover,
    };
    const is_known, const name = switch (form) {
        .round_trip => .{ forms.round_trip, "round trip" },
        .one_way => .{ forms.one_way, "one-way form" },
        .handover => .{ forms.handover, "handover" },
    };
    if (!is_known) return why.set("it has no {s}", .{name});
    if (size.? < forms.size_min) return why.set("at least {d} bytes", .{forms.size_min});
    if (size.? > size_max orelse size_limit) return why.set("at most {d} bytes", .{size_max.?});
    const verifies = word == .verify or word == .@"verify-one-way";
    return .{
        .form = form,
        .depth = if (verifies) .whole else .edges,
        // A tenth goes first, untimed: those before have taken the caches for themselves.
        .warm_up = if (verifies) 0 else @max(1, count.? / 10),
        .count = count.?,
        .size = size.?,
    };
}

fn number(text: ?[]const u8, min: u32, max: u32) ?u32 {
    const value = std.fmt.parseInt(u32, text orelse return null, 10) catch return null;
    return if (value < min or value > max) null else value;
}

/// Lines of standard input.
pub const Lines = struct {
    buffer: [1024]u8 = undefined,
    start: usize = 0,
    end: usize = 0,

    /// Null: there are no more, or none that fits.
    pub fn next(self: *Lines) ?[]const u8 {
        while (true) {
            const pending = self.buffer[self.start..self.end];
            if (std.mem.indexOfScalar(u8, pending, '\n')) |length| {
                self.start += length + 1;
                return pending[0..length];
            }
            std.mem.copyForwards(u8, &self.buffer, pending);
            self.start = 0;
            self.end = pending.len;
            const room = self.buffer[self.end..];
            const size = system.call(linux.read, .{ 0, room.ptr, room.len }) catch return null;
            if (size == 0) return null;
            self.end += size;
        }
    }
};

/// One line of the answer.
pub fn answer(comptime format: []const u8, arguments: anytype) void {
    var buffer: [1024]u8 = undefined;
    const text = std.fmt.bufPrint(&buffer, format ++ "\n", arguments) catch unreachable;
    // Whoever does not listen any more has closed standard input too, which ends this.
    system.write_all(1, text) catch {};
}
