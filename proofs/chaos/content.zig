//! What the messages of a round are, from its seed and their index alone.

const std = @import("std");

/// The type of messages that were sent many at a time; any other message has its index as its type.
pub const type_of_many: u32 = 0xABCD_0000;

pub const size_max = 1500;

fn mix(seed: u64, index: u64) u64 {
    var state: std.Random.SplitMix64 = .init(seed +% index *% 0x9E37_79B9_7F4A_7C15);
    return state.next();
}

/// Half of them fit into the express lane.
pub fn size_of(seed: u64, index: u64, limit: u32) u32 {
    const hash = mix(seed ^ 0x5A5A, index);
    const bound: u32 = switch (hash % 16) {
        0...7 => 32,
        8...13 => 300,
        else => size_max,
    };
    return @intCast((hash >> 32) % (@min(bound, limit) + 1));
}

pub fn fill(seed: u64, index: u64, into: []u8) void {
    var state: std.Random.SplitMix64 = .init(mix(seed, index));
    var rest = into;
    while (rest.len > 0) {
        const word = std.mem.toBytes(state.next());
        const size = @min(rest.len, word.len);
        @memcpy(rest[0..size], word[0..size]);
        rest = rest[size..];
    }
}

pub fn is_whole(seed: u64, index: u64, limit: u32, bytes: []const u8) bool {
    var expected: [size_max]u8 = undefined;
    const size = size_of(seed, index, limit);
    fill(seed, index, expected[0..size]);
    return std.mem.eql(u8, expected[0..size], bytes);
}

/// A number below `limit` that a round's seed and an index stand for.
pub fn choice(seed: u64, index: u64, limit: u64) u64 {
    return mix(seed ^ 0xC01C, index) % limit;
}
