//! What the designs over shared memory have in common: a ring of slots each way. The payload is
//! copied into a slot and out of it; a design says how a side waits for a full or an empty one.

const std = @import("std");
const memory = @import("memory.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

const payload_size = 4 << 20;
/// Enough that a sender runs far ahead, few enough that the ring of small messages stays in a cache.
pub const slots_max = 1024;
/// A ring has at least two slots.
const slot_size_max = payload_size / 2;

pub const Slot = enum { empty, full };

/// A mechanism of slots in memory from `map`, with sides that wait as `Design` does. That lies in the shared
/// memory, once for each direction, and has the same descriptors in both sides:
///
///     pub const forms: mechanism.Forms
///     pub fn open(self: *Design, failure: *Failure) error{Forbidden}!void
///     /// In the sender, before either side sends, with both rings empty.
///     pub fn prepare_sender(self: *Design, slots: u32) Error!void
///     /// In the receiver, likewise.
///     pub fn prepare_receiver(self: *Design) void
///     /// Until a slot is that.
///     pub fn await(self: *Design, comptime what: Slot, slot: u32) Error!void
///     /// To the other side, which may await it.
///     pub fn announce(self: *Design, comptime what: Slot, slot: u32) Error!void
///
/// `open` and what prepares may be left out.
pub fn Slots(comptime map: memory.Map, comptime Design: type) type {
    return struct {
        const Self = @This();
        pub const forms: mechanism.Forms = Design.forms;

        const Lane = struct {
            design: Design align(memory.page_size),
            payload: [payload_size]u8 align(memory.page_size),
        };

        /// Each is named by the side that sends into it.
        lanes: *[2]Lane = undefined,
        out: *Lane = undefined,
        in: *Lane = undefined,
        /// Of one message size, and the same for both sides.
        slot_size: u32 = 0,
        count: u32 = 0,
        /// The slots of the next messages.
        out_slot: u32 = 0,
        in_slot: u32 = 0,
        size_max: ?u32 = slot_size_max,

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            self.lanes = @ptrCast(try map(@sizeOf([2]Lane), failure));
            for (self.lanes) |*lane| {
                lane.design = .{};
                if (@hasDecl(Design, "open")) try lane.design.open(failure);
            }
        }

        pub fn take_side(self: *Self, side: mechanism.Side, _: *Failure) error{Forbidden}!void {
            self.out = &self.lanes[@intFromEnum(side)];
            self.in = &self.lanes[1 - @intFromEnum(side)];
            memory.populate(@ptrCast(self.lanes));
        }

        pub fn prepare(self: *Self, size: u32) Error!void {
            self.slot_size = std.mem.alignForward(u32, size, memory.line_size);
            self.count = @min(slots_max, payload_size / self.slot_size);
            self.out_slot = 0;
            self.in_slot = 0;
            if (@hasDecl(Design, "prepare_sender")) try self.out.design.prepare_sender(self.count);
            if (@hasDecl(Design, "prepare_receiver")) self.in.design.prepare_receiver();
        }

        pub fn send(self: *Self, bytes: []const u8) Error!void {
            const slot = self.out_slot;
            try self.out.design.await(.empty, slot);
            @memcpy(self.out.payload[slot * self.slot_size ..][0..bytes.len], bytes);
            try self.out.design.announce(.full, slot);
            self.out_slot = self.after(slot);
        }

        pub fn receive(self: *Self, into: []u8) Error!usize {
            const slot = self.in_slot;
            try self.in.design.await(.full, slot);
            @memcpy(into, self.in.payload[slot * self.slot_size ..][0..into.len]);
            try self.in.design.announce(.empty, slot);
            self.in_slot = self.after(slot);
            return into.len;
        }

        inline fn after(self: *const Self, slot: u32) u32 {
            return if (slot + 1 == self.count) 0 else slot + 1;
        }
    };
}
