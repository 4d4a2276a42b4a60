//! Copies between a caller's buffer and the ring, without libc.

const std = @import("std");
const builtin = @import("builtin");
/// Off in what is shipped, for what each message passes through (build.zig).
const hot_safety = @import("settings").hot_safety;

const Block = @Vector(16, u8);

/// From here on a message is written past the caches, into a ring that fits into a core's own cache:
/// fetching its lines from the consumer's, only to overwrite them, costs more than the memory does.
/// The lines of a larger ring have gone on to the cache that the cores share, and are had for less
/// (bench/README.md, 64 KiB).
const streaming_min = 32 * 1024;
/// Bytes: what a core has of its own, on today's servers.
const streaming_ring_max = 1024 * 1024;

/// Copies `size` bytes. The two ranges do not overlap.
pub inline fn copy(noalias to: [*]u8, noalias from: [*]const u8, size: usize) void {
    @setRuntimeSafety(hot_safety);
    if (size == 32) {
        move(Block, to, from, 0);
        move(Block, to, from, 16);
    } else if (size <= 16) {
        copy_small(to, from, size);
    } else if (size <= 64) {
        copy_medium(to, from, size);
    } else {
        copy_large(to, from, size);
    }
}

inline fn move(comptime T: type, to: [*]u8, from: [*]const u8, offset: usize) void {
    @setRuntimeSafety(hot_safety);
    const source: *align(1) const T = @ptrCast(from + offset);
    const target: *align(1) T = @ptrCast(to + offset);
    target.* = source.*;
}

/// Two words that overlap in the middle cover every size between one word and two.
inline fn copy_small(noalias to: [*]u8, noalias from: [*]const u8, size: usize) void {
    @setRuntimeSafety(hot_safety);
    if (size >= 8) {
        move(u64, to, from, 0);
        move(u64, to, from, size - 8);
    } else if (size >= 4) {
        move(u32, to, from, 0);
        move(u32, to, from, size - 4);
    } else if (size >= 2) {
        move(u16, to, from, 0);
        move(u16, to, from, size - 2);
    } else if (size == 1) {
        to[0] = from[0];
    }
}

inline fn copy_medium(noalias to: [*]u8, noalias from: [*]const u8, size: usize) void {
    @setRuntimeSafety(hot_safety);
    move(Block, to, from, 0);
    if (size > 32) {
        move(Block, to, from, 16);
        move(Block, to, from, size - 32);
    }
    move(Block, to, from, size - 16);
}

noinline fn copy_large(noalias to: [*]u8, noalias from: [*]const u8, size: usize) void {
    @setRuntimeSafety(hot_safety);
    var offset: usize = 0;
    while (offset + 64 <= size) : (offset += 64) {
        inline for (0..4) |block| move(Block, to, from, offset + 16 * block);
    }
    // The last 64 bytes again cover what the loop left; they exist, since a large copy is longer.
    inline for (0..4) |block| move(Block, to, from, size - 64 + 16 * block);
}

/// Like `copy`, to the start of a line in a ring of `capacity` bytes, which this processor will not read soon.
pub inline fn copy_out(noalias to: [*]align(64) u8, noalias from: [*]const u8, size: usize, capacity: u32) void {
    @setRuntimeSafety(hot_safety);
    if (can_stream and size >= streaming_min and capacity <= streaming_ring_max) return copy_streaming(to, from, size);
    copy(to, from, size);
}

// Zig's own x86 backend, which builds the tests in Debug, cannot assemble what follows.
const can_stream = builtin.cpu.arch == .x86_64 and builtin.zig_backend == .stage2_llvm;

noinline fn copy_streaming(noalias to: [*]align(64) u8, noalias from: [*]const u8, size: usize) void {
    @setRuntimeSafety(hot_safety);
    const whole = size - size % 64;
    var offset: usize = 0;
    while (offset < whole) : (offset += 64) {
        inline for (0..4) |block| {
            const source: *align(1) const Block = @ptrCast(from + offset + 16 * block);
            asm volatile ("movntdq %[bytes], (%[target])"
                :
                : [bytes] "x" (source.*),
                  [target] "r" (to + offset + 16 * block),
                : .{ .memory = true });
        }
    }
    // Such stores are ordered with no others: not with the one that publishes them either.
    asm volatile ("sfence" ::: .{ .memory = true });
    copy(to + whole, from + whole, size - whole);
}

