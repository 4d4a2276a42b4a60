//! Pages that are put into a pipe instead of copied: those of private memory (vmsplice) or of a memfd
//! (splice). The receiver's read is the only copy. The sender writes its messages in place, into a ring
//! of pages that comes around only after the pipe has let go of them.

const std = @import("std");
const linux = std.os.linux;
const mapping = @import("shared_mapping.zig");
const mechanism = @import("mechanism.zig");
const stream = @import("stream.zig");
const Side = mechanism.Side;
const Error = mechanism.Error;
const Failure = mechanism.Failure;

pub const Vmsplice = Pages(.private);
pub const Splice = Pages(.file);

const pipe_size = 1 << 20;
/// A page in the pipe takes one of its places, of which there are `pipe_size / page_size` or fewer. When
/// a message of m pages has been put in, nothing is in the pipe but the last so many pages. The ring is
/// four times as large and takes whole messages, all of one size, from its start on: before a page is
/// written again, at least as many others have been put in as the pipe holds and the message has, for
/// each m up to half of the ring.
const ring_size = 4 * pipe_size;
const size_max = ring_size / 2;

fn Pages(comptime source: enum { private, file }) type {
    return struct {
        const Self = @This();

        pub const forms: mechanism.Forms = .{ .round_trip = false, .min_size = mapping.page_size };

        pipe: [2]i32 = .{ -1, -1 },
        file: i32 = -1,
        ring: mapping.Mapping = &.{},
        /// Where the next message goes.
        next: u32 = 0,

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            _ = try failure.check("pipe2", linux.pipe2(&self.pipe, .{ .CLOEXEC = true }));
            // Where the user's pipes have too many pages already it stays smaller, and is as right.
            _ = linux.fcntl(self.pipe[1], linux.F.SETPIPE_SZ, pipe_size);
            if (source == .private) return;
            self.file = try mapping.memfd_file(failure);
            self.ring = try mapping.map_new(self.file, ring_size, failure);
        }

        pub fn take_side(self: *Self, side: Side, failure: *Failure) error{Forbidden}!void {
            stream.close(self.pipe[if (side == .first) 0 else 1]);
            if (side == .second) return;
            // After the fork: pages that another process has too would be copied when they are written.
            if (source == .private) self.ring = try mapping.map_private(ring_size, failure);
            mapping.populate(self.ring);
        }

        pub fn max_size(self: *const Self) ?u32 {
            _ = self;
            return size_max;
        }

        /// The pipe is empty, so the whole ring is free.
        pub fn prepare(self: *Self, side: Side, size: u32) Error!void {
            _ = side;
            _ = size;
            self.next = 0;
        }

        /// Where the next message is to be written, if it is not to be copied there by `send`.
        pub fn place(self: *Self, side: Side, size: u32) Error![]u8 {
            _ = side;
            if (size > size_max) return error.System;
            if (self.next + size > ring_size) self.next = 0;
            return self.ring[self.next..][0..size];
        }

        pub fn send(self: *Self, side: Side, bytes: []const u8) Error!void {
            const message = try self.place(side, @intCast(bytes.len));
            if (message.ptr != bytes.ptr) @memcpy(message, bytes);
            var put: usize = 0;
            while (put < message.len) {
                const result = self.put_pages(message[put..], self.next + put);
                if (try stream.succeeded(result)) put += result;
            }
            self.next += std.mem.alignForward(u32, @intCast(bytes.len), mapping.page_size);
        }

        pub fn receive(self: *Self, side: Side, into: []u8) Error!usize {
            _ = side;
            try stream.read_exactly(self.pipe[0], into);
            return into.len;
        }

        fn put_pages(self: *Self, bytes: []const u8, offset: usize) usize {
            const pipe: usize = @intCast(self.pipe[1]);
            switch (source) {
                .private => {
                    const vector: std.posix.iovec_const = .{ .base = bytes.ptr, .len = bytes.len };
                    return linux.syscall4(.vmsplice, pipe, @intFromPtr(&vector), 1, 0);
                },
                .file => {
                    const file: usize = @intCast(self.file);
                    const at: i64 = @intCast(offset);
                    return linux.syscall6(.splice, file, @intFromPtr(&at), pipe, 0, bytes.len, 0);
                },
            }
        }
    };
}
