//! `count-calls PID...` has the kernel count the system calls of processes that run already, with
//! all of their threads. Answers each line of its standard input with the calls since its start.

const std = @import("std");
const linux = std.os.linux;
const command = @import("command.zig");
const read_file = @import("system.zig").read_file;

const id_paths = [_][:0]const u8{
    "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
    "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
};
const paranoid_path = "/proc/sys/kernel/perf_event_paranoid";

/// A counter for each thread.
var events: [4096]i32 = undefined;
var count: usize = 0;

pub fn main(init: std.process.Init.Minimal) void {
    const tracepoint = tracepoint_id();
    var arguments = init.args.iterate();
    _ = arguments.skip();
    while (arguments.next()) |text| {
        const pid = std.fmt.parseInt(u31, text, 10) catch forbid("{s} is not the number of a process", .{text});
        count_process(pid, tracepoint);
    }
    if (count == 0) forbid("usage: count-calls PID...", .{});
    command.answer("{{\"ready\":true}}", .{});
    var lines: command.Lines = .{};
    while (lines.next()) |_| command.answer("{{\"calls\":{d}}}", .{total()});
}

fn tracepoint_id() u64 {
    var buffer: [32]u8 = undefined;
    var errors: [id_paths.len]linux.E = undefined;
    for (id_paths, &errors) |path, *errno| {
        const text = read_file(path, &buffer, errno) orelse continue;
        return std.fmt.parseInt(u64, text, 10) catch continue;
    }
    const format = "the kernel's tracepoint raw_syscalls:sys_enter cannot be read: {s} (E{t}), {s} (E{t})";
    forbid(format, .{ id_paths[0], errors[0], id_paths[1], errors[1] });
}

/// A thread that is made while the list is read is counted where the one that made it is already.
fn count_process(pid: u31, tracepoint: u64) void {
    var path_buffer: [64]u8 = undefined;
    const path = std.fmt.bufPrintZ(&path_buffer, "/proc/{d}/task", .{pid}) catch unreachable;
    const folder = linux.open(path, .{ .DIRECTORY = true, .CLOEXEC = true }, 0);
    switch (linux.errno(folder)) {
        .SUCCESS => {},
        .NOENT => forbid("there is no process {d}", .{pid}),
        else => |errno| forbid("{s} cannot be read: E{t}", .{ path, errno }),
    }
    defer _ = linux.close(@intCast(folder));
    var entries: [4096]u8 align(@alignOf(linux.dirent64)) = undefined;
    while (true) {
        const size = linux.getdents64(@intCast(folder), &entries, entries.len);
        if (linux.errno(size) != .SUCCESS) forbid("process {d} ended", .{pid});
        if (size == 0) return;
        count_threads(entries[0..size], tracepoint);
    }
}

fn count_threads(entries: []const u8, tracepoint: u64) void {
    var rest = entries;
    while (rest.len > 0) {
        const size = std.mem.readInt(u16, rest[@offsetOf(linux.dirent64, "reclen")..][0..2], .native);
        const name = std.mem.sliceTo(rest[@offsetOf(linux.dirent64, "name")..size], 0);
        rest = rest[size..];
        // The folder itself and the one above it are entries too.
        const thread = std.fmt.parseInt(i32, name, 10) catch continue;
        count_thread(thread, tracepoint);
    }
}

fn count_thread(thread: i32, tracepoint: u64) void {
    var attributes: linux.perf_event_attr = .{
        .type = .TRACEPOINT,
        .config = tracepoint,
        .flags = .{ .inherit = true },
    };
    const close_on_exec = 0x8;
    const event = linux.perf_event_open(&attributes, thread, -1, -1, close_on_exec);
    switch (linux.errno(event)) {
        .SUCCESS => {},
        // The thread has ended.
        .SRCH => return,
        .ACCES, .PERM => |errno| {
            var buffer: [32]u8 = undefined;
            var ignored: linux.E = undefined;
            const level = read_file(paranoid_path, &buffer, &ignored) orelse "not readable";
            forbid("perf_event_open: E{t}, {s} is {s}", .{ errno, paranoid_path, level });
        },
        .NOSYS => forbid("perf_event_open: ENOSYS, the kernel or a sandbox has no such call", .{}),
        else => |errno| forbid("perf_event_open: E{t}", .{errno}),
    }
    if (count == events.len) forbid("there are more than {d} threads to count", .{events.len});
    events[count] = @intCast(event);
    count += 1;
}

fn total() u64 {
    var sum: u64 = 0;
    for (events[0..count]) |event| {
        // Zero for an event that the kernel had to give up: it reads as the end of a file.
        var calls: u64 = 0;
        _ = linux.read(event, std.mem.asBytes(&calls), @sizeOf(u64));
        sum += calls;
    }
    return sum;
}

fn forbid(comptime format: []const u8, arguments: anytype) noreturn {
    command.answer("{{\"forbidden\":\"" ++ format ++ "\"}}", arguments);
    linux.exit_group(0);
}
