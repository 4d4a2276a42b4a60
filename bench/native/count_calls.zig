//! `count-calls PID...` has the kernel count the system calls of processes that run already, with
//! all of their threads. Answers each line of its standard input with the calls since its start.

const std = @import("std");
const linux = std.os.linux;

const id_paths = [_][:0]const u8{
    "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
    "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
};
const paranoid_path = "/proc/sys/kernel/perf_event_paranoid";

const events_max = 4096;

const Counter = struct {
    tracepoint: u64,
    events: [events_max]i32 = undefined,
    count: usize = 0,
};

var counter: Counter = undefined;

pub fn main(init: std.process.Init.Minimal) void {
    var pids: [64]i32 = undefined;
    const named = parse_pids(init.args, &pids) orelse {
        _ = linux.write(2, "usage: count-calls PID...\n", 26);
        linux.exit(2);
    };
    counter = .{ .tracepoint = tracepoint_id() };
    for (named) |pid| count_process(pid);
    say("{{\"ready\":true}}\n", .{});
    answer_lines();
}

fn parse_pids(arguments: std.process.Args, pids: []i32) ?[]const i32 {
    var iterator = arguments.iterate();
    _ = iterator.skip();
    var count: usize = 0;
    while (iterator.next()) |text| : (count += 1) {
        if (count == pids.len) return null;
        pids[count] = std.fmt.parseInt(i32, text, 10) catch return null;
        if (pids[count] <= 0) return null;
    }
    return if (count == 0) null else pids[0..count];
}

fn tracepoint_id() u64 {
    var buffer: [32]u8 = undefined;
    var errors: [id_paths.len]linux.E = undefined;
    for (id_paths, &errors) |path, *errno| {
        const text = read_file(path, &buffer, errno) orelse continue;
        return std.fmt.parseInt(u64, text, 10) catch continue;
    }
    forbid("the kernel's tracepoint raw_syscalls:sys_enter cannot be read: {s} (E{t}), {s} (E{t})", .{
        id_paths[0], errors[0], id_paths[1], errors[1],
    });
}

/// What a small file holds, without the line's end.
fn read_file(path: [*:0]const u8, buffer: []u8, errno: *linux.E) ?[]const u8 {
    const fd = linux.open(path, .{ .CLOEXEC = true }, 0);
    errno.* = linux.errno(fd);
    if (errno.* != .SUCCESS) return null;
    defer _ = linux.close(@intCast(fd));
    const size = linux.read(@intCast(fd), buffer.ptr, buffer.len);
    errno.* = linux.errno(size);
    if (errno.* != .SUCCESS) return null;
    return std.mem.trim(u8, buffer[0..size], " \n");
}

/// A thread that is made while the list is read is counted where the one that made it is already.
fn count_process(pid: i32) void {
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
        count_threads(entries[0..size]);
    }
}

fn count_threads(entries: []const u8) void {
    var rest = entries;
    while (rest.len > 0) {
        const size = std.mem.readInt(u16, rest[@offsetOf(linux.dirent64, "reclen")..][0..2], .native);
        const name = std.mem.sliceTo(rest[@offsetOf(linux.dirent64, "name")..size], 0);
        rest = rest[size..];
        // The folder itself and the one above it are entries too.
        const thread = std.fmt.parseInt(i32, name, 10) catch continue;
        count_thread(thread);
    }
}

fn count_thread(thread: i32) void {
    var attributes: linux.perf_event_attr = .{
        .type = .TRACEPOINT,
        .config = counter.tracepoint,
        .flags = .{ .inherit = true },
    };
    const close_on_exec = 0x8;
    const event = linux.perf_event_open(&attributes, thread, -1, -1, close_on_exec);
    switch (linux.errno(event)) {
        .SUCCESS => {},
        // The thread has ended.
        .SRCH => return,
        .ACCES, .PERM => |errno| forbid_permission(errno),
        .NOSYS => forbid("perf_event_open: ENOSYS, the kernel or a sandbox has no such call", .{}),
        else => |errno| forbid("perf_event_open: E{t}", .{errno}),
    }
    if (counter.count == events_max) forbid("there are more than {d} threads to count", .{events_max});
    counter.events[counter.count] = @intCast(event);
    counter.count += 1;
}

fn forbid_permission(errno: linux.E) noreturn {
    var buffer: [32]u8 = undefined;
    var ignored: linux.E = undefined;
    const level = read_file(paranoid_path, &buffer, &ignored) orelse "not readable";
    forbid("perf_event_open: E{t}, {s} is {s}", .{ errno, paranoid_path, level });
}

fn answer_lines() void {
    var buffer: [256]u8 = undefined;
    while (true) {
        const size = linux.read(0, &buffer, buffer.len);
        if (linux.errno(size) == .INTR) continue;
        if (linux.errno(size) != .SUCCESS or size == 0) return;
        for (buffer[0..size]) |byte| {
            if (byte == '\n') say("{{\"calls\":{d}}}\n", .{total()});
        }
    }
}

fn total() u64 {
    var sum: u64 = 0;
    for (counter.events[0..counter.count]) |event| {
        // Zero for an event that the kernel had to give up: it reads as the end of a file.
        var calls: u64 = 0;
        _ = linux.read(event, std.mem.asBytes(&calls), @sizeOf(u64));
        sum += calls;
    }
    return sum;
}

fn forbid(comptime format: []const u8, arguments: anytype) noreturn {
    say("{{\"forbidden\":\"" ++ format ++ "\"}}\n", arguments);
    linux.exit(0);
}

fn say(comptime format: []const u8, arguments: anytype) void {
    var buffer: [512]u8 = undefined;
    const line = std.fmt.bufPrint(&buffer, format, arguments) catch unreachable;
    const written = linux.write(1, line.ptr, line.len);
    if (linux.errno(written) != .SUCCESS) linux.exit(1);
}
