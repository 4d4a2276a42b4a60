//! The command line of `chaos`.

const std = @import("std");
const linux = std.os.linux;

pub const jobs_max = 16;

pub const Options = struct {
    kills: u32 = 0,
    stops: u32 = 0,
    storms: u32 = 50,
    jobs: u32 = 4,
    seed: u64 = 0,
    json: ?[:0]const u8 = null,
};

const help =
    \\usage: chaos [options]
    \\
    \\Kills and stops one of two processes that exchange messages: once at every marked step in every role,
    \\then at random steps and moments, until there were as many as asked for.
    \\
    \\  --kills N     at least so many kills (default 0: each step in each role once)
    \\  --stops N     at least so many stops (default 0: each step in each role once)
    \\  --storms N    rounds that only signals disturb (default 50)
    \\  --jobs N      rounds that run at the same time, 1 to 16 (default 4)
    \\  --seed S      where the random numbers start from (default: the time)
    \\  --json FILE   write the figures there
    \\  --help        print this
    \\
    \\Exit code: 0 when every round was as it should be, 1 when one was not, 2 for a wrong option.
    \\
;

pub fn parse(arguments: std.process.Args) Options {
    var options: Options = .{};
    var iterator = arguments.iterate();
    _ = iterator.skip();
    while (iterator.next()) |name| {
        if (std.mem.eql(u8, name, "--help")) {
            _ = linux.write(1, help, help.len);
            linux.exit_group(0);
        }
        const value = iterator.next() orelse refuse("{s}: it is not an option, or its value is missing", .{name});
        if (std.mem.eql(u8, name, "--kills")) {
            options.kills = number(u32, name, value);
        } else if (std.mem.eql(u8, name, "--stops")) {
            options.stops = number(u32, name, value);
        } else if (std.mem.eql(u8, name, "--storms")) {
            options.storms = number(u32, name, value);
        } else if (std.mem.eql(u8, name, "--jobs")) {
            options.jobs = number(u32, name, value);
        } else if (std.mem.eql(u8, name, "--seed")) {
            options.seed = number(u64, name, value);
        } else if (std.mem.eql(u8, name, "--json")) {
            options.json = value;
        } else refuse("{s} is not an option", .{name});
    }
    if (options.jobs < 1 or options.jobs > jobs_max) refuse("--jobs is 1 to {d}, not {d}", .{ jobs_max, options.jobs });
    if (options.seed == 0) {
        var now: linux.timespec = undefined;
        _ = linux.clock_gettime(.REALTIME, &now);
        options.seed = @intCast(now.sec);
    }
    return options;
}

fn number(comptime T: type, name: []const u8, value: []const u8) T {
    return std.fmt.parseInt(T, value, 10) catch refuse("{s} takes a number, not {s}", .{ name, value });
}

pub fn refuse(comptime format: []const u8, arguments: anytype) noreturn {
    var buffer: [512]u8 = undefined;
    const text = std.fmt.bufPrint(&buffer, "chaos: " ++ format ++ "; see chaos --help\n", arguments) catch &buffer;
    _ = linux.write(2, text.ptr, text.len);
    linux.exit_group(2);
}
