//! What a correct peer never writes is found out, after every good message before it.

const std = @import("std");
const testing = std.testing;
const wire = @import("wire.zig");
const Writer = @import("writer.zig").Writer;
const Reader = @import("reader.zig").Reader;
const Place = @import("reader.zig").Place;
const Pair = @import("ring_pair.zig").Pair;

/// What a hostile producer wrote at the start of the ring, with head behind it.
fn expect_corrupt(words: [3]u32, head: u64, comptime subject: @EnumLiteral()) !void {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    try testing.expect(try pair.send("good", 1));
    const header: *[3]u32 = @ptrCast(@alignCast(pair.mapping.ring()[128..].ptr));
    header.* = words;
    pair.mapping.control().head = 128 + head;
    try pair.expect_message("good", 1);
    var into: [64]u8 = undefined;
    try testing.expectError(error.Corrupt, pair.reader.receive(&into, &pair.failure));
    try testing.expectEqual(subject, pair.failure.subject);
}

test "a header whose fields do not hold is corruption, after the good message before it" {
    try expect_corrupt(.{ 0, 0, 0 }, 128, .header_reserved);
    try expect_corrupt(.{ 0, 0, 32 }, 128, .header_reserved);
    try expect_corrupt(.{ 0, 0, 100 }, 128, .header_reserved);
    try expect_corrupt(.{ 65, 0, 128 }, 128, .header_size);
    try expect_corrupt(.{ 0xFFFFFFFE, 0, 128 }, 128, .header_size);
    try expect_corrupt(.{ 1, 0, 192 }, 128, .header_end);
    try expect_corrupt(.{ 1, 0, 0xFFFFFFC0 }, 128, .header_end);
    try expect_corrupt(.{ 1, 0, 4096 }, 3968, .header_end);
    try expect_corrupt(.{ wire.size_skip, 0, 0 }, 128, .skip);
}

test "two skips in a row are corruption" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    try testing.expect(try pair.send("good", 1));
    std.mem.writeInt(u32, pair.mapping.ring()[128..][0..4], wire.size_skip, .little);
    try pair.expect_message("good", 1);
    _ = pair.reader.release();
    std.mem.writeInt(u32, pair.mapping.ring()[0..4], wire.size_skip, .little);
    pair.mapping.control().head = 4096 + 128;
    var into: [64]u8 = undefined;
    try testing.expectError(error.Corrupt, pair.reader.receive(&into, &pair.failure));
    try testing.expectEqual(.skip, pair.failure.subject);
}

test "a head that moves back, jumps or is not on a line is corruption" {
    for ([_]u64{ 64, 128 + 4096 + 64, 130, std.math.maxInt(u64) - 63 }) |head| {
        var pair = try Pair.init(4096);
        defer pair.deinit();
        try testing.expect(try pair.send("good", 1));
        try pair.expect_message("good", 1);
        _ = pair.reader.release();
        pair.mapping.control().head = head;
        var into: [64]u8 = undefined;
        try testing.expectError(error.Corrupt, pair.reader.receive(&into, &pair.failure));
        try testing.expectEqual(.head, pair.failure.subject);
    }
}

test "a tail that moves back, runs ahead or is not on a line is corruption" {
    for ([_]u64{ 64, 256 + 64, 200, std.math.maxInt(u64) - 63 }) |tail| {
        var pair = try Pair.init(128);
        defer pair.deinit();
        try testing.expect(try pair.send("", 1));
        try testing.expect(try pair.send("", 1));
        pair.mapping.control().tail = 128;
        try testing.expect(try pair.send("", 1));
        try testing.expect(try pair.send("", 1));
        pair.mapping.control().tail = tail;
        try testing.expectError(error.Corrupt, pair.send("", 1));
        try testing.expectEqual(.tail, pair.failure.subject);
    }
}

test "an entry that passes its record's end is corruption, after the good ones before it" {
    for ([_]u32{ 17, 0xFFFFFFFF, 0x7FFFFFFF }) |size| {
        var pair = try Pair.init(4096);
        defer pair.deinit();
        const sizes: [2]u32 = @splat(16);
        const bytes: [32]u8 = @splat('e');
        _ = try pair.writer.send_many(&bytes, &sizes, 1, &pair.failure);
        std.mem.writeInt(u32, pair.mapping.ring()[64 + 24 ..][0..4], size, .little);
        try pair.expect_message(bytes[0..16], 1);
        var into: [64]u8 = undefined;
        try testing.expectError(error.Corrupt, pair.reader.receive(&into, &pair.failure));
        try testing.expectEqual(.entry, pair.failure.subject);
    }
}

test "a drain delivers the good messages before a broken one, then the fault" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    for (0..3) |_| try testing.expect(try pair.send("good", 1));
    std.mem.writeInt(u32, pair.mapping.ring()[2 * 128 + 8 ..][0..4], 7, .little);
    var places: [8]Place = undefined;
    try testing.expectEqual(2, try pair.reader.drain(&places, &pair.failure));
    try testing.expectError(error.Corrupt, pair.reader.drain(&places, &pair.failure));
}

test "an end is not opened over counters that cannot be" {
    for ([_][2]u64{ .{ 1, 0 }, .{ 64, 128 }, .{ 4096 + 64, 0 }, .{ 64, 1 }, .{ 1 << 63, 1 << 63 }, .{ 64, 0 -% @as(u64, 64) } }) |counters| {
        var pair = try Pair.init(4096);
        defer pair.deinit();
        pair.mapping.control().head = counters[0];
        pair.mapping.control().tail = counters[1];
        try testing.expectError(error.Corrupt, Reader.init(pair.mapping, 0, &pair.failure));
        try testing.expectError(error.Corrupt, Writer.init(pair.mapping, 0, &pair.failure));
    }
}
