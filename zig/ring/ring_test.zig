//! The two ends of a ring together, over plain memory: what one writes, the other reads.

const std = @import("std");
const testing = std.testing;
const wire = @import("wire.zig");
const memory = @import("../rendezvous/memory.zig");
const Place = @import("reader.zig").Place;
const Pair = @import("ring_pair.zig").Pair;

test "a record's bytes lie where the wire says" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    try testing.expect(try pair.send("hello", 7));
    try testing.expectEqual(5, pair.ring_word(0));
    try testing.expectEqual(7, pair.ring_word(4));
    try testing.expectEqual(128, pair.ring_word(8));
    try testing.expectEqualStrings("hello", pair.mapping.ring()[64..69]);
    try testing.expectEqual(128, pair.mapping.control().head);
    try pair.expect_message("hello", 7);
}

test "a small message alone in its publication is in the lane too" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    try testing.expect(try pair.send("0123456789abcdef0123456789abcdef", 9));
    const lane = pair.mapping.control().lane;
    try testing.expectEqual(128, lane.head);
    try testing.expectEqual(32, lane.size);
    try testing.expectEqual(9, lane.type_id);
    // The reader takes it from there: it does not notice that the ring's copy is gone.
    @memset(pair.mapping.ring(), 0xFF);
    try pair.expect_message("0123456789abcdef0123456789abcdef", 9);
}

test "a lane left over from an earlier message is ignored" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    try testing.expect(try pair.send("small", 1));
    try pair.expect_message("small", 1);
    try testing.expect(try pair.send("x" ** 33, 2));
    try testing.expectEqual(128, pair.mapping.control().lane.head);
    try pair.expect_message("x" ** 33, 2);
}

test "two messages in one publication leave the lane alone" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    for (0..2) |_| {
        _ = (try pair.writer.claim(8, &pair.failure)).?;
        pair.writer.stage(8, .{ .type_id = 3 });
    }
    pair.writer.publish();
    try testing.expectEqual(0, pair.mapping.control().lane.head);
    try pair.expect_message(&@as([8]u8, @splat(0)), 3);
}

test "the lane is not believed when it claims a size of its own" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    try testing.expect(try pair.send("true", 1));
    pair.mapping.control().lane.size = 33;
    try pair.expect_message("true", 1);
}

test "nothing staged is seen before it is published, and the 32nd record publishes" {
    var pair = try Pair.init(1 << 16);
    defer pair.deinit();
    for (0..31) |_| {
        _ = (try pair.writer.claim(4, &pair.failure)).?;
        pair.writer.stage(4, .{ .type_id = 0 });
    }
    try pair.expect_empty();
    _ = (try pair.writer.claim(4, &pair.failure)).?;
    pair.writer.stage(4, .{ .type_id = 0 });
    var places: [64]Place = undefined;
    try testing.expectEqual(32, try pair.reader.drain(&places, &pair.failure));
}

test "a full ring publishes what is staged, so that the consumer can make room" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    for (0..2) |_| {
        _ = (try pair.writer.claim(1984, &pair.failure)).?;
        pair.writer.stage(1984, .{ .type_id = 0 });
    }
    try testing.expectEqual(null, try pair.writer.claim(0, &pair.failure));
    try testing.expectEqual(4096, pair.mapping.control().head);
}

test "a claim rolled back leaves the memory as it was" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    try testing.expect(try pair.send("a" ** 1900, 0));
    try pair.expect_message("a" ** 1900, 0);
    const before = try testing.allocator.dupe(u8, pair.mapping.bytes);
    defer testing.allocator.free(before);
    // Large enough to jump over the end of the ring.
    _ = (try pair.writer.claim(1984, &pair.failure)) orelse return error.TestUnexpectedResult;
    pair.writer.rollback();
    _ = (try pair.writer.claim(100, &pair.failure)).?;
    pair.writer.rollback();
    try testing.expectEqualSlices(u8, before, pair.mapping.bytes);
}

test "less may be committed than was claimed" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    const offset = (try pair.writer.claim(500, &pair.failure)).?;
    @memcpy(pair.mapping.ring()[offset..][0..3], "abc");
    pair.writer.commit(3, .{ .type_id = 1 });
    try pair.expect_message("abc", 1);
    try testing.expect(try pair.send("next", 2));
    try pair.expect_message("next", 2);
}

