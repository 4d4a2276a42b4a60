//! The native mechanisms: `mechanisms <name> <core> <core> <samples file>` races one of them. Forks the
//! second side, says that it is ready, and answers commands: see command.zig and bench/README.md.

const std = @import("std");
const linux = std.os.linux;
const floor = @import("floor.zig");
const handover = @import("handover.zig");
const queue = @import("queue.zig");
const shared_memory = @import("shared_memory.zig");
const splice = @import("splice.zig");
const usage = @import("usage.zig");
const Pipe = @import("pipe.zig").Pipe;
const Ring = @import("ring.zig").Ring;
const Runner = @import("runner.zig").Runner;
const Settings = @import("runner.zig").Settings;
const Socket = @import("socket.zig").Socket;

const mechanisms = .{
    .{ "bare-line", floor.BareLine },
    .{ "empty-call", floor.EmptyCall },
    .{ "pipe", Pipe(.anonymous) },
    .{ "fifo", Pipe(.named) },
    .{ "pipe-1mib", Pipe(.large) },
    .{ "vmsplice", splice.Vmsplice },
    .{ "splice", splice.Splice },
    .{ "unix-stream", Socket(.stream) },
    .{ "unix-datagram", Socket(.datagram) },
    .{ "unix-seqpacket", Socket(.seqpacket) },
    .{ "tcp", Socket(.tcp) },
    .{ "posix-queue", queue.Posix },
    .{ "sysv-queue", queue.SystemV },
    .{ "sysv-semaphores", shared_memory.SystemVSemaphores },
    .{ "sysv-mutex", shared_memory.SystemVMutex },
    .{ "sysv-spin", shared_memory.SystemVSpin },
    .{ "posix-semaphores", shared_memory.PosixSemaphores },
    .{ "posix-mutex", shared_memory.PosixMutex },
    .{ "posix-spin", shared_memory.PosixSpin },
    .{ "memfd-eventfd", shared_memory.MemfdEventfd },
    .{ "signalfd", shared_memory.Signalfd },
    .{ "timerfd", shared_memory.Timerfd },
    .{ "handover-memfd", handover.Memfd },
    .{ "handover-pipe", handover.Pipe },
    .{ "handover-shared", handover.Shared },
    .{ "ring-spin", Ring(.spin, .lane) },
    .{ "ring-hybrid", Ring(.hybrid, .lane) },
    .{ "ring-sleep", Ring(.sleep, .lane) },
    .{ "ring-spin-no-lane", Ring(.spin, .ring) },
    .{ "ring-hybrid-no-lane", Ring(.hybrid, .ring) },
    .{ "ring-sleep-no-lane", Ring(.sleep, .ring) },
};

pub fn main(init: std.process.Init.Minimal) void {
    var arguments = init.args.iterate();
    _ = arguments.skip();
    const name = arguments.next() orelse refuse_usage();
    const settings: Settings = .{
        .cores = .{ parse_core(arguments.next()), parse_core(arguments.next()) },
        .samples_file = open_samples(arguments.next()),
    };
    if (arguments.next() != null) refuse_usage();
    inline for (mechanisms) |entry| {
        if (std.mem.eql(u8, name, entry[0])) Runner(entry[1]).run(settings);
    }
    refuse("there is no mechanism named {s}: it is one of{s}", .{ name, comptime names() });
}

fn names() []const u8 {
    comptime var all: []const u8 = "";
    inline for (mechanisms) |entry| all = all ++ " " ++ entry[0];
    return all;
}

/// Null: not pinned.
fn parse_core(argument: ?[:0]const u8) ?u32 {
    const text = argument orelse refuse_usage();
    if (std.mem.eql(u8, text, "-")) return null;
    const core = std.fmt.parseInt(u32, text, 10) catch refuse("a core is a number or -, not {s}", .{text});
    if (core >= usage.core_limit) refuse("a core is below {d}, not {s}", .{ usage.core_limit, text });
    return core;
}

/// Null: nobody wants the samples.
fn open_samples(argument: ?[:0]const u8) ?i32 {
    const path = argument orelse refuse_usage();
    if (std.mem.eql(u8, path, "-")) return null;
    const flags: linux.O = .{ .ACCMODE = .WRONLY, .CREAT = true, .APPEND = true, .CLOEXEC = true };
    const result = linux.open(path, flags, 0o644);
    const errno = linux.errno(result);
    if (errno != .SUCCESS) refuse("{s} cannot be written: E{t}", .{ path, errno });
    return @intCast(result);
}

fn refuse_usage() noreturn {
    refuse("usage: mechanisms <name> <core or -> <core or -> <samples file or ->", .{});
}

fn refuse(comptime format: []const u8, arguments: anytype) noreturn {
    var buffer: [8192]u8 = undefined;
    const text = std.fmt.bufPrint(&buffer, format ++ "\n", arguments) catch &buffer;
    _ = linux.write(2, text.ptr, text.len);
    linux.exit_group(2);
}
