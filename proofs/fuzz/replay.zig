//! Runs the corpus through the targets without a fuzzer: what was found once stays found. Takes the
//! two folders; an input that fails ends it with its name and a stack.

const std = @import("std");

const targets = .{
    .{ "reader", @import("reader.zig").run },
    .{ "writer", @import("writer.zig").run },
    .{ "changing", @import("changing.zig").run },
    .{ "handshake", @import("handshake.zig").run },
    .{ "rpc", @import("rpc.zig").run },
};

/// No input is longer: proofs/fuzz/run.mjs sees to it.
const size_max = 4096;

pub fn main(init: std.process.Init) !void {
    const arguments = try init.minimal.args.toSlice(init.arena.allocator());
    if (arguments.len != 3) fail("usage: replay <corpus> <regressions>", .{});
    const corpus = try std.Io.Dir.cwd().openDir(init.io, arguments[1], .{});
    const regressions = try std.Io.Dir.cwd().openDir(init.io, arguments[2], .{});
    inline for (targets) |target| {
        const name, const run = target;
        const count = try replay(init.io, corpus, name, run);
        if (count == 0) fail("{s}/{s} is empty: run proofs/fuzz/run.mjs", .{ arguments[1], name });
        // Not every target has one.
        const found = replay(init.io, regressions, name, run) catch |err| switch (err) {
            error.FileNotFound => 0,
            else => return err,
        };
        std.debug.print("{s}: {d} inputs and {d} that showed a fault once\n", .{ name, count, found });
    }
}

/// Returns how many inputs there are.
fn replay(io: std.Io, parent: std.Io.Dir, name: []const u8, run: fn ([]const u8) void) !u32 {
    const folder = try parent.openDir(io, name, .{ .iterate = true });
    defer folder.close(io);
    var count: u32 = 0;
    var files = folder.iterate();
    while (try files.next(io)) |file| : (count += 1) {
        var buffer: [size_max]u8 = undefined;
        const bytes = try folder.readFile(io, file.name, &buffer);
        if (bytes.len == buffer.len) fail("{s}/{s} is longer than {d} bytes", .{ name, file.name, size_max - 1 });
        current = .{ name, file.name };
        run(bytes);
    }
    return count;
}

fn fail(comptime format: []const u8, arguments: anytype) noreturn {
    std.debug.print(format ++ "\n", arguments);
    std.process.exit(1);
}

/// The target and the input that is being run.
var current: [2][]const u8 = .{ "", "" };

/// A panic alone would not say which input it was.
pub const panic = std.debug.FullPanic(panic_in_input);

fn panic_in_input(message: []const u8, address: ?usize) noreturn {
    std.debug.print("{s}/{s}: ", .{ current[0], current[1] });
    std.debug.defaultPanic(message, address);
}
