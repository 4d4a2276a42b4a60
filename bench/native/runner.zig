//! Runs one mechanism: forks the second side, pins both, and does what standard input says, command by
//! command. Between commands both sides sleep in a read, so that others can have the cores.

const std = @import("std");
const linux = std.os.linux;
const command = @import("command.zig");
const ends = @import("ends.zig");
const usage = @import("usage.zig");
const mechanisms = @import("mechanism.zig");
const Clock = @import("clock.zig").Clock;
const Failure = mechanisms.Failure;
const FirstSide = @import("first_side.zig").FirstSide;
const Meeting = @import("meeting.zig").Meeting;
const SecondSide = @import("second_side.zig").SecondSide;

pub const Settings = struct {
    /// Where each side runs; null: wherever the kernel puts it.
    cores: [2]?u32,
    /// Takes the samples of round trips; null: nobody does.
    samples_file: ?i32,
};

pub fn Runner(comptime Mechanism: type) type {
    return struct {
        var mechanism: Mechanism = .{};
        var meeting: Meeting = undefined;

        pub fn run(settings: Settings) noreturn {
            ends.hold(remove);
            const clock: Clock = .init();
            var failure: Failure = .{};
            const second = start(settings, &failure) catch ends.leave_with(.forbidden, failure.text);
            const pinned = usage.pin(settings.cores[0]);
            var side: FirstSide(Mechanism) = .init(&mechanism, &meeting, &clock, settings.samples_file);
            if (!Mechanism.forms.alone) side.join(&failure) catch ends.leave_with(.forbidden, failure.text);
            announce(settings, &clock, second, pinned);
            obey(&side);
            ends.leave(0);
        }

        fn remove() void {
            if (@hasDecl(Mechanism, "close")) mechanism.close();
        }

        /// Returns in the first side only, with the second one's process.
        fn start(settings: Settings, failure: *Failure) error{Forbidden}!i32 {
            meeting = try .make(failure);
            const second = if (Mechanism.forms.alone) 0 else try fork(settings, failure);
            ends.heed(second, &meeting);
            return second;
        }

        fn fork(settings: Settings, failure: *Failure) error{Forbidden}!i32 {
            try mechanism.open(failure);
            const first = linux.getpid();
            const result = try failure.check("fork", linux.fork());
            if (result > 0) return @intCast(result);
            ends.follow(first);
            meeting.shared.pin_errno = @intFromEnum(usage.pin(settings.cores[1]));
            var side: SecondSide(Mechanism) = .init(&mechanism, &meeting);
            side.serve();
        }

        fn announce(settings: Settings, clock: *const Clock, second: i32, pinned: linux.E) void {
            var pids: [64]u8 = undefined;
            var pinning: [128]u8 = undefined;
            var size_max: [32]u8 = undefined;
            command.answer(
                "{{\"ready\":true,\"pids\":[{s}],\"pinned\":{s},\"clock\":\"{s}\",\"clockNs\":{d:.1},\"maxSize\":{s}}}",
                .{
                    if (second > 0) print(&pids, "{d},{d}", .{ linux.getpid(), second }) else print(&pids, "{d}", .{linux.getpid()}),
                    describe_pinning(&pinning, settings, .{ pinned, @enumFromInt(meeting.shared.pin_errno) }),
                    clock.source.name(),
                    clock.cost() * clock.scale(),
                    if (max_size()) |size| print(&size_max, "{d}", .{size}) else "null",
                },
            );
        }

        fn describe_pinning(buffer: []u8, settings: Settings, results: [2]linux.E) []const u8 {
            const sides = if (Mechanism.forms.alone) 1 else 2;
            for (settings.cores[0..sides], results[0..sides]) |core, result| {
                const index = core orelse return "\"not asked for\"";
                if (result != .SUCCESS) return print(buffer, "\"sched_setaffinity to core {d}: E{t}\"", .{ index, result });
            }
            return "true";
        }

        fn max_size() ?u32 {
            return if (@hasDecl(Mechanism, "max_size")) mechanism.max_size() else null;
        }

        fn obey(side: *FirstSide(Mechanism)) void {
            const abilities: command.Abilities = .{
                .forms = Mechanism.forms,
                .handover = @hasDecl(Mechanism, "is_handover"),
                .size_max = max_size(),
            };
            var lines: command.Lines = .{};
            var text: [256]u8 = undefined;
            while (lines.next()) |line| switch (command.parse(line, abilities, &text)) {
                .command => |parsed| side.execute(parsed),
                .refusal => |why| command.answer("{{\"error\":\"{s}\"}}", .{why}),
            };
        }
    };
}

fn print(buffer: []u8, comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.bufPrint(buffer, format, arguments) catch unreachable;
}
