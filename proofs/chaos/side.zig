//! One end of a channel or an RPC as a process that uses it: meets the other side, sends or receives
//! what the plan says, waits in its own way, and checks every message and every deadline.

const std = @import("std");
const core = @import("zerocross_core");
const content = @import("content.zig");
const process = @import("process.zig");
const storm = @import("storm.zig");
const traffic = @import("traffic.zig");
const Plan = @import("plan.zig").Plan;
const Role = @import("plan.zig").Role;
const Way = @import("plan.zig").Way;

/// How long a side tries to meet the other one before it looks whether that is there.
const meeting_slice_ms = 30;
/// Longer than any stop, and than a busy machine lets a process wait for its turn.
const patience_ns = 20 * std.time.ns_per_s;

pub const Error = error{
    PeerClosed,
    PeerDied,
    Corrupt,
    /// The other side died before there was a channel.
    NobodyCame,
    /// The handshake ended in the way in which a death ends it.
    Abandoned,
    // What must not happen.
    Hung,
    TimedOutEarly,
    NotWhole,
    WrongType,
    WrongId,
    Handshake,
};

/// What a side has done so far, for the other one to compare.
pub const Log = extern struct {
    sent_begun: u64 = 0,
    /// Published for sure.
    sent_done: u64 = 0,
    received: u64 = 0,
    /// The latest that a call came back after its time was up.
    late_ns: u64 = 0,
    timeouts: u64 = 0,
    signals: u64 = 0,
};

