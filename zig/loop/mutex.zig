//! A lock between threads of this process, held for microseconds.

const std = @import("std");
const futex = @import("futex.zig");
const never_ns = @import("../os/time.zig").Deadline.never.at_ns;

const free: u32 = 0;
const locked: u32 = 1;
/// Locked, and somebody may sleep until it is free.
const contended: u32 = 2;

pub const Mutex = struct {
    word: u32 = free,

    pub fn lock(self: *Mutex) void {
        // Acquire, here and below: pairs with the swap in `unlock`.
        if (@cmpxchgStrong(u32, &self.word, free, locked, .acquire, .monotonic) == null) return;
        // Whoever slept cannot know whether others still do, so it takes the lock as contended.
        while (@atomicRmw(u32, &self.word, .Xchg, contended, .acquire) != free)
            futex.wait_on(&self.word, contended, never_ns);
    }

    pub fn unlock(self: *Mutex) void {
        // Release: pairs with the ones in `lock`.
        if (@atomicRmw(u32, &self.word, .Xchg, free, .release) == contended) futex.wake_one(&self.word);
    }
};

test "what two threads do under the lock is not lost" {
    const Shared = struct {
        mutex: Mutex = .{},
        count: u64 = 0,

        fn add(self: *@This()) void {
            for (0..100_000) |_| {
                self.mutex.lock();
                defer self.mutex.unlock();
                self.count += 1;
            }
        }
    };
    var shared: Shared = .{};
    const other = try std.Thread.spawn(.{}, Shared.add, .{&shared});
    shared.add();
    other.join();
    try std.testing.expectEqual(200_000, shared.count);
    try std.testing.expectEqual(free, shared.mutex.word);
}

test "a lock that is held keeps others asleep until it is free" {
    const Shared = struct {
        mutex: Mutex = .{},
        entered: bool = false,

        fn enter(self: *@This()) void {
            self.mutex.lock();
            defer self.mutex.unlock();
            @atomicStore(bool, &self.entered, true, .monotonic);
        }
    };
    var shared: Shared = .{};
    shared.mutex.lock();
    const other = try std.Thread.spawn(.{}, Shared.enter, .{&shared});
    while (@atomicLoad(u32, &shared.mutex.word, .monotonic) != contended) std.atomic.spinLoopHint();
    try std.testing.expect(!@atomicLoad(bool, &shared.entered, .monotonic));
    shared.mutex.unlock();
    other.join();
    try std.testing.expect(shared.entered);
}
