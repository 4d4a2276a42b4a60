//! One channel, two threads: every way of sending against every way of receiving, until either side
//! closes. Then both sides' counts are compared.

const std = @import("std");
const core = @import("zerocross_core");
const arena = @import("arena.zig");
const report = @import("report.zig");
const content = @import("content.zig");
const Content = content.Content;
const channel = core.channel;

const spins_us = [_]f64{ 0, 50, std.math.inf(f64) };

/// What a round is like; drawn before it, so that the seed gives it again.
pub const Plan = struct {
    capacity: u32,
    /// What head and tail begin with.
    start: u64,
    shape: content.Shape,
    salt: u64,
    messages: u64,
    /// The consumer closes after so many messages, when it gets there.
    consumer_closes_at: u64,
    spin_us: [2]f64,
    /// One step in so many is preceded by a rest; by side.
    rest_every: [2]u32,
    /// A round is of one kind of step, or of all.
    sending: ?Sending,
    receiving: ?Receiving,

    pub fn draw(random: std.Random) Plan {
        const capacity = @as(u32, 4096) << random.uintAtMost(u5, 9);
        const shape = random.enumValue(content.Shape);
        const bytes_of_message: u64 = if (shape == .small) 128 else capacity / 4;
        const messages = std.math.clamp((16 << 20) / bytes_of_message, 50, 50_000);
        const starts = [_]u64{ 0, (1 << 32) - 64 * 8, 64 * random.uintLessThan(u64, 1 << 40), (1 << 62) };
        return .{
            .capacity = capacity,
            .start = starts[random.uintLessThan(usize, starts.len)],
            .shape = shape,
            .salt = random.int(u64),
            .messages = messages,
            .consumer_closes_at = if (random.boolean()) random.uintLessThan(u64, messages) else std.math.maxInt(u64),
            .spin_us = .{ one_of(f64, random, &spins_us), one_of(f64, random, &spins_us) },
            .rest_every = .{ rest_of(random), rest_of(random) },
            .sending = if (random.boolean()) random.enumValue(Sending) else null,
            .receiving = if (random.boolean()) random.enumValue(Receiving) else null,
        };
    }

    fn rest_of(random: std.Random) u32 {
        return one_of(u32, random, &.{ 8, 100, 2000, std.math.maxInt(u32) });
    }
};

fn one_of(comptime T: type, random: std.Random, values: []const T) T {
    return values[random.uintLessThan(usize, values.len)];
}

const Sending = enum { send, try_send, commit, stage, rollback, send_many };
const Receiving = enum { receive, try_receive, too_small, drain, try_drain };

pub fn run(random: std.Random, round_ms: f64) void {
    const plan: Plan = .draw(random);
    const mapping = arena.make(1, plan.capacity, plan.start)[0];
    defer arena.unmap(mapping);
    const what: Content = .{ .salt = plan.salt, .shape = plan.shape, .size_max = mapping.capacity() / 2 - 64 };
    const end: core.time.Deadline = .after_ms(round_ms);

    var failures: [2]core.Failure = .{ .{}, .{} };
    var sender: Sender = .{
        .plan = &plan,
        .content = what,
        .mapping = mapping,
        .end = end,
        .prng = .init(random.int(u64)),
        .failure = &failures[0],
    };
    var receiver: Receiver = .{
        .plan = &plan,
        .content = what,
        .mapping = mapping,
        .prng = .init(random.int(u64)),
        .failure = &failures[1],
    };
    const thread = std.Thread.spawn(.{}, Sender.run, .{&sender}) catch report.fail("no thread", .{});
    receiver.run();
    thread.join();

    const was_cut = receiver.received == plan.consumer_closes_at;
    const is_whole = if (was_cut) receiver.received <= sender.sent else receiver.received == sender.sent;
    report.expect(is_whole, "{d} messages were sent and {d} received", .{ sender.sent, receiver.received });
    report.totals.add(.messages, receiver.received);
    report.totals.add(.bytes, receiver.bytes);
}

