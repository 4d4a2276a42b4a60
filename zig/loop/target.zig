//! What a waiter looks at on behalf of a handle. Made by the thread that owns the handle, looked at by
//! the one that sleeps: it holds copies of all that is needed and never leads back to what it was made from.

const std = @import("std");
const linux = std.os.linux;
const wire = @import("../ring/wire.zig");
const system = @import("../os/system.zig");
const Peer = @import("../os/peer.zig").Peer;

pub const Interest = enum(u32) {
    /// Something is published that was not consumed.
    news = 0,
    /// There is room for a message.
    room = 1,
    /// Somebody wants to connect.
    connector = 2,
    /// The peer has gone, whatever it left to be received.
    end = 3,
};

pub const Target = union(enum) {
    /// Head is no longer at `mark`.
    news: Ring,
    /// Tail has reached `mark`.
    room: Ring,
    /// The listening socket.
    connector: i32,
    /// Nothing but the end, which every ring is looked at for now and then.
    end: Ring,

    pub const Ring = struct {
        control: *wire.Control,
        /// Of the other arena of an RPC, which a peer may end alone.
        other: ?*const wire.Control,
        mark: u64,
        peer: Peer,
    };

    /// The peer's death does not count; it is looked for less often.
    pub fn is_ready(self: *const Target) bool {
        switch (self.*) {
            .news => |ring| {
                if (!is_open(ring)) return true;
                return @atomicLoad(u64, &ring.control.head, .acquire) != ring.mark; // Pairs with `Writer.publish`.
            },
            .room => |ring| {
                if (!is_open(ring)) return true;
                const tail = @atomicLoad(u64, &ring.control.tail, .acquire); // Pairs with `Reader.release`.
                // Wrapping: the mark lies below 0 when the ring was never full.
                return @as(i64, @bitCast(tail -% ring.mark)) >= 0;
            },
            .end => |ring| return !is_open(ring),
            .connector => |fd| {
                var polled = [1]linux.pollfd{.{ .fd = fd, .events = linux.POLL.IN, .revents = 0 }};
                return linux.errno(system.retry(linux.poll, .{ &polled, 1, 0 })) == .SUCCESS and polled[0].revents != 0;
            },
        }
    }

    fn is_open(ring: Ring) bool {
        return is_ready_state(ring.control) and (ring.other == null or is_ready_state(ring.other.?));
    }

    fn is_ready_state(control: *const wire.Control) bool {
        const state = @atomicLoad(u32, &control.state, .acquire); // Pairs with `Link.end`.
        return state == @intFromEnum(wire.State.ready);
    }

    /// The futex word that the other side looks at when it has changed what is waited for.
    pub fn word(self: *const Target) ?*u32 {
        return switch (self.*) {
            .news => |ring| &ring.control.consumer_sleeping,
            .room => |ring| &ring.control.producer_parked,
            .connector, .end => null,
        };
    }

    /// Relaxed: the other side's partner is the fence that the waiter puts behind it, and where there
    /// is none, a wake-up too many does no harm.
    pub fn set_word(self: *const Target, value: wire.Sleeping) void {
        if (self.word()) |at| @atomicStore(u32, at, @intFromEnum(value), .monotonic);
    }

    /// Null for a listener.
    pub fn peer(self: *const Target) ?*const Peer {
        return switch (self.*) {
            .news, .room, .end => |*ring| &ring.peer,
            .connector => null,
        };
    }

    /// True for a ring whose consumer does not know the parking word, and so wakes nobody.
    pub fn is_never_woken(self: *const Target) bool {
        if (self.* != .room) return false;
        const abilities = @atomicLoad(u32, &self.room.control.consumer_abilities, .acquire); // Pairs with `Reader.init`.
        return abilities & wire.ability_packed == 0;
    }
};
