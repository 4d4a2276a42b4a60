//! What a side does with its channel or RPC until the plan's end or the other side's.

const std = @import("std");
const core = @import("zerocross_core");
const content = @import("content.zig");
const side = @import("side.zig");
const Error = side.Error;
const Side = side.Side;

/// Replies of the same index have other bytes than calls.
const reply_salt = 0x4E_9177;
/// So few and so small calls are open that neither ring is ever full of them.
const calls_open_max = 4;
const call_size_max = 400;

pub fn run(self: *Side) Error!void {
    return switch (self.role) {
        .producer => produce(self),
        .consumer => consume(self),
        .caller => call(self),
        .callee => answer(self),
    };
}

/// Whether a call of this side is to wait by itself.
fn blocks(self: *const Side) bool {
    return self.way != .waiter and self.way != .polling;
}

// A producer.

fn produce(self: *Side) Error!void {
    var index: u64 = 0;
    while (!self.closes or index < self.plan.count) {
        self.pause(index);
        index += switch (content.choice(self.plan.seed ^ 0x5E4D, index, 8)) {
            0 => try send_in_place(self, index, false),
            1, 2 => try send_in_place(self, index, true),
            3 => try send_many(self, index),
            4 => try roll_back_and_send(self, index),
            else => try send_copy(self, index),
        };
        note_published(self, index);
    }
    // Closing publishes what is staged, and gives an open claim up.
    if (self.plan.seed % 2 == 0) _ = try send_in_place(self, index, true);
    if (self.plan.seed % 3 == 0) _ = try claim(self, 100);
}

fn producer_of(self: *const Side) *core.channel.Producer {
    return &self.endpoint().end.producer;
}

fn note_published(self: *Side, index: u64) void {
    const writer = &producer_of(self).writer;
    if (writer.published == writer.head) @atomicStore(u64, &self.log.sent_done, index, .release);
    self.note_progress();
}

fn note_begun(self: *Side, count: u64) void {
    @atomicStore(u64, &self.log.sent_begun, count, .release);
}

fn send_copy(self: *Side, index: u64) Error!u64 {
    var buffer: [content.size_max]u8 = undefined;
    const size = content.size_of(self.plan.seed, index, content.size_max);
    content.fill(self.plan.seed, index, buffer[0..size]);
    note_begun(self, index + 1);
    const message: core.Envelope = .{ .type_id = @truncate(index) };
    while (true) {
        const begun = self.begin_wait();
        if (blocks(self)) {
            if (producer_of(self).send(&buffer, size, message, self.slice_ms())) |_| return 1 else |err| try after(self, err, begun);
        } else {
            if (try_call(producer_of(self).try_send(&buffer, size, message))) |sent| {
                if (sent) return 1;
            } else |err| return err;
            try self.wait_in_own_way(.room, size);
        }
    }
}

/// Claims, writes in place, and commits or stages.
fn send_in_place(self: *Side, index: u64, stages: bool) Error!u64 {
    const size = content.size_of(self.plan.seed, index, content.size_max);
    const offset = try claim(self, size);
    const payload = self.endpoint().mapping.?.ring()[offset..][0..size];
    content.fill(self.plan.seed, index, payload);
    note_begun(self, index + 1);
    const producer = producer_of(self);
    const type_id: u32 = @truncate(index);
    try try_call(if (stages) producer.stage(size, type_id) else producer.commit(size, type_id));
    if (stages and content.choice(self.plan.seed, index, 4) == 0) try try_call(producer.flush());
    return 1;
}

fn claim(self: *Side, size: u32) Error!u32 {
    while (true) {
        const begun = self.begin_wait();
        if (blocks(self)) {
            if (producer_of(self).claim(size, self.slice_ms())) |offset| return offset else |err| try after(self, err, begun);
        } else {
            if (try try_call(producer_of(self).try_claim(size))) |offset| return offset;
            try self.wait_in_own_way(.room, size);
        }
    }
}

fn roll_back_and_send(self: *Side, index: u64) Error!u64 {
    const offset = try claim(self, 64);
    @memset(self.endpoint().mapping.?.ring()[offset..][0..64], 0xEE);
    producer_of(self).writer.rollback();
    return send_copy(self, index);
}