test "a foreign record that reserves more than it holds is read" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    const header: *wire.Header = @ptrCast(pair.mapping.ring().ptr);
    header.* = std.mem.zeroInit(wire.Header, .{ .size = 3, .type_id = 5, .reserved = 640 });
    @memcpy(pair.mapping.ring()[64..67], "abc");
    pair.mapping.control().head = 640;
    try pair.expect_message("abc", 5);
    try pair.expect_empty();
    try testing.expect(pair.reader.release());
    try testing.expectEqual(640, pair.mapping.control().tail);
}

test "a message that is too large for the buffer stays" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    for ([_]usize{ 20, 200 }) |size| {
        const bytes = @as([200]u8, @splat('m'))[0..size];
        try testing.expect(try pair.send(bytes, 4));
        var small: [19]u8 = undefined;
        try testing.expectError(error.TooLarge, pair.reader.receive(&small, &pair.failure));
        try testing.expectEqual(size, pair.failure.found);
        try pair.expect_message(bytes, 4);
    }
}

test "messages of every size wrap at every offset" {
    const capacity = 4096;
    var bytes: [wire.payload_max(capacity)]u8 = undefined;
    for (&bytes, 0..) |*byte, index| byte.* = @truncate(index *% 131);
    var pair = try Pair.init(capacity);
    defer pair.deinit();
    var start: u32 = 0;
    while (start < capacity) : (start += wire.line_size) {
        var size: u32 = 0;
        while (size <= bytes.len) : (size += 31) {
            pair.writer.head = start;
            pair.writer.published = start;
            pair.writer.tail = start;
            pair.reader.position = start;
            pair.reader.head = start;
            pair.reader.released = start;
            pair.mapping.control().head = start;
            pair.mapping.control().tail = start;
            pair.mapping.control().lane.head = 0;
            try testing.expect(try pair.send(bytes[0..size], size));
            try pair.expect_message(bytes[0..size], size);
            try pair.expect_empty();
        }
    }
}

test "the largest message fits from any position and two of them fill the ring" {
    for ([_]u32{ 4096, 8192, 1 << 16 }) |capacity| {
        const bytes = try testing.allocator.alloc(u8, wire.payload_max(capacity));
        defer testing.allocator.free(bytes);
        @memset(bytes, 'L');
        var pair = try Pair.init(capacity);
        defer pair.deinit();
        for (0..3) |_| {
            try testing.expect(try pair.send(bytes, 1));
            try testing.expect(try pair.send(bytes, 1));
            try testing.expect(!try pair.send("", 1));
            try pair.expect_message(bytes, 1);
            try pair.expect_message(bytes, 1);
            _ = pair.reader.release();
        }
    }
}

test "the counters pass 2 ** 32 and 2 ** 53" {
    for ([_]u64{ 1 << 32, 1 << 53 }) |edge| {
        var pair = try Pair.init_at(4096, edge - 1024);
        defer pair.deinit();
        for (0..100) |index| {
            const byte: [1]u8 = .{@truncate(index)};
            try testing.expect(try pair.send(&byte, @intCast(index)));
            try pair.expect_message(&byte, @intCast(index));
            if (pair.reader.release_is_due()) _ = pair.reader.release();
        }
        try testing.expect(pair.mapping.control().head > edge);
    }
}

test "packed messages arrive one by one, beside ordinary ones" {
    var pair = try Pair.init(1 << 16);
    defer pair.deinit();
    var bytes: [10_000]u8 = undefined;
    for (&bytes, 0..) |*byte, index| byte.* = @truncate(index *% 17);
    const sizes = [_]u32{ 0, 1, 8, 9, 32, 5000, 7, 100, 0, 3 };
    try testing.expectEqual(sizes.len, try pair.writer.send_many(&bytes, &sizes, 11, &pair.failure));
    try testing.expectEqual(wire.type_packed, pair.ring_word(4));
    try testing.expect(try pair.send("after", 12));
    var offset: usize = 0;
    for (sizes) |size| {
        try pair.expect_message(bytes[offset..][0..size], 11);
        offset += size;
    }
    try pair.expect_message("after", 12);
    try pair.expect_empty();
    try testing.expectEqual(sizes.len + 1, pair.reader.messages);
    try testing.expectEqual(pair.writer.bytes, pair.reader.bytes);
}

test "towards a consumer that cannot unpack, each message has a record of its own" {
    var pair = try Pair.init(1 << 16);
    defer pair.deinit();
    pair.mapping.control().consumer_abilities = 0;
    const sizes: [100]u32 = @splat(4);
    const bytes: [400]u8 = @splat('o');
    try testing.expectEqual(100, try pair.writer.send_many(&bytes, &sizes, 1, &pair.failure));
    try testing.expectEqual(100 * 128, pair.mapping.control().head);
    try testing.expectEqual(1, pair.ring_word(4));
    for (0..100) |_| try pair.expect_message("oooo", 1);
}

