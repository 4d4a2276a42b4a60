//! A producer against a consumer that may write anything: it has to write where the believed tail lets
//! it and nowhere else, and what it publishes has to be what it was given.

const std = @import("std");
const core = @import("zerocross_core");
const wire = core.wire;
const Failure = core.Failure;
const Writer = core.Writer;
const Producer = core.channel.Producer;
const WaitError = core.channel.WaitError;
const liar = @import("liar.zig");
const LyingConsumer = liar.LyingConsumer;
const Script = @import("script.zig").Script;
const GuardedArena = @import("arena.zig").GuardedArena;
const Placement = @import("arena.zig").Placement;
const Snapshot = @import("snapshot.zig").Snapshot;
const Given = @import("given.zig").Given;
const check = @import("arena.zig").check;

pub fn run(bytes: []const u8) void {
    var script: Script = .{ .bytes = bytes };
    const capacity: u32 = if (script.flag()) 128 else 4096;
    const arena: GuardedArena = .open(0, capacity, script.choice(Placement));
    const is_possible = liar.start_counters(arena.mapping, &script);
    var failure: Failure = .{};
    const producer = Producer.init(arena.mapping, liar.stranger, 0, 0, &failure) catch {
        return check(!is_possible, "possible counters were refused", .{});
    };
    check(is_possible, "impossible counters were believed", .{});
    var side: Side = .{ .arena = &arena, .producer = producer, .peer = .{ .mapping = arena.mapping } };
    while (!script.is_over()) side.step(&script);
    side.producer.close();
    arena.check_slack();
}

/// What a producer may write: its counter and lane, the words that somebody sleeps on, and the state.
const own_fields = .{ "head", "lane", "producer_parked", "consumer_sleeping", "state" };

/// Apart from the stack, since each call fills it.
var before: Snapshot = undefined;

