//! A consumer, and the reader in it, against a producer that may write anything: each call has to
//! answer what the bytes say, or corruption, and to write nothing but the consumer's own words.

const std = @import("std");
const core = @import("zerocross_core");
const wire = core.wire;
const Failure = core.Failure;
const Reader = core.Reader;
const Place = core.Place;
const Consumer = core.channel.Consumer;
const Script = @import("script.zig").Script;
const GuardedArena = @import("arena.zig").GuardedArena;
const Buffer = @import("arena.zig").Buffer;
const Placement = @import("arena.zig").Placement;
const LyingProducer = @import("liar.zig").LyingProducer;
const Model = @import("reader_model.zig").Model;
const Next = @import("reader_model.zig").Next;
const Snapshot = @import("snapshot.zig").Snapshot;
const start_counters = @import("liar.zig").start_counters;
const stranger = @import("liar.zig").stranger;
const check = @import("arena.zig").check;

pub fn run(bytes: []const u8) void {
    var script: Script = .{ .bytes = bytes };
    const capacity: u32 = if (script.flag()) 128 else 4096;
    const arena: GuardedArena = .open(0, capacity, script.choice(Placement));
    const is_possible = start_counters(arena.mapping, &script);
    var failure: Failure = .{};
    const is_bare = script.flag();
    const consumer = Consumer.init(arena.mapping, stranger, 0, 0, &failure) catch {
        return check(!is_possible, "possible counters were refused", .{});
    };
    check(is_possible, "impossible counters were believed", .{});
    var side: Side = .{
        .arena = &arena,
        .consumer = consumer,
        .peer = .{ .mapping = arena.mapping, .head = arena.mapping.control().head },
        .is_bare = is_bare,
    };
    while (!script.is_over()) side.step(&script);
    arena.check_slack();
}

/// What a consumer may write: its counters, the words that somebody sleeps on, and the state.
const own_fields = .{ "tail", "producer_parked", "consumer_sleeping", "state" };

/// Apart from the stack, since each call fills it.
var before: Snapshot = undefined;

