//! The native mechanisms: `mechanisms <name> <core> <core> <samples file>` races one of them. Forks the
//! second side, says that it is ready, and answers commands: see command.zig and bench/README.md.

const std = @import("std");
const linux = std.os.linux;
const floor = @import("floor.zig");
const handover = @import("handover.zig");
const locks = @import("locks.zig");
const memory = @import("memory.zig");
const queue = @import("queue.zig");
const ring = @import("ring.zig");
const ring_batch = @import("ring_batch.zig");
const semaphores = @import("semaphores.zig");
const splice = @import("splice.zig");
const system = @import("system.zig");
const Descriptors = @import("descriptors.zig").Descriptors;
const Run = @import("run.zig").Run;
const Slots = @import("slots.zig").Slots;

const mechanisms = .{
    .{ "bare-line", floor.BareLine },
    .{ "empty-call", floor.EmptyCall },
    .{ "memcpy", floor.Memcpy },
    .{ "pipe", Descriptors(.pipe) },
    .{ "fifo", Descriptors(.fifo) },
    .{ "pipe-1mib", Descriptors(.large_pipe) },
    .{ "vmsplice", splice.Pages(.private) },
    .{ "splice", splice.Pages(.file) },
    .{ "unix-stream", Descriptors(.unix_stream) },
    .{ "unix-datagram", Descriptors(.unix_datagram) },
    .{ "unix-seqpacket", Descriptors(.unix_seqpacket) },
    .{ "tcp", Descriptors(.tcp) },
    .{ "posix-queue", queue.Posix },
    .{ "sysv-queue", queue.SystemV },
    .{ "sysv-semaphores", Slots(memory.system_v, semaphores.SystemV) },
    .{ "sysv-mutex", Slots(memory.system_v, locks.Conditions) },
    .{ "sysv-spin", Slots(memory.system_v, locks.Spin) },
    .{ "posix-semaphores", Slots(memory.posix, semaphores.Posix) },
    .{ "posix-mutex", Slots(memory.posix, locks.Conditions) },
    .{ "posix-spin", Slots(memory.posix, locks.Spin) },
    .{ "memfd-eventfd", Slots(memory.memfd, semaphores.Eventfd) },
    .{ "signalfd", Slots(memory.memfd, semaphores.Signalfd) },
    .{ "timerfd", Slots(memory.memfd, semaphores.Timerfd) },
    .{ "handover-memfd", handover.Memfd },
    .{ "handover-pipe", Descriptors(.handover_pipe) },
    .{ "handover-shared", handover.Shared },
    .{ "ring-spin", ring.Ring(ring.forever, .lane, ring.capacity) },
    .{ "ring-spin-1mib", ring.Ring(ring.forever, .lane, 1 << 20) },
    .{ "ring-packed", ring_batch.Batches(.packs) },
    .{ "ring-staged", ring_batch.Batches(.stages) },
    .{ "ring-hybrid", ring.Ring(ring.default_us, .lane, ring.capacity) },
    .{ "ring-sleep", ring.Ring(0, .lane, ring.capacity) },
    .{ "ring-spin-no-lane", ring.Ring(ring.forever, .ring, ring.capacity) },
    .{ "ring-hybrid-no-lane", ring.Ring(ring.default_us, .ring, ring.capacity) },
    .{ "ring-sleep-no-lane", ring.Ring(0, .ring, ring.capacity) },
};

pub fn main(init: std.process.Init.Minimal) void {
    var arguments = init.args.iterate();
    _ = arguments.skip();
    var words: [4][:0]const u8 = undefined;
    for (&words) |*word| word.* = arguments.next() orelse refuse();
    const name, const first_core, const second_core, const samples_file = words;
    const cores = [2]?u32{ parse_core(first_core), parse_core(second_core) };
    const samples = open_samples(samples_file);
    inline for (mechanisms) |entry| {
        if (std.mem.eql(u8, name, entry[0])) Run(entry[1]).run(cores, samples);
    }
    refuse();
}

/// Null: not pinned.
fn parse_core(text: []const u8) ?u32 {
    if (std.mem.eql(u8, text, "-")) return null;
    const core = std.fmt.parseInt(u32, text, 10) catch refuse();
    return if (core < system.core_limit) core else refuse();
}

/// Null: nobody wants the samples.
fn open_samples(path: [:0]const u8) ?i32 {
    if (std.mem.eql(u8, path, "-")) return null;
    const flags: linux.O = .{ .ACCMODE = .WRONLY, .CREAT = true, .APPEND = true, .CLOEXEC = true };
    const result = linux.open(path, flags, 0o644);
    return if (linux.errno(result) == .SUCCESS) @intCast(result) else refuse();
}

fn refuse() noreturn {
    const text = "usage: mechanisms <name, as --list has it> <core or -> <core or -> <samples file or ->\n";
    _ = linux.write(2, text, text.len);
    linux.exit_group(2);
}
