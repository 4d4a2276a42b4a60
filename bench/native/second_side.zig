//! The side that answers, or takes what comes.

const std = @import("std");
const linux = std.os.linux;
const command = @import("command.zig");
const mechanisms = @import("mechanism.zig");
const payload = @import("payload.zig");
const Command = command.Command;
const Depth = payload.Depth;
const Exchange = @import("exchange.zig").Exchange;
const Failure = mechanisms.Failure;
const Meeting = @import("meeting.zig").Meeting;
const Usage = @import("usage.zig").Usage;

pub fn SecondSide(comptime Mechanism: type) type {
    return struct {
        const Self = @This();
        const forms: mechanisms.Forms = Mechanism.forms;

        exchange: Exchange(Mechanism),
        meeting: *Meeting,

        pub fn init(mechanism: *Mechanism, meeting: *Meeting) Self {
            return .{ .exchange = .{ .mechanism = mechanism }, .meeting = meeting };
        }

        /// Until the first side is gone, or something goes wrong.
        pub fn serve(self: *Self) noreturn {
            self.meeting.take_side(.second);
            var failure: Failure = .{};
            self.exchange.mechanism.take_side(.second, &failure) catch {
                self.meeting.judge(.forbidden, failure.text);
                linux.exit_group(1);
            };
            self.serve_all() catch |err| if (err != error.Gone) {
                var text: [256]u8 = undefined;
                self.meeting.judge(.wrong, self.exchange.explain(err, &text));
            };
            linux.exit_group(1);
        }

        fn serve_all(self: *Self) !void {
            try self.meeting.arrive();
            while (true) {
                const order = try self.meeting.hear();
                if (order.form == .handover) {
                    try self.hand_over(order);
                    continue;
                }
                try self.exchange.prepare(.second, order.size);
                try self.meeting.arrive();
                switch (order.depth) {
                    inline else => |depth| try self.perform(depth, order),
                }
            }
        }

        fn perform(self: *Self, comptime depth: Depth, order: Command) !void {
            try self.run_loop(depth, order.form, order.warm_up);
            const before: Usage = .now();
            try self.meeting.arrive();
            try self.run_loop(depth, order.form, order.count);
            if (order.form == .one_way) {
                if (forms.spins) self.meeting.arrive_spinning() else try self.meeting.arrive();
            }
            self.meeting.shared.usage = Usage.now().since(before);
            try self.meeting.arrive();
        }

        fn run_loop(self: *Self, comptime depth: Depth, form: command.Form, count: u32) !void {
            switch (form) {
                .round_trip => if (forms.round_trip) try self.exchange.echo(depth, count),
                .one_way => if (forms.one_way) try self.exchange.consume(depth, count),
                .handover => unreachable,
            }
        }

        fn hand_over(self: *Self, order: Command) !void {
            if (!@hasDecl(Mechanism, "is_handover")) unreachable;
            const mechanism = self.exchange.mechanism;
            var used: Usage = .{};
            try self.meeting.arrive();
            for (0..order.count) |_| {
                try mechanism.fill(.second, order.size, self.exchange.number);
                const before: Usage = .now();
                try mechanism.hand_over(.second);
                used = used.plus(Usage.now().since(before));
                mechanism.release(.second);
                self.exchange.number +%= 1;
            }
            self.meeting.shared.usage = used;
            try self.meeting.arrive();
        }
    };
}
