//! The two ends of an arena: a ring's writer or reader, put together with waiting, waking and the
//! peer's health.

const std = @import("std");
const assert = std.debug.assert;
const wire = @import("../ring/wire.zig");
const cpu = @import("../os/cpu.zig");
const mark = @import("../os/mark.zig");
/// Off in what is shipped, for what each message passes through (build.zig).
const hot_safety = @import("settings").hot_safety;
const time = @import("../os/time.zig");
const waiting = @import("wait.zig");
const WaitContext = waiting.WaitContext;
const Link = @import("link.zig").Link;
const Patience = waiting.Patience;
const Arena = @import("../ring/arena.zig").Arena;
const Failure = @import("../failure.zig").Failure;
const Peer = @import("../os/peer.zig").Peer;
const writing = @import("../ring/writer.zig");
const Writer = writing.Writer;
const reading = @import("../ring/reader.zig");
const Reader = reading.Reader;

/// A consumer that does not know the parking word never wakes a producer.
pub const producer_sleep_ns_max = 1 * std.time.ns_per_ms;

/// About a microsecond, in which a peer that is at work answers.
const glance_looks = 32;

pub const WaitError = error{ Corrupt, PeerClosed, PeerDied, Timeout };
pub const TryError = error{ Corrupt, PeerClosed, PeerDied };

pub const Producer = struct {
    link: Link,
    writer: Writer,
    failure: *Failure,

    /// Attempts that found the ring full.
    full: u64 = 0,

    /// `extra_abilities`: as for `Writer.init`.
    pub fn init(mapping: Arena, peer: Peer, spin_us: f64, extra_abilities: u32, failure: *Failure) error{Corrupt}!Producer {
        return .{
            .link = Link.init(mapping, peer, spin_us),
            .writer = try Writer.init(mapping, extra_abilities, failure),
            .failure = failure,
        };
    }

    /// Copies in and publishes. False: the ring is full.
    pub inline fn try_send(self: *Producer, from: [*]const u8, size: u32, message: writing.Envelope) TryError!bool {
        @setRuntimeSafety(hot_safety);
        try self.check_open();
        const sent = self.writer.send(from, size, message, self.failure) catch |err| return self.broken(err);
        if (!sent) return self.found_full();
        waiting.wake(&self.link.control.consumer_sleeping);
        return true;
    }

    pub fn send(self: *Producer, from: [*]const u8, size: u32, message: writing.Envelope, timeout_ms: f64) WaitError!void {
        var patience: Patience = .{ .timeout_ms = timeout_ms };
        while (!try self.try_send(from, size, message)) try self.wait_for_room(size, &patience);
    }

    /// Returns how many were published.
    pub fn try_send_many(self: *Producer, from: []const u8, sizes: []align(1) const u32, type_id: u32) TryError!u32 {
        try self.check_open();
        const sent = self.writer.send_many(from, sizes, type_id, self.failure) catch |err| return self.broken(err);
        if (sent < sizes.len) _ = try self.found_full();
        if (sent > 0) waiting.wake(&self.link.control.consumer_sleeping);
        return sent;
    }

    /// The claim's place in the ring. Null: there is no room.
    pub fn try_claim(self: *Producer, size: u32) TryError!?u32 {
        try self.check_open();
        const offset = self.writer.claim(size, self.failure) catch |err| return self.broken(err);
        if (offset == null) _ = try self.found_full();
        return offset;
    }

    pub fn claim(self: *Producer, size: u32, timeout_ms: f64) WaitError!u32 {
        var patience: Patience = .{ .timeout_ms = timeout_ms };
        while (true) {
            if (try self.try_claim(size)) |offset| return offset;
            try self.wait_for_room(size, &patience);
        }
    }

    pub fn commit(self: *Producer, size: u32, type_id: u32) TryError!void {
        try self.check_open_for_claim();
        self.writer.commit(size, .{ .type_id = type_id });
        waiting.wake(&self.link.control.consumer_sleeping);
    }

    pub fn stage(self: *Producer, size: u32, type_id: u32) TryError!void {
        try self.check_open_for_claim();
        self.writer.stage(size, .{ .type_id = type_id });
        if (self.writer.staged == 0) waiting.wake(&self.link.control.consumer_sleeping);
    }

    pub fn flush(self: *Producer) TryError!void {
        try self.check_open();
        self.writer.publish();
        waiting.wake(&self.link.control.consumer_sleeping);
    }

    /// Whether an attempt would succeed, or would find corruption and report it.
    pub fn has_room(self: *Producer, size: u32) bool {
        var ignored: Failure = .{};
        return self.writer.can_claim(size, &ignored) catch true;
    }

    /// Bytes of the ring that the consumer has not released, as far as this side knows.
    pub fn queued(self: *const Producer) u64 {
        return self.writer.head - self.writer.tail;
    }

    pub fn close(self: *Producer) void {
        if (self.writer.claim_open) self.writer.rollback();
        self.writer.publish();
        mark.at(.rest_published);
        self.link.end(.disconnected);
    }

    inline fn check_open(self: *Producer) TryError!void {
        @setRuntimeSafety(hot_safety);
        if (self.link.is_broken) return error.Corrupt;
        if (!self.link.is_ready()) return self.link.ended(self.failure);
        if (self.link.peer_died()) return self.link.died(self.failure);
    }

    /// A claim does not outlive the channel.
    fn check_open_for_claim(self: *Producer) TryError!void {
        self.check_open() catch |err| {
            self.writer.rollback();
            return err;
        };
    }

    /// The ring is full, and what was staged has just been published.
    fn found_full(self: *Producer) error{PeerDied}!bool {
        self.full += 1;
        waiting.wake(&self.link.control.consumer_sleeping);
        return false;
    }

    pub fn wait_for_room(self: *Producer, size: u32, patience: *Patience) WaitError!void {
        var side: WaitingProducer = .{ .producer = self, .size = size };
        const watch = self.link.wait_context();
        switch (waiting.wait(&side, &watch, patience)) {
            .ready => {},
            .ended => return self.link.ended(self.failure),
            .died => return self.link.died(self.failure),
            .timeout => return error.Timeout,
        }
    }

    fn broken(self: *Producer, err: error{Corrupt}) error{Corrupt} {
        self.link.break_off();
        return err;
    }
};

