//! The loops of both sides. Each message has the next number, in all commands of a run, so that none
//! can be taken for one of before.

const std = @import("std");
const memory = @import("memory.zig");
const payload = @import("payload.zig");
const mechanisms = @import("mechanism.zig");
const Samples = @import("samples.zig").Samples;
const Depth = payload.Depth;

pub const Error = mechanisms.Error || error{ WrongBytes, WrongSize };

pub fn Exchange(comptime Mechanism: type) type {
    return struct {
        const Self = @This();

        mechanism: *Mechanism,
        outgoing: memory.Buffer = .{},
        incoming: memory.Buffer = .{},
        /// Bytes of each message.
        size: u32 = 0,
        /// The next message's.
        number: u32 = 0,
        received_size: usize = 0,

        pub fn prepare(self: *Self, side: mechanisms.Side, size: u32) error{ OutOfMemory, Closed, System }!void {
            self.size = size;
            try self.outgoing.reserve(size);
            try self.incoming.reserve(size);
            payload.fill(self.outgoing.bytes[0..size], self.number);
            if (@hasDecl(Mechanism, "prepare")) try self.mechanism.prepare(side, size);
        }

        pub fn ping(self: *Self, comptime depth: Depth, count: u32, samples: ?*Samples) Error!void {
            for (0..count) |_| {
                try self.send(depth);
                try self.receive(.first, depth);
                self.number +%= 1;
                if (samples) |recorder| recorder.note();
            }
        }

        pub fn echo(self: *Self, comptime depth: Depth, count: u32) Error!void {
            for (0..count) |_| {
                try self.receive(.second, depth);
                try self.mechanism.send(.second, self.incoming.bytes[0..self.size]);
                self.number +%= 1;
            }
        }

        pub fn produce(self: *Self, comptime depth: Depth, count: u32) Error!void {
            for (0..count) |_| {
                try self.send(depth);
                self.number +%= 1;
            }
        }

        pub fn consume(self: *Self, comptime depth: Depth, count: u32) Error!void {
            for (0..count) |_| {
                try self.receive(.second, depth);
                self.number +%= 1;
            }
        }

        inline fn send(self: *Self, comptime depth: Depth) Error!void {
            const bytes = if (@hasDecl(Mechanism, "place"))
                try self.mechanism.place(.first, self.size)
            else
                self.outgoing.bytes[0..self.size];
            payload.write(depth, bytes, self.number);
            try self.mechanism.send(.first, bytes);
        }

        inline fn receive(self: *Self, side: mechanisms.Side, comptime depth: Depth) Error!void {
            const into = self.incoming.bytes[0..self.size];
            self.received_size = try self.mechanism.receive(side, into);
            if (self.received_size != self.size) return error.WrongSize;
            if (!payload.is_right(depth, into, self.number)) return error.WrongBytes;
        }

        /// What went wrong with the message at hand, in a sentence.
        pub fn explain(self: *const Self, err: anyerror, text: []u8) []const u8 {
            const printed = switch (err) {
                error.WrongBytes => std.fmt.bufPrint(text, "message {d} arrived with other bytes than were sent", .{self.number}),
                error.WrongSize => std.fmt.bufPrint(text, "message {d} arrived with {d} bytes, sent were {d}", .{ self.number, self.received_size, self.size }),
                error.WrongSum => std.fmt.bufPrint(text, "message {d} arrived with other bytes than were sent", .{self.number}),
                error.OutOfMemory => std.fmt.bufPrint(text, "there is no memory for messages of {d} bytes", .{self.size}),
                error.System => std.fmt.bufPrint(text, "a system call failed at message {d}", .{self.number}),
                else => std.fmt.bufPrint(text, "the other side has closed its end", .{}),
            };
            return printed catch text;
        }
    };
}
