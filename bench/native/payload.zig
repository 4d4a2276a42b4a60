//! What the messages carry, so that the receiver can tell that it is the right one and whole: the
//! number of the message, words that follow from it, and its lowest byte where no word fits any more.

const std = @import("std");

/// How much of a message is written anew and checked.
pub const Depth = enum(u8) { edges, whole };

pub fn fill(bytes: []u8, number: u32) void {
    for (1..bytes.len / 4) |index| write_word(bytes, index, word(number, index));
    stamp(bytes, number);
}

/// Writes the edges of a message whose inside is already there.
inline fn stamp(bytes: []u8, number: u32) void {
    const last = bytes.len / 4 - 1;
    write_word(bytes, last, word(number, last));
    write_word(bytes, 0, number);
    for (bytes[bytes.len / 4 * 4 ..]) |*byte| byte.* = @truncate(number);
}

pub inline fn write(comptime depth: Depth, bytes: []u8, number: u32) void {
    switch (depth) {
        .edges => stamp(bytes, number),
        .whole => fill(bytes, number),
    }
}

pub inline fn is_right(comptime depth: Depth, bytes: []const u8, number: u32) bool {
    if (read_word(bytes, 0) != number) return false;
    const last = bytes.len / 4 - 1;
    const first_checked = if (depth == .edges) @max(1, last) else 1;
    for (first_checked..last + 1) |index| {
        if (read_word(bytes, index) != word(number, index)) return false;
    }
    for (bytes[bytes.len / 4 * 4 ..]) |byte| {
        if (byte != @as(u8, @truncate(number))) return false;
    }
    return true;
}

/// Of a handover: words are added up faster than they are compared.
pub fn sum(bytes: []const u8) u64 {
    var total: u64 = 0;
    for (std.mem.bytesAsSlice(u64, bytes[0 .. bytes.len / 8 * 8])) |each| total +%= each;
    for (bytes[bytes.len / 8 * 8 ..]) |byte| total +%= byte;
    return total;
}

inline fn word(number: u32, index: usize) u32 {
    return number *% 2654435761 +% @as(u32, @truncate(index));
}

inline fn write_word(bytes: []u8, index: usize, value: u32) void {
    std.mem.writeInt(u32, bytes[4 * index ..][0..4], value, .little);
}

inline fn read_word(bytes: []const u8, index: usize) u32 {
    return std.mem.readInt(u32, bytes[4 * index ..][0..4], .little);
}
