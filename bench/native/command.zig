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

/// `verify COUNT SIZE`, and in the same way `verify-one-way`, `round-trip`, `one-way` and `handover`: what the
/// mechanism can do, which the race knows. Null: anything else.
pub fn parse(line: []const u8, forms: mechanism.Forms) ?Command {
    var words = std.mem.tokenizeScalar(u8, line, ' ');
    const word = std.meta.stringToEnum(Word, words.next() orelse "") orelse return null;
    const count = std.fmt.parseInt(u32, words.next() orelse "", 10) catch return null;
    const size = std.fmt.parseInt(u32, words.next() orelse "", 10) catch return null;
    const form: Form = switch (word) {
        // What has no round trips is verified in the form that it has.
        .verify => if (forms.handover) .handover else if (forms.round_trip) .round_trip else .one_way,
        .@"round-trip" => .round_trip,
        .@"verify-one-way", .@"one-way" => .one_way,
        .handover => .handover,
    };
    const is_known = switch (form) {
        inline else => |each| @field(forms, @tagName(each)),
    };
    if (!is_known or count == 0) return null;
    const verifies = word == .verify or word == .@"verify-one-way";
    return .{
        .form = form,
        .depth = if (verifies) .whole else .edges,
        // A tenth goes first, untimed: those before have taken the caches for themselves.
        .warm_up = if (verifies or form == .handover) 0 else @max(1, count / 10),
        .count = count,
        .size = size,
    };
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
