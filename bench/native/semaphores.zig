//! Waiting for a slot with two semaphores each way, "full" and "empty": the bounded buffer of the textbooks.
//! A semaphore is whatever sleeps in `wait` until the other side called `post` once more. Those of the
//! kernel order the payload: whoever is let through comes after the one that let it.

const std = @import("std");
const linux = std.os.linux;
const keeper = @import("keeper.zig");
const memory = @import("memory.zig");
const system = @import("system.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;
const Slot = @import("slots.zig").Slot;

pub const Posix = Semaphores(Counted(.futex), Counted(.futex));
pub const SystemV = Semaphores(OneOfASet, OneOfASet);
/// Each message is a write and a read of an eventfd. A sender that finds the ring full, which is rare, sleeps
/// on another.
pub const Eventfd = Semaphores(Notifier(.eventfd), Counted(.eventfd));
/// Notification alone, and only for round trips: no side sends so far ahead there that it would have to wait
/// for an empty slot, which nothing here tells it of.
pub const Signalfd = Semaphores(Notifier(.signal), Nothing);
pub const Timerfd = Semaphores(Notifier(.timer), Nothing);

/// A design as `slots.zig` describes it. `Empty` has `set` for the number of slots, where it needs that, and
/// `Full` has `receive_here`, where it has to know the receiver.
fn Semaphores(comptime Full: type, comptime Empty: type) type {
    return struct {
        const Self = @This();
        pub const forms: mechanism.Forms = .{ .one_way = Empty != Nothing };

        full: Full align(memory.line_size) = .{},
        empty: Empty align(memory.line_size) = .{},

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            if (@hasDecl(Full, "open")) try self.full.open(failure);
            if (@hasDecl(Empty, "open")) try self.empty.open(failure);
        }

        pub fn prepare(self: *Self, end: mechanism.End, slots: u32) Error!void {
            switch (end) {
                // The receiver does not touch "empty" before it has received something.
                .sending => if (@hasDecl(Empty, "set")) try self.empty.set(slots),
                .receiving => if (@hasDecl(Full, "receive_here")) self.full.receive_here(),
            }
        }

        pub fn await(self: *Self, comptime what: Slot, _: u32) Error!void {
            try @field(self, @tagName(what)).wait();
        }

        pub fn announce(self: *Self, comptime what: Slot, _: u32) Error!void {
            try @field(self, @tagName(what)).post();
        }
    };
}

const Nothing = struct {
    fn wait(_: *Nothing) Error!void {}

    fn post(_: *Nothing) Error!void {}
};

/// What sem_t is in glibc: the value and the number of sleepers in one word of 64 bits, so that
/// `post` sees both at once and calls the kernel only when somebody sleeps. Does not spin.
pub fn Counted(comptime sleeps_on: enum { futex, eventfd }) type {
    return struct {
        const Self = @This();
        const one_sleeper: u64 = 1 << 32;

        word: u64 = 0,
        event: Notifier(.eventfd) = .{},

        fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            if (sleeps_on == .eventfd) try self.event.open(failure);
        }

        fn set(self: *Self, value: u32) Error!void {
            // Relaxed: the first `post` of "full" publishes it.
            @atomicStore(u64, &self.word, value, .monotonic);
        }

        pub fn wait(self: *Self) Error!void {
            if (self.take(1)) return;
            // Relaxed: `post` reads the count of sleepers in the same word that it adds to.
            _ = @atomicRmw(u64, &self.word, .Add, one_sleeper, .monotonic);
            while (!self.take(one_sleeper + 1)) switch (sleeps_on) {
                .futex => try system.futex_wait(self.value_word(), 0),
                // A wake-up that was meant for an earlier sleep ends this too.
                .eventfd => try self.event.wait(),
            };
        }

        /// Takes one, and in the same step what else is to be taken off the word.
        pub fn take(self: *Self, off: u64) bool {
            // Relaxed: the exchange below is what acquires.
            var word = @atomicLoad(u64, &self.word, .monotonic);
            while (@as(u32, @truncate(word)) > 0) {
                // Acquire: pairs with the addition in `post`.
                word = @cmpxchgWeak(u64, &self.word, word, word - off, .acquire, .monotonic) orelse return true;
            }
            return false;
        }

        pub fn post(self: *Self) Error!void {
            // Release: pairs with the exchange in `take`.
            const before = @atomicRmw(u64, &self.word, .Add, 1, .release);
            if (before >= one_sleeper) switch (sleeps_on) {
                .futex => try system.futex_wake(self.value_word()),
                .eventfd => try self.event.post(),
            };
        }

        /// The half that holds the value: the first on the little-endian machines that this is built for.
        fn value_word(self: *Self) *const u32 {
            const halves: *const [2]u32 = @ptrCast(&self.word);
            return &halves[0];
        }
    };
}

