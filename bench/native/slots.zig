//! What the designs over shared memory have in common: a ring of slots. The payload is
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
/// memory, and has the same descriptors in both sides:
///
///     pub const forms: mechanism.Forms
///     pub fn open(self: *Design, failure: *Failure) error{Forbidden}!void
///     /// In each process, before anything is sent, with the ring empty.
///     pub fn prepare(self: *Design, end: End, slots: u32) Error!void
///     /// Until a slot is that.
///     pub fn await(self: *Design, comptime what: Slot, slot: u32) Error!void
///     /// To the other side, which may await it.
///     pub fn announce(self: *Design, comptime what: Slot, slot: u32) Error!void
///
/// `open` and `prepare` may be left out.
pub fn Slots(comptime map: memory.Map, comptime Design: type) type {
    return struct {
        const Self = @This();
        pub const forms: mechanism.Forms = Design.forms;

        const Shared = struct {
            design: Design align(memory.page_size),
            payload: [payload_size]u8 align(memory.page_size),
        };

        shared: *Shared = undefined,
        /// Of one message size, and the same for both sides.
        slot_size: u32 = 0,
        count: u32 = 0,
        /// The next message's.
        slot: u32 = 0,
        size_max: ?u32 = slot_size_max,

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            self.shared = @ptrCast(try map(@sizeOf(Shared), failure));
            self.shared.design = .{};
            if (@hasDecl(Design, "open")) try self.shared.design.open(failure);
        }

        pub fn take_end(self: *Self, _: mechanism.End, _: *Failure) error{Forbidden}!void {
            memory.populate(@ptrCast(self.shared));
        }

        pub fn prepare(self: *Self, end: mechanism.End, _: mechanism.Form, size: u32, _: *Failure) Error!void {
            self.slot_size = std.mem.alignForward(u32, size, memory.line_size);
            self.count = @min(slots_max, payload_size / self.slot_size);
            self.slot = 0;
            if (@hasDecl(Design, "prepare")) try self.shared.design.prepare(end, self.count);
        }

        pub fn send(self: *Self, bytes: []const u8) Error!void {
            const slot = self.slot;
            try self.shared.design.await(.empty, slot);
            @memcpy(self.payload(slot, bytes.len), bytes);
            try self.shared.design.announce(.full, slot);
            self.slot = self.after(slot);
        }

        pub fn receive(self: *Self, into: []u8) Error!usize {
            const slot = self.slot;
            try self.shared.design.await(.full, slot);
            @memcpy(into, self.payload(slot, into.len));
            try self.shared.design.announce(.empty, slot);
            self.slot = self.after(slot);
            return into.len;
        }

        inline fn payload(self: *Self, slot: u32, size: usize) []u8 {
            return self.shared.payload[slot * self.slot_size ..][0..size];
        }

        inline fn after(self: *const Self, slot: u32) u32 {
            return if (slot + 1 == self.count) 0 else slot + 1;
        }
    };
}
