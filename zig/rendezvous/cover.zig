//! What takes the place of shared memory that JavaScript may still have a view of.

const std = @import("std");
const linux = std.os.linux;
const assert = std.debug.assert;
const wire = @import("../ring/wire.zig");
const system = @import("../os/system.zig");
const memory = @import("memory.zig");
const Arena = @import("../ring/arena.zig").Arena;
const Failure = @import("../failure.zig").Failure;

/// Private zero pages somewhere else, to be put over an arena by `retire`. They are made before JavaScript gets to see
/// the arena: what is private and can be written counts against limits, and here one can still say that they are
/// reached.
pub fn make(size: usize, failure: *Failure) error{System}!Arena {
    const flags: linux.MAP = .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .NORESERVE = true };
    const result = linux.mmap(null, size, memory.read_write, flags, -1, 0);
    try memory.check(result, .mmap, failure);
    return memory.arena_at(result, size);
}

/// Puts the cover in the place of the shared pages, so that a view that JavaScript still holds reads zeros instead of
/// faulting, and the peer's memory is let go. The addresses stay taken. Returns where the shared pages are now, for
/// `leaving`. Null: they are gone.
pub fn retire(arena: Arena, cover: Arena) ?Arena {
    const size = arena.bytes.len;
    assert(cover.bytes.len == size);
    // A few page tables change hands, where to unmap the pages takes its time. Linux 5.13 and later; without
    // addresses to spare, or before, the next call unmaps them.
    const moved = linux.mremap(arena.bytes.ptr, size, size, .{ .MAYMOVE = true, .DONTUNMAP = true }, null);
    // A mapping that moves and does not grow counts against no limit anew. Only a process at the limit of its number
    // of mappings is refused, before anything is unmapped: no hole is left for others to fall into, but the view
    // goes on showing the channel.
    const placed = linux.mremap(cover.bytes.ptr, size, size, .{ .MAYMOVE = true, .FIXED = true }, arena.bytes.ptr);
    if (linux.errno(placed) != .SUCCESS) memory.unmap(cover);
    return if (linux.errno(moved) == .SUCCESS) memory.arena_at(moved, size) else null;
}

const testing = std.testing;

test "a retired mapping reads zeros and can be written without reaching the peer" {
    var failure: Failure = .{};
    const fd = try memory.create(4096, &failure);
    defer system.close_fd(fd);
    const ours = try memory.map(fd, 4096, null, &failure);
    defer memory.unmap(ours);
    const theirs = try memory.map(fd, 4096, null, &failure);
    defer memory.unmap(theirs);
    memory.initialise(ours, 4);
    memory.unmap(retire(ours, try make(ours.bytes.len, &failure)).?);
    try testing.expectEqual(0, ours.bytes[0]);
    ours.bytes[100] = 7;
    try testing.expectEqual(0, theirs.bytes[100]);
    try testing.expectEqual(wire.magic, theirs.control().magic);
}

test "an arena is retired also where nothing more may be private" {
    const support = @import("../test_support.zig");
    const child = try support.spawn(retire_at_limit, .{});
    try testing.expectEqual(0, try support.exit_code(child));
}

fn retire_at_limit() u8 {
    var failure: Failure = .{};
    const fd = memory.create(1 << 20, &failure) catch return 1;
    const ours = memory.map(fd, 1 << 20, null, &failure) catch return 2;
    const theirs = memory.map(fd, 1 << 20, null, &failure) catch return 3;
    memory.initialise(ours, 4);
    const cover = make(ours.bytes.len, &failure) catch return 4;
    var limit: linux.rlimit = undefined;
    if (linux.errno(linux.getrlimit(.DATA, &limit)) != .SUCCESS) return 5;
    limit.cur = std.heap.pageSize(); // 0 would mean that there is none.
    if (linux.errno(linux.setrlimit(.DATA, &limit)) != .SUCCESS) return 6;
    if (make(ours.bytes.len, &failure)) |_| return 7 else |_| {}
    if (failure.subject != .mmap or failure.errno != .NOMEM) return 8;

    const moved = retire(ours, cover) orelse return 9;
    for (ours.bytes) |byte| if (byte != 0) return 10;
    @memset(ours.bytes, 7);
    if (theirs.control().magic != wire.magic or theirs.ring()[0] != 0) return 11;
    if (moved.control().magic != wire.magic) return 12;
    return 0;
}

test "an arena is mapped over a reserve that is large enough, and elsewhere otherwise" {
    var failure: Failure = .{};
    const fd = try memory.create(8192, &failure);
    defer system.close_fd(fd);
    const small_fd = try memory.create(4096, &failure);
    defer system.close_fd(small_fd);

    const reserve = try memory.map(fd, 8192, null, &failure);
    defer memory.unmap(reserve);
    memory.unmap(retire(reserve, try make(reserve.bytes.len, &failure)).?);
    const over = try memory.map(small_fd, 4096, reserve, &failure);
    try testing.expectEqual(reserve.bytes.ptr, over.bytes.ptr);
    memory.unmap(retire(over, try make(over.bytes.len, &failure)).?);
    const elsewhere = try memory.map(fd, 8192, over, &failure);
    defer memory.unmap(elsewhere);
    try testing.expect(elsewhere.bytes.ptr != over.bytes.ptr);
}
