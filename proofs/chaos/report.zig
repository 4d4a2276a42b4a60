//! Progress while the workers run, and what is printed and written when they are done.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const mark = core.mark;
const options = @import("options.zig");
const process = @import("process.zig");
const results = @import("results.zig");
const Options = options.Options;
const Results = results.Results;

const progress_interval_s = 5;

/// Waits for all workers. False: one of them was ended by something, or by the time limit.
pub fn follow(workers: []const i32, found: *const Results, given: *const Options, limit_s: u64) bool {
    print("chaos: seed {d}, {d} jobs\n", .{ given.seed, given.jobs });
    var is_good = true;
    const begun_ns = core.time.now_ns();
    var told_s: u64 = 0;
    for (workers) |worker| {
        while (!process.has_ended(worker)) {
            process.sleep_us(2000);
            const elapsed_s = (core.time.now_ns() - begun_ns) / std.time.ns_per_s;
            if (elapsed_s >= told_s + progress_interval_s) {
                told_s = elapsed_s;
                print("{d} s: {d} kills, {d} stops, {d} faults\n", .{ elapsed_s, found.kills, found.stops, found.fault_count });
            }
            if (elapsed_s > limit_s or process.was_interrupted()) process.signal(worker, .KILL);
        }
        if (process.reap(worker) != 0) is_good = false;
    }
    return is_good;
}

pub fn conclude(found: *Results, given: *const Options, elapsed_ns: u64) void {
    for (found.first_faults()) |*fault| print("FAULT: {s}\n", .{fault.text[0..fault.size]});
    const from_strike = found.sorted(&found.from_strike_us);
    const from_death = found.sorted(&found.from_death_us);
    const seconds = @as(f64, @floatFromInt(elapsed_ns)) / std.time.ns_per_s;
    print("{d} rounds in {d:.1} s: {d} kills, {d} stops, {d} undisturbed; {d} in a storm, {d} signals\n", .{
        found.rounds, seconds, found.kills, found.stops, found.calm, found.stormed, found.signals,
    });
    print("{d} deaths noticed, in us: ", .{from_strike.len});
    print_quantiles(from_strike, "from the signal");
    print(", ", .{});
    print_quantiles(from_death, "from the death");
    print("\n{d} timeouts, the latest {d} us after its time\n", .{ found.timeouts, found.late_ns / 1000 });
    print("{d} steps; {s}\n", .{ mark.step_count, if (found.fault_count == 0) "all rounds as they should be" else "FAILED" });
    if (given.json) |path| write_json(found, from_strike, from_death, given, seconds, path);
}

fn print_quantiles(sorted: []const u32, what: []const u8) void {
    print("{s} median {d}, 99% {d}, latest {d}", .{ what, percentile(sorted, 50), percentile(sorted, 99), percentile(sorted, 100) });
}

fn percentile(sorted: []const u32, percent: usize) u32 {
    if (sorted.len == 0) return 0;
    return sorted[@min(sorted.len - 1, sorted.len * percent / 100)];
}

fn write_json(
    found: *const Results,
    from_strike: []const u32,
    from_death: []const u32,
    given: *const Options,
    seconds: f64,
    path: [:0]const u8,
) void {
    const flags: linux.O = .{ .ACCMODE = .WRONLY, .CREAT = true, .TRUNC = true, .CLOEXEC = true };
    const opened = linux.open(path, flags, 0o644);
    if (linux.errno(opened) != .SUCCESS) options.refuse("{s} cannot be written: E{t}", .{ path, linux.errno(opened) });
    const file: File = .{ .fd = @intCast(opened) };
    file.print("{{\"seed\":{d},\"seconds\":{d:.3},\"rounds\":{d},\"kills\":{d},\"stops\":{d},\"undisturbed\":{d},", .{
        given.seed, seconds, found.rounds, found.kills, found.stops, found.calm,
    });
    file.print("\"stormed\":{d},\"signals\":{d},\"faults\":{d},\"timeouts\":{d},\"latestTimeoutUs\":{d},\"noticed\":{d},", .{
        found.stormed, found.signals, found.fault_count, found.timeouts, found.late_ns / 1000, from_strike.len,
    });
    write_quantiles(file, "fromSignalUs", from_strike);
    write_quantiles(file, "fromDeathUs", from_death);
    file.print("\"steps\":{{", .{});
    for (std.enums.values(mark.Step), 0..) |step, index| {
        const separator = if (index > 0) "," else "";
        file.print("{s}\"{t}\":{{\"kills\":{d},\"stops\":{d}}}", .{ separator, step, hits_of(&found.killed_at, index), hits_of(&found.stopped_at, index) });
    }
    file.print("}}}}\n", .{});
    _ = linux.close(file.fd);
}

fn write_quantiles(file: File, name: []const u8, sorted: []const u32) void {
    file.print("\"{s}\":{{\"median\":{d},\"p90\":{d},\"p99\":{d},\"max\":{d}}},", .{
        name, percentile(sorted, 50), percentile(sorted, 90), percentile(sorted, 99), percentile(sorted, 100),
    });
}

fn hits_of(hits: *const results.Hits, step: usize) u32 {
    var count: u32 = 0;
    for (hits) |role| {
        for (role) |side| count += side[step];
    }
    return count;
}

fn print(comptime format: []const u8, arguments: anytype) void {
    (File{ .fd = 1 }).print(format, arguments);
}

const File = struct {
    fd: i32,

    fn print(self: File, comptime format: []const u8, arguments: anytype) void {
        var buffer: [2048]u8 = undefined;
        const text: []const u8 = std.fmt.bufPrint(&buffer, format, arguments) catch &buffer;
        _ = linux.write(self.fd, text.ptr, text.len);
    }
};
