//! What is sent. Size, type and every byte of a message follow from its number, so whoever receives it
//! makes it once more and compares all of it: what is lost, doubled, out of order or torn shows.

const std = @import("std");
const report = @import("report.zig");

/// Payloads are cut from here. Filled once, before there is a second thread.
var bytes: [4 << 20]u8 = undefined;

pub fn fill(random: std.Random) void {
    random.bytes(&bytes);
}

pub const Shape = enum {
    /// Up to a little more than the express lane takes.
    small,
    /// Every order of magnitude as likely.
    mixed,
    /// Within a few lines of what the ring takes.
    large,
};

pub const Content = struct {
    salt: u64,
    shape: Shape,
    size_max: u32,

    /// Messages of a batch share one type, so it cannot be each one's number.
    const batch_bit: u32 = 1 << 31;
    pub const batch_max = 64;

    pub fn size_of(self: Content, number: u64) u32 {
        const hash = mix(self.salt ^ mix(number));
        const size: u64 = switch (self.shape) {
            .small => hash % 48,
            .mixed => (hash >> 8) % (@as(u64, 1) << @intCast(hash % (std.math.log2_int(u32, self.size_max) + 1))),
            .large => self.size_max - hash % 200,
        };
        return @intCast(@min(size, self.size_max));
    }

    pub fn bytes_of(self: Content, number: u64) []const u8 {
        const size = self.size_of(number);
        const start = mix(self.salt +% number) % (bytes.len - size);
        return bytes[start..][0..size];
    }

    pub fn type_of(number: u64) u32 {
        return @intCast(number % batch_bit);
    }

    pub fn batch_type_of(first: u64) u32 {
        // Never the type of a packed record, which has all bits.
        return batch_bit | @as(u32, @intCast(first % (batch_bit - 1)));
    }

    /// Whether what was received is message `number`.
    pub fn check(self: Content, number: u64, type_id: u32, payload: []const u8) void {
        const expected = self.bytes_of(number);
        report.expect(payload.len == expected.len, "message {d} has {d} bytes instead of {d}", .{ number, payload.len, expected.len });
        report.expect(std.mem.eql(u8, payload, expected), "message {d} of {d} bytes has others than were sent", .{ number, payload.len });
        const is_right = type_id == type_of(number) or is_batch_type(type_id, number);
        report.expect(is_right, "message {d} has the type {x}", .{ number, type_id });
    }

    fn is_batch_type(type_id: u32, number: u64) bool {
        const modulus = batch_bit - 1;
        const behind = (number % modulus + modulus - (type_id & modulus)) % modulus;
        return type_id & batch_bit != 0 and behind < batch_max;
    }
};

/// The finaliser of splitmix64.
pub fn mix(value: u64) u64 {
    var z = value +% 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) *% 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) *% 0x94D049BB133111EB;
    return z ^ z >> 31;
}
