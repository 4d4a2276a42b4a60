//! One end of an RPC against a peer that may write anything into both arenas: calls and replies with
//! ids that were never given out, or that end one arena and not the other.

const std = @import("std");
const core = @import("zerocross_core");
const wire = core.wire;
const Failure = core.Failure;
const Rpc = core.Rpc;
const WaitError = core.channel.WaitError;
const liar = @import("liar.zig");
const Script = @import("script.zig").Script;
const GuardedArena = @import("arena.zig").GuardedArena;
const Buffer = @import("arena.zig").Buffer;
const Placement = @import("arena.zig").Placement;
const Snapshot = @import("snapshot.zig").Snapshot;
const Given = @import("given.zig").Given;
const Model = @import("reader_model.zig").Model;
const Next = @import("reader_model.zig").Next;
const check = @import("arena.zig").check;

pub fn run(bytes: []const u8) void {
    var script: Script = .{ .bytes = bytes };
    const in: GuardedArena = .open(0, if (script.flag()) 128 else 4096, script.choice(Placement));
    const out: GuardedArena = .open(1, if (script.flag()) 128 else 4096, script.choice(Placement));
    const in_is_possible = liar.start_counters(in.mapping, &script);
    const out_is_possible = liar.start_counters(out.mapping, &script);
    const is_caller = script.flag();
    var failure: Failure = .{};
    const opened = if (is_caller)
        Rpc.init_caller(out.mapping, in.mapping, liar.stranger, 0, &failure)
    else
        Rpc.init_callee(in.mapping, out.mapping, liar.stranger, 0, &failure);
    const rpc = opened catch return check(!in_is_possible or !out_is_possible, "possible counters were refused", .{});
    check(in_is_possible and out_is_possible, "impossible counters were believed", .{});
    var side: Side = .{
        .in = &in,
        .out = &out,
        .rpc = rpc,
        .sender = .{ .mapping = in.mapping, .head = in.mapping.control().head },
        .taker = .{ .mapping = out.mapping },
    };
    while (!script.is_over()) side.step(&script);
    side.rpc.close();
    in.check_slack();
    out.check_slack();
}

/// What a side may write in the arena that it takes from, and in the other one.
const in_fields = .{ "tail", "producer_parked", "consumer_sleeping", "state" };
const out_fields = .{ "head", "lane", "producer_parked", "consumer_sleeping", "state" };

/// Apart from the stack, since each call fills them.
var in_before: Snapshot = undefined;
var out_before: Snapshot = undefined;

