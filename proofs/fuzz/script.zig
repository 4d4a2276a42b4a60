//! A fuzzer's bytes, read as a script: what to do next, and with which numbers. Behind the end of the
//! bytes every number is 0, so that each input means something whole.

const std = @import("std");

pub const Script = struct {
    bytes: []const u8,
    at: usize = 0,

    pub fn is_over(self: *const Script) bool {
        return self.at >= self.bytes.len;
    }

    pub fn byte(self: *Script) u8 {
        return self.int(u8);
    }

    pub fn int(self: *Script, comptime T: type) T {
        var raw: [@sizeOf(T)]u8 = @splat(0);
        const given = self.slice(raw.len);
        @memcpy(raw[0..given.len], given);
        return std.mem.readInt(T, &raw, .little);
    }

    /// As many of the next bytes as there are, at most `size`.
    pub fn slice(self: *Script, size: usize) []const u8 {
        const start = @min(self.at, self.bytes.len);
        const end = @min(start + size, self.bytes.len);
        self.at = start + size;
        return self.bytes[start..end];
    }

    pub fn choice(self: *Script, comptime E: type) E {
        const values = comptime std.enums.values(E);
        return values[self.byte() % values.len];
    }

    pub fn flag(self: *Script) bool {
        return self.byte() & 1 == 1;
    }

    /// A payload size: small in most cases, and any up to `max` in the others.
    pub fn payload_size(self: *Script, max: u32) u32 {
        const first = self.byte();
        if (first < 0xC0) return @min(first, max);
        return self.int(u16) % (max + 1);
    }

    /// What a liar may write where `honest` belongs: it, its neighbours, the limits of its type, or
    /// anything.
    pub fn lie(self: *Script, comptime T: type, honest: T) T {
        const lines: T = @as(T, self.byte() & 0x3F) *% 64;
        return switch (self.byte() % 12) {
            0 => honest,
            1 => honest +% 1,
            2 => honest -% 1,
            3, 4, 5 => honest +% lines,
            6, 7 => honest -% lines,
            8 => lines,
            9 => std.math.maxInt(T) - lines,
            10 => (std.math.maxInt(T) >> 1) -% lines +% 1,
            else => self.int(T),
        };
    }
};