const Side = struct {
    arena: *const GuardedArena,
    producer: Producer,
    peer: LyingConsumer,
    /// Where the open claim's payload goes.
    claimed: u32 = 0,

    const Step = enum { peer, peer_again, send, send_waiting, send_many, claim, claim_waiting, commit, stage, rollback, flush, look };

    fn step(self: *Side, script: *Script) void {
        const now = script.choice(Step);
        const claim_is_open = self.producer.writer.claim_open;
        const needs_claim = now == .commit or now == .stage or now == .rollback;
        switch (now) {
            .peer, .peer_again => self.peer.act(script),
            .look => self.call(.look, script),
            else => if (claim_is_open == needs_claim) self.call(now, script),
        }
    }

    fn call(self: *Side, now: Step, script: *Script) void {
        var given = self.make_given(now, script);
        const old = self.producer;
        before.take(self.arena.mapping);
        const taken: ?u32 = self.perform(now, &given) catch |err| failed: {
            self.check_error(err, &old, &given);
            break :failed null;
        };
        const head = self.writer().head;
        before.check_control(self.arena.mapping, own_fields);
        // A batch publishes on its way, by which a tail that was announced too early becomes a possible one.
        const has_lapped = head - old.writer.head > self.writer().capacity;
        check(!has_lapped or now == .send_many, "more was written than fits", .{});
        const is_cut_off = taken == null and now == .send_many and !old.link.is_broken;
        if (!has_lapped) {
            before.check_ring(self.arena.mapping, head, old.writer.head + self.writer().capacity);
            const written = given.count_written(self.arena.mapping, old.writer.head, head);
            // A batch that meets with corruption has its first messages in the ring already.
            check(written == taken orelse 0 or is_cut_off, "{d} messages were written instead of {d}", .{ written, taken orelse 0 });
        }
        self.check_tail(&old.writer);
        self.check_published(&old.writer, &given, is_cut_off);
    }

    /// What the call is to send. Into a claim it is put right away, as a user of the channel does.
    fn make_given(self: *Side, now: Step, script: *Script) Given {
        const payload_max = wire.payload_max(self.arena.mapping.capacity());
        switch (now) {
            .commit, .stage => {
                const given: Given = .make(script, 1, self.writer().claim_size);
                @memcpy(self.arena.mapping.ring()[self.claimed..][0..given.bytes.len], given.bytes);
                return given;
            },
            .send_many => return .make(script, 1 + script.byte() % Given.count_max, payload_max),
            else => {
                var given: Given = .make(script, 1, payload_max);
                if (now == .send) given.correlation_id = script.lie(u64, 0);
                return given;
            },
        }
    }

    /// How many of the messages were taken.
    fn perform(self: *Side, now: Step, given: *const Given) WaitError!u32 {
        const producer = &self.producer;
        const size = given.sizes[0];
        switch (now) {
            .peer, .peer_again => unreachable,
            .send => {
                const message: core.Envelope = .{ .type_id = given.type_id, .correlation_id = given.correlation_id };
                if (try producer.try_send(given.bytes.ptr, size, message)) return 1;
                self.check_full(size);
            },
            .send_waiting => {
                try producer.send(given.bytes.ptr, size, .{ .type_id = given.type_id }, 0);
                return 1;
            },
            .send_many => {
                const count = try producer.try_send_many(given.bytes, given.sizes[0..given.count], given.type_id);
                if (count < given.count) self.check_full(given.sizes[count]);
                return count;
            },
            .claim => {
                if (try producer.try_claim(size)) |offset| self.take_claim(offset, size) else self.check_full(size);
            },
            .claim_waiting => self.take_claim(try producer.claim(size, 0), size),
            .commit => {
                try producer.commit(size, given.type_id);
                return 1;
            },
            .stage => {
                try producer.stage(size, given.type_id);
                return 1;
            },
            .rollback => producer.writer.rollback(),
            .flush => try producer.flush(),
            .look => self.look(size),
        }
        return 0;
    }

    fn take_claim(self: *Side, offset: u32, size: u32) void {
        check(offset % wire.line_size == 0 and offset + size <= self.writer().capacity, "a claim lies outside of the ring", .{});
        self.claimed = offset;
    }

    fn look(self: *Side, size: u32) void {
        const has_room = self.producer.has_room(size);
        const needed = self.writer().tail_needed(size);
        const tail = self.arena.mapping.control().tail;
        // Below 0 it wraps: then there is room whatever was released.
        const is_new = needed > self.writer().head;
        if (tail == self.writer().tail) check(has_room == (is_new or needed <= tail), "room and its tail disagree", .{});
        check(self.producer.queued() <= self.writer().capacity, "more is queued than fits", .{});
    }

    fn check_error(self: *Side, err: WaitError, old: *const Producer, given: *const Given) void {
        const state: wire.State = @enumFromInt(before.control.state);
        switch (err) {
            error.Corrupt => {
                check(self.producer.link.is_broken, "corruption was forgotten", .{});
                const state_is_wrong = state != .ready and state != .disconnected;
                const is_right = old.link.is_broken or state_is_wrong or !self.tail_is_possible(&old.writer);
                check(is_right, "corruption was found where there is none", .{});
            },
            error.PeerClosed => check(state == .disconnected, "an end was found where there is none", .{}),
            error.PeerDied => check(false, "nobody died", .{}),
            error.Timeout => self.check_full(given.sizes[0]),
        }
    }

    fn check_full(self: *const Side, size: u32) void {
        const capacity = self.arena.mapping.capacity();
        const at: u32 = @intCast(self.producer.writer.head % capacity);
        const need = wire.record_size(size);
        const skip = if (need > capacity - at) capacity - at else 0;
        const used = self.producer.writer.head - self.producer.writer.tail;
        check(used + skip + need > capacity, "room was missed", .{});
    }

    /// Tail was believed only where the wire allows it.
    fn check_tail(self: *Side, old: *const Writer) void {
        const tail = self.writer().tail;
        check(tail == old.tail or (tail == before.control.tail and self.tail_is_possible(old)), "an impossible tail was believed", .{});
        check(self.writer().head - tail <= self.writer().capacity, "more was written than was released", .{});
    }

    fn tail_is_possible(self: *Side, old: *const Writer) bool {
        const tail = before.control.tail;
        const is_between = tail >= old.tail and tail <= self.writer().published;
        return is_between and tail % wire.line_size == 0;
    }

    fn check_published(self: *Side, old: *const Writer, given: *const Given, is_cut_off: bool) void {
        const control = self.arena.mapping.control();
        const published = self.writer().published;
        if (published == old.published) return;
        check(published == self.writer().head or is_cut_off, "a part of what was staged was published", .{});
        check(control.head == published, "head says something else", .{});
        const lane_is_new = !std.mem.eql(u8, std.mem.asBytes(&control.lane), std.mem.asBytes(&before.control.lane));
        if (lane_is_new and control.lane.head == control.head) given.check_lane(self.arena.mapping);
    }

    fn writer(self: *Side) *Writer {
        return &self.producer.writer;
    }
};
