//! The table of waiters, by number: what the seam calls. See `waiter.zig` for how one works.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const time = @import("../os/time.zig");
const watches = @import("watch.zig");
const waiting = @import("waiter.zig");
const Waiter = waiting.Waiter;
const waiter_count = waiting.waiter_count;
const holder_of = waiting.holder_of;
const Target = @import("target.zig").Target;
const Interest = @import("target.zig").Interest;
const Deadline = time.Deadline;

const index_bits = 7;
/// Numbers are positive as an i32. As with handles, a waiter whose generations are used up is not taken again: all
/// of them together last for 2^31 threads, less one for each.
const generation_max = (1 << (31 - index_bits)) - 1;

comptime {
    assert(1 << index_bits == waiter_count);
}

pub const WaiterError = error{ Closed, Misuse, Argument };

var waiters: [waiter_count]Waiter = @splat(.{});

/// Takes a waiter. Null: there is none.
pub fn open_waiter() ?u32 {
    const owner = linux.gettid();
    for (&waiters, 0..) |*waiter, index| {
        waiter.mutex.lock();
        defer waiter.mutex.unlock();
        // A runtime may end a thread, such as a worker, before that can close its waiter.
        if (waiter.number != 0 and !thread_lives(waiter.owner)) end(waiter);
        if (waiter.number != 0 or waiter.is_waited() or waiter.generation == generation_max) continue;
        waiter.generation += 1;
        waiter.number = waiter.generation << index_bits | @as(u32, @intCast(index));
        waiter.owner = owner;
        waiter.was_emptied = false;
        return waiter.number;
    }
    return null;
}

/// Milliseconds for a sleeper to leave that was woken: far more than it takes.
const leaving_ms = 1000;

/// Where the search for an idle waiter begins: behind the one that was found last. Relaxed: two that
/// begin at the same one find one each.
var reclaimed: u32 = 0;

/// Takes a waiter on which nothing is armed from whoever has it. That number is stale then, which its owner
/// finds when it arms again. So those who had something to wait for once, and live on, such as the
/// realms of a test runner, do not keep others from it. Null: each waiter has something armed.
pub fn reclaim_waiter() ?u32 {
    const first = @atomicLoad(u32, &reclaimed, .monotonic);
    for (0..waiter_count) |offset| {
        const index: u32 = (first +% @as(u32, @intCast(offset))) % waiter_count;
        if (!end_idle(&waiters[index])) continue;
        @atomicStore(u32, &reclaimed, index + 1, .monotonic);
        // Another thread may have been quicker.
        return open_waiter() orelse continue;
    }
    return null;
}

/// False: something is armed on it, or its sleeper does not leave.
fn end_idle(waiter: *Waiter) bool {
    {
        waiter.mutex.lock();
        defer waiter.mutex.unlock();
        if (waiter.number == 0 or waiter.armed.count > 0 or waiter.reported.count > 0) return false;
        end(waiter);
        waiter.is_leaving_awaited = true;
    }
    return waiter.await_leaving(.after_ms(leaving_ms));
}

/// Its number may have passed to another thread since: then the waiter is only kept for longer.
fn thread_lives(thread: i32) bool {
    const no_signal: linux.SIG = @enumFromInt(0);
    return linux.errno(linux.tgkill(linux.getpid(), thread, no_signal)) != .SRCH;
}

/// Disarms everything and sends the thread away that sleeps. False: the number is stale.
pub fn close_waiter(number: u32) bool {
    const waiter = lock(number) orelse return false;
    defer waiter.mutex.unlock();
    end(waiter);
    return true;
}

fn end(waiter: *Waiter) void {
    inline for (.{ &waiter.armed, &waiter.reported }) |list| {
        while (list.count > 0) waiter.disarm(list.items[list.count - 1]);
    }
    waiter.number = 0;
    waiter.ring();
}

/// Called by the thread that owns `handle`. `found`: what is waited for; null when that can come no more.
/// True: it is ready already, and not armed.
pub fn arm(number: u32, handle: u32, interest: Interest, found: ?Target) WaiterError!bool {
    const index = index_of(handle, interest == .room);
    const is_ready = if (found) |target| target.is_ready() else true;
    const is_elsewhere = @atomicLoad(u8, &watches.holders[index], .acquire) != holder_of(number); // Pairs with `Waiter.disarm`.
    if (is_ready or is_elsewhere) disarm_one(index);
    const waiter = lock(number) orelse return error.Closed;
    defer waiter.mutex.unlock();
    if (is_ready) return true;
    const is_here = @atomicLoad(u8, &watches.holders[index], .monotonic) == waiter.holder(); // Under the mutex.
    if (is_here and !watches.all[index].is_reported) {
        waiter.change(index, found.?);
    } else {
        if (is_here) waiter.disarm(index);
        waiter.arm(index, handle, found.?);
    }
    return false;
}