const Sender = struct {
    plan: *const Plan,
    content: Content,
    mapping: core.Arena,
    end: core.time.Deadline,
    prng: std.Random.DefaultPrng,
    failure: *core.Failure,
    producer: channel.Producer = undefined,
    sent: u64 = 0,

    fn run(self: *Sender) void {
        self.producer = channel.Producer.init(self.mapping, arena.peer, self.plan.spin_us[0], 0, self.failure) catch
            report.fail("the producer found {t} corrupt", .{self.failure.subject});
        self.send_all() catch |err| switch (err) {
            error.PeerClosed => return,
            else => report.fail("sending message {d}: {t} ({t})", .{ self.sent, err, self.failure.subject }),
        };
        const staged_bytes = self.producer.writer.head - self.producer.writer.published;
        report.expect(staged_bytes <= self.plan.capacity, "{d} bytes are staged", .{staged_bytes});
        self.producer.close();
    }

    fn send_all(self: *Sender) channel.WaitError!void {
        const random = self.prng.random();
        while (self.sent < self.plan.messages) {
            if (self.sent % 64 == 0 and self.end.passed()) return;
            if (random.uintLessThan(u32, self.plan.rest_every[0]) == 0) {
                if (random.boolean()) try self.producer.flush();
                arena.rest(random);
            }
            try self.step(self.plan.sending orelse random.enumValue(Sending));
        }
    }

    fn step(self: *Sender, kind: Sending) channel.WaitError!void {
        const bytes = self.content.bytes_of(self.sent);
        const size: u32 = @intCast(bytes.len);
        const type_id = Content.type_of(self.sent);
        switch (kind) {
            .send => try self.producer.send(bytes.ptr, size, .{ .type_id = type_id }, report.patience_ms),
            .try_send => if (!try self.producer.try_send(bytes.ptr, size, .{ .type_id = type_id })) return yield(),
            .commit => {
                try self.write_claim(bytes);
                try self.producer.commit(size, type_id);
            },
            .stage => {
                try self.write_claim(bytes);
                try self.producer.stage(size, type_id);
            },
            .rollback => {
                try self.write_claim(bytes);
                self.producer.writer.rollback();
                return self.step(.send);
            },
            .send_many => return self.send_many(),
        }
        self.sent += 1;
    }

    /// Claims as much as is needed, or more.
    fn write_claim(self: *Sender, bytes: []const u8) channel.WaitError!void {
        const more = self.prng.random().uintLessThan(u32, 200);
        const size = @min(@as(u32, @intCast(bytes.len)) + more, self.content.size_max);
        const offset = while (true) {
            if (more % 2 == 0) break try self.producer.claim(size, report.patience_ms);
            break try self.producer.try_claim(size) orelse {
                yield();
                continue;
            };
        };
        @memcpy(self.mapping.ring()[offset..][0..bytes.len], bytes);
    }

    fn send_many(self: *Sender) channel.WaitError!void {
        const count = @min(self.prng.random().intRangeAtMost(u64, 1, Content.batch_max), self.plan.messages - self.sent);
        var sizes: [Content.batch_max]u32 = undefined;
        var total: usize = 0;
        var batched: usize = 0;
        // More than fits, but not by much.
        while (batched < count and total <= self.plan.capacity) : (batched += 1) {
            const bytes = self.content.bytes_of(self.sent + batched);
            @memcpy(batch_bytes[total..][0..bytes.len], bytes);
            sizes[batched] = @intCast(bytes.len);
            total += bytes.len;
        }
        const type_id = Content.batch_type_of(self.sent);
        const sent = try self.producer.try_send_many(batch_bytes[0..total], sizes[0..batched], type_id);
        self.sent += sent;
        if (sent == 0) yield();
    }
};

/// Used by the sending thread only.
var batch_bytes: [4 << 20]u8 = undefined;

const Receiver = struct {
    plan: *const Plan,
    content: Content,
    mapping: core.Arena,
    prng: std.Random.DefaultPrng,
    failure: *core.Failure,
    consumer: channel.Consumer = undefined,
    received: u64 = 0,
    bytes: u64 = 0,

    fn run(self: *Receiver) void {
        self.consumer = channel.Consumer.init(self.mapping, arena.peer, self.plan.spin_us[1], 0, self.failure) catch
            report.fail("the consumer found {t} corrupt", .{self.failure.subject});
        self.receive_all() catch |err| switch (err) {
            error.PeerClosed => return,
            else => report.fail("receiving message {d}: {t} ({t})", .{ self.received, err, self.failure.subject }),
        };
        self.consumer.close();
    }

    fn receive_all(self: *Receiver) !void {
        const random = self.prng.random();
        while (self.received < self.plan.consumer_closes_at) {
            if (random.uintLessThan(u32, self.plan.rest_every[1]) == 0) arena.rest(random);
            switch (self.plan.receiving orelse random.enumValue(Receiving)) {
                .receive => self.take(try self.consumer.receive(&received_bytes, report.patience_ms)),
                .try_receive => self.take(try self.consumer.try_receive(&received_bytes) orelse {
                    yield();
                    continue;
                }),
                .too_small => try self.receive_twice(),
                .drain => try self.take_batch(try self.consumer.drain(self.places(), report.patience_ms)),
                .try_drain => try self.take_batch(try self.consumer.try_drain(self.places())),
            }
        }
    }

    /// A message that does not fit stays what it is.
    fn receive_twice(self: *Receiver) !void {
        const size = self.content.size_of(self.received);
        if (size > 0) {
            const too_small = received_bytes[0 .. size - 1];
            if (self.consumer.receive(too_small, report.patience_ms)) |found| {
                report.fail("message {d} of {d} bytes came as {d}", .{ self.received, size, found });
            } else |err| if (err != error.TooLarge) return err;
        }
        self.take(try self.consumer.receive(&received_bytes, report.patience_ms));
    }

    fn take(self: *Receiver, size: u32) void {
        self.check(self.consumer.last_type_id, received_bytes[0..size]);
    }

    fn places(self: *Receiver) []core.Place {
        const random = self.prng.random();
        const left = self.plan.consumer_closes_at - self.received;
        return batch_places[0..@min(random.intRangeAtMost(u64, 1, batch_places.len), left)];
    }

    /// What was drained stays as it is until it is released, however long that takes.
    fn take_batch(self: *Receiver, count: u32) !void {
        if (count == 0) return yield();
        const random = self.prng.random();
        if (random.uintLessThan(u32, self.plan.rest_every[1]) == 0) arena.rest(random);
        for (batch_places[0..count]) |place| {
            self.check(place.type_id, self.mapping.bytes[place.offset..][0..place.size]);
        }
        self.consumer.release();
    }

    fn check(self: *Receiver, type_id: u32, payload: []const u8) void {
        self.content.check(self.received, type_id, payload);
        self.received += 1;
        self.bytes += payload.len;
    }
};

/// Used by the receiving thread only.
var received_bytes: [2 << 20]u8 = undefined;
var batch_places: [100]core.Place = undefined;

fn yield() void {
    std.Thread.yield() catch {};
}
