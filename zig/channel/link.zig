//! What both ends of an arena have in common: the peer, and how the arena's use ends.

const wire = @import("../ring/wire.zig");
const cpu = @import("../os/cpu.zig");
const mark = @import("../os/mark.zig");
/// Off in what is shipped, for what each message passes through (build.zig).
const hot_safety = @import("settings").hot_safety;
const waiting = @import("wait.zig");
const WaitContext = waiting.WaitContext;
const Arena = @import("../ring/arena.zig").Arena;
const Failure = @import("../failure.zig").Failure;
const Peer = @import("../os/peer.zig").Peer;

pub const Link = struct {
    control: *wire.Control,
    /// Lent by the endpoint, which closes it.
    peer: Peer,
    spin_ticks: u64,
    /// Set once this side found, or was told of, corruption: nothing in the ring is looked at again.
    is_broken: bool = false,
    /// Set once the peer was found dead, which it then stays.
    is_orphaned: bool = false,
    /// Calls since the cycle counter was read, and what it said at the last look at the peer's health.
    polls: u32 = 0,
    checked_ticks: u64,
    /// Waits that came to sleep in the kernel.
    sleeps: u64 = 0,
    /// As in `WaitContext`.
    watch_index: ?u16 = null,

    /// How often a side that polls looks whether its peer still lives.
    const poll_check_us = 20_000;

    pub fn init(mapping: Arena, peer: Peer, spin_us: f64) Link {
        return .{
            .control = mapping.control(),
            .peer = peer,
            .spin_ticks = waiting.spin_ticks_of_us(spin_us),
            .checked_ticks = cpu.ticks(),
        };
    }

    pub fn wait_context(self: *Link) WaitContext {
        return .{
            .state = &self.control.state,
            .peer = &self.peer,
            .spin_ticks = self.spin_ticks,
            .sleeps = &self.sleeps,
            .watch_index = self.watch_index,
        };
    }

    pub inline fn is_ready(self: *const Link) bool {
        @setRuntimeSafety(hot_safety);
        // Acquire: pairs with `end`.
        return @atomicLoad(u32, &self.control.state, .acquire) == @intFromEnum(wire.State.ready);
    }

    /// Whether the peer says so; what this side ends itself does not count.
    pub fn peer_has_closed(self: *const Link) bool {
        const state = @atomicLoad(u32, &self.control.state, .acquire); // Pairs with `end`.
        return !self.is_broken and state == @intFromEnum(wire.State.disconnected);
    }

    /// What a state other than ready means for this side.
    pub fn ended(self: *Link, failure: *Failure) error{ Corrupt, PeerClosed } {
        const state = @atomicLoad(u32, &self.control.state, .acquire); // Pairs with `end`.
        switch (@as(wire.State, @enumFromInt(state))) {
            .disconnected => return error.PeerClosed,
            .fatal => {
                self.is_broken = true;
                return failure.corrupt(.peer_verdict, state, @intFromEnum(wire.State.ready));
            },
            else => {
                self.break_off();
                return failure.corrupt(.state, state, @intFromEnum(wire.State.ready));
            },
        }
    }

    /// Says that this side is done, so that the peer sees it at its next look or wakes up to it.
    pub fn end(self: *Link, state: wire.State) void {
        // A verdict of corruption stays what it is. Release: pairs with the loads of state in `WaitContext`
        // and `Link`; what was published before is seen by whoever sees this.
        const word = &self.control.state;
        const ready = @intFromEnum(wire.State.ready);
        switch (state) {
            .disconnected => _ = @cmpxchgStrong(u32, word, ready, @intFromEnum(state), .release, .monotonic),
            .fatal => @atomicStore(u32, word, @intFromEnum(state), .release),
            else => unreachable,
        }
        mark.at(.close_stored);
        cpu.full_fence(); // Pairs with the one in `wait.sleep`, behind which state is looked at too.
        waiting.wake_sleeper(&self.control.consumer_sleeping);
        mark.at(.consumer_told);
        waiting.wake_sleeper(&self.control.producer_parked);
        mark.at(.both_told);
    }

    pub fn break_off(self: *Link) void {
        if (self.is_broken) return;
        self.is_broken = true;
        self.end(.fatal);
    }

    /// For a side that polls: true when it is time to notice that the peer is dead, and it is.
    /// Reads the cycle counter in every 16th call only.
    pub inline fn peer_died(self: *Link) bool {
        @setRuntimeSafety(hot_safety);
        self.polls +%= 1;
        if (self.polls % 16 == 0) self.check_peer();
        return self.is_orphaned;
    }

    noinline fn check_peer(self: *Link) void {
        const now = cpu.ticks();
        if (now -% self.checked_ticks < poll_check_us * cpu.ticks_per_us()) return;
        self.checked_ticks = now;
        if (!self.peer.is_alive()) self.is_orphaned = true;
    }

    /// What the peer's death means: it may have closed before.
    pub fn died(self: *Link, failure: *Failure) error{ Corrupt, PeerClosed, PeerDied } {
        self.is_orphaned = true;
        if (!self.is_ready()) return self.ended(failure);
        return error.PeerDied;
    }
};