/// Called by the thread that owns `handle`. Takes reports back too.
pub fn disarm(handle: u32) void {
    disarm_one(index_of(handle, false));
    disarm_one(index_of(handle, true));
}

/// Only the owner of the handle arms, so that a watch that nobody has cannot come to be armed meanwhile.
fn disarm_one(index: u16) void {
    const holder = @atomicLoad(u8, &watches.holders[index], .acquire); // Pairs with `Waiter.disarm`.
    if (holder == 0) return;
    const waiter = &waiters[holder - 1];
    waiter.mutex.lock();
    defer waiter.mutex.unlock();
    if (@atomicLoad(u8, &watches.holders[index], .monotonic) == holder) waiter.disarm(index);
}

/// Called by the thread that armed the watch at `index`, if it is armed, before that thread sleeps on the same word.
pub fn set_aside(index: u16) void {
    const holder = @atomicLoad(u8, &watches.holders[index], .acquire); // Pairs with `Waiter.disarm`.
    if (holder == 0) return;
    const waiter = &waiters[holder - 1];
    waiter.mutex.lock();
    defer waiter.mutex.unlock();
    if (@atomicLoad(u8, &watches.holders[index], .monotonic) == holder) waiter.set_aside(index); // Under the mutex.
}

/// Called by the thread that sleeps. Answers how many reports are to be taken, once there is a new
/// one; 0: the time is up, or the last watch was disarmed.
pub fn wait_for_reports(number: u32, timeout_ms: f64) WaiterError!u32 {
    const waiter = lock(number) orelse return error.Closed;
    defer waiter.mutex.unlock();
    if (waiter.is_waited()) return error.Misuse;
    waiter.enter();
    defer waiter.leave();
    const deadline: Deadline = .after_ms(timeout_ms);
    while (waiter.number == number) {
        const now_ns = time.now_ns();
        if (waiter.look(now_ns)) return waiter.reported.count;
        if (waiter.was_emptied or deadline.at_ns <= now_ns) {
            waiter.was_emptied = false;
            return 0;
        }
        waiter.sleep(now_ns, deadline);
    }
    return error.Closed;
}

/// Called by the loop's thread. Writes the handles that have reports, each once, and answers how many. `set_orphaned`
/// hears of those whose peer was found dead.
pub fn take_reports(number: u32, into: []align(1) u32, set_orphaned: fn (handle: u32) void) WaiterError!u32 {
    const waiter = lock(number) orelse return error.Closed;
    defer waiter.mutex.unlock();
    var taken: u32 = 0;
    while (taken < into.len and waiter.reported.count > 0) : (taken += 1) {
        const index = waiter.reported.items[waiter.reported.count - 1];
        into[taken] = watches.all[index].handle;
        waiter.take_one(index, set_orphaned);
        const sibling = index ^ 1;
        // Relaxed: under the mutex of the only waiter whose mark is looked for.
        if (@atomicLoad(u8, &watches.holders[sibling], .monotonic) == waiter.holder() and watches.all[sibling].is_reported)
            waiter.take_one(sibling, set_orphaned);
    }
    return taken;
}

/// Of the watch that a handle has for that.
pub fn index_of(handle: u32, is_room: bool) u16 {
    return @intCast(handle % watches.slots_max * 2 + @intFromBool(is_room));
}

/// Null: the number is stale, or never was one.
fn lock(number: u32) ?*Waiter {
    const waiter = &waiters[number % waiter_count];
    waiter.mutex.lock();
    if (waiter.number == number and number != 0) return waiter;
    waiter.mutex.unlock();
    return null;
}

test "a waiter whose generations are used up is not used again" {
    const first = open_waiter().?;
    const index = first % waiter_count;
    try std.testing.expect(close_waiter(first));
    const generation = waiters[index].generation;
    defer waiters[index].generation = generation;
    waiters[index].generation = generation_max - 1;
    const last = open_waiter().?;
    try std.testing.expectEqual(index, last % waiter_count);
    try std.testing.expect(@as(i32, @bitCast(last)) > 0);
    try std.testing.expect(close_waiter(last));
    const other = open_waiter().?;
    try std.testing.expect(other % waiter_count != index);
    try std.testing.expect(close_waiter(other));
    try std.testing.expect(!close_waiter(first));
}

test {
    _ = @import("waiter_test.zig");
    _ = @import("waiter_ends_test.zig");
    _ = @import("waiter_kinds_test.zig");
    _ = @import("waiter_beside_test.zig");
    _ = @import("waiter_scarcity_test.zig");
    _ = @import("reclaim_test.zig");
}
