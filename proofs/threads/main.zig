//! The core between threads, for as long as one likes: every round draws what it does from the seed, and
//! whatever is not as it should be ends the run. Built under ThreadSanitizer and with Zig's own checks.

const std = @import("std");
const builtin = @import("builtin");
const linux = std.os.linux;
const core = @import("zerocross_core");
const report = @import("report.zig");
const content = @import("content.zig");
const arena = @import("arena.zig");

const help =
    \\usage: threads [--seconds N] [--seed S] [--json FILE]
    \\
    \\Two and more threads over the core: channels, RPC, waiters and handles in random rounds.
    \\Ends with 0 when all was as it should be, with 66 at the first report of ThreadSanitizer.
    \\
    \\  --seconds N  how long (default 10)
    \\  --seed S     what is done; not when, which the kernel decides (default: from the clock)
    \\  --json FILE  writes the figures there
    \\
;

const Scenario = struct {
    name: []const u8,
    /// How many of `weight_sum` rounds.
    weight: u32,
    run: *const fn (random: std.Random, round_ms: f64) void,
};

const scenarios = [_]Scenario{
    .{ .name = "stream", .weight = 8, .run = @import("stream.zig").run },
    .{ .name = "calls", .weight = 3, .run = @import("calls.zig").run },
    .{ .name = "waits", .weight = 3, .run = @import("waits.zig").run },
    .{ .name = "openings", .weight = 1, .run = @import("openings.zig").run },
};

const weight_sum = sum: {
    var sum: u32 = 0;
    for (scenarios) |scenario| sum += scenario.weight;
    break :sum sum;
};

/// How long a round lasts that is not over by itself.
const round_ms = 150;

const Options = struct {
    seconds: f64 = 10,
    seed: u64,
    json: ?[:0]const u8 = null,
};

/// ThreadSanitizer asks for these: the first report ends the run.
export fn __tsan_default_options() [*:0]const u8 {
    return "halt_on_error=1";
}

pub fn main(init: std.process.Init) !void {
    const options = parse(init.minimal.args);
    report.seed = options.seed;
    std.debug.print("threads: {s}, seed {d}, {d} s\n", .{ build_name, options.seed, options.seconds });
    var prng: std.Random.DefaultPrng = .init(options.seed);
    const random = prng.random();
    content.fill(random);

    const start_ns = core.time.now_ns();
    const end: core.time.Deadline = .after_ms(options.seconds * 1000);
    while (!end.passed()) {
        const scenario = draw_scenario(random);
        report.round += 1;
        report.scenario = scenario.name;
        scenario.run(random, round_ms);
    }
    report.totals.rounds = report.round;
    const elapsed_s = @as(f64, @floatFromInt(core.time.now_ns() - start_ns)) / 1e9;
    const totals = report.totals;
    std.debug.print("threads: {s}: {d:.1} s, {d} rounds: {d} messages ({d} MB), {d} calls, {d} reports of waiters, {d} handles and views; nothing wrong\n", .{
        build_name, elapsed_s, totals.rounds, totals.messages, totals.bytes / 1_000_000, totals.calls, totals.reports, totals.handles,
    });
    if (options.json) |path| try write_json(init.io, path, options, elapsed_s);
}

const build_name = if (builtin.sanitize_thread) "ThreadSanitizer" else @tagName(builtin.mode);

fn draw_scenario(random: std.Random) Scenario {
    var left = random.uintLessThan(u32, weight_sum);
    for (scenarios) |scenario| {
        if (left < scenario.weight) return scenario;
        left -= scenario.weight;
    }
    unreachable;
}

fn parse(arguments: std.process.Args) Options {
    var options: Options = .{ .seed = core.time.now_ns() % 1_000_000_007 };
    var iterator = arguments.iterate();
    _ = iterator.skip();
    while (iterator.next()) |name| {
        if (std.mem.eql(u8, name, "--help")) {
            _ = linux.write(1, help, help.len);
            linux.exit_group(0);
        }
        const value = iterator.next() orelse usage("{s} is unknown, or has no value", .{name});
        if (std.mem.eql(u8, name, "--seconds")) {
            options.seconds = std.fmt.parseFloat(f64, value) catch usage("{s} is no number of seconds", .{value});
        } else if (std.mem.eql(u8, name, "--seed")) {
            options.seed = std.fmt.parseInt(u64, value, 10) catch usage("{s} is no seed, which is a number", .{value});
        } else if (std.mem.eql(u8, name, "--json")) {
            options.json = value;
        } else usage("{s} is unknown", .{name});
    }
    return options;
}

fn usage(comptime format: []const u8, arguments: anytype) noreturn {
    std.debug.print("threads: " ++ format ++ "\n{s}", arguments ++ .{help});
    linux.exit_group(2);
}

fn write_json(io: std.Io, path: []const u8, options: Options, elapsed_s: f64) !void {
    var buffer: [1024]u8 = undefined;
    var writer: std.Io.Writer = .fixed(&buffer);
    try std.json.Stringify.value(.{
        .build = build_name,
        .seed = options.seed,
        .seconds = elapsed_s,
        .totals = report.totals,
    }, .{ .whitespace = .indent_2 }, &writer);
    try std.Io.Dir.cwd().writeFile(io, .{ .sub_path = path, .data = writer.buffered() });
}
