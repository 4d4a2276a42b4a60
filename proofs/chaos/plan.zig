//! What one round does: who the victim is, how both sides wait, and what the messages are.

const std = @import("std");
const core = @import("zerocross_core");
const mark = core.mark;
const Step = mark.Step;

pub const Role = core.end.Role;

/// How a side waits for the other one.
pub const Way = enum { spinning, brief, sleeping, waiter, polling };

pub const Pace = enum { even, victim_slow, survivor_slow };

pub const Strike = union(enum) {
    /// A round that nobody disturbs.
    none,
    marked: struct { step: Step, pass: u32, action: mark.Action },
    /// From outside, so long after the victim was started.
    random: struct { delay_us: u32, action: mark.Action },

    pub fn action(self: Strike) mark.Action {
        return switch (self) {
            .none => .none,
            inline else => |strike| strike.action,
        };
    }
};

pub const Plan = struct {
    seed: u64,
    /// The victim's; the survivor is the other end.
    role: Role,
    victim_listens: bool,
    victim_way: Way,
    survivor_way: Way,
    pace: Pace,
    /// Otherwise the survivor closes.
    victim_closes: bool,
    capacity: u32,
    /// Messages, or calls, after which the side closes that is to.
    count: u32,
    strike: Strike,
    /// The survivor lingers at that step until the victim, which gets ahead of it, has died.
    linger: ?Linger,
    /// How long a stop lasts.
    stop_us: u32,
    /// Microseconds between two signals to each side; 0 sends none.
    storm_us: u32,

    pub const Linger = struct { step: Step, pass: u32, us_min: u32 = 0, us_max: u32 = 200_000 };

    pub fn random(seed: u64, role: Role, victim_listens: bool, strike: Strike) Plan {
        var source: std.Random.DefaultPrng = .init(seed);
        const pick = source.random();
        var plan: Plan = .{
            .seed = seed,
            .role = role,
            .victim_listens = victim_listens,
            .victim_way = pick.enumValue(Way),
            .survivor_way = pick.enumValue(Way),
            .pace = pick.enumValue(Pace),
            .victim_closes = pick.boolean(),
            .capacity = @as(u32, 4096) << pick.uintLessThan(u5, 3),
            .count = 20 + pick.uintLessThan(u32, 80),
            .strike = strike,
            .linger = null,
            .stop_us = 500 + pick.uintLessThan(u32, 80_000),
            .storm_us = if (pick.uintLessThan(u32, 8) == 0) 20 + pick.uintLessThan(u32, 80) else 0,
        };
        if (strike.action() == .kill and pick.boolean()) plan.linger_anywhere(pick);
        return plan;
    }

    fn linger_anywhere(self: *Plan, pick: std.Random) void {
        self.linger = .{
            .step = step_of(pick, self.survivor_role(), !self.victim_listens),
            .pass = 1 + pick.uintLessThan(u32, 20),
        };
        if (self.survivor_role() == .producer or pick.uintLessThan(u32, 4) > 0) return;
        // A side that polls looks at its peer's health in every 16th call that finds nothing, once 20 ms
        // have passed: what is published between the two looks must not be lost.
        self.survivor_way = .polling;
        self.pace = .victim_slow;
        self.linger = .{ .step = .nothing_found, .pass = 16, .us_min = 21_000 };
    }

    /// What brings a victim to that step, where chance seldom would.
    pub fn lead_to(self: *Plan, step: Step) void {
        switch (step) {
            .sleep_announced, .sleep_looked, .sleep_ended => {
                self.victim_way = .sleeping;
                self.pace = .survivor_slow;
                self.capacity = 4096;
            },
            .sleeper_seen, .wake_taken_back, .sleeper_woken => {
                self.survivor_way = .sleeping;
                self.pace = .victim_slow;
                self.capacity = 4096;
            },
            .watch_armed, .watches_announced, .watch_reported, .watch_disarmed, .waiter_asleep, .waiter_polls, .waiter_up => {
                self.victim_way = .waiter;
                self.pace = .survivor_slow;
                self.capacity = 4096;
            },
            .rest_published, .close_stored, .consumer_told, .both_told, .arena_half_closed => self.victim_closes = true,
            .skip_written => self.capacity = 4096,
            .nothing_found => self.pace = .survivor_slow,
            else => {},
        }
    }

    pub fn survivor_role(self: *const Plan) Role {
        return switch (self.role) {
            .producer => .consumer,
            .consumer => .producer,
            .caller => .callee,
            .callee => .caller,
        };
    }
};

/// Any step that such a side passes.
pub fn step_of(random: std.Random, role: Role, listens: bool) Step {
    while (true) {
        const step = random.enumValue(Step);
        if (is_passed_by(step, role, listens)) return step;
    }
}

/// Whether a victim can be brought to pass the step.
pub fn is_passed_by(step: Step, role: Role, listens: bool) bool {
    const sends = role != .consumer;
    const receives = role != .producer;
    return switch (step) {
        .socket_bound, .listening, .connector_accepted, .memory_created, .memory_sealed => listens,
        .memory_initialised, .handshake_sent, .handshake_taken, .path_unlinked, .waiter_polls => listens,
        .connected, .handshake_received => !listens,
        .memory_mapped, .channel_opened, .connection_closed => true,
        .reader_opened, .message_copied, .released, .nothing_found => receives,
        .writer_opened, .claim_opened, .skip_written, .payload_written, .header_written => sends,
        .lane_opened, .lane_written, .published, .rest_published => sends,
        .claim_rolled_back, .entries_written, .record_staged => role == .producer,
        .messages_drained => role == .consumer,
        .sleep_announced, .sleep_looked, .sleep_ended, .sleeper_seen, .wake_taken_back, .sleeper_woken => true,
        .watch_armed, .watches_announced, .watch_reported, .watch_disarmed, .waiter_asleep, .waiter_up => true,
        .call_sent, .reply_received => role == .caller,
        .call_received, .reply_sent => role == .callee,
        .close_stored, .consumer_told, .both_told => true,
        .arena_half_closed => role.is_rpc(),
    };
}

/// At most how often it makes sense to let the step pass before the strike.
pub fn pass_max(step: Step) u32 {
    return switch (step) {
        .claim_opened, .payload_written, .header_written, .published, .message_copied => 60,
        .lane_opened, .lane_written, .call_sent, .call_received, .reply_sent, .reply_received => 20,
        .released, .nothing_found, .messages_drained, .entries_written, .record_staged, .claim_rolled_back, .skip_written => 5,
        .sleep_announced, .sleep_looked, .sleep_ended, .sleeper_seen, .wake_taken_back, .sleeper_woken => 10,
        .watch_armed, .watches_announced, .watch_reported, .watch_disarmed, .waiter_asleep, .waiter_up => 10,
        .memory_created, .memory_sealed, .memory_mapped, .memory_initialised, .close_stored, .consumer_told, .both_told => 2,
        else => 1,
    };
}
