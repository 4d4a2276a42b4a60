//! The table behind the numbers that JavaScript holds. A handle names a slot and the slot's
//! generation, so that a stale one is a status and never a fault. All workers of a process share it.

const std = @import("std");
const assert = std.debug.assert;
const Arena = @import("../ring/arena.zig").Arena;
const Endpoint = @import("../rendezvous/endpoint.zig").Endpoint;
const slots_max = @import("../loop/watch.zig").slots_max;

pub const slot_count = 4096;
const index_bits = 12;
/// Handles are positive as an i32. The generations of a slot come round again after some 524,000 openings, which a
/// busy server makes in an hour: so whoever has closed a handle forgets it (`Channel.close` in TypeScript).
const generation_max = (1 << (31 - index_bits)) - 1;

comptime {
    assert(1 << index_bits == slot_count);
    assert(slot_count == slots_max);
}

/// The slot is in use. What else keeps it, and the addresses of its mapping, from being used again:
const held_slot: u8 = 1 << 0;
/// the handle is open;
const held_open: u8 = 1 << 1;
/// JavaScript has an ArrayBuffer over the mapping.
const held_view: u8 = 1 << 2;

const Slot = struct {
    /// 0 while the handle is not open. Written by the thread that opens and closes it.
    handle: u32 = 0,
    generation: u32 = 0,
    /// A set of the `held_` bits; 0 is a free slot. The owner's thread and the garbage collector's
    /// take bits away, and whoever takes the last one frees the slot.
    held: u8 = 0,
    /// What is left to unmap once the handle is closed.
    mapping: ?Arena = null,
    /// Addresses that are never given back, since nobody can tell when the last view of them is gone.
    /// They show private zeros until the slot's next mapping takes their place.
    reserve: ?Arena = null,
    /// As `abandon_view` says.
    is_abandoned: bool = false,
};

var slots: [slot_count]Slot = @splat(.{});
/// Apart from the slots, so that neither costs anything in the file: untouched pages stay the kernel's.
var endpoints: [slot_count]Endpoint = undefined;

/// Takes a free slot. Null: there is none.
pub fn open() ?u32 {
    for (&slots, 0..) |*slot, index| {
        if (@atomicLoad(u8, &slot.held, .monotonic) != 0) continue;
        // Acquire: pairs with the store in `drop`, whose thread was the last to touch the slot.
        if (@cmpxchgStrong(u8, &slot.held, 0, held_slot | held_open, .acquire, .monotonic) != null) continue;
        slot.generation = slot.generation % generation_max + 1; // Never 0, so that no handle is.
        endpoints[index] = .{ .reserve = slot.reserve };
        const handle = slot.generation << index_bits | @as(u32, @intCast(index));
        // Relaxed: a handle is used by the thread that opened it; another one sees only that a stale
        // handle is not this one.
        @atomicStore(u32, &slot.handle, handle, .monotonic);
        return handle;
    }
    return null;
}

/// Null: the handle is stale, or never was one.
pub inline fn get(handle: u32) ?*Endpoint {
    const index = handle % slot_count;
    // Relaxed: pairs with the stores in `open` and `close`. No handle is 0.
    if (@atomicLoad(u32, &slots[index].handle, .monotonic) != handle or handle == 0) return null;
    return &endpoints[index];
}

/// Says that JavaScript is given an ArrayBuffer over the mapping. `handle` is open.
/// `outlives`: the runtime cannot tell when the last view of it is gone. Returns what names the view
/// in `drop_view`; never 0.
pub fn expose_view(handle: u32, outlives: bool) error{System}!u32 {
    const endpoint = get(handle).?;
    try endpoint.prepare_view();
    const mapping = endpoint.mapping.?;
    const index = handle % slot_count;
    // A reserve that was too small for this mapping stays taken too, by nobody: at most as much again
    // as the larger one that takes its place.
    if (outlives and mapping.bytes.len > reserved_size(&slots[index])) slots[index].reserve = mapping;
    // Relaxed: `close`, which looks at it, runs in this thread.
    _ = @atomicRmw(u8, &slots[index].held, .Or, held_view, .monotonic);
    return index + 1;
}

fn reserved_size(slot: *const Slot) usize {
    return if (slot.reserve) |reserve| reserve.bytes.len else 0;
}

/// Says, before `handle` is closed, that the storage of its ArrayBuffer has left that object, whose end so means
/// nothing. The addresses are never used again.
pub fn abandon_view(handle: u32) void {
    const slot = &slots[handle % slot_count];
    slot.is_abandoned = true;
}

/// The ArrayBuffer is gone. Called by whichever thread collects garbage.
pub fn drop_view(view: u32) void {
    if (view >= 1 and view <= slot_count) drop(&slots[view - 1], held_view);
}

/// False: the handle is stale.
pub fn close(handle: u32) bool {
    const endpoint = get(handle) orelse return false;
    const slot = &slots[handle % slot_count];
    @atomicStore(u32, &slot.handle, 0, .monotonic);
    slot.mapping = endpoint.close();
    if (slot.is_abandoned) abandon(slot);
    drop(slot, held_open);
    return true;
}

/// What is left of the mapping stays mapped, by nobody.
fn abandon(slot: *Slot) void {
    slot.is_abandoned = false;
    if (is_reserved(slot)) slot.reserve = null;
    slot.mapping = null;
}