fn send_many(self: *Side, first: u64) Error!u64 {
    const count = 6;
    var buffer: [count * content.size_max]u8 = undefined;
    var sizes: [count]u32 = undefined;
    var total: u32 = 0;
    for (&sizes, 0..) |*size, offset| {
        size.* = content.size_of(self.plan.seed, first + offset, content.size_max);
        content.fill(self.plan.seed, first + offset, buffer[total..][0..size.*]);
        total += size.*;
    }
    note_begun(self, first + count);
    var sent: u32 = 0;
    var from: u32 = 0;
    while (sent < count) {
        const now = try try_call(producer_of(self).try_send_many(buffer[from..total], sizes[sent..], content.type_of_many));
        for (sizes[sent..][0..now]) |size| from += size;
        sent += now;
        note_published(self, first + sent);
        if (sent == count) break;
        if (blocks(self)) try wait_for_room(self, sizes[sent]) else try self.wait_in_own_way(.room, sizes[sent]);
    }
    return count;
}

/// By an empty claim, since there is no call that only waits.
fn wait_for_room(self: *Side, size: u32) Error!void {
    _ = try claim(self, size);
    producer_of(self).writer.rollback();
}

// A consumer.

fn consume(self: *Side) Error!void {
    var index: u64 = 0;
    while (!self.closes or index < self.plan.count) {
        self.pause(index);
        index += if (content.choice(self.plan.seed ^ 0xD4A1, index, 3) == 0)
            try drain(self, index)
        else
            try receive_copy(self, index);
        @atomicStore(u64, &self.log.received, index, .release);
        self.note_progress();
    }
}

fn consumer_of(self: *const Side) *core.channel.Consumer {
    return &self.endpoint().end.consumer;
}

fn receive_copy(self: *Side, index: u64) Error!u64 {
    var into: [content.size_max]u8 = undefined;
    while (true) {
        const begun = self.begin_wait();
        if (blocks(self)) {
            const size = consumer_of(self).receive(&into, self.slice_ms()) catch |err| {
                try after(self, err, begun);
                continue;
            };
            return check(self, index, consumer_of(self).last_type_id, into[0..size]);
        }
        if (try try_call(consumer_of(self).try_receive(&into))) |size|
            return check(self, index, consumer_of(self).last_type_id, into[0..size]);
        try self.wait_in_own_way(.news, 0);
    }
}

fn drain(self: *Side, index: u64) Error!u64 {
    var places: [5]core.Place = undefined;
    const count = while (true) {
        const begun = self.begin_wait();
        if (blocks(self)) {
            if (consumer_of(self).drain(&places, self.slice_ms())) |count| break count else |err| try after(self, err, begun);
        } else {
            const count = try try_call(consumer_of(self).try_drain(&places));
            if (count > 0) break count;
            try self.wait_in_own_way(.news, 0);
        }
    };
    for (places[0..count], 0..) |place, offset| {
        const bytes = self.endpoint().mapping.?.bytes[place.offset..][0..place.size];
        _ = try check(self, index + offset, place.type_id, bytes);
    }
    consumer_of(self).release();
    return count;
}

fn check(self: *const Side, index: u64, type_id: u32, bytes: []const u8) Error!u64 {
    if (!content.is_whole(self.plan.seed, index, content.size_max, bytes)) return error.NotWhole;
    if (type_id != @as(u32, @truncate(index)) and type_id != content.type_of_many) return error.WrongType;
    return 1;
}

// Both ends of an RPC.

fn rpc_of(self: *const Side) *core.Rpc {
    return &self.endpoint().end.rpc;
}

fn call(self: *Side) Error!void {
    var sent: u64 = 0;
    var received: u64 = 0;
    while (!self.closes or received < self.plan.count) {
        self.pause(sent + received);
        if (sent - received < calls_open_max and content.choice(self.plan.seed ^ 0xCA11, sent + received, 3) > 0) {
            send_one(self, sent, self.plan.seed) catch |err| return receive_rest(self, &received, err);
            sent += 1;
        } else if (sent > received) {
            try receive_one(self, received, self.plan.seed ^ reply_salt);
            received += 1;
        } else {
            send_one(self, sent, self.plan.seed) catch |err| return receive_rest(self, &received, err);
            sent += 1;
        }
    }
}

fn answer(self: *Side) Error!void {
    var received: u64 = 0;
    while (!self.closes or received < self.plan.count) {
        self.pause(received);
        try receive_one(self, received, self.plan.seed);
        received += 1;
        send_one(self, received - 1, self.plan.seed ^ reply_salt) catch |err| return receive_rest(self, &received, err);
    }
}