const Side = struct {
    in: *const GuardedArena,
    out: *const GuardedArena,
    rpc: Rpc,
    sender: liar.LyingProducer,
    taker: liar.LyingConsumer,

    const Step = enum { sender, sender_again, taker, receive, receive_waiting, send, send_waiting, wait, check };

    fn step(self: *Side, script: *Script) void {
        switch (script.choice(Step)) {
            .sender, .sender_again => self.sender.act(script),
            .taker => self.taker.act(script),
            else => |now| self.call(now, script),
        }
    }

    fn call(self: *Side, now: Step, script: *Script) void {
        const size_max = script.payload_size(Buffer.size_max);
        var given: Given = .make(script, 1, wire.payload_max(self.out.mapping.capacity()));
        given.correlation_id = 1 + script.lie(u64, self.rpc.id_sent) % (1 << 63);
        const old = self.rpc;
        in_before.take(self.in.mapping);
        out_before.take(self.out.mapping);
        const is_sent = self.perform(now, &given, size_max) catch |err| failed: {
            self.check_error(err, now);
            break :failed false;
        };
        check(!is_sent or !old.out.link.is_broken, "a broken RPC was written to", .{});
        self.check_writes(&old, &given, is_sent);
        check(!self.is_broken() or (self.rpc.in.link.is_broken and self.rpc.out.link.is_broken), "one arena is broken and the other is not", .{});
        check(self.is_broken() or !old.in.link.is_broken, "corruption was forgotten", .{});
    }

    /// Whether the message was taken.
    fn perform(self: *Side, now: Step, given: *const Given, size_max: u32) (WaitError || error{TooLarge})!bool {
        const rpc = &self.rpc;
        const message: core.Envelope = .{ .type_id = given.type_id, .correlation_id = given.correlation_id };
        switch (now) {
            .sender, .sender_again, .taker => unreachable,
            .receive, .receive_waiting => try self.receive(now == .receive_waiting, size_max),
            .send => return rpc.try_send(given.bytes.ptr, given.sizes[0], message),
            .send_waiting => {
                try rpc.send(given.bytes.ptr, given.sizes[0], message, 0);
                return true;
            },
            .wait => try rpc.wait(given.sizes[0], 0),
            .check => {
                _ = rpc.peer_abilities();
                try rpc.check();
            },
        }
        return false;
    }

    fn receive(self: *Side, waits: bool, size_max: u32) (WaitError || error{TooLarge})!void {
        var model: Model = .of(&self.rpc.in.reader, self.in.mapping);
        var expected = model.receive();
        const into = Buffer.open(size_max);
        const was_broken = self.rpc.in.link.is_broken;
        const size = self.call_receive(into, waits) catch |err| {
            self.look_again(&model, &expected);
            switch (err) {
                error.Corrupt => check(was_broken or expected != .message or !self.id_is_possible(expected.message.correlation_id), "a good message was taken for corruption", .{}),
                error.TooLarge => check(expected == .message and expected.message.size > size_max, "a message that fits was too large", .{}),
                else => check(expected == .none, "a message was missed", .{}),
            }
            return err;
        } orelse return check(expected == .none, "a message was missed, or corruption", .{});
        self.look_again(&model, &expected);
        check(expected == .message and !was_broken, "a message came that is not there", .{});
        const message = expected.message;
        check(self.id_is_possible(message.correlation_id), "a reply came to a call that was not made", .{});
        check(self.rpc.in.last_correlation_id == message.correlation_id, "the id is another", .{});
        check(self.rpc.in.last_type_id == message.type_id and size == message.size, "the message is another", .{});
        check(std.mem.eql(u8, into[0..size], message.payload[0..size]), "the bytes are others", .{});
    }

    fn call_receive(self: *Side, into: []u8, waits: bool) (WaitError || error{TooLarge})!?u32 {
        return if (waits) try self.rpc.receive(into, 0) else self.rpc.try_receive(into);
    }

    /// As for a consumer: behind an empty packed record head is loaded anew.
    fn look_again(self: *Side, model: *Model, expected: *Next) void {
        while (expected.* == .none and model.position != self.in.mapping.control().head) expected.* = model.receive();
    }

    fn id_is_possible(self: *const Side, id: u64) bool {
        return id != 0 and (self.rpc.role == .callee or id <= self.rpc.id_sent);
    }

    fn check_error(self: *Side, err: anyerror, now: Step) void {
        switch (err) {
            error.Corrupt => check(self.is_broken(), "corruption was forgotten", .{}),
            error.PeerClosed => {
                const closed = @intFromEnum(wire.State.disconnected);
                const is_closed = in_before.control.state == closed or out_before.control.state == closed;
                check(is_closed, "an end was found where there is none", .{});
            },
            error.Timeout => check(now == .receive_waiting or now == .send_waiting or now == .wait, "a call that does not wait ran out of time", .{}),
            error.TooLarge => {},
            else => check(false, "nobody died", .{}),
        }
    }

    fn check_writes(self: *Side, old: *const Rpc, given: *const Given, is_sent: bool) void {
        in_before.check_control(self.in.mapping, in_fields);
        in_before.check_ring(self.in.mapping, 0, self.in.mapping.capacity());
        out_before.check_control(self.out.mapping, out_fields);
        const from = old.out.writer.head;
        const to = self.rpc.out.writer.head;
        out_before.check_ring(self.out.mapping, to, from + self.out.mapping.capacity());
        const written = given.count_written(self.out.mapping, from, to);
        check(written == @intFromBool(is_sent), "something else was sent than what was given", .{});
    }

    fn is_broken(self: *const Side) bool {
        return self.rpc.in.link.is_broken or self.rpc.out.link.is_broken;
    }
};