fn is_reserved(slot: *const Slot) bool {
    const mapping = slot.mapping orelse return false;
    return if (slot.reserve) |reserve| mapping.bytes.ptr == reserve.bytes.ptr else false;
}

fn drop(slot: *Slot, held: u8) void {
    // Acquire and release: pairs with itself. Whoever drops last sees what the other wrote, above
    // all the mapping that `close` left.
    const before = @atomicRmw(u8, &slot.held, .And, ~held, .acq_rel);
    if (before != held_slot | held) return;
    if (!is_reserved(slot)) if (slot.mapping) |mapping| memory.unmap(mapping);
    slot.mapping = null;
    @atomicStore(u8, &slot.held, 0, .release); // Pairs with `open`.
}

const testing = std.testing;

test "a closed handle is stale, also when its slot is used again" {
    const first = open().?;
    try testing.expect(get(first) != null);
    try testing.expect(close(first));
    try testing.expectEqual(null, get(first));
    try testing.expect(!close(first));
    const second = open().?;
    defer _ = close(second);
    try testing.expectEqual(first % slot_count, second % slot_count);
    try testing.expectEqual(null, get(first));
}

test "the generations of a slot come round again, and no handle is 0" {
    const first = open().?;
    const index = first % slot_count;
    try testing.expect(close(first));
    slots[index].generation = generation_max - 1;
    const last = open().?;
    try testing.expectEqual(index, last % slot_count);
    try testing.expect(@as(i32, @bitCast(last)) > 0);
    try testing.expect(close(last));
    const next = open().?;
    try testing.expectEqual(1 << index_bits | index, next);
    try testing.expectEqual(null, get(last));
    try testing.expect(close(next));
}

test "neither 0 nor a number out of nowhere is a handle" {
    for ([_]u32{ 0, 1, 4095, 4096, 0x7FFFFFFF, 0xFFFFFFFF }) |handle| {
        try testing.expectEqual(null, get(handle));
        try testing.expect(!close(handle));
    }
}

const memory = @import("../rendezvous/memory.zig");
const covers = @import("../rendezvous/cover.zig");

fn open_with_memory(capacity: u32) !u32 {
    var failure: @import("../failure.zig").Failure = .{};
    const fd = try memory.create(capacity, &failure);
    defer @import("../os/system.zig").close_fd(fd);
    const handle = open().?;
    const endpoint = get(handle).?;
    const size = @import("../ring/wire.zig").memory_size(capacity);
    if (endpoint.reserve) |reserve| if (size <= reserve.bytes.len) {
        endpoint.cover = try covers.make(size, &failure);
    };
    endpoint.mapping = try memory.map(fd, capacity, endpoint.reserve, &failure);
    return handle;
}

fn address_of(handle: u32) usize {
    return @intFromPtr(get(handle).?.mapping.?.bytes.ptr);
}

test "a slot is not used again while a view of its memory is alive" {
    const first = try open_with_memory(4096);
    const view = try expose_view(first, false);
    try testing.expect(close(first));
    const second = open().?;
    try testing.expect(second % slot_count != first % slot_count);
    drop_view(view);
    const third = open().?;
    try testing.expectEqual(first % slot_count, third % slot_count);
    _ = close(second);
    _ = close(third);
}

test "addresses that views may outlive show zeros until the slot maps over them again" {
    const first = try open_with_memory(8192);
    const address = address_of(first);
    drop_view(try expose_view(first, true));
    @as(*u8, @ptrFromInt(address + 800)).* = 7;
    try testing.expect(close(first));
    try testing.expectEqual(0, @as(*u8, @ptrFromInt(address + 800)).*);

    const second = try open_with_memory(4096);
    try testing.expectEqual(address, address_of(second));
    try testing.expect(close(second));
    const third = try open_with_memory(16384);
    defer _ = close(third);
    try testing.expect(address_of(third) != address);
    try testing.expectEqual(0, @as(*u8, @ptrFromInt(address + 800)).*);
}

test "addresses that a view's storage was taken away from are never used again" {
    const first = try open_with_memory(8192);
    const address = address_of(first);
    const view = try expose_view(first, true);
    drop_view(view);
    abandon_view(first);
    try testing.expect(close(first));
    for (0..2) |_| {
        const next = try open_with_memory(8192);
        try testing.expectEqual(first % slot_count, next % slot_count);
        try testing.expect(address_of(next) != address);
        _ = try expose_view(next, true);
        drop_view(view);
        try testing.expect(close(next));
        try testing.expectEqual(0, @as(*u8, @ptrFromInt(address + 800)).*);
        @as(*u8, @ptrFromInt(address + 800)).* = 0;
    }
}

test "a view may go before its handle, and a second time does no harm" {
    const first = try open_with_memory(4096);
    const view = try expose_view(first, false);
    drop_view(view);
    try testing.expect(get(first) != null);
    try testing.expect(close(first));
    drop_view(view);
    drop_view(0);
    drop_view(slot_count + 1);
}

test "when all slots are taken there is none, and a closed one is taken again" {
    var handles: [slot_count]u32 = undefined;
    for (&handles) |*handle| handle.* = open().?;
    try testing.expectEqual(null, open());
    for (handles) |handle| try testing.expect(close(handle));
    try testing.expect(close(open().?));
}
