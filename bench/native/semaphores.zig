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

pub const Posix = Semaphores(Posted(.futex), Posted(.futex));
pub const SystemV = Semaphores(OneOfASet, OneOfASet);
/// Each message is a write and a read of an eventfd. A sender that finds the ring full, which is rare, sleeps
/// on another.
pub const Eventfd = Semaphores(EventCounter, Posted(.eventfd));
/// Notification alone, and only for round trips: no side sends so far ahead there that it would have to wait
/// for an empty slot, which nothing here tells it of.
pub const Signalfd = Semaphores(QueuedSignal, Nothing);
pub const Timerfd = Semaphores(ExpiredTimer, Nothing);

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
fn Posted(comptime sleeps_on: enum { futex, eventfd }) type {
    return struct {
        const Self = @This();
        const one_sleeper: u64 = 1 << 32;

        word: u64 = 0,
        event: EventCounter = .{},

        fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            if (sleeps_on == .eventfd) try self.event.open(failure);
        }

        fn set(self: *Self, value: u32) Error!void {
            // Relaxed: the first `post` of "full" publishes it.
            @atomicStore(u64, &self.word, value, .monotonic);
        }

        fn wait(self: *Self) Error!void {
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
        fn take(self: *Self, off: u64) bool {
            // Relaxed: the exchange below is what acquires.
            var word = @atomicLoad(u64, &self.word, .monotonic);
            while (@as(u32, @truncate(word)) > 0) {
                // Acquire: pairs with the addition in `post`.
                word = @cmpxchgWeak(u64, &self.word, word, word - off, .acquire, .monotonic) orelse return true;
            }
            return false;
        }

        fn post(self: *Self) Error!void {
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

/// An eventfd that counts what nobody waited for yet.
const EventCounter = struct {
    fd: i32 = -1,

    fn open(self: *EventCounter, failure: *Failure) error{Forbidden}!void {
        self.fd = try failure.descriptor("eventfd", linux.eventfd(0, linux.EFD.SEMAPHORE | linux.EFD.CLOEXEC));
    }

    fn post(self: *EventCounter) Error!void {
        const one: u64 = 1;
        try system.write_all(self.fd, std.mem.asBytes(&one));
    }

    fn wait(self: *EventCounter) Error!void {
        try read_one(self.fd);
    }
};

/// A signal, read from a signalfd.
const QueuedSignal = extern struct {
    fd: i32 = -1,
    /// The process that receives.
    receiver: i32 = 0,
    /// Messages ever, modulo 2^32: a signal carries the number of its message.
    sent: u32 = 0,
    received: u32 align(memory.line_size) = 0,

    /// Of the real-time signals, which are queued with a value, the first that no libc keeps for itself.
    const signal: linux.SIG = @enumFromInt(34);

    /// Both sides inherit the signalfd, which gives each its own signals.
    fn open(self: *QueuedSignal, failure: *Failure) error{Forbidden}!void {
        var set = linux.sigemptyset();
        linux.sigaddset(&set, signal);
        _ = linux.sigprocmask(linux.SIG.BLOCK, &set, null);
        self.fd = try failure.descriptor("signalfd", linux.signalfd(-1, &set, linux.SFD.CLOEXEC));
    }

    fn receive_here(self: *QueuedSignal) void {
        // Relaxed: the sides meet between this and the load in `post`.
        @atomicStore(i32, &self.receiver, linux.getpid(), .monotonic);
    }

    fn post(self: *QueuedSignal) Error!void {
        var info = std.mem.zeroes(linux.siginfo_t);
        info.signo = signal;
        const sent_by_a_queueing_call = -1;
        info.code = sent_by_a_queueing_call;
        info.fields.common.second.value.int = @bitCast(self.sent);
        // Relaxed: pairs with the store in `receive_here`.
        const receiver: usize = @intCast(@atomicLoad(i32, &self.receiver, .monotonic));
        _ = try system.call(linux.syscall3, .{ .rt_sigqueueinfo, receiver, @intFromEnum(signal), @intFromPtr(&info) });
        self.sent +%= 1;
    }

    fn wait(self: *QueuedSignal) Error!void {
        var info: linux.signalfd_siginfo = undefined;
        try system.read_exactly(self.fd, std.mem.asBytes(&info));
        const number: u32 = @bitCast(info.int);
        if (info.signo != @intFromEnum(signal) or number != self.received) return error.System;
        self.received +%= 1;
    }
};

/// A timer that expires at once, read from a timerfd.
const ExpiredTimer = struct {
    fd: i32 = -1,

    fn open(self: *ExpiredTimer, failure: *Failure) error{Forbidden}!void {
        const result = linux.timerfd_create(.MONOTONIC, .{ .CLOEXEC = true });
        self.fd = try failure.descriptor("timerfd_create", result);
    }

    fn post(self: *ExpiredTimer) Error!void {
        const once: linux.itimerspec = .{
            .it_interval = .{ .sec = 0, .nsec = 0 },
            .it_value = .{ .sec = 0, .nsec = 1 },
        };
        _ = try system.call(linux.timerfd_settime, .{ self.fd, .{}, &once, null });
    }

    fn wait(self: *ExpiredTimer) Error!void {
        try read_one(self.fd);
    }
};

/// Sleeps until there is a number to be read, which is never more than one.
fn read_one(fd: i32) Error!void {
    var number: u64 = undefined;
    try system.read_exactly(fd, std.mem.asBytes(&number));
    if (number != 1) return error.System;
}
