//! One end of an RPC: a channel's end for each way, and what its two arenas have to do with each other.

const wire = @import("../ring/wire.zig");
const channel = @import("channel.zig");
const mark = @import("../os/mark.zig");
/// Off in what is shipped, for what each message passes through (build.zig).
const hot_safety = @import("settings").hot_safety;
const time = @import("../os/time.zig");
const TryError = channel.TryError;
const WaitError = channel.WaitError;
const Link = @import("link.zig").Link;
const waiting = @import("wait.zig");
const Envelope = @import("../ring/writer.zig").Envelope;
const Arena = @import("../ring/arena.zig").Arena;
const Failure = @import("../failure.zig").Failure;
const Peer = @import("../os/peer.zig").Peer;

/// What the peer has said of itself: bits, as they cross the seam.
pub const Ability = enum(u32) {
    takes_any_order = 1 << 0,
    takes_failures = 1 << 1,
    marks_failures = 1 << 2,
};

pub const Rpc = struct {
    /// The forward arena of a caller, the reverse one of a callee.
    out: channel.Producer,
    in: channel.Consumer,
    failure: *Failure,
    role: enum { caller, callee },
    /// The greatest id that was sent: a caller has no reply with a greater one coming.
    id_sent: u64 = 0,

    pub fn init_caller(forward: Arena, reverse: Arena, peer: Peer, spin_us: f64, failure: *Failure) error{Corrupt}!Rpc {
        const takes = wire.ability_any_order | wire.ability_failures;
        return .{
            .out = try .init(forward, peer, spin_us, 0, failure),
            .in = try .init(reverse, peer, spin_us, takes, failure),
            .failure = failure,
            .role = .caller,
        };
    }

    pub fn init_callee(forward: Arena, reverse: Arena, peer: Peer, spin_us: f64, failure: *Failure) error{Corrupt}!Rpc {
        return .{
            .out = try .init(reverse, peer, spin_us, wire.ability_failures, failure),
            .in = try .init(forward, peer, spin_us, 0, failure),
            .failure = failure,
            .role = .callee,
        };
    }

    /// Copies in and publishes. False: the ring is full.
    pub inline fn try_send(self: *Rpc, from: [*]const u8, size: u32, message: Envelope) TryError!bool {
        @setRuntimeSafety(hot_safety);
        const sent = self.out.try_send(from, size, message) catch |err| return self.failed(err);
        if (sent) self.id_sent = @max(self.id_sent, message.correlation_id);
        if (sent) switch (self.role) {
            .caller => mark.at(.call_sent),
            .callee => mark.at(.reply_sent),
        };
        return sent;
    }

    pub fn send(self: *Rpc, from: [*]const u8, size: u32, message: Envelope, timeout_ms: f64) WaitError!void {
        var patience: waiting.Patience = .{ .timeout_ms = timeout_ms };
        while (!try self.try_send(from, size, message)) {
            // The peer may be waiting for this room before it can take anything.
            self.in.release();
            self.out.wait_for_room(size, &patience) catch |err| return self.failed(err);
        }
    }

    /// Copies the next payload into `into` and returns its size; its type and id are those that `in`
    /// received last. Null: nothing there.
    pub inline fn try_receive(self: *Rpc, into: []u8) (TryError || error{TooLarge})!?u32 {
        @setRuntimeSafety(hot_safety);
        const received = self.in.try_receive(into) catch |err| return self.failed(err);
        if (received == null) {
            try self.check_other_arena();
            return null;
        }
        try self.check_id();
        return received;
    }

    pub inline fn receive(self: *Rpc, into: []u8, timeout_ms: f64) (WaitError || error{TooLarge})!u32 {
        @setRuntimeSafety(hot_safety);
        var left_ms = timeout_ms;
        while (true) {
            // The peer may end the other arena alone.
            const slice_ms = @min(left_ms, time.slice_ms);
            const size = self.in.receive(into, slice_ms) catch |err| {
                if (err != error.Timeout) return self.failed(err);
                try self.check_other_arena();
                left_ms -= slice_ms;
                if (left_ms <= 0) return error.Timeout;
                continue;
            };
            try self.check_id();
            return size;
        }
    }

    /// For a side that has found nothing: a peer may end the RPC in the arena alone that this side sends
    /// into. What it published before that is delivered first.
    noinline fn check_other_arena(self: *Rpc) TryError!void {
        const link = &self.out.link;
        if (!link.is_ready() and !self.in.reader.has_news()) return self.failed(link.ended(self.failure));
    }

    /// Returns when there is something to receive, or room to send `size` bytes. With two full rings
    /// each side has to take before it can send, so a side that waits for room alone may do so for ever.
    pub fn wait(self: *Rpc, size: u32, timeout_ms: f64) WaitError!void {
        if (self.out.link.is_broken) return error.Corrupt;
        // The peer gets back what it could be waiting for.
        self.in.release();
        var side: WaitingRpc = .{ .rpc = self, .size = size };
        var patience: waiting.Patience = .{ .timeout_ms = timeout_ms };
        const watch = self.out.link.wait_context();
        const outcome = waiting.wait(&side, &watch, &patience);
        // What was published before an end is delivered first.
        if (self.in.reader.has_news()) return;
        for (self.links()) |link| {
            if (!link.is_ready()) return self.failed(link.ended(self.failure));
        }
        switch (outcome) {
            .ready, .ended => {},
            .died => return self.failed(self.out.link.died(self.failure)),
            .timeout => return error.Timeout,
        }
    }

    /// Fails when the peer has gone, whatever it left to be received.
    pub fn check(self: *Rpc) TryError!void {
        for (self.links()) |link| {
            if (!link.is_ready()) return self.failed(link.ended(self.failure));
        }
        if (!self.in.link.peer.is_alive()) return self.failed(self.in.link.died(self.failure));
    }

    /// A set of the abilities above, as the peer has them now.
    pub fn peer_abilities(self: *const Rpc) u32 {
        // Acquire: pair with `Reader.init` and `Writer.init`.
        const takes = @atomicLoad(u32, &self.out.link.control.consumer_abilities, .acquire);
        const marks = @atomicLoad(u32, &self.in.link.control.producer_abilities, .acquire);
        var abilities: u32 = 0;
        if (takes & wire.ability_any_order != 0) abilities |= @intFromEnum(Ability.takes_any_order);
        if (takes & wire.ability_failures != 0) abilities |= @intFromEnum(Ability.takes_failures);
        if (marks & wire.ability_failures != 0) abilities |= @intFromEnum(Ability.marks_failures);
        return abilities;
    }

    pub fn close(self: *Rpc) void {
        self.out.close();
        mark.at(.arena_half_closed);
        self.in.close();
    }

    /// Every request has an id, and every reply one that was sent.
    inline fn check_id(self: *Rpc) error{Corrupt}!void {
        @setRuntimeSafety(hot_safety);
        switch (self.role) {
            .caller => mark.at(.reply_received),
            .callee => mark.at(.call_received),
        }
        const id = self.in.last_correlation_id;
        const was_sent = self.role == .callee or id <= self.id_sent;
        if (id == 0 or !was_sent) return self.refuse_id(id);
    }

    fn refuse_id(self: *Rpc, id: u64) error{Corrupt} {
        self.in.link.break_off();
        return self.failed(self.failure.corrupt(.correlation, id, if (self.role == .caller) self.id_sent else 1));
    }

    /// What went wrong in one arena ends both.
    fn failed(self: *Rpc, err: anytype) @TypeOf(err) {
        @branchHint(.cold);
        const is_broken = err == error.Corrupt or (err == error.PeerClosed and self.peer_found_corruption());
        if (!is_broken) return err;
        for (self.links()) |link| {
            link.is_broken = true;
            link.end(.disconnected);
        }
        return error.Corrupt;
    }

    /// A peer that finds corruption says so in the one arena before it ends the other.
    fn peer_found_corruption(self: *Rpc) bool {
        for (self.links()) |link| {
            if (!link.is_ready() and link.ended(self.failure) == error.Corrupt) return true;
        }
        return false;
    }

    fn links(self: *Rpc) [2]*Link {
        return .{ &self.out.link, &self.in.link };
    }
};

/// What a side waits for that can go on with either. It sleeps as a producer does, and so sees what
/// comes in meanwhile only when it looks for itself.
const WaitingRpc = struct {
    rpc: *Rpc,
    size: u32,
    sleep_ns_max: u64 = channel.producer_sleep_ns_max,

    pub fn is_ready(self: *const WaitingRpc) bool {
        // The watch is over the other arena.
        if (self.rpc.in.reader.has_news() or !self.rpc.in.link.is_ready()) return true;
        return self.rpc.out.has_room(self.size);
    }

    pub fn word(self: *const WaitingRpc) *u32 {
        return &self.rpc.out.link.control.producer_parked;
    }
};

test {
    _ = @import("rpc_test.zig");
}
