//! This library's ring, one way, with many messages to a publication, which are read where they lie.

const core = @import("zerocross_core");
const memory = @import("memory.zig");
const mechanism = @import("mechanism.zig");
const ring = @import("ring.zig");
const End = mechanism.End;
const Error = mechanism.Error;
const Failure = mechanism.Failure;

const many_max = 1024;
const bytes_max = 1 << 20;

/// Gathered in a buffer and packed into few records, or put into a record each and published by the dozen.
pub fn Batches(comptime how: enum { packs, stages }) type {
    return struct {
        const Self = @This();
        const One = ring.Ring(ring.forever, .lane, ring.capacity);
        pub const forms: mechanism.Forms = .{ .round_trip = false, .spins = true };

        one: One = .{},
        size_max: ?u32 = core.wire.payload_max(ring.capacity),
        /// Of the sender, where messages are made, and the size of each.
        gathered: memory.Mapping = &.{},
        sizes: [many_max]u32 = undefined,
        many: u32 = 0,
        /// Of the receiver, what it was handed, and which is the next.
        places: [many_max]core.Place = undefined,
        next: u32 = 0,
        /// That are gathered, or were handed over.
        count: u32 = 0,

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            try self.one.open(failure);
        }

        pub fn take_end(self: *Self, end: End, failure: *Failure) error{Forbidden}!void {
            try self.one.take_end(end, failure);
        }

        pub fn prepare(self: *Self, end: End, _: mechanism.Form, size: u32, failure: *Failure) error{Forbidden}!void {
            if (end == .receiving) return;
            self.many = if (how == .stages) 1 else @max(1, @min(many_max, bytes_max / size));
            self.sizes = @splat(size);
            try memory.reserve(&self.gathered, self.many * size, failure);
        }

        pub inline fn place(self: *Self, size: u32) Error![]u8 {
            return self.gathered[self.count * size ..][0..size];
        }

        pub inline fn send(self: *Self, bytes: []const u8) Error!void {
            if (how == .stages) return self.stage(bytes) catch error.System;
            self.count += 1;
            if (self.count == self.many) try self.send_gathered();
        }

        inline fn stage(self: *Self, bytes: []const u8) !void {
            const producer = &self.one.producer;
            const size: u32 = @intCast(bytes.len);
            const offset = try producer.claim(size, ring.forever);
            core.copy.copy(producer.writer.ring + offset, bytes.ptr, size);
            try producer.stage(size, 0);
        }

        fn send_gathered(self: *Self) Error!void {
            const size = self.sizes[0];
            var sent: u32 = 0;
            while (sent < self.count) {
                const rest = self.gathered[sent * size .. self.count * size];
                const fitted = self.one.producer.try_send_many(rest, self.sizes[sent..self.count], 0);
                sent += fitted catch return error.System;
            }
            self.count = 0;
        }

        pub inline fn receive_in_place(self: *Self) Error![]u8 {
            if (self.next == self.count) {
                try self.finish(.receiving);
                self.count = self.one.consumer.drain(&self.places, ring.forever) catch return error.System;
            }
            const found = self.places[self.next];
            self.next += 1;
            return self.one.mapping.bytes[found.offset..][0..found.size];
        }

        pub fn finish(self: *Self, end: End) Error!void {
            if (end == .sending) return switch (how) {
                .packs => self.send_gathered(),
                .stages => self.one.producer.flush() catch error.System,
            };
            if (self.count > 0) self.one.consumer.release();
            self.count = 0;
            self.next = 0;
        }
    };
}
