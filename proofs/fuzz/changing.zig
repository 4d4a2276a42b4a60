//! A consumer, or a producer, whose arena changes between any two accesses of one call. What was looked
//! at twice, or used otherwise than it was checked, leads out of the ring here.

const std = @import("std");
const core = @import("zerocross_core");
const wire = core.wire;
const Failure = core.Failure;
const Place = core.Place;
const Consumer = core.channel.Consumer;
const Producer = core.channel.Producer;
const liar = @import("liar.zig");
const Script = @import("script.zig").Script;
const GuardedArena = @import("arena.zig").GuardedArena;
const Buffer = @import("arena.zig").Buffer;
const Placement = @import("arena.zig").Placement;
const Snapshot = @import("snapshot.zig").Snapshot;
const Given = @import("given.zig").Given;
const Meddler = @import("meddler.zig").Meddler;
const check = @import("arena.zig").check;

pub fn run(bytes: []const u8) void {
    var script: Script = .{ .bytes = bytes };
    const capacity: u32 = if (script.flag()) 128 else 4096;
    const arena: GuardedArena = .open(0, capacity, script.choice(Placement));
    const is_possible = liar.start_counters(arena.mapping, &script);
    if (!is_possible) return;
    if (script.flag()) run_consumer(&arena, &script) else run_producer(&arena, &script);
    arena.check_slack();
}

/// Each access costs two signals, so messages are short here.
const size_max = 200;

fn run_consumer(arena: *const GuardedArena, script: *Script) void {
    var failure: Failure = .{};
    var consumer = Consumer.init(arena.mapping, liar.stranger, 0, 0, &failure) catch unreachable;
    var peer: ChangingProducer = .{
        .consumer = &consumer,
        .liar = .{ .mapping = arena.mapping, .head = arena.mapping.control().head },
    };
    var meddler: Meddler = .{ .arena = arena, .script = script, .context = &peer, .act = ChangingProducer.act };
    while (!script.is_over()) {
        peer.liar.act(script);
        const was_broken = consumer.link.is_broken;
        const Step = enum { receive, receive_again, drain, release };
        switch (script.choice(Step)) {
            .receive, .receive_again => receive(&consumer, &meddler, script.payload_size(size_max), was_broken),
            .drain => drain(&consumer, &meddler, 1 + script.byte() % 16, was_broken),
            .release => {
                meddler.start();
                consumer.release();
                meddler.stop();
            },
        }
        const reader = &consumer.reader;
        const is_ordered = reader.released <= reader.position and reader.position <= reader.head;
        check(is_ordered and reader.head - reader.released <= reader.capacity, "the consumer's counters are impossible", .{});
        check(consumer.link.is_broken or !was_broken, "corruption was forgotten", .{});
    }
}

const ChangingProducer = struct {
    consumer: *const Consumer,
    liar: liar.LyingProducer,

    fn act(context: *anyopaque, script: *Script) void {
        const self: *ChangingProducer = @ptrCast(@alignCast(context));
        if (script.flag()) self.change_next_record(script) else self.liar.act(script);
    }

    /// Writes over the header or the entry that the consumer is at.
    fn change_next_record(self: *ChangingProducer, script: *Script) void {
        const reader = &self.consumer.reader;
        const is_in_entries = reader.entries.reserved > 0 and reader.entries.next < reader.capacity;
        const at: usize = if (is_in_entries) reader.entries.next else @intCast(reader.position % reader.capacity);
        const words: [*]u32 = @ptrCast(@alignCast(self.liar.mapping.ring()[at..].ptr));
        const Field = enum { size, type_id, reserved };
        switch (script.choice(Field)) {
            .size => words[0] = script.lie(u32, words[0]),
            .type_id => words[1] = if (script.flag()) wire.type_packed else script.int(u32),
            // An entry has none.
            .reserved => if (!is_in_entries) {
                words[2] = script.lie(u32, words[2]);
            },
        }
    }
};

