//! Request and reply over two arenas: a caller with many calls open, and a callee that answers in any
//! order. Every call is answered once and rightly, up to where either side closes.

const std = @import("std");
const core = @import("zerocross_core");
const arena = @import("arena.zig");
const report = @import("report.zig");
const content = @import("content.zig");
const Content = content.Content;
const Arena = core.Arena;
const Rpc = core.Rpc;

const open_max = 64;
const spins_us = [_]f64{ 0, 50, std.math.inf(f64) };

pub fn run(random: std.Random, round_ms: f64) void {
    const capacity = @as(u32, 4096) << random.uintAtMost(u5, 6);
    const forward = arena.make(1, capacity, 0)[0];
    defer arena.unmap(forward);
    const reverse = arena.make(1, capacity, 0)[0];
    defer arena.unmap(reverse);
    const shape = random.enumValue(content.Shape);
    const size_max = capacity / 2 - 64;

    var failures: [2]core.Failure = .{ .{}, .{} };
    const requests: Content = .{ .salt = random.int(u64), .shape = shape, .size_max = size_max };
    const replies: Content = .{ .salt = random.int(u64), .shape = shape, .size_max = size_max };
    var caller: Side = .init(random, forward, reverse, requests, replies, round_ms, &failures[0]);
    var callee: Side = .init(random, forward, reverse, requests, replies, round_ms, &failures[1]);
    // Either side may be the one that closes, or both.
    callee.end = if (random.boolean()) .never else .after_ms(round_ms * random.float(f64));
    const thread = std.Thread.spawn(.{}, Side.answer, .{&callee}) catch report.fail("no thread", .{});
    caller.call();
    thread.join();

    const is_sound = caller.replies_done <= callee.replies_done and callee.requests_done <= caller.requests_done;
    report.expect(is_sound, "{d} calls, {d} taken, {d} answered, {d} answers taken", .{
        caller.requests_done, callee.requests_done, callee.replies_done, caller.replies_done,
    });
    report.totals.add(.calls, caller.replies_done);
}