const Side = struct {
    arena: *const GuardedArena,
    consumer: Consumer,
    peer: LyingProducer,
    /// Only the reader is called, which has no memory of corruption: it goes on after it.
    is_bare: bool,

    fn step(self: *Side, script: *Script) void {
        const Step = enum { peer, peer_again, receive, receive_waiting, drain, release, look };
        const step_now = script.choice(Step);
        const capacity = self.arena.mapping.capacity();
        if (step_now == .peer or step_now == .peer_again) return self.peer.act(script);

        before.take(self.arena.mapping);
        switch (step_now) {
            .peer, .peer_again => unreachable,
            .receive => self.receive(script.payload_size(Buffer.size_max), false),
            .receive_waiting => self.receive(script.payload_size(Buffer.size_max), true),
            .drain => self.drain(1 + script.byte() % 64),
            .release => self.release(),
            .look => self.look(),
        }
        before.check_control(self.arena.mapping, own_fields);
        before.check_ring(self.arena.mapping, 0, capacity);
        self.check_counters();
    }

    fn receive(self: *Side, size_max: u32, waits: bool) void {
        self.end_batch();
        var model: Model = .of(self.reader(), self.arena.mapping);
        var expected = model.receive();
        const into = Buffer.open(size_max);
        const was_broken = self.consumer.link.is_broken;
        const result = self.call_receive(into, waits) catch |err| {
            self.look_again(&model, &expected, Model.receive);
            return switch (err) {
                error.TooLarge => check(expected == .message and expected.message.size > size_max, "a message that fits was too large", .{}),
                error.Corrupt => self.check_corrupt(expected, was_broken),
                error.PeerClosed, error.PeerDied => self.check_ended(expected),
                error.Timeout => check(waits and expected == .none, "a message was missed", .{}),
            };
        };
        const size = result orelse return check(expected == .none, "a message was missed, or corruption", .{});
        self.look_again(&model, &expected, Model.receive);
        check(expected == .message, "a message came that is not there", .{});
        check(!was_broken, "a message came from a broken channel", .{});
        const message = expected.message;
        check(size == message.size, "{d} bytes came instead of {d}", .{ size, message.size });
        check(self.consumer.last_type_id == message.type_id, "the type is another", .{});
        check(self.consumer.last_correlation_id == message.correlation_id, "the id is another", .{});
        check(std.mem.eql(u8, into[0..size], message.payload[0..size]), "the bytes are others", .{});
        check(self.reader().position == model.position, "the position is another", .{});
    }

    /// A look that met with no message but an empty packed record ends there, and a consumer may take
    /// another one, for which head is loaded anew.
    fn look_again(self: *Side, model: *Model, expected: *Next, look_first: fn (*Model) Next) void {
        if (self.is_bare) return;
        while (expected.* == .none and model.position != self.arena.mapping.control().head) expected.* = look_first(model);
    }

    const ReceiveError = error{ Corrupt, TooLarge, PeerClosed, PeerDied, Timeout };

    fn call_receive(self: *Side, into: []u8, waits: bool) ReceiveError!?u32 {
        if (!self.is_bare) return if (waits) try self.consumer.receive(into, 0) else self.consumer.try_receive(into);
        const received = try self.reader().receive(into, self.consumer.failure) orelse return null;
        self.consumer.last_type_id = received.type_id;
        self.consumer.last_correlation_id = received.correlation_id;
        return received.size;
    }

    fn drain(self: *Side, places_max: u32) void {
        self.end_batch();
        var model: Model = .of(self.reader(), self.arena.mapping);
        var expected = model.drain_first();
        const places: []align(1) Place = std.mem.bytesAsSlice(Place, Buffer.open(places_max * @sizeOf(Place)));
        const was_broken = self.consumer.link.is_broken;
        const count = self.call_drain(places) catch |err| {
            self.look_again(&model, &expected, Model.drain_first);
            return if (err == error.Corrupt) self.check_corrupt(expected, was_broken) else self.check_ended(expected);
        };
        if (count > 0) self.look_again(&model, &expected, Model.drain_first);
        check(count == 0 or !was_broken, "messages came from a broken channel", .{});
        check(count <= places_max, "more messages than places", .{});
        for (places[0..count]) |place| {
            self.check_place(place, expected);
            expected = model.next();
        }
        // Corruption behind good messages is told by the next call.
        const is_whole = count == places_max or expected == .none or (expected == .corrupt and count > 0);
        check(is_whole, "a drain stopped early", .{});
    }

    fn call_drain(self: *Side, places: []align(1) Place) error{ Corrupt, PeerClosed, PeerDied }!u32 {
        if (!self.is_bare) return self.consumer.try_drain(places);
        return self.reader().drain(places, self.consumer.failure);
    }

    fn check_place(self: *Side, place: Place, expected: Next) void {
        check(expected == .message, "a message came that is not there", .{});
        const at: usize = @intFromPtr(expected.message.payload) - @intFromPtr(self.arena.mapping.bytes.ptr);
        check(place.offset == at, "a message is elsewhere", .{});
        check(place.size == expected.message.size, "{d} bytes came instead of {d}", .{ place.size, expected.message.size });
        check(place.type_id == expected.message.type_id, "the type is another", .{});
        // The last byte of the arena is where a guard begins.
        std.mem.doNotOptimizeAway(std.hash.Wyhash.hash(0, self.arena.mapping.bytes[place.offset..][0..place.size]));
    }

    fn check_corrupt(self: *Side, expected: Next, was_broken: bool) void {
        if (self.is_bare) return check(expected == .corrupt, "corruption was found where there is none", .{});
        check(self.consumer.link.is_broken, "corruption was forgotten", .{});
        const state = self.arena.mapping.control().state;
        const state_says_so = state == @intFromEnum(wire.State.fatal);
        // A state that is none is corruption too, when nothing is left to be taken.
        check(was_broken or expected == .corrupt or (expected == .none and state_says_so), "corruption was found where there is none", .{});
    }

    fn check_ended(self: *Side, expected: Next) void {
        const state = self.arena.mapping.control().state;
        check(state == @intFromEnum(wire.State.disconnected), "an end was found where there is none", .{});
        check(expected == .none, "what was published before the end was lost", .{});
    }

    fn release(self: *Side) void {
        const reader_now = self.reader();
        if (self.is_bare) _ = reader_now.release() else self.consumer.release();
        check(reader_now.released == reader_now.position, "something consumed was kept", .{});
    }

    fn end_batch(self: *Side) void {
        if (self.consumer.batch_open) self.release();
    }

    fn look(self: *Side) void {
        const news = self.reader().has_news();
        const is_behind = self.reader().head != self.reader().position;
        check(news or !is_behind, "news were forgotten", .{});
        _ = self.reader().release_is_due();
        std.mem.doNotOptimizeAway(self.consumer.queued());
    }

    fn check_counters(self: *Side) void {
        const now = self.reader();
        const is_ordered = now.released <= now.position and now.position <= now.head;
        check(is_ordered and now.head - now.released <= now.capacity, "the consumer's counters are impossible", .{});
    }

    fn reader(self: *Side) *Reader {
        return &self.consumer.reader;
    }
};
