//! What the run counts, and how it ends when something is wrong.

const std = @import("std");
const linux = std.os.linux;

/// Counted by all threads, so every change is atomic; relaxed, since nothing hangs on the order.
pub const Totals = struct {
    rounds: u64 = 0,
    messages: u64 = 0,
    bytes: u64 = 0,
    calls: u64 = 0,
    reports: u64 = 0,
    handles: u64 = 0,

    pub fn add(self: *Totals, comptime field: std.meta.FieldEnum(Totals), count: u64) void {
        _ = @atomicRmw(u64, &@field(self, @tagName(field)), .Add, count, .monotonic);
    }
};

pub var totals: Totals = .{};

/// Where the run is, for whoever reads of a failure.
pub var seed: u64 = 0;
pub var round: u64 = 0;
pub var scenario: []const u8 = "";

/// Longer than any wait that ends: a wait that takes this long is one that nobody would have ended.
pub const patience_ms = 30_000;

pub fn fail(comptime format: []const u8, arguments: anytype) noreturn {
    std.debug.print("threads: seed {d}, round {d}, {s}: " ++ format ++ "\n", .{ seed, round, scenario } ++ arguments);
    linux.exit_group(1);
}

pub fn expect(holds: bool, comptime format: []const u8, arguments: anytype) void {
    if (!holds) fail(format, arguments);
}
