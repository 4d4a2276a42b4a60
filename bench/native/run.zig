//! Runs one mechanism: forks the second side, pins both, and does what standard input says, command by
//! command. Between commands both sides sleep in the kernel, so that others can have the cores.

const std = @import("std");
const linux = std.os.linux;
const command = @import("command.zig");
const ends = @import("ends.zig");
const memory = @import("memory.zig");
const mechanisms = @import("mechanism.zig");
const payload = @import("payload.zig");
const system = @import("system.zig");
const Clock = @import("clock.zig").Clock;
const Command = command.Command;
const Depth = payload.Depth;
const Failure = mechanisms.Failure;
const Form = mechanisms.Form;
const Meeting = @import("meeting.zig").Meeting;
const Samples = @import("samples.zig").Samples;
const Side = mechanisms.Side;

/// One side of it. The second has what the first had when it forked, and from then on its own.
pub fn Run(comptime Mechanism: type) type {
    return struct {
        const Self = @This();
        const forms: mechanisms.Forms = Mechanism.forms;
        const has_places = @hasDecl(Mechanism, "place");
        const receives_in_place = @hasDecl(Mechanism, "receive_in_place");
        const way_count = if (forms.round_trip) 2 else 1;

        /// There, from the first side to the second, and back.
        ways: [way_count]Mechanism = @splat(.{}),
        meeting: *Meeting = undefined,
        clock: Clock,
        samples: Samples = .{},
        outgoing: memory.Mapping = &.{},
        incoming: memory.Mapping = &.{},
        /// Bytes of each message.
        size: u32 = 0,
        /// The next message's, in all commands of a run, so that none can be taken for one of before.
        number: u32 = 0,
        received_size: usize = 0,
        /// By this side, over the timed part.
        used: system.Usage = @splat(0),
        failure: Failure = .{},

        /// Where each side is to run; null: wherever the kernel puts it. The file takes the samples of round trips.
        pub fn run(cores: [2]?u32, samples_file: ?i32) noreturn {
            ends.hold();
            var self: Self = .{ .clock = .init() };
            self.start(cores) catch |err| self.fail(.first, .forbidden, err);
            var lines: command.Lines = .{};
            while (lines.next()) |line| {
                const order = command.parse(line, forms) orelse break;
                self.obey(order, samples_file) catch |err| self.fail(.first, .@"error", err);
            }
            ends.leave(0);
        }

        /// Returns in the first side, when both can begin.
        fn start(self: *Self, cores: [2]?u32) !void {
            self.meeting = try memory.shared(Meeting, &self.failure);
            for (&self.ways, 0..) |*way, index| {
                const is_back = index > 0 and @hasDecl(Mechanism, "open_back");
                if (is_back)
                    try way.open_back(&self.ways[0], &self.failure)
                else if (@hasDecl(Mechanism, "open")) try way.open(&self.failure);
            }
            const first = linux.getpid();
            const second: i32 = @intCast(try self.failure.check("fork", linux.fork()));
            if (second == 0) {
                ends.follow(first);
                self.take_side(.second) catch |err| self.fail(.second, .forbidden, err);
                self.serve() catch |err| self.fail(.second, .@"error", err);
            }
            ends.heed(second);
            var pinning: [128]u8 = undefined;
            const pinned = pin(&pinning, cores, .{ first, second });
            try self.take_side(.first);
            var size: [32]u8 = undefined;
            command.answer(
                "{{\"ready\":true,\"pids\":[{d},{d}],\"pinned\":{s},\"clock\":\"{t}\",\"clockNs\":{d:.1},\"maxSize\":{s}}}",
                .{
                    first,
                    second,
                    pinned,
                    self.clock.source,
                    self.clock.cost() * self.clock.scale(),
                    if (self.size_max()) |max| print(&size, "{d}", .{max}) else "null",
                },
            );
        }

        fn take_side(self: *Self, side: Side) !void {
            for (&self.ways, 0..) |*way, index| {
                if (@hasDecl(Mechanism, "take_end")) try way.take_end(end_of(side, index), &self.failure);
            }
            try self.meeting.meet(side, false);
        }

        fn end_of(side: Side, way: usize) mechanisms.End {
            return if (@intFromEnum(side) == way) .sending else .receiving;
        }

        fn size_max(self: *const Self) ?u32 {
            return if (@hasField(Mechanism, "size_max")) self.ways[0].size_max else null;
        }

        fn serve(self: *Self) !noreturn {
            while (true) try self.carry_out(.second, try self.meeting.hear());
        }

        /// The first side, which is told what to do and whose clock counts.
        fn obey(self: *Self, order: Command, samples_file: ?i32) !void {
            try self.samples.reserve(if (order.form == .one_way) 1 else order.count, &self.failure);
            try self.meeting.tell(order);
            try self.carry_out(.first, order);
            if (order.depth == .whole) return command.answer("{{\"ok\":true}}", .{});
            const scale = self.clock.scale();
            const elapsed_ns = self.samples.sum_ns(scale);
            if (order.form == .round_trip) if (samples_file) |file| try self.samples.append_to(file, scale);
            const cpu_ns, const voluntary, const involuntary = self.used + self.meeting.usage;
            command.answer(
                "{{\"elapsedNs\":{d:.0},\"cpuNs\":{d},\"voluntary\":{d},\"involuntary\":{d}}}",
                .{ elapsed_ns, cpu_ns, voluntary, involuntary },
            );
        }

        fn carry_out(self: *Self, comptime side: Side, order: Command) !void {
            self.size = order.size;
            switch (order.form) {
                inline else => |form| if (@field(forms, @tagName(form))) switch (order.depth) {
                    inline else => |depth| if (form == .handover)
                        try self.hand_over(side, order.count)
                    else
                        try self.exchange(side, form, depth, order),
                } else unreachable,
            }
            if (side == .second) self.meeting.usage = self.used;
            try self.meeting.meet(side, false);
        }

        /// The first side has what it sends in `outgoing`, the second one sends what it received.
        fn prepare(self: *Self, side: Side, form: Form) !void {
            const needs_room = side == .second or form == .round_trip;
            if (side == .first and !has_places) try memory.reserve(&self.outgoing, self.size, &self.failure);
            if (needs_room and !receives_in_place) try memory.reserve(&self.incoming, self.size, &self.failure);
            for (&self.ways, 0..) |*way, index| {
                if (@hasDecl(Mechanism, "prepare")) try way.prepare(end_of(side, index), form, self.size, &self.failure);
            }
        }

        fn exchange(self: *Self, comptime side: Side, comptime form: Form, comptime depth: Depth, order: Command) !void {
            try self.prepare(side, form);
            if (side == .first and !has_places) payload.write(.whole, self.outgoing[0..self.size], self.number);
            try self.meeting.meet(side, false);
            try self.repeat(side, form, depth, order.warm_up);
            const ready = system.usage_now();
            // From here on the second side waits for what is timed.
            try self.meeting.meet(side, false);
            const before = if (side == .first) system.usage_now() else ready;
            self.samples.count = 0;
            self.samples.begin(&self.clock);
            try self.repeat(side, form, depth, order.count);
            if (form == .one_way) {
                try self.meeting.meet(side, forms.spins);
                if (side == .first) self.samples.note(&self.clock);
            }
            self.used = system.usage_now() - before;
        }

        /// The loop of each form, on each side.
        fn repeat(self: *Self, comptime side: Side, comptime form: Form, comptime depth: Depth, count: u32) !void {
            for (0..count) |_| {
                if (@hasDecl(Mechanism, "call")) {
                    if (side == .first) self.ways[0].call();
                } else {
                    if (side == .first) try self.send(depth);
                    if (side == .second) try self.receive(&self.ways[0], depth);
                    if (side == .second and form == .round_trip) try self.ways[1].send(self.incoming[0..self.size]);
                    if (side == .first and form == .round_trip) try self.receive(&self.ways[1], depth);
                }
                self.number +%= 1;
                if (side == .first and form == .round_trip) self.samples.note(&self.clock);
            }
            if (@hasDecl(Mechanism, "finish")) try self.ways[0].finish(end_of(side, 0));
        }

        inline fn send(self: *Self, comptime depth: Depth) !void {
            const bytes = try self.place();
            payload.write(depth, bytes, self.number);
            try self.ways[0].send(bytes);
        }

        inline fn place(self: *Self) ![]u8 {
            return if (has_places) self.ways[0].place(self.size) else self.outgoing[0..self.size];
        }

        inline fn receive(self: *Self, way: *Mechanism, comptime depth: Depth) !void {
            const bytes = try self.received(way);
            if (self.received_size != self.size) return error.WrongSize;
            if (!payload.is_right(depth, bytes, self.number)) return error.WrongBytes;
        }

        inline fn received(self: *Self, way: *Mechanism) ![]u8 {
            const bytes = if (receives_in_place) try way.receive_in_place() else self.incoming[0..self.size];
            self.received_size = if (receives_in_place) bytes.len else try way.receive(bytes);
            return bytes;
        }

        fn hand_over(self: *Self, comptime side: Side, count: u32) !void {
            self.used = @splat(0);
            for (0..count) |_| {
                if (side == .first) try self.give() else try self.take();
                if (@hasDecl(Mechanism, "release")) self.ways[0].release(end_of(side, 0));
                memory.release(&self.outgoing);
                memory.release(&self.incoming);
                self.number +%= 1;
            }
        }

        /// What is handed over is made before, and let go after: neither is timed.
        fn give(self: *Self) !void {
            // Until the second side is prepared.
            try self.meeting.meet(.first, false);
            try self.prepare(.first, .handover);
            const data = try self.place();
            payload.write(.whole, data, self.number);
            const sum = payload.sum(data);
            const before = system.usage_now();
            self.samples.begin(&self.clock);
            try self.ways[0].send(data);
            try self.meeting.meet(.first, false);
            self.samples.note(&self.clock);
            self.used += system.usage_now() - before;
            if (self.meeting.sum != sum) return error.WrongBytes;
        }

        fn take(self: *Self) !void {
            try self.prepare(.second, .handover);
            try self.meeting.meet(.second, false);
            const before = system.usage_now();
            self.meeting.sum = payload.sum(try self.received(&self.ways[0]));
            try self.meeting.meet(.second, false);
            self.used += system.usage_now() - before;
        }

        /// Ends this side with what went wrong, in a sentence.
        fn fail(self: *const Self, side: Side, verdict: ends.Verdict, err: anyerror) noreturn {
            var buffer: [256]u8 = undefined;
            ends.leave_with(side, verdict, switch (err) {
                error.WrongBytes => print(&buffer, "message {d} arrived with other bytes than were sent", .{self.number}),
                error.WrongSize => print(&buffer, "message {d} arrived with {d} bytes, sent were {d}", .{ self.number, self.received_size, self.size }),
                error.Unwritten => "the samples could not be written to their file",
                error.Forbidden => self.failure.text,
                else => print(&buffer, "a system call failed at message {d}", .{self.number}),
            });
        }
    };
}

/// What became of it, as a value of JSON.
fn pin(buffer: []u8, cores: [2]?u32, processes: [2]i32) []const u8 {
    for (cores, processes) |wanted, process| {
        const core = wanted orelse return "\"not asked for\"";
        const errno = system.pin(process, core);
        if (errno != .SUCCESS) return print(buffer, "\"sched_setaffinity to core {d}: E{t}\"", .{ core, errno });
    }
    return "true";
}

fn print(buffer: []u8, comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.bufPrint(buffer, format, arguments) catch unreachable;
}
