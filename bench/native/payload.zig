//! What the messages carry, so that the receiver can tell that it is the right one and whole: the
//! number of the message, words that follow from it, and its lowest byte where no word fits any more.

const std = @import("std");

/// How much of a message is written anew and checked.
pub const Depth = enum(u8) { edges, whole };

/// Of a message whose inside is already there only the edges.
pub inline fn write(comptime depth: Depth, bytes: []u8, number: u32) void {
    const words = words_of(u32, bytes);
    if (depth == .whole) for (words, 0..) |*each, index| {
        each.* = word(number, index);
    };
    words[words.len - 1] = word(number, words.len - 1);
    words[0] = number;
    for (bytes[words.len * 4 ..]) |*byte| byte.* = @truncate(number);
}

pub inline fn is_right(comptime depth: Depth, bytes: []u8, number: u32) bool {
    const words = words_of(u32, bytes);
    if (words[0] != number) return false;
    const first_checked = if (depth == .edges) @max(1, words.len - 1) else 1;
    for (words[first_checked..], first_checked..) |each, index| {
        if (each != word(number, index)) return false;
    }
    for (bytes[words.len * 4 ..]) |byte| {
        if (byte != @as(u8, @truncate(number))) return false;
    }
    return true;
}

/// Of a handover: words are added up faster than they are compared.
pub fn sum(bytes: []const u8) u64 {
    var total: u64 = 0;
    for (words_of(u64, bytes)) |each| total +%= each;
    for (bytes[bytes.len / 8 * 8 ..]) |byte| total +%= byte;
    return total;
}

inline fn word(number: u32, index: usize) u32 {
    return number *% 2654435761 +% @as(u32, @truncate(index));
}

/// As many as are whole.
inline fn words_of(comptime Word: type, bytes: anytype) @TypeOf(std.mem.bytesAsSlice(Word, bytes)) {
    return std.mem.bytesAsSlice(Word, bytes[0 .. bytes.len / @sizeOf(Word) * @sizeOf(Word)]);
}
