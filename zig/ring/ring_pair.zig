//! Both ends of one ring in one thread, for tests.

const std = @import("std");
const testing = std.testing;
const wire = @import("wire.zig");
const Arena = @import("arena.zig").Arena;
const memory = @import("../rendezvous/memory.zig");
const Failure = @import("../failure.zig").Failure;
const Writer = @import("writer.zig").Writer;
const Reader = @import("reader.zig").Reader;

/// A ring with both its ends in this thread.
pub const Pair = struct {
    mapping: Arena,
    failure: Failure = .{},
    writer: Writer = undefined,
    reader: Reader = undefined,

    pub fn init(capacity: u32) !Pair {
        return init_at(capacity, 0);
    }

    /// `start`: what head and tail begin with.
    pub fn init_at(capacity: u32, start: u64) !Pair {
        const bytes = try testing.allocator.alignedAlloc(u8, .fromByteUnits(wire.line_size), wire.memory_size(capacity));
        @memset(bytes, 0);
        var pair: Pair = .{ .mapping = .{ .bytes = bytes } };
        memory.initialise(pair.mapping, 4);
        pair.mapping.control().head = start;
        pair.mapping.control().tail = start;
        pair.reader = try Reader.init(pair.mapping, 0, &pair.failure);
        pair.writer = try Writer.init(pair.mapping, 0, &pair.failure);
        return pair;
    }

    pub fn deinit(self: *Pair) void {
        testing.allocator.free(self.mapping.bytes);
    }

    pub fn send(self: *Pair, bytes: []const u8, type_id: u32) !bool {
        return self.writer.send(bytes.ptr, @intCast(bytes.len), .{ .type_id = type_id }, &self.failure);
    }

    pub fn expect_message(self: *Pair, bytes: []const u8, type_id: u32) !void {
        var into: [1 << 16]u8 = undefined;
        const received = (try self.reader.receive(&into, &self.failure)).?;
        try testing.expectEqualSlices(u8, bytes, into[0..received.size]);
        try testing.expectEqual(type_id, received.type_id);
    }

    pub fn expect_empty(self: *Pair) !void {
        var into: [8]u8 = undefined;
        try testing.expectEqual(null, try self.reader.receive(&into, &self.failure));
    }

    pub fn ring_word(self: *Pair, offset: u32) u32 {
        return std.mem.readInt(u32, self.mapping.ring()[offset..][0..4], .little);
    }
};
