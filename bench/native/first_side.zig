//! The side that is told what to do, and whose clock counts.

const command = @import("command.zig");
const ends = @import("ends.zig");
const mechanisms = @import("mechanism.zig");
const payload = @import("payload.zig");
const Clock = @import("clock.zig").Clock;
const Command = command.Command;
const Depth = payload.Depth;
const Exchange = @import("exchange.zig").Exchange;
const Failure = mechanisms.Failure;
const Handovers = @import("samples.zig").Handovers;
const Meeting = @import("meeting.zig").Meeting;
const Samples = @import("samples.zig").Samples;
const Usage = @import("usage.zig").Usage;

pub fn FirstSide(comptime Mechanism: type) type {
    return struct {
        const Self = @This();
        const forms: mechanisms.Forms = Mechanism.forms;

        exchange: Exchange(Mechanism),
        meeting: *Meeting,
        clock: *const Clock,
        samples: Samples,
        handovers: Handovers = .{},
        samples_file: ?i32,
        /// By this side, over the timed part.
        used: Usage = .{},

        pub fn init(mechanism: *Mechanism, meeting: *Meeting, clock: *const Clock, samples_file: ?i32) Self {
            return .{
                .exchange = .{ .mechanism = mechanism },
                .meeting = meeting,
                .clock = clock,
                .samples = .{ .clock = clock },
                .samples_file = samples_file,
            };
        }

        /// Returns when both sides can begin.
        pub fn join(self: *Self, failure: *Failure) error{Forbidden}!void {
            self.meeting.take_side(.first);
            try self.exchange.mechanism.take_side(.first, failure);
            self.meeting.expect() catch |err| self.fail(err);
        }

        pub fn execute(self: *Self, order: Command) void {
            self.perform(order) catch |err| self.fail(err);
            self.report(order) catch ends.leave_with(.wrong, "the samples could not be written to their file");
        }

        fn perform(self: *Self, order: Command) !void {
            self.used = .{};
            if (order.form == .round_trip) try self.samples.reserve(order.count);
            if (forms.alone) return self.perform_alone(order);
            if (order.form == .handover) {
                try self.meeting.tell(order);
                try self.meeting.expect();
                return self.hand_over(order);
            }
            try self.exchange.prepare(.first, order.size);
            try self.meeting.tell(order);
            try self.meeting.expect();
            switch (order.depth) {
                inline else => |depth| try self.perform_with(depth, order),
            }
        }

        fn perform_with(self: *Self, comptime depth: Depth, order: Command) !void {
            try self.run_loop(depth, order.form, order.warm_up, null);
            // The second side has come so far too, and waits for what is timed.
            try self.meeting.expect();
            const before: Usage = .now();
            self.samples.begin();
            try self.run_loop(depth, order.form, order.count, &self.samples);
            if (order.form == .one_way) {
                if (forms.spins) self.meeting.expect_spinning() else try self.meeting.expect();
                self.samples.end();
            }
            self.used = Usage.now().since(before);
            // The second side's usage is known.
            try self.meeting.expect();
        }

        fn run_loop(self: *Self, comptime depth: Depth, form: command.Form, count: u32, samples: ?*Samples) !void {
            switch (form) {
                .round_trip => if (forms.round_trip) try self.exchange.ping(depth, count, samples),
                .one_way => if (forms.one_way) try self.exchange.produce(depth, count),
                .handover => unreachable,
            }
        }

        fn perform_alone(self: *Self, order: Command) void {
            for (0..order.warm_up) |_| self.exchange.mechanism.call();
            const before: Usage = .now();
            self.samples.begin();
            for (0..order.count) |_| {
                self.exchange.mechanism.call();
                self.samples.note();
            }
            self.used = Usage.now().since(before);
        }

        /// What is handed over is made before, and let go after: neither is timed.
        fn hand_over(self: *Self, order: Command) !void {
            if (!@hasDecl(Mechanism, "is_handover")) unreachable;
            const mechanism = self.exchange.mechanism;
            self.handovers.count = 0;
            for (0..order.count) |_| {
                try mechanism.fill(.first, order.size, self.exchange.number);
                const before: Usage = .now();
                const start = self.clock.ticks();
                try mechanism.hand_over(.first);
                self.handovers.note(self.clock.ticks() - start);
                self.used = self.used.plus(Usage.now().since(before));
                mechanism.release(.first);
                self.exchange.number +%= 1;
            }
            try self.meeting.expect();
        }

        fn report(self: *Self, order: Command) error{System}!void {
            if (order.depth == .whole) return command.answer("{{\"ok\":true}}", .{});
            const scale = self.clock.scale();
            var list: [Handovers.max * 24]u8 = undefined;
            switch (order.form) {
                .round_trip => if (self.samples_file) |file| try self.samples.append_to(file, scale),
                .one_way => {},
                .handover => return self.answer(self.handovers.sum_ns(scale), self.handovers.list_ms(scale, &list)),
            }
            self.answer(scale * @as(f64, @floatFromInt(self.samples.elapsed_ticks())), "");
        }

        fn answer(self: *const Self, elapsed_ns: f64, more: []const u8) void {
            const both = if (forms.alone) self.used else self.used.plus(self.meeting.shared.usage);
            command.answer(
                "{{\"elapsedNs\":{d:.0},\"cpuNs\":{d},\"voluntary\":{d},\"involuntary\":{d}{s}}}",
                .{ elapsed_ns, both.cpu_ns, both.voluntary, both.involuntary, more },
            );
        }

        fn fail(self: *Self, err: anyerror) noreturn {
            var text: [256]u8 = undefined;
            const why = self.exchange.explain(err, &text);
            switch (err) {
                error.Closed, error.Gone, error.System => ends.leave_after_second(why),
                else => ends.leave_with(.wrong, why),
            }
        }
    };
}