const Side = struct {
    forward: Arena,
    reverse: Arena,
    requests: Content,
    replies: Content,
    end: core.time.Deadline,
    spin_us: f64,
    rest_every: u32,
    prng: std.Random.DefaultPrng,
    failure: *core.Failure,
    rpc: Rpc = undefined,
    buffer: []u8 = undefined,
    /// Calls without an answer; their ids, in no order.
    open: [open_max]u64 = undefined,
    open_count: usize = 0,
    open_limit: usize,
    requests_done: u64 = 0,
    replies_done: u64 = 0,

    fn init(
        random: std.Random,
        forward: Arena,
        reverse: Arena,
        requests: Content,
        replies: Content,
        round_ms: f64,
        failure: *core.Failure,
    ) Side {
        return .{
            .forward = forward,
            .reverse = reverse,
            .requests = requests,
            .replies = replies,
            .end = .after_ms(round_ms),
            .spin_us = spins_us[random.uintLessThan(usize, spins_us.len)],
            .rest_every = @as(u32, 8) << random.uintAtMost(u5, 12),
            .prng = .init(random.int(u64)),
            .failure = failure,
            .open_limit = random.intRangeAtMost(usize, 1, open_max),
        };
    }

    fn call(self: *Side) void {
        self.buffer = &caller_bytes;
        self.rpc = Rpc.init_caller(self.forward, self.reverse, arena.peer, self.spin_us, self.failure) catch
            report.fail("the caller found {t} corrupt", .{self.failure.subject});
        self.call_until_end() catch |err| return self.expect_closed(err);
        self.rpc.close();
    }

    /// Sends while it may, and takes a reply whenever it must wait.
    fn call_until_end(self: *Side) !void {
        const random = self.prng.random();
        while (!self.end.passed()) {
            self.maybe_rest();
            if (self.open_count == self.open_limit) {
                try self.take_reply(try self.rpc.receive(self.buffer, report.patience_ms));
            } else if (!try self.try_call()) {
                const size = self.requests.size_of(self.requests_done + 1);
                try self.rpc.wait(size, report.patience_ms);
            }
            if (random.boolean()) while (try self.rpc.try_receive(self.buffer)) |size| try self.take_reply(size);
        }
        while (self.open_count > 0) try self.take_reply(try self.rpc.receive(self.buffer, report.patience_ms));
    }

    fn try_call(self: *Side) !bool {
        const id = self.requests_done + 1;
        const bytes = self.requests.bytes_of(id);
        const type_id = Content.type_of(id);
        if (!try self.rpc.try_send(bytes.ptr, @intCast(bytes.len), .{ .type_id = type_id, .correlation_id = id })) {
            // A full ring is often full of what the replies wait behind.
            const size = try self.rpc.try_receive(self.buffer) orelse return false;
            try self.take_reply(size);
            return true;
        }
        self.requests_done = id;
        self.open[self.open_count] = id;
        self.open_count += 1;
        return true;
    }

    fn take_reply(self: *Side, size: u32) !void {
        const id = self.rpc.in.last_correlation_id;
        self.replies.check(id, self.rpc.in.last_type_id, self.buffer[0..size]);
        const at = std.mem.indexOfScalar(u64, self.open[0..self.open_count], id) orelse
            report.fail("call {d} was answered and is not open", .{id});
        self.close_call(at);
        self.replies_done += 1;
    }

    fn answer(self: *Side) void {
        self.buffer = &callee_bytes;
        self.rpc = Rpc.init_callee(self.forward, self.reverse, arena.peer, self.spin_us, self.failure) catch
            report.fail("the callee found {t} corrupt", .{self.failure.subject});
        self.answer_until_end() catch |err| return self.expect_closed(err);
        self.rpc.close();
    }

    fn answer_until_end(self: *Side) !void {
        const random = self.prng.random();
        while (!self.end.passed()) {
            self.maybe_rest();
            if (self.open_count == 0) {
                self.take_request(try self.rpc.receive(self.buffer, report.patience_ms));
            } else if (self.open_count < self.open_limit and random.boolean()) {
                if (try self.rpc.try_receive(self.buffer)) |size| self.take_request(size) else try self.reply();
            } else {
                try self.reply();
            }
        }
    }

    /// Requests come in order, each once.
    fn take_request(self: *Side, size: u32) void {
        const id = self.rpc.in.last_correlation_id;
        report.expect(id == self.requests_done + 1, "call {d} came after call {d}", .{ id, self.requests_done });
        self.requests.check(id, self.rpc.in.last_type_id, self.buffer[0..size]);
        self.requests_done = id;
        self.open[self.open_count] = id;
        self.open_count += 1;
    }

    fn reply(self: *Side) !void {
        const at = self.prng.random().uintLessThan(usize, self.open_count);
        const id = self.open[at];
        const bytes = self.replies.bytes_of(id);
        const size: u32 = @intCast(bytes.len);
        const type_id = Content.type_of(id);
        try self.rpc.send(bytes.ptr, size, .{ .type_id = type_id, .correlation_id = id }, report.patience_ms);
        self.close_call(at);
        self.replies_done += 1;
    }

    fn close_call(self: *Side, at: usize) void {
        self.open_count -= 1;
        self.open[at] = self.open[self.open_count];
    }

    fn maybe_rest(self: *Side) void {
        const random = self.prng.random();
        if (random.uintLessThan(u32, self.rest_every) == 0) arena.rest(random);
    }

    fn expect_closed(self: *Side, err: anyerror) void {
        if (err == error.PeerClosed) return;
        report.fail("after {d} calls and {d} replies: {t} ({t}, {d} instead of {d})", .{
            self.requests_done,
            self.replies_done,
            err,
            self.failure.subject,
            self.failure.found,
            self.failure.expected,
        });
    }
};

/// Each used by its own thread only.
var caller_bytes: [1 << 20]u8 = undefined;
var callee_bytes: [1 << 20]u8 = undefined;