/// All of both directions are in one set.
const OneOfASet = struct {
    number: u16 = 0,

    const Operation = extern struct { number: u16, change: i16, flags: i16 };

    const set_size = 4;
    var set_id: usize = 0;
    var opened: u16 = 0;

    fn open(self: *OneOfASet, failure: *Failure) error{Forbidden}!void {
        const owner_only = 0o600;
        if (opened == 0) set_id = try keeper.make(.semget, .semctl, .{ set_size, owner_only }, failure);
        self.number = opened;
        opened += 1;
    }

    fn set(self: *OneOfASet, value: u32) Error!void {
        const set_value = 16;
        _ = try system.call(linux.syscall4, .{ .semctl, set_id, self.number, set_value, value });
    }

    fn wait(self: *OneOfASet) Error!void {
        try self.change(-1);
    }

    fn post(self: *OneOfASet) Error!void {
        try self.change(1);
    }

    fn change(self: *OneOfASet, by: i16) Error!void {
        const operation: Operation = .{ .number = self.number, .change = by, .flags = 0 };
        const at = @intFromPtr(&operation);
        _ = if (@hasField(linux.SYS, "semop"))
            try system.call(linux.syscall3, .{ .semop, set_id, at, 1 })
        else
            try system.call(linux.syscall4, .{ .semtimedop, set_id, at, 1, 0 });
    }
};

/// A descriptor that can be read once for each `post`: an eventfd, a signalfd, and a timerfd whose timer
/// expires at once.
fn Notifier(comptime kind: enum { eventfd, signal, timer }) type {
    return struct {
        const Self = @This();

        fd: i32 = -1,
        /// The process that receives, for a signal.
        receiver: i32 = 0,

        /// Of the real-time signals, which are queued, the first that no libc keeps for itself.
        const signal: linux.SIG = @enumFromInt(34);

        /// Both sides inherit it; a signalfd gives each its own signals.
        fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            var set = linux.sigemptyset();
            linux.sigaddset(&set, signal);
            if (kind == .signal) _ = linux.sigprocmask(linux.SIG.BLOCK, &set, null);
            self.fd = try failure.descriptor(@tagName(kind), switch (kind) {
                .eventfd => linux.eventfd(0, linux.EFD.SEMAPHORE | linux.EFD.CLOEXEC),
                .signal => linux.signalfd(-1, &set, linux.SFD.CLOEXEC),
                .timer => linux.timerfd_create(.MONOTONIC, .{ .CLOEXEC = true }),
            });
        }

        fn receive_here(self: *Self) void {
            // Relaxed: the sides meet between this and the load in `post`.
            @atomicStore(i32, &self.receiver, linux.getpid(), .monotonic);
        }

        fn post(self: *Self) Error!void {
            const one: u64 = 1;
            const at_once: linux.itimerspec = .{
                .it_interval = .{ .sec = 0, .nsec = 0 },
                .it_value = .{ .sec = 0, .nsec = 1 },
            };
            switch (kind) {
                .eventfd => try system.write_all(self.fd, std.mem.asBytes(&one)),
                // Relaxed: pairs with the store in `receive_here`.
                .signal => _ = try system.call(linux.kill, .{ @atomicLoad(i32, &self.receiver, .monotonic), signal }),
                .timer => _ = try system.call(linux.timerfd_settime, .{ self.fd, .{}, &at_once, null }),
            }
        }

        fn wait(self: *Self) Error!void {
            var what: if (kind == .signal) linux.signalfd_siginfo else u64 = undefined;
            try system.read_exactly(self.fd, std.mem.asBytes(&what));
            const is_one = if (kind == .signal) what.signo == @intFromEnum(signal) else what == 1;
            if (!is_one) return error.System;
        }
    };
}
