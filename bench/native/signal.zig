//! Notification alone: a signal, read from a signalfd, and a timer that expires at once, read from a
//! timerfd. The payload lies in a slot in the meantime. Only for round trips: no side sends so far
//! ahead there that it would have to wait for an empty slot, which nothing here tells it of.

const std = @import("std");
const linux = std.os.linux;
const slots = @import("slots.zig");
const stream = @import("stream.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// Of the real-time signals, which are queued with a value, the first that no libc keeps for itself.
const signal: linux.SIG = @enumFromInt(34);

pub const Signals = struct {
    pub const forms: mechanism.Forms = .{ .one_way = false };
    pub const State = extern struct {
        /// The process that receives in this direction.
        receiver: i32,
    };
    const Way = slots.Way(State);

    fd: i32 = -1,
    /// Messages ever, modulo 2^32: a signal carries the number of its message.
    sent: u32 = 0,
    received: u32 = 0,

    /// Both sides inherit the signalfd, which gives each its own signals.
    pub fn open(self: *Signals, failure: *Failure) error{Forbidden}!void {
        var set = linux.sigemptyset();
        linux.sigaddset(&set, signal);
        _ = linux.sigprocmask(linux.SIG.BLOCK, &set, null);
        self.fd = @intCast(try failure.check("signalfd", linux.signalfd(-1, &set, linux.SFD.CLOEXEC)));
    }

    pub fn prepare(self: *Signals, sending: Way, receiving: Way, count: u32) Error!void {
        _ = self;
        _ = sending;
        _ = count;
        // Relaxed: the sides meet between this and the load in `after_send`.
        @atomicStore(i32, &receiving.state.receiver, linux.getpid(), .monotonic);
    }

    pub fn before_send(self: *Signals, way: Way, slot: u32) Error!void {
        _ = self;
        _ = way;
        _ = slot;
    }

    /// The kernel's lock on the receiver's signals publishes the payload to the read of them.
    pub fn after_send(self: *Signals, way: Way, slot: u32) Error!void {
        _ = slot;
        // Relaxed: pairs with the store in `prepare`.
        const receiver = @atomicLoad(i32, &way.state.receiver, .monotonic);
        try queue_signal(receiver, self.sent);
        self.sent +%= 1;
    }

    pub fn before_receive(self: *Signals, way: Way, slot: u32) Error!void {
        _ = way;
        _ = slot;
        var info: linux.signalfd_siginfo = undefined;
        try stream.read_exactly(self.fd, std.mem.asBytes(&info));
        const number: u32 = @bitCast(info.int);
        if (info.signo != @intFromEnum(signal) or number != self.received) return error.System;
        self.received +%= 1;
    }

    pub fn after_receive(self: *Signals, way: Way, slot: u32) Error!void {
        _ = self;
        _ = way;
        _ = slot;
    }

    pub fn close(self: *Signals) void {
        _ = self;
    }
};

fn queue_signal(receiver: i32, number: u32) Error!void {
    var info = std.mem.zeroes(linux.siginfo_t);
    info.signo = signal;
    const sent_by_a_queueing_call = -1;
    info.code = sent_by_a_queueing_call;
    info.fields.common.second.value.int = @bitCast(number);
    const target: usize = @intCast(receiver);
    const result = linux.syscall3(.rt_sigqueueinfo, target, @intFromEnum(signal), @intFromPtr(&info));
    switch (linux.errno(result)) {
        .SUCCESS => {},
        .SRCH => return error.Closed,
        else => return error.System,
    }
}

pub const Timers = struct {
    pub const forms: mechanism.Forms = .{ .one_way = false };
    pub const State = extern struct { unused: u32 };
    const Way = slots.Way(State);

    /// One for each direction: the sender sets it, the receiver reads that it has expired.
    timers: [2]i32 = .{ -1, -1 },

    pub fn open(self: *Timers, failure: *Failure) error{Forbidden}!void {
        for (&self.timers) |*timer| {
            const result = linux.timerfd_create(.MONOTONIC, .{ .CLOEXEC = true });
            timer.* = @intCast(try failure.check("timerfd_create", result));
        }
    }

    pub fn prepare(self: *Timers, sending: Way, receiving: Way, count: u32) Error!void {
        _ = self;
        _ = sending;
        _ = receiving;
        _ = count;
    }

    pub fn before_send(self: *Timers, way: Way, slot: u32) Error!void {
        _ = self;
        _ = way;
        _ = slot;
    }

    /// The kernel's lock in the timer publishes the payload to the read of it.
    pub fn after_send(self: *Timers, way: Way, slot: u32) Error!void {
        _ = slot;
        const once: linux.itimerspec = .{
            .it_interval = .{ .sec = 0, .nsec = 0 },
            .it_value = .{ .sec = 0, .nsec = 1 },
        };
        const result = linux.timerfd_settime(self.timers[way.index], .{}, &once, null);
        if (linux.errno(result) != .SUCCESS) return error.System;
    }

    pub fn before_receive(self: *Timers, way: Way, slot: u32) Error!void {
        _ = slot;
        var expirations: u64 = undefined;
        try stream.read_exactly(self.timers[way.index], std.mem.asBytes(&expirations));
        if (expirations != 1) return error.System;
    }

    pub fn after_receive(self: *Timers, way: Way, slot: u32) Error!void {
        _ = self;
        _ = way;
        _ = slot;
    }

    pub fn close(self: *Timers) void {
        _ = self;
    }
};
