//! A channel of an event loop: this end behind a handle, the far one in another thread's hands.

const std = @import("std");
const core = @import("zerocross_core");
const arena = @import("arena.zig");
const report = @import("report.zig");
const Content = @import("content.zig").Content;
const channel = core.channel;
const handles = core.handles;
const watching = core.watching;

const capacity = 4096;

pub const Near = struct {
    is_producer: bool,
    handle: u32,
    /// This end was told to wait, and nothing was reported since.
    is_armed: bool = false,
    content: Content,
    /// Messages that this end has sent or received.
    count: u64 = 0,
    far: *Far,

    pub fn open(random: std.Random, is_producer: bool) Near {
        const far = std.heap.page_allocator.create(Far) catch report.fail("no memory", .{});
        far.* = .{};
        var near: Near = .{ .is_producer = is_producer, .handle = 0, .content = undefined, .far = far };
        near.connect(random);
        return near;
    }

    pub fn close(self: *Near) void {
        self.close_handle();
        arena.unmap(self.far.mapping);
        std.heap.page_allocator.destroy(self.far);
    }

    /// In the order in which the library closes: nobody may look at what is about to be unmapped.
    fn close_handle(self: *Near) void {
        watching.unwatch(self.handle);
        arena.before_unmap();
        report.expect(handles.close(self.handle), "handle {x} was closed before", .{self.handle});
        self.is_armed = false;
    }

    /// The far thread goes on with its end until it is taken away from it.
    pub fn reopen(self: *Near, random: std.Random) void {
        self.close_handle();
        self.far.mutex.lock();
        defer self.far.mutex.unlock();
        arena.unmap(self.far.mapping);
        self.connect(random);
    }

    fn connect(self: *Near, random: std.Random) void {
        const mappings = arena.make(2, capacity, 0);
        const mapping = mappings[0];
        self.count = 0;
        self.content = .{ .salt = random.int(u64), .shape = .mixed, .size_max = capacity / 2 - 64 };
        self.handle = handles.open() orelse report.fail("no handle is left", .{});
        const endpoint = handles.get(self.handle) orelse report.fail("handle {x} is not open", .{self.handle});
        endpoint.mapping = mapping;
        endpoint.end = if (self.is_producer)
            .{ .producer = channel.Producer.init(mapping, arena.peer, 0, 0, &endpoint.failure) catch unreachable }
        else
            .{ .consumer = channel.Consumer.init(mapping, arena.peer, 0, 0, &endpoint.failure) catch unreachable };
        self.far.connect(mappings[1], self.content, !self.is_producer);
    }

    /// What an event loop does with a channel that is not waited for: all that can be done, then wait.
    pub fn go_on(self: *Near, random: std.Random, number: u32) void {
        if (self.is_armed) return;
        const is_exhausted = self.move_messages(random) catch |err| switch (err) {
            error.PeerClosed => return self.finish(random),
            else => report.fail("message {d}: {t}", .{ self.count, err }),
        };
        if (is_exhausted) self.watch(number);
    }

    /// False: there may be more to do at once.
    fn move_messages(self: *Near, random: std.Random) !bool {
        const endpoint = handles.get(self.handle).?;
        for (0..random.intRangeAtMost(usize, 1, 100)) |_| {
            if (self.is_producer) {
                const bytes = self.content.bytes_of(self.count);
                const producer = &endpoint.end.producer;
                const type_id = Content.type_of(self.count);
                if (!try producer.try_send(bytes.ptr, @intCast(bytes.len), .{ .type_id = type_id })) return true;
            } else {
                var into: [capacity]u8 = undefined;
                const consumer = &endpoint.end.consumer;
                const size = try consumer.try_receive(&into) orelse return true;
                self.content.check(self.count, consumer.last_type_id, into[0..size]);
                report.totals.add(.messages, 1);
            }
            self.count += 1;
        }
        return false;
    }

    pub fn watch(self: *Near, number: u32) void {
        const interest: core.Interest = if (self.is_producer) .room else .news;
        const is_ready = watching.watch(number, self.handle, interest, self.content.size_of(self.count)) catch |err|
            report.fail("watch: {t}", .{err});
        self.is_armed = !is_ready;
    }

    /// The far end has closed: what it had sent before was received by now.
    fn finish(self: *Near, random: std.Random) void {
        self.far.mutex.lock();
        const far_count = self.far.count;
        self.far.mutex.unlock();
        const is_whole = if (self.is_producer) far_count <= self.count else far_count == self.count;
        report.expect(is_whole, "one side counts {d} messages, the other {d}", .{ self.count, far_count });
        self.reopen(random);
    }

    pub fn step_far(self: *Near, random: std.Random) void {
        self.far.step(random);
    }
};

/// Its thread steps it, and the loop's replaces it, under the mutex.
const Far = struct {
    mutex: core.Mutex = .{},
    mapping: core.Arena = undefined,
    content: Content = undefined,
    is_over: bool = false,
    count: u64 = 0,
    failure: core.Failure = .{},
    end: union(enum) { producer: channel.Producer, consumer: channel.Consumer } = undefined,

    fn connect(self: *Far, mapping: core.Arena, content: Content, is_producer: bool) void {
        self.mapping = mapping;
        self.content = content;
        self.is_over = false;
        self.count = 0;
        self.end = if (is_producer)
            .{ .producer = channel.Producer.init(mapping, arena.peer, 0, 0, &self.failure) catch unreachable }
        else
            .{ .consumer = channel.Consumer.init(mapping, arena.peer, 0, 0, &self.failure) catch unreachable };
    }

    fn step(self: *Far, random: std.Random) void {
        self.mutex.lock();
        defer self.mutex.unlock();
        if (self.is_over) return;
        self.move_messages(random) catch |err| switch (err) {
            error.PeerClosed => self.is_over = true,
            else => report.fail("the far end at message {d}: {t}", .{ self.count, err }),
        };
        if (self.is_over or random.uintLessThan(u32, 500) > 0) return;
        switch (self.end) {
            inline else => |*end| end.close(),
        }
        self.is_over = true;
    }

    fn move_messages(self: *Far, random: std.Random) !void {
        for (0..random.uintLessThan(usize, 20)) |_| switch (self.end) {
            .producer => |*producer| {
                const bytes = self.content.bytes_of(self.count);
                const type_id = Content.type_of(self.count);
                if (!try producer.try_send(bytes.ptr, @intCast(bytes.len), .{ .type_id = type_id })) return;
                self.count += 1;
            },
            .consumer => |*consumer| {
                var into: [capacity]u8 = undefined;
                const size = try consumer.try_receive(&into) orelse return;
                self.content.check(self.count, consumer.last_type_id, into[0..size]);
                self.count += 1;
                report.totals.add(.messages, 1);
            },
        };
    }
};
