//! Runs one mechanism: forks the second side, pins both, and does what standard input says, command by
//! command. Between commands both sides sleep in a read, so that others can have the cores.

const std = @import("std");
const linux = std.os.linux;
const command = @import("command.zig");
const ends = @import("ends.zig");
const memory = @import("memory.zig");
const mechanisms = @import("mechanism.zig");
const payload = @import("payload.zig");
const usage = @import("usage.zig");
const Clock = @import("clock.zig").Clock;
const Command = command.Command;
const Failure = mechanisms.Failure;
const Meeting = @import("meeting.zig").Meeting;
const Samples = @import("samples.zig").Samples;
const Side = mechanisms.Side;
const Usage = usage.Usage;

pub const Settings = struct {
    /// Where each side runs; null: wherever the kernel puts it.
    cores: [2]?u32,
    /// Takes the samples of round trips; null: nobody does.
    samples_file: ?i32,
};

/// One side of it. The second has what the first had when it forked, and from then on its own.
pub fn Run(comptime Mechanism: type) type {
    return struct {
        const Self = @This();
        const forms: mechanisms.Forms = Mechanism.forms;
        const carries_nothing = @hasDecl(Mechanism, "call");

        /// At one place in both processes, and in no register: system calls read and write it.
        var mechanism: Mechanism = .{};

        meeting: Meeting,
        samples: Samples,
        samples_file: ?i32,
        outgoing: memory.Buffer = .{},
        incoming: memory.Buffer = .{},
        /// Bytes of each message.
        size: u32 = 0,
        /// The next message's, in all commands of a run, so that none can be taken for one of before.
        number: u32 = 0,
        received_size: usize = 0,
        /// By this side, over the timed part.
        used: Usage = .{},

        pub fn run(settings: Settings) noreturn {
            ends.hold();
            const clock: Clock = .init();
            var failure: Failure = .{};
            var self = start(settings, &clock, &failure) catch ends.leave_with(.forbidden, failure.text);
            var lines: command.Lines = .{};
            var text: [256]u8 = undefined;
            while (lines.next()) |line| switch (command.parse(line, forms, size_max(), &text)) {
                .command => |order| self.obey(order) catch |err| self.fail(.first, err),
                .refusal => |why| command.answer("{{\"error\":\"{s}\"}}", .{why}),
            };
            ends.leave(0);
        }

        /// Returns in the first side, when both can begin.
        fn start(settings: Settings, clock: *const Clock, failure: *Failure) error{Forbidden}!Self {
            var self: Self = .{
                .meeting = try .open(failure),
                .samples = .{ .clock = clock },
                .samples_file = settings.samples_file,
            };
            if (@hasDecl(Mechanism, "open")) try mechanism.open(failure);
            const first = linux.getpid();
            const second: i32 = @intCast(try failure.check("fork", linux.fork()));
            if (second == 0) self.serve(first);
            ends.heed(second);
            var pinning: [128]u8 = undefined;
            const pinned = pin(&pinning, settings.cores, .{ first, second });
            try self.take_side(.first, failure);
            self.meeting.meet(.first) catch |err| self.fail(.first, err);
            announce(clock, .{ first, second }, pinned);
            return self;
        }

        fn take_side(self: *Self, side: Side, failure: *Failure) error{Forbidden}!void {
            self.meeting.take_side(side);
            if (@hasDecl(Mechanism, "take_side")) try mechanism.take_side(side, failure);
        }

        fn size_max() ?u32 {
            return if (@hasField(Mechanism, "size_max")) mechanism.size_max else null;
        }

        fn announce(clock: *const Clock, processes: [2]i32, pinned: []const u8) void {
            var size: [32]u8 = undefined;
            command.answer(
                "{{\"ready\":true,\"pids\":[{d},{d}],\"pinned\":{s},\"clock\":\"{s}\",\"clockNs\":{d:.1},\"maxSize\":{s}}}",
                .{
                    processes[0],
                    processes[1],
                    pinned,
                    clock.source.name(),
                    clock.cost() * clock.scale(),
                    if (size_max()) |max| print(&size, "{d}", .{max}) else "null",
                },
            );
        }

        /// The second side: until the first one is gone, or something goes wrong.
        fn serve(self: *Self, first: i32) noreturn {
            ends.follow(first);
            var failure: Failure = .{};
            self.take_side(.second, &failure) catch ends.leave_second(.forbidden, failure.text);
            self.meeting.meet(.second) catch |err| self.fail(.second, err);
            while (true) {
                const order = self.meeting.hear() catch |err| self.fail(.second, err);
                self.carry_out(.second, order) catch |err| self.fail(.second, err);
            }
        }

        /// The first side, which is told what to do and whose clock counts.
        fn obey(self: *Self, order: Command) !void {
            try self.samples.reserve(if (order.form == .one_way) 1 else order.count);
            try self.meeting.tell(order);
            try self.carry_out(.first, order);
            if (order.depth == .whole) return command.answer("{{\"ok\":true}}", .{});
            const scale = self.samples.clock.scale();
            const elapsed_ns = self.samples.sum_ns(scale);
            if (order.form == .round_trip) if (self.samples_file) |file| try self.samples.append_to(file, scale);
            var list: [command.handovers_max * 24]u8 = undefined;
            const both = self.used.plus(self.meeting.shared.usage);
            command.answer(
                "{{\"elapsedNs\":{d:.0},\"cpuNs\":{d},\"voluntary\":{d},\"involuntary\":{d}{s}}}",
                .{
                    elapsed_ns,
                    both.cpu_ns,
                    both.voluntary,
                    both.involuntary,
                    if (order.form == .handover) self.samples.list_ms(scale, &list) else "",
                },
            );
        }

        fn carry_out(self: *Self, comptime side: Side, order: Command) !void {
            self.size = order.size;
            if (order.form != .handover) try self.prepare();
            try self.meeting.meet(side);
            switch (order.form) {
                inline else => |form| if (@field(forms, @tagName(form))) switch (order.depth) {
                    inline else => |depth| if (form == .handover)
                        try self.hand_over(side, order.count)
                    else
                        try self.exchange(side, form, depth, order),
                } else unreachable,
            }
        }

        fn prepare(self: *Self) !void {
            try self.outgoing.reserve(self.size);
            try self.incoming.reserve(self.size);
            payload.fill(self.outgoing.bytes[0..self.size], self.number);
            if (@hasDecl(Mechanism, "prepare")) try mechanism.prepare(self.size);
        }

        fn exchange(
            self: *Self,
            comptime side: Side,
            comptime form: mechanisms.Form,
            comptime depth: payload.Depth,
            order: Command,
        ) !void {
            try self.repeat(side, form, depth, order.warm_up);
            const ready: Usage = .now();
            // From here on the second side waits for what is timed.
            try self.meeting.meet(side);
            const before: Usage = if (side == .first) .now() else ready;
            if (side == .first) self.samples.restart();
            try self.repeat(side, form, depth, order.count);
            if (form == .one_way) {
                if (forms.spins) self.meeting.meet_spinning(side) else try self.meeting.meet(side);
                if (side == .first) self.samples.note();
            }
            self.used = Usage.now().since(before);
            try self.share_usage(side);
        }

        /// Returns in the first side when the second one's usage is known.
        fn share_usage(self: *Self, side: Side) !void {
            if (side == .second) self.meeting.shared.usage = self.used;
            try self.meeting.meet(side);
        }

        /// The loop of each form, on each side.
        fn repeat(
            self: *Self,
            comptime side: Side,
            comptime form: mechanisms.Form,
            comptime depth: payload.Depth,
            count: u32,
        ) !void {
            for (0..count) |_| {
                if (carries_nothing) {
                    if (side == .first) mechanism.call();
                } else {
                    if (side == .first) try self.send(depth);
                    if (side == .second or form == .round_trip) try self.receive(depth);
                    if (side == .second and form == .round_trip) try mechanism.send(self.incoming.bytes[0..self.size]);
                }
                self.number +%= 1;
                if (side == .first and form == .round_trip) self.samples.note();
            }
        }

        inline fn send(self: *Self, comptime depth: payload.Depth) !void {
            const bytes = if (@hasDecl(Mechanism, "place"))
                try mechanism.place(self.size)
            else
                self.outgoing.bytes[0..self.size];
            payload.write(depth, bytes, self.number);
            try mechanism.send(bytes);
        }

        inline fn receive(self: *Self, comptime depth: payload.Depth) !void {
            const into = self.incoming.bytes[0..self.size];
            self.received_size = try mechanism.receive(into);
            if (self.received_size != self.size) return error.WrongSize;
            if (!payload.is_right(depth, into, self.number)) return error.WrongBytes;
        }

        /// What is handed over is made before, and let go after: neither is timed.
        fn hand_over(self: *Self, comptime side: Side, count: u32) !void {
            self.used = .{};
            for (0..count) |_| {
                if (side == .first) try self.give() else try self.take();
                mechanism.release(side);
                self.number +%= 1;
            }
            try self.share_usage(side);
        }

        fn give(self: *Self) !void {
            // Until the second side is ready.
            try self.meeting.meet(.first);
            const data = try mechanism.make(.first, self.size);
            payload.fill(data, self.number);
            const sum = payload.sum(data);
            const before: Usage = .now();
            self.samples.begin();
            try mechanism.give();
            try self.meeting.meet(.first);
            self.samples.note();
            self.used = self.used.plus(Usage.now().since(before));
            if (self.meeting.shared.sum != sum) return error.WrongBytes;
        }

        fn take(self: *Self) !void {
            _ = try mechanism.make(.second, self.size);
            try self.meeting.meet(.second);
            const before: Usage = .now();
            self.meeting.shared.sum = payload.sum(try mechanism.take());
            try self.meeting.meet(.second);
            self.used = self.used.plus(Usage.now().since(before));
        }

        /// Ends this side with what went wrong with the message at hand, in a sentence.
        fn fail(self: *const Self, comptime side: Side, err: anyerror) noreturn {
            var buffer: [256]u8 = undefined;
            const why = switch (err) {
                error.WrongBytes => print(&buffer, "message {d} arrived with other bytes than were sent", .{self.number}),
                error.WrongSize => print(&buffer, "message {d} arrived with {d} bytes, sent were {d}", .{ self.number, self.received_size, self.size }),
                error.OutOfMemory => print(&buffer, "there is no memory for messages of {d} bytes", .{self.size}),
                error.Unwritten => "the samples could not be written to their file",
                error.System => print(&buffer, "a system call failed at message {d}", .{self.number}),
                else => "the other side has closed its end",
            };
            const is_alone = err == error.Closed;
            if (side == .second) ends.leave_second(if (is_alone) null else .@"error", why);
            if (is_alone or err == error.System) ends.leave_after_second(why);
            ends.leave_with(.@"error", why);
        }
    };
}

/// What became of it, as a value of JSON.
fn pin(buffer: []u8, cores: [2]?u32, processes: [2]i32) []const u8 {
    for (cores, processes) |wanted, process| {
        const core = wanted orelse return "\"not asked for\"";
        const errno = usage.pin(process, core);
        if (errno != .SUCCESS) return print(buffer, "\"sched_setaffinity to core {d}: E{t}\"", .{ core, errno });
    }
    return "true";
}

fn print(buffer: []u8, comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.bufPrint(buffer, format, arguments) catch unreachable;
}
