//! Waiting for any number of channels without blocking an event loop: the loop's thread arms watches,
//! one other thread sleeps for all of them and says when there are reports, the loop's thread takes
//! those. A watch fires once; then it is a report, and armed no more.
//!
//! Everything is done under the waiter's mutex but the sleeping itself, and a channel is disarmed
//! before its memory is let go. So what the other thread reads is mapped, and what it sleeps on is
//! the kernel's business: a word that is gone only makes it look again.

const std = @import("std");
const linux = std.os.linux;
const cpu = @import("../os/cpu.zig");
const mark = @import("../os/mark.zig");
const time = @import("../os/time.zig");
const wire = @import("../ring/wire.zig");
const futex = @import("futex.zig");
const system = @import("../os/system.zig");
const watches = @import("watch.zig");
const WatchList = watches.WatchList;
const Mutex = @import("mutex.zig").Mutex;
const Target = @import("target.zig").Target;
const Deadline = time.Deadline;

/// A number is its index in the table of waiters and a generation.
pub const waiter_count = 128;
const words_max = futex.entries_max - 1;
const polled_max = 128;

pub const Intervals = struct {
    /// How soon a dead peer is noticed.
    check_ns: u64 = time.slice_ms * std.time.ns_per_ms,
    /// The longest sleep when it does not end by itself for everything that is waited for.
    partial_ns: u64 = 5 * std.time.ns_per_ms,
    /// The same, when what does not end it is likely to come soon.
    blind_ns: u64 = 1 * std.time.ns_per_ms,
};

/// Tests make them long, so that only what ends a sleep by itself can end it.
pub var intervals: Intervals = .{};

const awake: u32 = 0;
const asleep: u32 = 1;

const vacant: u32 = 0;
const occupied: u32 = 1;