/// What a producer waits for: room for a claim.
const WaitingProducer = struct {
    producer: *Producer,
    size: u32,
    sleep_ns_max: u64 = producer_sleep_ns_max,

    pub fn is_ready(self: *const WaitingProducer) bool {
        @setRuntimeSafety(hot_safety);
        return self.producer.has_room(self.size);
    }

    pub fn word(self: *const WaitingProducer) *u32 {
        return &self.producer.link.control.producer_parked;
    }
};

pub const Consumer = struct {
    link: Link,
    reader: Reader,
    failure: *Failure,
    /// The type of the message that was received last, and its id, which is 0 on a channel.
    last_type_id: u32 = 0,
    last_correlation_id: u64 = 0,
    /// What was drained is still being read, and must not be released by anything else.
    batch_open: bool = false,

    /// Attempts that found nothing.
    empty: u64 = 0,

    /// `extra_abilities`: as for `Reader.init`.
    pub fn init(mapping: Arena, peer: Peer, spin_us: f64, extra_abilities: u32, failure: *Failure) error{Corrupt}!Consumer {
        const link = Link.init(mapping, peer, spin_us);
        const sleeping: wire.Sleeping = if (link.spin_ticks == WaitContext.spin_forever) .never_sleeps else .awake;
        // Relaxed: pairs with the load in `wait.wake`. A producer that misses it only fences in vain.
        @atomicStore(u32, &mapping.control().consumer_sleeping, @intFromEnum(sleeping), .monotonic);
        return .{ .link = link, .reader = try Reader.init(mapping, extra_abilities, failure), .failure = failure };
    }

    /// Copies the next payload into `into` and returns its size. Null: nothing there.
    pub inline fn try_receive(self: *Consumer, into: []u8) (TryError || error{TooLarge})!?u32 {
        @setRuntimeSafety(hot_safety);
        assert(!self.batch_open);
        if (try self.receive_published(into)) |size| return size;
        mark.at(.nothing_found);
        if (self.link.is_ready() and !self.link.peer_died()) {
            self.found_empty();
            return null;
        }
        return self.receive_last(into);
    }

    /// What was published before the end is delivered first; the state was loaded before this look.
    noinline fn receive_last(self: *Consumer, into: []u8) (TryError || error{TooLarge})!?u32 {
        if (try self.receive_published(into)) |size| return size;
        return self.end_found();
    }

    pub fn receive(self: *Consumer, into: []u8, timeout_ms: f64) (WaitError || error{TooLarge})!u32 {
        @setRuntimeSafety(hot_safety);
        var patience: Patience = .{ .timeout_ms = timeout_ms };
        while (true) {
            if (try self.receive_published(into)) |size| return size;
            if (self.glance()) continue;
            if (try self.try_receive(into)) |size| return size;
            try self.wait_for_news(&patience);
        }
    }

    /// Writes the places of up to `places.len` messages. 0: nothing there.
    pub fn try_drain(self: *Consumer, places: []align(1) reading.Place) TryError!u32 {
        assert(!self.batch_open);
        var count = try self.drain_published(places);
        if (count > 0) return count;
        mark.at(.nothing_found);
        if (self.link.is_ready() and !self.link.peer_died()) {
            self.found_empty();
            return 0;
        }
        count = try self.drain_published(places);
        if (count > 0) return count;
        return self.end_found();
    }

    pub fn drain(self: *Consumer, places: []align(1) reading.Place, timeout_ms: f64) WaitError!u32 {
        var patience: Patience = .{ .timeout_ms = timeout_ms };
        while (true) {
            if (self.glance()) {
                const count = try self.drain_published(places);
                if (count > 0) return count;
            }
            const count = try self.try_drain(places);
            if (count > 0) return count;
            try self.wait_for_news(&patience);
        }
    }

    /// Gives everything consumed back to the producer, and wakes it if it waits for that.
    pub inline fn release(self: *Consumer) void {
        @setRuntimeSafety(hot_safety);
        self.batch_open = false;
        if (self.reader.release()) waiting.wake(&self.link.control.producer_parked);
    }

    /// Bytes of the ring that were published and not yet consumed, as far as this side knows.
    pub fn queued(self: *const Consumer) u64 {
        return self.reader.head - self.reader.position;
    }

    pub fn close(self: *Consumer) void {
        self.link.end(.disconnected);
    }

    inline fn receive_published(self: *Consumer, into: []u8) error{ Corrupt, TooLarge }!?u32 {
        @setRuntimeSafety(hot_safety);
        if (self.link.is_broken) return error.Corrupt;
        const received = self.reader.receive(into, self.failure) catch |err| return self.broken(err);
        const message = received orelse return null;
        self.last_type_id = message.type_id;
        self.last_correlation_id = message.correlation_id;
        if (self.reader.release_is_due()) self.release();
        return message.size;
    }

    fn drain_published(self: *Consumer, places: []align(1) reading.Place) error{Corrupt}!u32 {
        if (self.link.is_broken) return error.Corrupt;
        const count = self.reader.drain(places, self.failure) catch |err| return self.broken(err);
        self.batch_open = count > 0;
        return count;
    }

    /// A short look before the wait proper begins. An answer that comes at once then finds this side
    /// watching, and not held up by the fence behind a release.
    inline fn glance(self: *const Consumer) bool {
        @setRuntimeSafety(hot_safety);
        for (0..glance_looks) |_| {
            if (self.reader.has_news()) return true;
            cpu.pause();
        }
        return false;
    }

    /// Whoever finds nothing may be about to wait: the producer gets back what it could be waiting for.
    inline fn found_empty(self: *Consumer) void {
        @setRuntimeSafety(hot_safety);
        self.empty += 1;
        self.release();
    }

    /// Nothing is left in the ring, and the state is not ready or the peer is dead.
    fn end_found(self: *Consumer) error{ Corrupt, PeerClosed, PeerDied } {
        if (self.link.is_ready()) return self.link.died(self.failure);
        return self.link.ended(self.failure);
    }

    fn wait_for_news(self: *Consumer, patience: *Patience) WaitError!void {
        var side: WaitingConsumer = .{ .consumer = self };
        const watch = self.link.wait_context();
        switch (waiting.wait(&side, &watch, patience)) {
            // After the end there may still be something in the ring: the next attempt looks.
            .ready, .ended => {},
            // From here on the next attempt knows, and delivers what is left first.
            .died => self.link.is_orphaned = true,
            .timeout => return error.Timeout,
        }
    }

    fn broken(self: *Consumer, err: anytype) @TypeOf(err) {
        if (err == error.Corrupt) self.link.break_off();
        return err;
    }
};

/// What a consumer waits for: a head that moved.
const WaitingConsumer = struct {
    consumer: *Consumer,
    /// Short enough to notice a dead peer in time.
    sleep_ns_max: u64 = time.slice_ms * std.time.ns_per_ms,

    pub fn is_ready(self: *const WaitingConsumer) bool {
        @setRuntimeSafety(hot_safety);
        return self.consumer.reader.has_news();
    }

    pub fn word(self: *const WaitingConsumer) *u32 {
        return &self.consumer.link.control.consumer_sleeping;
    }
};
