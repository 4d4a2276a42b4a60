//! One round: a victim in a process of its own, its striker in another, and this process, the survivor,
//! which judges what it got.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const mark = core.mark;
const plans = @import("plan.zig");
const process = @import("process.zig");
const storm = @import("storm.zig");
const traffic = @import("traffic.zig");
const Error = @import("side.zig").Error;
const Log = @import("side.zig").Log;
const Plan = plans.Plan;
const Side = @import("side.zig").Side;

/// How soon a side that waits has to hear of a death.
pub const notice_ms = 100;

/// The exit code of a victim that met with something that must not happen.
const faulty = 3;

/// What a round's processes share.
pub const Shared = extern struct {
    board: mark.Board,
    survivor_board: mark.Board,
    victim: Log,
    survivor: Log,
    /// When the striker saw that the victim was dead; 0 while it did not.
    died_ns: u64,
    /// How long the survivor had been kept from running by then.
    delayed_ns: u64,
    fault: u32,
};

/// Why a round is not as it should be.
pub const Fault = error{
    VictimFaulty,
    VictimDidNotEnd,
    WrongEnd,
    WrongErrorAgain,
    PublishedNotDelivered,
    DeliveredNotPublished,
    LeftInRing,
    NoticedLate,
    DescriptorLeft,
    MappingLeft,
    ProcessLeft,
    SocketLeft,
    NoListenerAfterDeath,
    NoConnectorAfterDeath,
} || Error;

pub const Verdict = struct {
    was_struck: bool = false,
    /// How long until the survivor had the error; null where it heard of no death, or lingered meanwhile.
    noticed_ns: ?struct {
        /// From right before the signal.
        from_strike: u64,
        /// From the death, and without what the scheduler kept from the survivor.
        from_death: u64,
    } = null,
};

/// `path` is nobody's before and after it.
pub fn run(plan: *const Plan, shared: *Shared, path: [:0]const u8, verdict: *Verdict) Fault!void {
    shared.* = std.mem.zeroes(Shared);
    if (plan.strike == .marked) arm(&shared.board, plan);
    const descriptors = process.open_descriptors();
    const address_space = process.address_space_pages();

    const victim_pid = process.fork(be_victim, .{ plan, shared, path });
    const striker_pid = if (plan.strike.action() == .none) null else process.fork(strike, .{ plan, shared, victim_pid });

    const result = survive(plan, shared, path, victim_pid, verdict);
    const status = end_victim(victim_pid, striker_pid);
    verdict.was_struck = shared.board.struck_ns != 0;
    try result;
    try judge_victim(plan, shared, status orelse return error.VictimDidNotEnd);
    if (plan.strike.action() == .kill and verdict.was_struck) try check_path(plan, path);

    if (process.open_descriptors() != descriptors) return error.DescriptorLeft;
    if (process.arena_mappings() != 0 or process.address_space_pages() != address_space) return error.MappingLeft;
    if (process.has_children()) return error.ProcessLeft;
    if (linux.errno(linux.access(path, 0)) != .NOENT) return error.SocketLeft;
}

fn arm(board: *mark.Board, plan: *const Plan) void {
    board.armed_step = @intFromEnum(plan.strike.marked.step);
    board.armed_pass = plan.strike.marked.pass;
    board.action = plan.strike.marked.action;
}

fn be_victim(plan: *const Plan, shared: *Shared, path: []const u8) u8 {
    mark.board = &shared.board;
    if (plan.storm_us > 0) storm.blow(plan.storm_us);
    var self: Side = .{
        .plan = plan,
        .log = &shared.victim,
        .path = path,
        .role = plan.role,
        .listens = plan.victim_listens,
        .way = plan.victim_way,
        .is_slow = plan.pace == .victim_slow,
        .closes = plan.victim_closes,
        .other = null,
    };
    const result = self.run();
    self.close();
    result catch |err| switch (err) {
        error.PeerClosed => {},
        else => {
            shared.fault = @intFromError(err);
            return faulty;
        },
    };
    return 0;
}