fn receive(consumer: *Consumer, meddler: *Meddler, room: u32, was_broken: bool) void {
    if (consumer.batch_open) consumer.release();
    const into = Buffer.open(room);
    const position = consumer.reader.position;
    const told_size = consumer.reader.told_size;
    meddler.start();
    const result = consumer.try_receive(into);
    meddler.stop();
    const found: ?u32 = result catch |err| if (err == error.TooLarge) @intCast(consumer.failure.found) else return;
    check(told_size == null or found == told_size, "a size changed that had been told", .{});
    if (result == error.TooLarge) return;
    const size = found orelse return;
    check(!was_broken, "a message came from a broken channel", .{});
    check(size <= room, "{d} bytes came into room for {d}", .{ size, room });
    check(consumer.reader.position - position <= consumer.reader.capacity, "more was consumed than fits", .{});
}

fn drain(consumer: *Consumer, meddler: *Meddler, places_max: u32, was_broken: bool) void {
    if (consumer.batch_open) consumer.release();
    const places: []align(1) Place = std.mem.bytesAsSlice(Place, Buffer.open(places_max * @sizeOf(Place)));
    meddler.start();
    const result = consumer.try_drain(places);
    meddler.stop();
    const count = result catch return;
    check(count <= places_max and (count == 0 or !was_broken), "messages came that cannot be", .{});
    for (places[0..count]) |place| {
        const end = @as(u64, place.offset) + place.size;
        const is_inside = place.offset >= wire.control_size and end <= wire.memory_size(consumer.reader.capacity);
        check(is_inside, "a message lies outside of the ring", .{});
    }
}

/// Apart from the stack, since each call fills it.
var before: Snapshot = undefined;

fn run_producer(arena: *const GuardedArena, script: *Script) void {
    var failure: Failure = .{};
    var peer: liar.LyingConsumer = .{ .mapping = arena.mapping };
    var producer = Producer.init(arena.mapping, liar.stranger, 0, 0, &failure) catch unreachable;
    var meddler: Meddler = .{ .arena = arena, .script = script, .context = &peer, .act = act_as_consumer };
    while (!script.is_over()) {
        peer.act(script);
        const count = if (script.flag()) 1 else script.byte() % 16;
        const given: Given = .make(script, count, @min(size_max, wire.payload_max(arena.mapping.capacity())));
        const old = producer;
        before.take(arena.mapping);
        meddler.start();
        const taken = send(&producer, &given);
        meddler.stop();
        check_sent(&old, &producer, arena, &given, taken);
    }
}

fn act_as_consumer(context: *anyopaque, script: *Script) void {
    const peer: *liar.LyingConsumer = @ptrCast(@alignCast(context));
    peer.act_on_words(script);
}

/// Null: how many were written is not said.
fn send(producer: *Producer, given: *const Given) ?u32 {
    if (given.count != 1) return producer.try_send_many(given.bytes, given.sizes[0..given.count], given.type_id) catch null;
    const message: core.Envelope = .{ .type_id = given.type_id };
    const sent = producer.try_send(given.bytes.ptr, given.sizes[0], message) catch return 0;
    return @intFromBool(sent);
}

fn check_sent(old: *const Producer, producer: *Producer, arena: *const GuardedArena, given: *const Given, taken: ?u32) void {
    const from = old.writer.head;
    const to = producer.writer.head;
    const capacity = producer.writer.capacity;
    check(producer.link.is_broken or !old.link.is_broken, "corruption was forgotten", .{});
    check(to == from or !old.link.is_broken, "a broken channel was written to", .{});
    check(producer.writer.tail >= old.writer.tail and producer.writer.tail <= producer.writer.published, "an impossible tail was believed", .{});
    check(to - producer.writer.tail <= capacity, "more was written than was released", .{});
    // A batch may go on over what the peer has released meanwhile.
    if (to - from > capacity) return check(given.count != 1, "more was written than fits", .{});
    before.check_ring(arena.mapping, to, from + capacity);
    const written = given.count_written(arena.mapping, from, to);
    check(taken == null or written == taken.?, "something else was sent than what was given", .{});
}
