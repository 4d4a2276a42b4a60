//! Waiting by looking again: a flag for each slot, alone in its line. No system call, no sleep.

const std = @import("std");
const slots = @import("slots.zig");
const mechanism = @import("mechanism.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

const empty: u32 = 0;
const full: u32 = 1;

const Flag = extern struct { word: u32 align(slots.line_size) };

pub const Spin = struct {
    pub const forms: mechanism.Forms = .{ .spins = true };
    pub const State = extern struct { flags: [slots.slots_max]Flag };
    const Way = slots.Way(State);

    pub fn open(self: *Spin, failure: *Failure) error{Forbidden}!void {
        _ = self;
        _ = failure;
    }

    /// Between commands every flag says empty, whatever the number of slots was.
    pub fn prepare(self: *Spin, sending: Way, receiving: Way, count: u32) Error!void {
        _ = self;
        _ = sending;
        _ = receiving;
        std.debug.assert(count <= slots.slots_max);
    }

    pub fn before_send(self: *Spin, way: Way, slot: u32) Error!void {
        _ = self;
        // Acquire: pairs with `after_receive`, which is done reading the slot.
        while (@atomicLoad(u32, &way.state.flags[slot].word, .acquire) != empty) std.atomic.spinLoopHint();
    }

    pub fn after_send(self: *Spin, way: Way, slot: u32) Error!void {
        _ = self;
        // Release: publishes the payload to `before_receive`.
        @atomicStore(u32, &way.state.flags[slot].word, full, .release);
    }

    pub fn before_receive(self: *Spin, way: Way, slot: u32) Error!void {
        _ = self;
        // Acquire: pairs with `after_send`.
        while (@atomicLoad(u32, &way.state.flags[slot].word, .acquire) != full) std.atomic.spinLoopHint();
    }

    pub fn after_receive(self: *Spin, way: Way, slot: u32) Error!void {
        _ = self;
        // Release: gives the slot back to `before_send`.
        @atomicStore(u32, &way.state.flags[slot].word, empty, .release);
    }

    pub fn close(self: *Spin) void {
        _ = self;
    }
};