/// Strikes at a random moment, has a stopped victim go on again and again until it does, and sees a killed
/// one die.
fn strike(plan: *const Plan, shared: *Shared, victim: i32) u8 {
    switch (plan.strike) {
        .none => {},
        .random => |random| {
            process.sleep_us(random.delay_us);
            @atomicStore(u64, &shared.board.struck_ns, core.time.now_ns(), .release);
            process.signal(victim, if (random.action == .kill) .KILL else .STOP);
            if (random.action == .stop) {
                process.sleep_us(plan.stop_us);
                process.signal(victim, .CONT);
            }
        },
        .marked => |marked| if (marked.action == .stop) {
            while (@atomicLoad(u64, &shared.board.struck_ns, .acquire) == 0) process.sleep_us(100);
            process.sleep_us(plan.stop_us);
            while (@atomicLoad(u32, &shared.board.resumed, .acquire) == 0) {
                process.signal(victim, .CONT);
                process.sleep_us(100);
            }
        },
    }
    if (plan.strike.action() == .kill) {
        process.await_death(victim);
        shared.delayed_ns = process.run_delay_ns(linux.getppid());
        @atomicStore(u64, &shared.died_ns, core.time.now_ns(), .release);
        @atomicStore(u32, &shared.survivor_board.may_go_on, 1, .release); // Pairs with `mark.linger`.
    }
    return 0;
}

fn survive(plan: *const Plan, shared: *Shared, path: []const u8, victim_pid: i32, verdict: *Verdict) Fault!void {
    var self: Side = .{
        .plan = plan,
        .log = &shared.survivor,
        .path = path,
        .role = plan.survivor_role(),
        .listens = !plan.victim_listens,
        .way = plan.survivor_way,
        .is_slow = plan.pace == .survivor_slow,
        .closes = !plan.victim_closes,
        .other = victim_pid,
    };
    if (plan.linger) |linger| {
        const board = &shared.survivor_board;
        board.armed_step = @intFromEnum(linger.step);
        board.armed_pass = linger.pass;
        board.linger_us_min = linger.us_min;
        board.linger_us_max = linger.us_max;
        board.action = .linger;
    }
    mark.board = &shared.survivor_board;
    if (plan.storm_us > 0) storm.blow(plan.storm_us);
    defer if (plan.storm_us > 0) storm.blow(0);
    defer self.close();
    self.run() catch |err| return judge_end(&self, shared, err, verdict);
}

/// Decides whether this is how the survivor had to hear of the other side's end.
fn judge_end(self: *Side, shared: *Shared, err: Error, verdict: *Verdict) Fault!void {
    const now_ns = core.time.now_ns();
    const struck_ns = @atomicLoad(u64, &shared.board.struck_ns, .acquire);
    const was_killed = self.plan.strike.action() == .kill and struck_ns != 0;
    switch (err) {
        error.PeerDied, error.Abandoned => {
            if (!was_killed) return error.WrongEnd;
            if (self.plan.linger == null) verdict.noticed_ns = .{ .from_strike = now_ns - struck_ns, .from_death = late_ns(shared, now_ns) };
            if (late_ns(shared, now_ns) > notice_ms * std.time.ns_per_ms) return error.NoticedLate;
        },
        error.PeerClosed => {},
        error.NobodyCame => return if (was_killed) {} else error.WrongEnd,
        else => return err,
    }
    if (err == error.Abandoned) return check_listener(self);
    try judge_state(self, err);
    try judge_delivery(self, shared, err == error.PeerClosed and self.plan.victim_closes);
    if (!traffic.says_again(self, err)) return error.WrongErrorAgain;
}

/// How long after the death `now_ns` is, without what the scheduler kept from this process.
fn late_ns(shared: *const Shared, now_ns: u64) u64 {
    const died_ns = @atomicLoad(u64, &shared.died_ns, .acquire);
    // The survivor may be faster than the striker.
    if (died_ns == 0) return 0;
    return now_ns -| died_ns -| (process.run_delay_ns(linux.getpid()) -| shared.delayed_ns);
}