/// The first `size` bytes (at most 32) as little-endian words, zeros behind them, read without touching
/// a byte beyond: in registers only, since a load that spans two recent stores would stall.
pub inline fn load_words(from: [*]const u8, size: u32) [4]u64 {
    @setRuntimeSafety(hot_safety);
    std.debug.assert(size <= 32);
    var words: [4]u64 = @splat(0);
    if (size == 32) {
        inline for (&words, 0..) |*word, index| word.* = load(u64, from, 8 * index);
    } else if (size >= 8) {
        inline for (&words, 0..) |*word, index| {
            if (size >= 8 * (index + 1)) {
                word.* = load(u64, from, 8 * index);
            } else if (size > 8 * index) {
                const missing: u6 = @intCast(8 * (index + 1) - size);
                word.* = load(u64, from, size - 8) >> (8 * missing);
            }
        }
    } else {
        words[0] = load_partial_word(from, size);
    }
    return words;
}

/// `size` is below 8.
inline fn load_partial_word(from: [*]const u8, size: u32) u64 {
    @setRuntimeSafety(hot_safety);
    if (size >= 4) {
        const high: u64 = load(u32, from, size - 4);
        return high << @intCast(8 * (size - 4)) | load(u32, from, 0);
    }
    var word: u64 = 0;
    if (size >= 1) word = from[0];
    if (size >= 2) word |= @as(u64, from[1]) << 8;
    if (size >= 3) word |= @as(u64, from[2]) << 16;
    return word;
}

/// The first `size` bytes of `words` (at most 32), without touching a byte beyond.
pub inline fn store_words(to: [*]u8, words: [4]u64, size: usize) void {
    @setRuntimeSafety(hot_safety);
    std.debug.assert(size <= 32);
    const bytes: [*]const u8 = @ptrCast(&words);
    copy(to, bytes, size);
}

inline fn load(comptime T: type, from: [*]const u8, offset: usize) T {
    @setRuntimeSafety(hot_safety);
    const source: *align(1) const T = @ptrCast(from + offset);
    return source.*;
}

test "every size is copied whole and nothing beyond it" {
    var from: [3000]u8 = undefined;
    for (&from, 0..) |*byte, index| byte.* = @truncate(index *% 31 +% 7);
    for (0..2900) |size| {
        var to: [3000]u8 = @splat(0xEE);
        copy(to[3..].ptr, from[5..].ptr, size);
        try std.testing.expectEqualSlices(u8, from[5..][0..size], to[3..][0..size]);
        for (to[0..3]) |byte| try std.testing.expectEqual(0xEE, byte);
        for (to[3 + size ..]) |byte| try std.testing.expectEqual(0xEE, byte);
    }
}

test "what is copied out is whole too, and nothing beyond it" {
    const size_max = streaming_min + 200;
    const from = try std.testing.allocator.alloc(u8, size_max + 1);
    defer std.testing.allocator.free(from);
    const to = try std.testing.allocator.alignedAlloc(u8, .@"64", size_max + 64);
    defer std.testing.allocator.free(to);
    for (from, 0..) |*byte, index| byte.* = @truncate(index *% 31 +% 7);
    for ([_]u32{ streaming_ring_max, 2 * streaming_ring_max }) |capacity| {
        for ([_]usize{ 0, 1, 100, streaming_min - 1, streaming_min, streaming_min + 1, streaming_min + 65, size_max }) |size| {
            @memset(to, 0xEE);
            copy_out(to.ptr, from[1..].ptr, size, capacity);
            try std.testing.expectEqualSlices(u8, from[1..][0..size], to[0..size]);
            for (to[size..]) |byte| try std.testing.expectEqual(0xEE, byte);
        }
    }
}

test "words hold the bytes and zeros behind them, and give them back" {
    var from: [40]u8 = undefined;
    for (&from, 1..) |*byte, index| byte.* = @intCast(index);
    for (0..33) |size| {
        const words = load_words(&from, @intCast(size));
        const bytes: *const [32]u8 = @ptrCast(&words);
        try std.testing.expectEqualSlices(u8, from[0..size], bytes[0..size]);
        for (bytes[size..]) |byte| try std.testing.expectEqual(0, byte);
        var to: [33]u8 = @splat(0xEE);
        store_words(&to, words, size);
        try std.testing.expectEqualSlices(u8, from[0..size], to[0..size]);
        for (to[size..]) |byte| try std.testing.expectEqual(0xEE, byte);
    }
}
