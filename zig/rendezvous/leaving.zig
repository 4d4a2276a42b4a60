//! Memory that nobody in this process uses any more, on its way back to the kernel. To give back a quarter of a
//! gigabyte takes up to a tenth of a second, which no event loop is to be held up for: so it goes in steps, in later
//! turns of whichever thread asks next. A process that ends leaves it to the kernel.

const std = @import("std");
const linux = std.os.linux;
const wire = @import("../ring/wire.zig");
const Arena = @import("../ring/arena.zig").Arena;
const Deadline = @import("../os/time.zig").Deadline;
const Mutex = @import("../loop/mutex.zig").Mutex;
const memory = @import("memory.zig");

/// Bytes that are given back in about 100 us.
pub const step_size = 256 * 1024;
/// An arena of no more, such as one of the default capacity, goes at once: so it does in programs that have no turns.
const at_once_max = wire.memory_size(1 << 20);
const count_max = 256;

const Leaving = struct {
    arena: Arena,
    /// Nobody else uses the memory, so that whoever lets go of it has its pages to free too.
    is_last: bool,
    /// Bytes, from the start, whose pages are still there.
    left: usize,
};

var mutex: Mutex = .{};
var list: [count_max]Leaving = undefined;
var count: u32 = 0;

/// Takes over a mapping.
pub fn add(arena: Arena, is_last: bool) void {
    mutex.lock();
    defer mutex.unlock();
    if (arena.bytes.len <= at_once_max or count == count_max) return memory.unmap(arena);
    list[count] = .{ .arena = arena, .is_last = is_last, .left = arena.bytes.len };
    count += 1;
}

pub fn is_empty() bool {
    mutex.lock();
    defer mutex.unlock();
    return count == 0;
}

/// Returns when nothing is left.
pub fn go_on(until: Deadline) error{WorkLeft}!void {
    while (take_step()) {
        if (until.passed()) return error.WorkLeft;
    }
}

/// False: nothing is left.
fn take_step() bool {
    mutex.lock();
    defer mutex.unlock();
    if (count == 0) return false;
    const last = &list[count - 1];
    if (last.left <= step_size) {
        memory.unmap(last.arena);
        count -= 1;
        return count > 0;
    }
    const from = std.mem.alignBackward(usize, last.left - 1, step_size);
    // Either takes the pages out of the page tables, and the first frees them too. The control block comes last: a
    // peer that looks once more finds it whole. Where this is refused, the unmapping has it all to do.
    const advice: u32 = if (last.is_last) linux.MADV.REMOVE else linux.MADV.DONTNEED;
    _ = linux.madvise(last.arena.bytes[from..].ptr, last.left - from, advice);
    last.left = from;
    return true;
}

const testing = std.testing;
const system = @import("../os/system.zig");
const Failure = @import("../failure.zig").Failure;

const past: Deadline = .{ .at_ns = 0 };

/// An arena whose pages are there, and another mapping of it.
fn make_arenas(capacity: u32) ![2]Arena {
    var failure: Failure = .{};
    const fd = try memory.create(capacity, &failure);
    defer system.close_fd(fd);
    var arenas: [2]Arena = undefined;
    for (&arenas) |*arena| {
        arena.* = try memory.map(fd, capacity, null, &failure);
        var filled: usize = 0;
        try memory.fill(arena.*, fd, &filled, .never, &failure);
    }
    return arenas;
}

/// Bytes of memory that the file behind the arena has.
fn bytes_held(arena: Arena) !usize {
    var present: [wire.memory_size(16 * step_size) / std.heap.page_size_min + 1]u8 = undefined;
    const pages = std.math.divCeil(usize, arena.bytes.len, std.heap.pageSize()) catch unreachable;
    const result = linux.syscall3(.mincore, @intFromPtr(arena.bytes.ptr), arena.bytes.len, @intFromPtr(&present));
    try testing.expectEqual(.SUCCESS, linux.errno(result));
    return std.mem.count(u8, present[0..pages], &.{1}) * std.heap.pageSize();
}

test "memory that is the last of its kind leaves step by step, its control block last" {
    const ours, const witness = try make_arenas(16 * step_size);
    defer memory.unmap(witness);
    memory.initialise(witness, 4);
    const whole = try bytes_held(witness);
    add(ours, true);
    var steps: usize = 0;
    var held = whole;
    while (true) : (steps += 1) {
        go_on(past) catch {
            const now = try bytes_held(witness);
            try testing.expect(held - now <= step_size);
            held = now;
            try testing.expectEqual(wire.magic, witness.control().magic);
            continue;
        };
        break;
    }
    try testing.expect(is_empty());
    // The first step takes what the control block has made more than 16 of.
    try testing.expectEqual(16, steps);
    try testing.expect(held <= step_size);
}

test "memory that a peer still has leaves this process and not the peer" {
    const ours, const theirs = try make_arenas(8 * step_size);
    defer memory.unmap(theirs);
    const whole = try bytes_held(theirs);
    add(ours, false);
    try testing.expectError(error.WorkLeft, go_on(past));
    try go_on(.never);
    try testing.expectEqual(whole, try bytes_held(theirs));
}

test "an arena of the default capacity is not put off" {
    const ours, const theirs = try make_arenas(4 * step_size);
    defer memory.unmap(theirs);
    add(ours, true);
    try testing.expect(is_empty());
}