/// A listener whose connector died in the handshake goes on, and the next one gets through.
fn check_listener(self: *Side) Fault!void {
    if (!self.listens) return;
    const endpoint = self.endpoint();
    endpoint.refuse();
    const handle = core.handles.open().?;
    defer _ = core.handles.close(handle);
    const next = core.handles.get(handle).?;
    const role = self.plan.role;
    const offer: core.endpoint.Offer = .{ .version = 4, .capacity = self.plan.capacity };
    next.connect(self.path, .after_ms(1000), false) catch return error.NoConnectorAfterDeath;
    endpoint.accept(.after_ms(1000)) catch return error.NoConnectorAfterDeath;
    if (endpoint.establish(self.role, offer, 50, .after_ms(0))) |_| return error.NoConnectorAfterDeath else |err| {
        if (err != error.Timeout) return error.NoConnectorAfterDeath;
    }
    next.establish(role, offer, 50, .after_ms(1000)) catch return error.NoConnectorAfterDeath;
    endpoint.establish(self.role, offer, 50, .after_ms(1000)) catch return error.NoConnectorAfterDeath;
}

/// A side that said that it closes has closed, also when it died right after; any other has died.
fn judge_state(self: *const Side, err: Error) Fault!void {
    const is_closed = switch (self.endpoint().end) {
        .none => false,
        .rpc => |*rpc| !rpc.in.link.is_ready() or !rpc.out.link.is_ready(),
        inline else => |*end| !end.link.is_ready(),
    };
    if (is_closed != (err == error.PeerClosed)) return error.WrongEnd;
}

/// Everything that was published was delivered, and nothing else. `was_closed`: by the victim, and so
/// everything was published.
fn judge_delivery(self: *const Side, shared: *const Shared, was_closed: bool) Fault!void {
    const reader = switch (self.endpoint().end) {
        .none => return,
        .producer => {
            if (shared.victim.received > shared.survivor.sent_begun) return error.DeliveredNotPublished;
            return;
        },
        .consumer => |*consumer| &consumer.reader,
        .rpc => |*rpc| &rpc.in.reader,
    };
    if (reader.position != @atomicLoad(u64, &reader.control.head, .acquire)) return error.LeftInRing;
    const delivered = shared.survivor.received;
    const published = if (was_closed) shared.victim.sent_begun else shared.victim.sent_done;
    if (delivered < published) return error.PublishedNotDelivered;
    if (delivered > shared.victim.sent_begun) return error.DeliveredNotPublished;
}

/// Answers how the victim ended. Null: it did not, and had to be made to.
fn end_victim(victim: i32, striker: ?i32) ?u32 {
    const deadline: core.time.Deadline = .after_ms(20_000);
    while (!process.has_ended(victim)) {
        if (deadline.passed()) {
            process.signal(victim, .KILL);
            _ = process.reap(victim);
            end_striker(striker);
            return null;
        }
        process.sleep_us(100);
    }
    end_striker(striker);
    return process.reap(victim);
}

fn end_striker(striker: ?i32) void {
    const pid = striker orelse return;
    process.signal(pid, .KILL);
    _ = process.reap(pid);
}

fn judge_victim(plan: *const Plan, shared: *const Shared, status: u32) Fault!void {
    if (linux.W.IFSIGNALED(status)) {
        const was_told = plan.strike.action() == .kill and shared.board.struck_ns != 0;
        return if (was_told and linux.W.TERMSIG(status) == .KILL) {} else error.VictimFaulty;
    }
    if (linux.W.EXITSTATUS(status) != 0) return error.VictimFaulty;
}

/// A killed listener leaves its file, which keeps nobody from listening there.
fn check_path(plan: *const Plan, path: [:0]const u8) Fault!void {
    if (!plan.victim_listens) return;
    const handle = core.handles.open().?;
    defer _ = core.handles.close(handle);
    core.handles.get(handle).?.listen(path, 0o600) catch return error.NoListenerAfterDeath;
}