pub const Waiter = struct {
    mutex: Mutex = .{},
    /// 0 while it is not open.
    number: u32 = 0,
    generation: u32 = 0,
    /// The thread that opened it.
    owner: i32 = 0,
    /// `occupied` while a thread is inside `wait_for_reports`. A futex word of this process.
    sleeper: u32 = vacant,
    /// Somebody sleeps until that thread has left.
    is_leaving_awaited: bool = false,
    /// The last armed watch was disarmed, and `wait` has not told yet.
    was_emptied: bool = false,
    /// A watch was set aside, and `wait` has not told yet.
    was_set_aside: bool = false,
    /// A futex word of this process: `asleep` from before the mutex is let go for a sleep.
    doorbell: u32 = awake,
    /// It sleeps on descriptors, so that the bell is an eventfd.
    is_polling: bool = false,
    bell_fd: i32 = 0,
    /// When the peers' health was last looked at.
    checked_ns: u64 = 0,
    /// Where in the list of the armed the next sleep begins, when not all have a place in it.
    rotation: u32 = 0,
    armed: WatchList = .{},
    reported: WatchList = .{},

    pub fn arm(self: *Waiter, index: u16, handle: u32, target: Target) void {
        watches.all[index] = .{ .handle = handle, .target = target, .place = 0, .is_reported = false, .peer_died = false };
        self.armed.add(index);
        self.was_emptied = false;
        // Relaxed: read without the mutex by this thread only.
        @atomicStore(u8, &watches.holders[index], self.holder(), .monotonic);
        mark.at(.watch_armed);
        self.ring();
    }

    /// The sleeper is left alone where the word that it sleeps on will wake it.
    pub fn change(self: *Waiter, index: u16, target: Target) void {
        watches.all[index].target = target;
        const word = target.word() orelse return;
        // Relaxed: if it is being taken back right now, the sleeper is being woken.
        if (@atomicLoad(u32, word, .monotonic) != @intFromEnum(wire.Sleeping.sleeping)) self.ring();
    }

    pub fn disarm(self: *Waiter, index: u16) void {
        // Release, when all is done: pairs with the loads in `waiters.zig`.
        defer @atomicStore(u8, &watches.holders[index], 0, .release);
        if (watches.all[index].is_reported) return self.reported.remove(index);
        self.armed.remove(index);
        watches.all[index].target.set_word(.awake);
        mark.at(.watch_disarmed);
        if (self.armed.count == 0) self.was_emptied = true;
        // So that the sleeper takes no wake-up that is meant for whoever sleeps on that word next.
        self.ring();
    }

    fn report(self: *Waiter, index: u16, peer_died: bool) void {
        const watch_at = &watches.all[index];
        self.armed.remove(index);
        watch_at.target.set_word(.awake);
        mark.at(.watch_reported);
        watch_at.is_reported = true;
        watch_at.peer_died = peer_died;
        self.reported.add(index);
    }

    /// Reports a watch of which nothing is known, so that the loop looks for itself.
    pub fn set_aside(self: *Waiter, index: u16) void {
        if (watches.all[index].is_reported) return;
        self.report(index, false);
        self.was_set_aside = true;
        self.ring();
    }

    /// `set_orphaned` is told the handle when its peer was found dead.
    pub fn take_one(self: *Waiter, index: u16, set_orphaned: fn (handle: u32) void) void {
        const watch = &watches.all[index];
        if (watch.peer_died) set_orphaned(watch.handle);
        self.disarm(index);
    }

    pub fn holder(self: *const Waiter) u8 {
        return holder_of(self.number);
    }

    /// Has the sleeper look. The mutex is held, so it either sleeps or will look anyway; no fence is
    /// needed. The word is taken back because the sleeper may not have come to the kernel yet.
    pub fn ring(self: *Waiter) void {
        if (self.doorbell == awake) return;
        @atomicStore(u32, &self.doorbell, awake, .monotonic); // The kernel compares it in `futex.wait_any`.
        if (!self.is_polling) return futex.wake_one(&self.doorbell);
        // Cannot fail: an eventfd that is open, with a count of at most 1.
        _ = linux.write(self.bell_fd, std.mem.asBytes(&@as(u64, 1)), 8);
    }

    /// Reports what is ready. False: nothing was.
    pub fn look(self: *Waiter, now_ns: u64) bool {
        const before = self.reported.count;
        const was_set_aside = self.was_set_aside and before > 0;
        self.was_set_aside = false;
        for (self.armed.items[0..self.armed.count]) |index| watches.all[index].target.set_word(.sleeping);
        mark.at(.watches_announced);
        cpu.full_fence(); // Pairs with the ones in `wait.wake` and `Link.end`.
        if (now_ns -| self.checked_ns >= intervals.check_ns) {
            self.checked_ns = now_ns;
            self.report_dead_without_pidfd();
            self.report_readable(pidfd_of, true);
        }
        self.report_readable(listener_of, false);
        // Backwards: what takes the place of a reported one was looked at before.
        var at = self.armed.count;
        while (at > 0) {
            at -= 1;
            const index = self.armed.items[at];
            const target = &watches.all[index].target;
            if (target.* != .connector and target.is_ready()) self.report(index, false);
        }
        return was_set_aside or self.reported.count > before;
    }

    fn report_dead_without_pidfd(self: *Waiter) void {
        var at = self.armed.count;
        while (at > 0) {
            at -= 1;
            const index = self.armed.items[at];
            const peer = watches.all[index].target.peer() orelse continue;
            if (peer.pidfd < 0 and !peer.is_alive()) self.report(index, true);
        }
    }

    /// Asks the kernel about the descriptors of many watches at once.
    fn report_readable(self: *Waiter, fd_of: fn (*const Target) ?i32, peer_died: bool) void {
        var polled: [polled_max]linux.pollfd = undefined;
        var indices: [polled_max]u16 = undefined;
        var at = self.armed.count;
        while (at > 0) {
            var count: u32 = 0;
            while (at > 0 and count < polled_max) {
                at -= 1;
                const index = self.armed.items[at];
                const fd = fd_of(&watches.all[index].target) orelse continue;
                polled[count] = .{ .fd = fd, .events = linux.POLL.IN, .revents = 0 };
                indices[count] = index;
                count += 1;
            }
            if (count == 0) return;
            const result = system.retry(linux.poll, .{ &polled, count, 0 });
            if (linux.errno(result) != .SUCCESS) return;
            for (polled[0..count], indices[0..count]) |entry, index| {
                if (entry.revents != 0) self.report(index, peer_died);
            }
        }
    }

    /// Lets the mutex go while it sleeps: until a bell, a wake-up, the deadline, or the time to look.
    pub fn sleep(self: *Waiter, now_ns: u64, deadline: Deadline) void {
        var rings: u32 = 0;
        var listeners: u32 = 0;
        var end_ns = deadline.at_ns;
        for (self.armed.items[0..self.armed.count]) |index| {
            const target = &watches.all[index].target;
            if (target.* == .connector) listeners += 1 else rings += 1;
            if (target.is_never_woken()) end_ns = @min(end_ns, now_ns + intervals.blind_ns);
        }
        if (rings == 0 and listeners > 0 and self.sleep_on_listeners(deadline)) return;
        if (listeners > 0 or rings > words_max) end_ns = @min(end_ns, now_ns + intervals.partial_ns);
        if (rings > 0) end_ns = @min(end_ns, self.checked_ns + intervals.check_ns);
        self.sleep_on_words(end_ns);
    }

    fn sleep_on_words(self: *Waiter, end_ns: u64) void {
        var entries: [futex.entries_max]futex.WaitEntry = undefined;
        const count = self.list_words(&entries);
        self.go_to_bed();
        mark.at(.waiter_asleep);
        // On the bell alone where the kernel has no more to offer, and then not for long.
        if (count == 1) {
            futex.wait_on(&self.doorbell, asleep, end_ns);
        } else if (!futex.wait_any(entries[0..count], end_ns)) {
            futex.wait_on(&self.doorbell, asleep, @min(end_ns, time.now_ns() + intervals.blind_ns));
        }
        self.get_up();
    }

    /// The bell, and as many words as there is room for.
    fn list_words(self: *Waiter, entries: *[futex.entries_max]futex.WaitEntry) u32 {
        entries[0] = futex.entry_of(&self.doorbell, asleep, true);
        var count: u32 = 1;
        const armed = self.armed.items[0..self.armed.count];
        for (0..armed.len) |offset| {
            const index = armed[(self.rotation + offset) % armed.len];
            const word = watches.all[index].target.word() orelse continue;
            entries[count] = futex.entry_of(word, asleep, false);
            count += 1;
            if (count == entries.len) {
                self.rotation +%= words_max;
                break;
            }
        }
        return count;
    }

    /// By epoll, which unlike ppoll does not hold the sockets: one that is closed meanwhile frees its
    /// name at once. False: there is no descriptor left.
    fn sleep_on_listeners(self: *Waiter, deadline: Deadline) bool {
        const opened = linux.epoll_create1(linux.EPOLL.CLOEXEC);
        if (linux.errno(opened) != .SUCCESS) return false;
        const epoll_fd: i32 = @intCast(opened);
        defer system.close_fd(epoll_fd);
        const bell = linux.eventfd(0, linux.EFD.CLOEXEC | linux.EFD.NONBLOCK);
        if (linux.errno(bell) != .SUCCESS) return false;
        self.bell_fd = @intCast(bell);
        defer system.close_fd(self.bell_fd);
        if (!add_to(epoll_fd, self.bell_fd)) return false;
        for (self.armed.items[0..self.armed.count]) |index| {
            if (!add_to(epoll_fd, watches.all[index].target.connector)) return false;
        }

        self.is_polling = true;
        self.go_to_bed();
        mark.at(.waiter_polls);
        const is_endless = deadline.at_ns == Deadline.never.at_ns;
        const left_ms = if (is_endless) 0 else deadline.remaining_ns() / std.time.ns_per_ms + 1;
        var events: [1]linux.epoll_event = undefined;
        // Whatever it answers, the next look asks again about those that are still armed.
        _ = linux.epoll_wait(epoll_fd, &events, events.len, if (is_endless) -1 else std.math.lossyCast(i32, left_ms));
        self.get_up();
        self.is_polling = false;
        return true;
    }

    fn add_to(epoll_fd: i32, fd: i32) bool {
        var event: linux.epoll_event = .{ .events = linux.EPOLL.IN, .data = .{ .fd = fd } };
        return linux.errno(linux.epoll_ctl(epoll_fd, linux.EPOLL.CTL_ADD, fd, &event)) == .SUCCESS;
    }

    /// This, `enter` and `leave` under the mutex.
    pub fn is_waited(self: *const Waiter) bool {
        return self.sleeper == occupied;
    }

    pub fn enter(self: *Waiter) void {
        @atomicStore(u32, &self.sleeper, occupied, .monotonic); // As in `leave`.
    }

    pub fn leave(self: *Waiter) void {
        @atomicStore(u32, &self.sleeper, vacant, .monotonic); // Pairs with the load in `await_leaving`.
        if (!self.is_leaving_awaited) return;
        self.is_leaving_awaited = false;
        futex.wake_one(&self.sleeper);
    }

    /// Without the mutex, which whoever leaves needs. False: the time was up before.
    pub fn await_leaving(self: *Waiter, deadline: Deadline) bool {
        // Relaxed: whoever takes the waiter then does so under the mutex.
        while (@atomicLoad(u32, &self.sleeper, .monotonic) == occupied) {
            if (deadline.passed()) return false;
            futex.wait_on(&self.sleeper, occupied, deadline.at_ns);
        }
        return true;
    }

    fn go_to_bed(self: *Waiter) void {
        @atomicStore(u32, &self.doorbell, asleep, .monotonic); // The kernel compares it in `futex.wait_any`.
        self.mutex.unlock();
    }

    fn get_up(self: *Waiter) void {
        self.mutex.lock();
        mark.at(.waiter_up);
        @atomicStore(u32, &self.doorbell, awake, .monotonic); // As in `go_to_bed`.
    }
};

fn pidfd_of(target: *const Target) ?i32 {
    const peer = target.peer() orelse return null;
    return if (peer.pidfd >= 0) peer.pidfd else null;
}

fn listener_of(target: *const Target) ?i32 {
    return if (target.* == .connector) target.connector else null;
}

pub fn holder_of(number: u32) u8 {
    return @intCast(number % waiter_count + 1);
}
