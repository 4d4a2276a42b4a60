//! Runs the corpus through the targets without a fuzzer: what was found once stays found. Takes the
//! two folders; an input that fails ends it with its name, its bytes and a stack.

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

/// Far above what the corpus of a target takes.
const corpus_size_max = 1 << 24;

pub fn main(init: std.process.Init) !void {
    const arguments = try init.minimal.args.toSlice(init.arena.allocator());
    if (arguments.len != 3) fail("usage: replay <corpus> <regressions>", .{});
    const corpus = arguments[1];
    const regressions = try std.Io.Dir.cwd().openDir(init.io, arguments[2], .{});
    inline for (targets) |target| {
        const name, const run = target;
        const file = try std.fs.path.join(init.arena.allocator(), &.{ corpus, name ++ ".bin" });
        const count = replay_corpus(init.io, init.arena.allocator(), file, run);
        if (count == 0) fail("{s} is empty: run proofs/fuzz/run.mjs", .{file});
        // Not every target has one.
        const found = replay_folder(init.io, regressions, name, run) catch |err| switch (err) {
            error.FileNotFound => 0,
            else => return err,
        };
        std.debug.print("{s}: {d} inputs and {d} that showed a fault once\n", .{ name, count, found });
    }
}

/// Returns how many inputs there are. corpus.mjs says what the file looks like.
fn replay_corpus(io: std.Io, gpa: std.mem.Allocator, file: []const u8, run: fn ([]const u8) void) u32 {
    const bytes = std.Io.Dir.cwd().readFileAlloc(io, file, gpa, .limited(corpus_size_max)) catch |err|
        fail("{s} cannot be read: {t}", .{ file, err });
    var rest: []const u8 = bytes;
    var before: ?[]const u8 = null;
    var count: u32 = 0;
    while (rest.len > 0) : (count += 1) {
        const at = bytes.len - rest.len;
        const input = take_input(&rest) orelse fail_corrupt(file, count, at, "goes beyond the end of the file");
        if (input.len >= size_max) fail_corrupt(file, count, at, "is too long");
        if (before != null and std.mem.order(u8, before.?, input) != .lt)
            fail_corrupt(file, count, at, "does not come after the one before it");
        before = input;
        var name: [16]u8 = undefined;
        current = .{
            .place = std.fs.path.basename(file),
            .name = std.fmt.bufPrint(&name, "input {d}", .{count}) catch unreachable,
            .bytes = input,
        };
        run(input);
    }
    return count;
}

/// Null: there is less left than it would take.
fn take_input(rest: *[]const u8) ?[]const u8 {
    const prefix_size = @sizeOf(u32);
    if (rest.len < prefix_size) return null;
    const size = std.mem.readInt(u32, rest.*[0..prefix_size], .little);
    const tail = rest.*[prefix_size..];
    if (size > tail.len) return null;
    rest.* = tail[size..];
    return tail[0..size];
}

/// Returns how many files there are: an input each.
fn replay_folder(io: std.Io, parent: std.Io.Dir, name: []const u8, run: fn ([]const u8) void) !u32 {
    const folder = try parent.openDir(io, name, .{ .iterate = true });
    defer folder.close(io);
    var count: u32 = 0;
    var files = folder.iterate();
    while (try files.next(io)) |file| : (count += 1) {
        var buffer: [size_max]u8 = undefined;
        const bytes = try folder.readFile(io, file.name, &buffer);
        if (bytes.len == buffer.len) fail("{s}/{s} is longer than {d} bytes", .{ name, file.name, size_max - 1 });
        current = .{ .place = name, .name = file.name, .bytes = bytes };
        run(bytes);
    }
    return count;
}

fn fail_corrupt(file: []const u8, input: u32, at: usize, what: []const u8) noreturn {
    fail("{s} is corrupt: input {d}, at byte {d}, {s}", .{ file, input, at, what });
}

fn fail(comptime format: []const u8, arguments: anytype) noreturn {
    std.debug.print(format ++ "\n", arguments);
    std.process.exit(1);
}

/// The input that is being run.
var current: struct { place: []const u8 = "", name: []const u8 = "", bytes: []const u8 = "" } = .{};

/// A panic alone would not say which input it was.
pub const panic = std.debug.FullPanic(panic_in_input);

fn panic_in_input(message: []const u8, address: ?usize) noreturn {
    std.debug.print("{s}, {s}, in hexadecimal {x}: ", .{ current.place, current.name, current.bytes });
    std.debug.defaultPanic(message, address);
}