/// Who cannot send any more still gets what was published.
fn receive_rest(self: *Side, received: *u64, reason: Error) Error {
    const seed = if (self.role == .caller) self.plan.seed ^ reply_salt else self.plan.seed;
    switch (reason) {
        error.PeerClosed, error.PeerDied => {},
        else => return reason,
    }
    while (true) : (received.* += 1) receive_one(self, received.*, seed) catch |err| return err;
}

fn send_one(self: *Side, index: u64, seed: u64) Error!void {
    var buffer: [call_size_max]u8 = undefined;
    const size = content.size_of(seed, index, call_size_max);
    content.fill(seed, index, buffer[0..size]);
    note_begun(self, index + 1);
    const message: core.Envelope = .{ .type_id = @truncate(index), .correlation_id = index + 1 };
    while (true) {
        const begun = self.begin_wait();
        if (blocks(self)) {
            if (rpc_of(self).send(&buffer, size, message, self.slice_ms())) |_| break else |err| try after(self, err, begun);
        } else {
            if (try try_call(rpc_of(self).try_send(&buffer, size, message))) break;
            try self.wait_in_own_way(.room, size);
        }
    }
    @atomicStore(u64, &self.log.sent_done, index + 1, .release);
    self.note_progress();
}

fn receive_one(self: *Side, index: u64, seed: u64) Error!void {
    var into: [call_size_max]u8 = undefined;
    const size = while (true) {
        const begun = self.begin_wait();
        if (blocks(self)) {
            if (rpc_of(self).receive(&into, self.slice_ms())) |size| break size else |err| try after(self, err, begun);
        } else {
            if (try try_call(rpc_of(self).try_receive(&into))) |size| break size;
            try self.wait_in_own_way(.news, 0);
        }
    };
    if (!content.is_whole(seed, index, call_size_max, into[0..size])) return error.NotWhole;
    if (rpc_of(self).in.last_type_id != @as(u32, @truncate(index))) return error.WrongType;
    if (rpc_of(self).in.last_correlation_id != index + 1) return error.WrongId;
    @atomicStore(u64, &self.log.received, index + 1, .release);
    self.note_progress();
}

/// Returns when the call is to be made again.
fn after(self: *Side, err: anyerror, begun: u64) Error!void {
    return switch (err) {
        error.Timeout => self.end_wait(begun, self.slice_ms()),
        error.PeerClosed => error.PeerClosed,
        error.PeerDied => error.PeerDied,
        error.Corrupt => error.Corrupt,
        else => error.NotWhole,
    };
}

/// The same error from a call that does not wait.
fn try_call(result: anytype) Error!@typeInfo(@TypeOf(result)).error_union.payload {
    return result catch |err| switch (@as(anyerror, err)) {
        error.PeerClosed => error.PeerClosed,
        error.PeerDied => error.PeerDied,
        error.Corrupt => error.Corrupt,
        // A message that is larger than the largest that is sent.
        else => error.NotWhole,
    };
}

/// What further calls say after the end. Null: not all of them `expected`.
pub fn says_again(self: *const Side, expected: Error) bool {
    var bytes: [call_size_max]u8 = undefined;
    const endpoint = self.endpoint();
    for (0..3) |_| {
        switch (endpoint.end) {
            .none => return true,
            .producer => |*end| {
                if (!fails_with(expected, end.try_send(&bytes, 8, .{ .type_id = 0 }))) return false;
                if (!fails_with(expected, end.send(&bytes, 8, .{ .type_id = 0 }, self.slice_ms()))) return false;
                if (!fails_with(expected, end.flush())) return false;
            },
            .consumer => |*end| {
                if (!fails_with(expected, end.try_receive(&bytes))) return false;
                if (!fails_with(expected, end.receive(&bytes, self.slice_ms()))) return false;
            },
            .rpc => |*end| {
                if (!fails_with(expected, end.try_receive(&bytes))) return false;
                if (!fails_with(expected, end.receive(&bytes, self.slice_ms()))) return false;
                if (!fails_with(expected, end.check())) return false;
            },
        }
    }
    return true;
}

fn fails_with(expected: anyerror, result: anytype) bool {
    if (result) |_| return false else |err| return err == expected;
}
