//! Waiting in reads of an eventfd. Each message is a write and a read of one; a sender that finds
//! the ring full, which is rare, sleeps on another.

const std = @import("std");
const linux = std.os.linux;
const slots = @import("slots.zig");
const stream = @import("stream.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

pub const Wakeups = struct {
    pub const forms: mechanism.Forms = .{};
    pub const State = extern struct {
        /// Messages taken out of the ring, ever.
        received: u64 align(slots.line_size),
        /// 1: the sender may sleep until there is room.
        wants_room: u32 align(slots.line_size),
    };
    const Way = slots.Way(State);

    /// Each counts the messages that one direction has and nobody received yet.
    messages: [2]i32 = .{ -1, -1 },
    /// A wake-up for the sender of a direction.
    room: [2]i32 = .{ -1, -1 },
    count: u32 = 0,
    sent: u64 = 0,
    received: u64 = 0,

    pub fn open(self: *Wakeups, failure: *Failure) error{Forbidden}!void {
        for (&self.messages) |*fd| fd.* = try new_eventfd(linux.EFD.SEMAPHORE, failure);
        for (&self.room) |*fd| fd.* = try new_eventfd(0, failure);
    }

    pub fn prepare(self: *Wakeups, sending: Way, receiving: Way, count: u32) Error!void {
        _ = sending;
        _ = receiving;
        self.count = count;
    }

    pub fn before_send(self: *Wakeups, way: Way, slot: u32) Error!void {
        _ = slot;
        while (self.is_full(way)) {
            // Sequentially consistent, as the load after it and the two in `after_receive`: either this
            // side sees the room or the receiver sees that it is wanted.
            @atomicStore(u32, &way.state.wants_room, 1, .seq_cst);
            if (!self.is_full(way)) return;
            // A wake-up that was meant for an earlier message ends this too, hence the loop.
            try read_number(self.room[way.index]);
        }
    }

    fn is_full(self: *const Wakeups, way: Way) bool {
        // Pairs with the store in `after_receive`, which is done reading the slot.
        return self.sent - @atomicLoad(u64, &way.state.received, .seq_cst) == self.count;
    }

    /// The kernel's lock in the eventfd publishes the payload to the read in `before_receive`.
    pub fn after_send(self: *Wakeups, way: Way, slot: u32) Error!void {
        _ = slot;
        self.sent += 1;
        try write_one(self.messages[way.index]);
    }

    pub fn before_receive(self: *Wakeups, way: Way, slot: u32) Error!void {
        _ = slot;
        try read_number(self.messages[way.index]);
    }

    pub fn after_receive(self: *Wakeups, way: Way, slot: u32) Error!void {
        _ = slot;
        self.received += 1;
        // Pairs with the load in `is_full`, and with the store before it: see there.
        @atomicStore(u64, &way.state.received, self.received, .seq_cst);
        if (@atomicLoad(u32, &way.state.wants_room, .seq_cst) == 0) return;
        // Relaxed: the sender sets it again after each wake-up, before it looks.
        @atomicStore(u32, &way.state.wants_room, 0, .monotonic);
        try write_one(self.room[way.index]);
    }

    pub fn close(self: *Wakeups) void {
        _ = self;
    }
};

fn new_eventfd(flags: u32, failure: *Failure) error{Forbidden}!i32 {
    return @intCast(try failure.check("eventfd", linux.eventfd(0, flags | linux.EFD.CLOEXEC)));
}

fn write_one(fd: i32) Error!void {
    const one: u64 = 1;
    try stream.write_all(fd, std.mem.asBytes(&one));
}

/// Sleeps until the number is not zero.
fn read_number(fd: i32) Error!void {
    var number: u64 = undefined;
    try stream.read_exactly(fd, std.mem.asBytes(&number));
}