test "a record of the packed type from a producer that does not pack is an ordinary message" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    pair.mapping.control().producer_abilities = 0;
    _ = (try pair.writer.claim(40, &pair.failure)).?;
    pair.writer.commit(40, .{ .type_id = wire.type_packed });
    try pair.expect_message(&@as([40]u8, @splat(0)), wire.type_packed);
}

test "a batch sent into a nearly full ring says how many fitted, and the rest fits later" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    const sizes: [200]u32 = @splat(32);
    const bytes: [6400]u8 = @splat('p');
    var sent: u32 = 0;
    var received: u32 = 0;
    while (received < sizes.len) {
        sent += try pair.writer.send_many(bytes[32 * sent ..], sizes[sent..], 1, &pair.failure);
        var places: [7]Place = undefined;
        const count = try pair.reader.drain(&places, &pair.failure);
        try testing.expect(count > 0);
        received += count;
        _ = pair.reader.release();
    }
    try testing.expectEqual(200, received);
}

test "a drain that stops inside a packed record releases it only with its last entry" {
    var pair = try Pair.init(4096);
    defer pair.deinit();
    const sizes: [3]u32 = @splat(8);
    _ = try pair.writer.send_many("firstone" ++ "secondon" ++ "thirdone", &sizes, 1, &pair.failure);
    var places: [2]Place = undefined;
    try testing.expectEqual(2, try pair.reader.drain(&places, &pair.failure));
    try testing.expect(!pair.reader.release());
    try testing.expect(pair.reader.has_news());
    try testing.expectEqualStrings("secondon", pair.mapping.bytes[places[1].offset..][0..8]);
    try testing.expectEqual(1, try pair.reader.drain(&places, &pair.failure));
    try testing.expect(pair.reader.release());
    try testing.expectEqual(pair.mapping.control().head, pair.mapping.control().tail);
}

test "eight large messages in a small ring go through with a release at every quarter" {
    var pair = try Pair.init(1 << 20);
    defer pair.deinit();
    const bytes = try testing.allocator.alloc(u8, 1 << 16);
    defer testing.allocator.free(bytes);
    var into: [1 << 16]u8 = undefined;
    for (0..100) |round| {
        @memset(bytes, @truncate(round));
        while (!try pair.send(bytes, 0)) {
            _ = (try pair.reader.receive(&into, &pair.failure)).?;
            if (pair.reader.release_is_due()) _ = pair.reader.release();
            try testing.expect(pair.reader.position - pair.reader.released < (1 << 18));
        }
    }
}

test "random traffic arrives in order and whole, from rings of every size" {
    var capacity: u32 = 4096;
    while (capacity <= 1 << 17) : (capacity *= 2) try run_random_traffic(capacity, testing.random_seed);
}

fn run_random_traffic(capacity: u32, seed: u64) !void {
    errdefer std.debug.print("capacity {d}, seed {d} (zig build test --seed)\n", .{ capacity, seed });
    var prng = std.Random.DefaultPrng.init(seed +% capacity);
    const random = prng.random();
    var pair = try Pair.init(capacity);
    defer pair.deinit();
    const bytes = try testing.allocator.alloc(u8, wire.payload_max(capacity));
    defer testing.allocator.free(bytes);
    const into = try testing.allocator.alloc(u8, wire.payload_max(capacity));
    defer testing.allocator.free(into);
    var sent: u32 = 0;
    var received: u32 = 0;
    while (received < 5000) {
        if (random.boolean() and sent < 5000) {
            const size = size_of_message(sent, capacity, seed);
            @memset(bytes[0..size], @truncate(sent));
            if (try pair.send(bytes[0..size], sent)) sent += 1;
        } else if (try pair.reader.receive(into, &pair.failure)) |message| {
            try testing.expectEqual(received, message.type_id);
            try testing.expectEqual(size_of_message(received, capacity, seed), message.size);
            try testing.expect(std.mem.allEqual(u8, into[0..message.size], @truncate(received)));
            received += 1;
            if (pair.reader.release_is_due()) _ = pair.reader.release();
        } else {
            _ = pair.reader.release();
        }
    }
}

fn size_of_message(index: u32, capacity: u32, seed: u64) u32 {
    var prng = std.Random.DefaultPrng.init(seed *% 31 +% index);
    const size_max = if (index % 3 == 0) wire.payload_max(capacity) else 100;
    return prng.random().uintAtMost(u32, size_max);
}
