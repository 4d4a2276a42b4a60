//! What the workers found, in memory that they share with the program.

const std = @import("std");
const core = @import("zerocross_core");
const mark = core.mark;
const Plan = @import("plan.zig").Plan;
const round = @import("round.zig");

pub const role_count = 4;
const samples_max = 1 << 16;
const faults_max = 16;

/// Per role, per side of the rendezvous (0 connects, 1 listens), per step.
pub const Hits = [role_count][2][mark.step_count]u32;

pub const FaultReport = extern struct {
    size: u32,
    text: [480]u8,
};

pub const Results = extern struct {
    rounds: u32,
    kills: u32,
    stops: u32,
    calm: u32,
    stormed: u32,
    signals: u64,
    /// Deaths that a survivor noticed, and how soon; see `round.Verdict`.
    noticed: u32,
    from_strike_us: [samples_max]u32,
    from_death_us: [samples_max]u32,
    /// How late the latest call came back whose time was up.
    late_ns: u64,
    timeouts: u64,
    killed_at: Hits,
    stopped_at: Hits,
    fault_count: u32,
    faults: [faults_max]FaultReport,

    /// Called by any worker.
    pub fn note(self: *Results, plan: *const Plan, shared: *const round.Shared, verdict: round.Verdict) void {
        _ = @atomicRmw(u32, &self.rounds, .Add, 1, .monotonic);
        if (plan.storm_us > 0) {
            _ = @atomicRmw(u32, &self.stormed, .Add, 1, .monotonic);
            _ = @atomicRmw(u64, &self.signals, .Add, shared.victim.signals + shared.survivor.signals, .monotonic);
        }
        for ([_]*const @import("side.zig").Log{ &shared.victim, &shared.survivor }) |log| {
            _ = @atomicRmw(u64, &self.timeouts, .Add, log.timeouts, .monotonic);
            // The victim of a stop is late, and may be.
            if (plan.strike.action() != .stop) _ = @atomicRmw(u64, &self.late_ns, .Max, log.late_ns, .monotonic);
        }
        if (verdict.noticed_ns) |ns| {
            const index = @atomicRmw(u32, &self.noticed, .Add, 1, .monotonic);
            if (index < samples_max) {
                self.from_strike_us[index] = @intCast(ns.from_strike / std.time.ns_per_us);
                self.from_death_us[index] = @intCast(ns.from_death / std.time.ns_per_us);
            }
        }
        if (!verdict.was_struck) {
            _ = @atomicRmw(u32, &self.calm, .Add, 1, .monotonic);
            return;
        }
        const is_kill = plan.strike.action() == .kill;
        _ = @atomicRmw(u32, if (is_kill) &self.kills else &self.stops, .Add, 1, .monotonic);
        if (plan.strike == .marked) {
            const hits = if (is_kill) &self.killed_at else &self.stopped_at;
            const cell = &hits[@intFromEnum(plan.role)][@intFromBool(plan.victim_listens)][@intFromEnum(plan.strike.marked.step)];
            _ = @atomicRmw(u32, cell, .Add, 1, .monotonic);
        }
    }

    pub fn note_fault(self: *Results, comptime format: []const u8, arguments: anytype) void {
        const index = @atomicRmw(u32, &self.fault_count, .Add, 1, .monotonic);
        if (index >= faults_max) return;
        const report = &self.faults[index];
        const text: []const u8 = std.fmt.bufPrint(&report.text, format, arguments) catch &report.text;
        report.size = @intCast(text.len);
    }

    pub fn first_faults(self: *const Results) []const FaultReport {
        return self.faults[0..@min(self.fault_count, faults_max)];
    }

    /// Sorted, once all workers are done.
    pub fn sorted(self: *const Results, all: *[samples_max]u32) []const u32 {
        const taken = all[0..@min(self.noticed, samples_max)];
        std.mem.sort(u32, taken, {}, std.sort.asc(u32));
        return taken;
    }
};
