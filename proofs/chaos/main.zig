//! `chaos`: kills and stops one of two processes, at every marked step and at random moments, and judges
//! what the other one gets. See README.md.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const mark = core.mark;
const deadlines = @import("deadlines.zig");
const options = @import("options.zig");
const plans = @import("plan.zig");
const process = @import("process.zig");
const report = @import("report.zig");
const round = @import("round.zig");
const Plan = plans.Plan;
const Results = @import("results.zig").Results;

pub const zerocross_marks = true;

/// Rounds in which a victim may go past its step before that counts as never reached.
const attempts_max = 40;

/// More would be of no use to whoever reads them.
const faults_before_end = 10;

const Target = struct { role: plans.Role, listens: bool, step: mark.Step };

pub fn main(init: std.process.Init.Minimal) void {
    const given = options.parse(init.args);
    var folder_buffer: [64]u8 = undefined;
    const folder = std.fmt.bufPrintZ(&folder_buffer, "/tmp/zerocross-chaos-{d}", .{linux.getpid()}) catch unreachable;
    process.must("mkdir", linux.mkdir(folder, 0o700));
    process.catch_interrupts();

    const results = process.share(Results);
    const begun_ns = core.time.now_ns();
    var workers: [options.jobs_max]i32 = undefined;
    for (workers[0..given.jobs], 0..) |*worker, number| {
        worker.* = process.fork(work, .{ &given, @as(u32, @intCast(number)), folder, results });
    }
    const seconds_limit = 600;
    const all_ended = report.follow(workers[0..given.jobs], results, &given, seconds_limit);
    if (process.was_interrupted()) process.empty_folder(folder);
    const is_folder_empty = linux.errno(linux.rmdir(folder)) == .SUCCESS;
    if (!is_folder_empty) results.note_fault("{s} is not empty: a socket file is left", .{folder});
    if (!all_ended) results.note_fault("a worker ended before its work was done", .{});
    report.conclude(results, &given, core.time.now_ns() - begun_ns);
    linux.exit_group(if (results.fault_count == 0) 0 else 1);
}

/// Every worker takes each `jobs`th target, and its part of the random rounds.
fn work(given: *const options.Options, number: u32, folder: []const u8, results: *Results) u8 {
    var worker: Worker = .{
        .results = results,
        .shared = process.share(round.Shared),
        .random = .init(given.seed *% 0x9E37_79B9 +% number),
        .folder = folder,
        .number = number,
    };
    var index: u32 = 0;
    for ([_]mark.Action{ .kill, .stop }) |action| {
        for (std.enums.values(plans.Role)) |role| {
            for ([_]bool{ false, true }) |listens| {
                for (std.enums.values(mark.Step)) |step| {
                    if (!plans.is_passed_by(step, role, listens)) continue;
                    index += 1;
                    if (index % given.jobs == number) worker.reach(.{ .role = role, .listens = listens, .step = step }, action);
                }
            }
        }
    }
    const pages = process.resident_pages();
    worker.strike_until(.kill, &results.kills, given.kills);
    worker.strike_until(.stop, &results.stops, given.stops);
    worker.storm_until(given.storms);
    if (process.resident_pages() > pages + 64)
        results.note_fault("a worker grew from {d} to {d} pages of memory", .{ pages, process.resident_pages() });
    if (number == 0) deadlines.check(results);
    return 0;
}

const Worker = struct {
    results: *Results,
    shared: *round.Shared,
    random: std.Random.DefaultPrng,
    folder: []const u8,
    number: u32,
    rounds: u32 = 0,

    /// Strikes at the first pass of a step, in as many rounds as it takes to get there.
    fn reach(self: *Worker, target: Target, action: mark.Action) void {
        for (0..attempts_max) |_| {
            const strike: plans.Strike = .{ .marked = .{ .step = target.step, .pass = 1, .action = action } };
            if (self.run(target.role, target.listens, strike)) return;
            if (self.is_enough()) return;
        }
        self.results.note_fault("{t} that {s}: {t} was never passed in {d} rounds", .{
            target.role, if (target.listens) "listens" else "connects", target.step, attempts_max,
        });
    }

    fn strike_until(self: *Worker, action: mark.Action, count: *const u32, limit: u32) void {
        while (@atomicLoad(u32, count, .monotonic) < limit and !self.is_enough()) {
            const random = self.random.random();
            const role = random.enumValue(plans.Role);
            const listens = random.boolean();
            _ = self.run(role, listens, self.random_strike(role, listens, action));
        }
    }

    /// Every third one comes from outside.
    fn random_strike(self: *Worker, role: plans.Role, listens: bool, action: mark.Action) plans.Strike {
        const random = self.random.random();
        if (random.uintLessThan(u32, 3) == 0)
            return .{ .random = .{ .delay_us = random.uintLessThan(u32, 12_000), .action = action } };
        const step = plans.step_of(random, role, listens);
        const pass = 1 + random.uintLessThan(u32, plans.pass_max(step));
        return .{ .marked = .{ .step = step, .pass = pass, .action = action } };
    }

    fn storm_until(self: *Worker, limit: u32) void {
        while (@atomicLoad(u32, &self.results.calm, .monotonic) < limit and !self.is_enough()) {
            const random = self.random.random();
            _ = self.run(random.enumValue(plans.Role), random.boolean(), .none);
        }
    }

    fn is_enough(self: *const Worker) bool {
        return @atomicLoad(u32, &self.results.fault_count, .monotonic) >= faults_before_end;
    }

    /// Answers whether it came to the strike.
    fn run(self: *Worker, role: plans.Role, listens: bool, strike: plans.Strike) bool {
        var plan: Plan = .random(self.random.random().int(u64), role, listens, strike);
        if (strike == .marked and strike.marked.pass == 1) plan.lead_to(strike.marked.step);
        if (strike == .none) plan.storm_us = 20 + self.random.random().uintLessThan(u32, 80);
        var buffer: [108]u8 = undefined;
        self.rounds += 1;
        const path = std.fmt.bufPrintZ(&buffer, "{s}/{d}-{d}", .{ self.folder, self.number, self.rounds }) catch unreachable;
        var verdict: round.Verdict = .{};
        round.run(&plan, self.shared, path, &verdict) catch |fault| {
            const victim_fault: anyerror = if (self.shared.fault != 0) @errorFromInt(@as(u16, @intCast(self.shared.fault))) else fault;
            self.results.note_fault("{t} (victim: {t}) in {}; victim {}; survivor {}; noticed after {?}", .{
                fault, victim_fault, plan, self.shared.victim, self.shared.survivor, verdict.noticed_ns,
            });
        };
        self.results.note(&plan, self.shared, verdict);
        return verdict.was_struck;
    }
};
