//! What the designs over shared memory have in common: a ring of slots each way. The payload is
//! copied into a slot and out of it; a design says how a side waits for a full or an empty one.

const std = @import("std");
const mechanism = @import("mechanism.zig");
const mapping = @import("shared_mapping.zig");
const Side = mechanism.Side;
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// Bytes that processors fetch or take away at once: two lines of 64 on x86-64.
pub const line_size = 128;

const payload_size = 4 << 20;
/// Enough that a sender runs far ahead, few enough that the ring of small messages stays in a cache.
pub const slots_max = 1024;
/// A ring has at least two slots.
pub const size_max = payload_size / 2;

/// One direction: what its sides wait with, and the payloads.
pub fn Lane(comptime State: type) type {
    return extern struct {
        state: State align(mapping.page_size),
        payload: [payload_size]u8 align(mapping.page_size),
    };
}

/// A side's place in the rings of one message size. Both sides lay them out alike.
pub const Layout = struct {
    slot_size: u32 = 0,
    count: u32 = 0,
    /// The slots of the next messages out and in.
    out: u32 = 0,
    in: u32 = 0,

    pub fn of(size: u32) Error!Layout {
        if (size > size_max) return error.System;
        const slot_size = std.mem.alignForward(u32, @max(size, 1), line_size);
        return .{ .slot_size = slot_size, .count = @min(slots_max, payload_size / slot_size) };
    }

    pub fn after(self: Layout, slot: u32) u32 {
        return if (slot + 1 == self.count) 0 else slot + 1;
    }
};

/// A mechanism of slots in memory from `map`, with sides that wait as `Waiting` does:
///
///     pub const forms: mechanism.Forms
///     /// In shared memory, once for each direction; zero at first.
///     pub const State: type
///     pub fn open(self: *Waiting, failure: *Failure) error{Forbidden}!void
///     /// In both sides before either sends, with both rings empty. `sending` is this side's way out.
///     pub fn prepare(self: *Waiting, sending: Way(State), receiving: Way(State), slots: u32) Error!void
///     /// Until the slot is empty, and to say that it is full; until it is full, and to say that it is empty.
///     pub fn before_send(self: *Waiting, way: Way(State), slot: u32) Error!void
///     pub fn after_send, before_receive, after_receive: the same
///     pub fn close(self: *Waiting) void
pub fn Slots(comptime map: mapping.Map, comptime Waiting: type) type {
    return struct {
        const Self = @This();
        const Rings = [2]Lane(Waiting.State);

        rings: ?*Rings = null,
        layout: Layout = .{},
        waiting: Waiting = .{},

        pub const forms: mechanism.Forms = Waiting.forms;

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            const memory = try map(@sizeOf(Rings), failure);
            self.rings = @ptrCast(memory.ptr);
            try self.waiting.open(failure);
        }

        pub fn take_side(self: *Self, side: Side, failure: *Failure) error{Forbidden}!void {
            _ = side;
            _ = failure;
            mapping.populate(@ptrCast(self.rings.?));
        }

        pub fn max_size(self: *const Self) ?u32 {
            _ = self;
            return size_max;
        }

        pub fn prepare(self: *Self, side: Side, size: u32) Error!void {
            self.layout = try .of(size);
            const out = @intFromEnum(side);
            try self.waiting.prepare(self.way(out), self.way(1 - out), self.layout.count);
        }

        pub fn send(self: *Self, side: Side, bytes: []const u8) Error!void {
            const out = self.way(@intFromEnum(side));
            const slot = self.layout.out;
            try self.waiting.before_send(out, slot);
            @memcpy(self.payload(out, slot, bytes.len), bytes);
            try self.waiting.after_send(out, slot);
            self.layout.out = self.layout.after(slot);
        }

        pub fn receive(self: *Self, side: Side, into: []u8) Error!usize {
            const in = self.way(1 - @intFromEnum(side));
            const slot = self.layout.in;
            try self.waiting.before_receive(in, slot);
            @memcpy(into, self.payload(in, slot, into.len));
            try self.waiting.after_receive(in, slot);
            self.layout.in = self.layout.after(slot);
            return into.len;
        }

        pub fn close(self: *Self) void {
            self.waiting.close();
        }

        fn way(self: *Self, index: u1) Way(Waiting.State) {
            return .{ .index = index, .state = &self.rings.?[index].state };
        }

        fn payload(self: *Self, in: Way(Waiting.State), slot: u32, size: usize) []u8 {
            return self.rings.?[in.index].payload[slot * self.layout.slot_size ..][0..size];
        }
    };
}

/// One of the two directions, named by the side that sends.
pub fn Way(comptime State: type) type {
    return struct { index: u1, state: *State };
}
