//! This library's rings, one each way.

const std = @import("std");
const core = @import("zerocross_core");
const memory = @import("memory.zig");
const mechanism = @import("mechanism.zig");
const wire = core.wire;
const Arena = core.Arena;
const Error = mechanism.Error;
const Failure = mechanism.Failure;

/// Takes messages of 1 MiB, which may be up to half of it.
pub const capacity: u32 = 4 << 20;
pub const forever = std.math.inf(f64);
/// Of the library: src/options.ts.
pub const default_us = 50;
/// The library looks for about a microsecond before it sleeps, so that sides which answer at once find
/// each other awake. Where both are to sleep, each lets the other fall asleep before it sends: until it
/// says that it sleeps (at most `drowsy_us`), and then for as long as the system call may take to begin.
const drowsy_us = 20;
const call_us = 1;

/// Whether the receiver takes small messages from the express lane, or all of them from the ring.
pub const Path = enum { lane, ring };

/// A side spins for so many microseconds before it sleeps. The ring has so many bytes.
pub fn Ring(comptime spin_us: f64, comptime path: Path, comptime ring_size: u32) type {
    return struct {
        const Self = @This();
        pub const forms: mechanism.Forms = .{ .spins = spin_us == forever };

        mapping: Arena = undefined,
        /// Of these two the one whose end this is.
        producer: core.channel.Producer = undefined,
        consumer: core.channel.Consumer = undefined,
        failure: core.Failure = .{},
        /// Both sides do before they send, in round trips.
        lets_sleep: bool = false,
        size_max: ?u32 = wire.payload_max(ring_size),

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            var why: core.Failure = .{};
            const fd = core.memory.create(ring_size, &why) catch
                return failure.set("{t} is refused: E{t}", .{ why.subject, why.errno });
            // Not `core.memory.map`: this mapping is to be inherited over the fork.
            self.mapping = .{ .bytes = try memory.map_new(fd, wire.memory_size(ring_size), failure) };
            memory.populate(@alignCast(self.mapping.bytes));
            const version = 4;
            core.memory.initialise(self.mapping, version);
        }

        pub fn take_end(self: *Self, end: mechanism.End, failure: *Failure) error{Forbidden}!void {
            self.make_end(end) catch return failure.set("a new ring is not as it should be", .{});
        }

        fn make_end(self: *Self, end: mechanism.End) !void {
            // Nothing is known of the peer, so its health is not asked for: whoever dies takes the other along.
            const peer: core.Peer = .{ .pid = 0, .uid = 0, .gid = 0, .pidfd = core.Peer.pidfd_none };
            switch (end) {
                .sending => self.producer = try .init(self.mapping, peer, spin_us, 0, &self.failure),
                .receiving => self.consumer = try .init(self.mapping, peer, spin_us, 0, &self.failure),
            }
        }

        pub fn prepare(self: *Self, _: mechanism.End, form: mechanism.Form, _: u32, _: *Failure) Error!void {
            self.lets_sleep = form == .round_trip;
        }

        pub inline fn send(self: *Self, bytes: []const u8) Error!void {
            if (spin_us == 0 and self.lets_sleep) self.let_sleep();
            self.producer.send(bytes.ptr, @intCast(bytes.len), .{ .type_id = 0 }, forever) catch return error.System;
        }

        /// Until the other side sleeps for want of what this one is about to send.
        fn let_sleep(self: *Self) void {
            const word = &self.mapping.control().consumer_sleeping;
            if (says_asleep(word)) return;
            const start = core.cpu.ticks();
            while (!says_asleep(word) and !has_passed(start, drowsy_us)) core.cpu.pause();
            const said = core.cpu.ticks();
            while (!has_passed(said, call_us)) core.cpu.pause();
        }

        pub inline fn receive(self: *Self, into: []u8) Error!usize {
            return switch (path) {
                .lane => self.consumer.receive(into, forever),
                .ring => self.receive_from_ring(into),
            } catch error.System;
        }

        /// Copies out and releases exactly as `Consumer.receive` does with what is too long for the lane.
        inline fn receive_from_ring(self: *Self, into: []u8) !usize {
            var places: [1]core.Place = undefined;
            _ = try self.consumer.drain(&places, forever);
            const place = places[0];
            core.copy.copy(into.ptr, self.mapping.bytes.ptr + place.offset, @min(place.size, into.len));
            self.consumer.batch_open = false;
            if (self.consumer.reader.release_is_due()) self.consumer.release();
            return place.size;
        }
    };
}

fn says_asleep(word: *const u32) bool {
    // Relaxed: pairs with the store before the sleep in zig/channel/wait.zig; nothing is read but the word itself.
    return @atomicLoad(u32, word, .monotonic) == @intFromEnum(wire.Sleeping.sleeping);
}

fn has_passed(start: u64, duration_us: u64) bool {
    return core.cpu.ticks() -% start >= duration_us * core.cpu.ticks_per_us();
}