pub const Side = struct {
    plan: *const Plan,
    log: *Log,
    path: []const u8,
    role: Role,
    listens: bool,
    way: Way,
    is_slow: bool,
    closes: bool,
    /// The victim, where this is the survivor.
    other: ?i32,
    handle: u32 = 0,
    waiter: u32 = 0,
    /// When this side last got anything done.
    progress_ns: u64 = 0,
    waits: u64 = 0,

    /// The time limit of a call. Where a death is to be noticed it is longer than that may take, so that
    /// no call is over by itself; where a stop is to be borne it is shorter.
    pub fn slice_ms(self: *const Side) f64 {
        return if (self.plan.strike.action() == .kill) 250 else 30;
    }

    pub fn endpoint(self: *const Side) *core.endpoint.Endpoint {
        return core.handles.get(self.handle).?;
    }

    /// Returns when this side has reached its end of the plan; how the other one ended is an error.
    pub fn run(self: *Side) Error!void {
        self.progress_ns = core.time.now_ns();
        self.handle = core.handles.open().?;
        if (self.way == .waiter) self.waiter = core.waiters.open_waiter().?;
        try self.meet();
        try traffic.run(self);
    }

    /// Gives everything back, and tells the other side.
    pub fn close(self: *Side) void {
        core.watching.unwatch(self.handle);
        _ = core.handles.close(self.handle);
        if (self.waiter != 0) _ = core.waiters.close_waiter(self.waiter);
        self.waiter = 0;
        self.log.signals = storm.signals();
    }

    fn meet(self: *Side) Error!void {
        if (self.listens) {
            self.endpoint().listen(self.path, 0o600) catch return error.Handshake;
            try self.accept();
        } else {
            try self.connect();
        }
        core.watching.unwatch(self.handle);
        while (true) {
            const begun = self.begin_wait();
            const offer: core.endpoint.Offer = .{ .version = 4, .capacity = self.plan.capacity };
            const deadline: core.time.Deadline = .after_ms(self.slice_ms());
            self.endpoint().establish(self.role, offer, self.spin_us(), deadline) catch |err| {
                try self.after_failed_handshake(err, begun);
                continue;
            };
            self.progress_ns = core.time.now_ns();
            return;
        }
    }

    fn accept(self: *Side) Error!void {
        while (true) {
            if (self.way == .waiter) try self.sleep_on_waiter(.connector, 0);
            const begun = self.begin_wait();
            const limit_ms: f64 = if (self.way == .waiter) 0 else meeting_slice_ms;
            if (self.endpoint().accept(.after_ms(limit_ms))) |_| return else |err| {
                if (err != error.Timeout) return error.Handshake;
                try self.end_wait(begun, limit_ms);
                if (self.other_is_dead()) return error.NobodyCame;
            }
        }
    }

    fn connect(self: *Side) Error!void {
        while (true) {
            const begun = self.begin_wait();
            if (self.endpoint().connect(self.path, .after_ms(meeting_slice_ms), true)) |_| return else |err| {
                if (err != error.Timeout) return error.Handshake;
                try self.end_wait(begun, meeting_slice_ms);
                if (self.other_is_dead()) return error.NobodyCame;
            }
        }
    }

    /// Returns when the handshake may be gone on with.
    fn after_failed_handshake(self: *Side, err: anyerror, begun: u64) Error!void {
        const failure = self.endpoint().failure;
        switch (err) {
            error.Timeout => return self.end_wait(begun, self.slice_ms()),
            error.PeerGone => if (self.listens and self.other_dies()) return error.Abandoned,
            error.Wire => if (!self.listens and failure.subject == .truncated and self.other_dies()) return error.Abandoned,
            else => {},
        }
        return error.Handshake;
    }

    pub fn other_is_dead(self: *const Side) bool {
        return process.has_ended(self.other orelse return false);
    }

    /// The kernel closes the sockets of a process some time before it calls it dead.
    fn other_dies(self: *const Side) bool {
        const deadline: core.time.Deadline = .after_ms(1000);
        while (!self.other_is_dead()) {
            if (deadline.passed() or self.other == null) return false;
            process.sleep_us(50);
        }
        return true;
    }

    fn spin_us(self: *const Side) f64 {
        return switch (self.way) {
            .spinning => std.math.inf(f64),
            .sleeping, .waiter => 0,
            .brief, .polling => 50,
        };
    }

    pub fn note_progress(self: *Side) void {
        self.progress_ns = core.time.now_ns();
    }

    /// A slow side lets the other one wait now and then, for long enough to fall asleep.
    pub fn pause(self: *Side, index: u64) void {
        if (self.is_slow and content.choice(self.plan.seed ^ 0x5107, index, 3) == 0) process.sleep_us(300);
    }

    pub fn begin_wait(self: *Side) u64 {
        self.waits += 1;
        return core.time.now_ns();
    }

    /// A call that was given `limit_ms` has answered that its time is up.
    pub fn end_wait(self: *Side, begun_ns: u64, limit_ms: f64) Error!void {
        const now_ns = core.time.now_ns();
        const limit_ns: u64 = @intFromFloat(limit_ms * std.time.ns_per_ms);
        const waited_ns = now_ns - begun_ns;
        // The cycle counter's rate, which a short wait goes by, is known to about a percent.
        if (waited_ns < limit_ns - limit_ns / 16) return error.TimedOutEarly;
        self.log.late_ns = @max(self.log.late_ns, waited_ns -| limit_ns);
        self.log.timeouts += 1;
        try self.check_patience(now_ns);
    }

    pub fn check_patience(self: *const Side, now_ns: u64) Error!void {
        if (now_ns - self.progress_ns > patience_ns) return error.Hung;
    }

    /// For a side whose ways are its own: what was wanted is not there.
    pub fn wait_in_own_way(self: *Side, interest: core.Interest, size: u32) Error!void {
        if (self.way == .waiter) return self.sleep_on_waiter(interest, size);
        process.yield();
        try self.check_patience(core.time.now_ns());
    }

    /// As an event loop does, but on this thread: watches, sleeps, takes the report.
    fn sleep_on_waiter(self: *Side, interest: core.Interest, size: u32) Error!void {
        const is_ready = core.watching.watch(self.waiter, self.handle, interest, size) catch return error.Handshake;
        if (is_ready) return;
        const begun = self.begin_wait();
        // Sometimes too short, so that the watch is taken back.
        const is_short = content.choice(self.plan.seed ^ 0x3A17, self.waits, 4) == 0;
        const limit_ms: f64 = if (is_short) 0.2 else self.slice_ms();
        const reports = core.waiters.wait_for_reports(self.waiter, limit_ms) catch return error.Handshake;
        if (reports == 0) {
            core.watching.unwatch(self.handle);
            return self.end_wait(begun, limit_ms);
        }
        var taken: [4]u32 = undefined;
        const count = core.watching.take(self.waiter, &taken) catch return error.Handshake;
        if (count != 1 or taken[0] != self.handle) return error.Handshake;
    }
};
