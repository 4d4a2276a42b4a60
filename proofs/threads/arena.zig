//! The memory between two threads, and what ThreadSanitizer has to be told about memory.

const std = @import("std");
const linux = std.os.linux;
const builtin = @import("builtin");
const core = @import("zerocross_core");
const report = @import("report.zig");
const Arena = core.Arena;

/// A peer that nothing is known of: it counts as alive.
pub const peer: core.Peer = .{ .pid = 0, .uid = 0, .gid = 0, .pidfd = core.Peer.pidfd_none };

/// One arena, mapped `count` times. ThreadSanitizer goes by addresses: two threads that are to be
/// watched use the same mapping.
pub fn make(comptime count: usize, capacity: u32, start: u64) [count]Arena {
    var failure: core.Failure = .{};
    const fd = core.memory.create(capacity, &failure) catch fail_system(failure);
    defer _ = linux.close(fd);
    var mappings: [count]Arena = undefined;
    for (&mappings) |*mapping| mapping.* = core.memory.map(fd, capacity, null, &failure) catch fail_system(failure);
    after_map();
    const control = mappings[0].control();
    control.head = start;
    control.tail = start;
    core.memory.initialise(mappings[0], 4);
    return mappings;
}

pub fn unmap(mapping: Arena) void {
    before_unmap();
    core.memory.unmap(mapping);
}

fn fail_system(failure: core.Failure) noreturn {
    report.fail("{t} failed: {t}", .{ failure.subject, failure.errno });
}

/// The core maps and unmaps by system calls that ThreadSanitizer does not see, and the kernel gives
/// addresses that were let go to the next who asks. So the order that the kernel makes between the two
/// is stated here; without it an address's next user would seem to race with its last.
pub fn before_unmap() void {
    if (builtin.sanitize_thread) __tsan_release(&kernel);
}

pub fn after_map() void {
    if (builtin.sanitize_thread) __tsan_acquire(&kernel);
}

var kernel: u8 = 0;

extern fn __tsan_release(address: *anyopaque) void;
extern fn __tsan_acquire(address: *anyopaque) void;

/// Long enough, now and then, for the other thread to fall asleep.
pub fn rest(random: std.Random) void {
    const ns = random.uintLessThan(u64, 4) * random.uintLessThan(u64, 500 * std.time.ns_per_us);
    const request: linux.timespec = .{ .sec = 0, .nsec = @intCast(ns) };
    _ = linux.nanosleep(&request, null);
}
