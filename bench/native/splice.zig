//! Pages that are put into a pipe instead of copied: those of private memory (vmsplice) or of a memfd
//! (splice). The receiver's read is the only copy. The sender writes its messages in place, into a ring
//! of pages that comes around only after the pipe has let go of them.

const std = @import("std");
const linux = std.os.linux;
const memory = @import("memory.zig");
const mechanism = @import("mechanism.zig");
const system = @import("system.zig");
const Error = mechanism.Error;
const Failure = mechanism.Failure;

const pipe_size = 1 << 20;
/// A page in the pipe takes one of its places, of which there are `pipe_size / page_size` or fewer. When
/// a message of m pages has been put in, nothing is in the pipe but the last so many pages. The ring is
/// four times as large and takes whole messages, all of one size, from its start on: before a page is
/// written again, at least as many others have been put in as the pipe holds and the message has, for
/// each m up to half of the ring.
const ring_size = 4 * pipe_size;

pub fn Pages(comptime source: enum { private, file }) type {
    return struct {
        const Self = @This();
        pub const forms: mechanism.Forms = .{ .round_trip = false };

        pipe: [2]i32 = .{ -1, -1 },
        file: i32 = -1,
        ring: memory.Mapping = &.{},
        /// Where the next message goes.
        next: u32 = 0,
        size_max: ?u32 = ring_size / 2,

        pub fn open(self: *Self, failure: *Failure) error{Forbidden}!void {
            self.pipe = try system.new_pipe(failure);
            // Where the user's pipes have too many pages already it stays smaller, and is as right.
            _ = linux.fcntl(self.pipe[1], linux.F.SETPIPE_SZ, pipe_size);
            if (source == .private) return;
            self.file = try memory.memfd_file(failure);
            self.ring = try memory.map_new(self.file, ring_size, failure);
        }

        pub fn take_end(self: *Self, end: mechanism.End, failure: *Failure) error{Forbidden}!void {
            if (end == .receiving) return;
            // After the fork: pages that another process has too would be copied when they are written.
            if (source == .private) self.ring = try memory.map_private(ring_size, failure);
            memory.populate(self.ring);
        }

        /// The pipe is empty, so the whole ring is free.
        pub fn prepare(self: *Self, _: mechanism.End, _: mechanism.Form, _: u32, _: *Failure) Error!void {
            self.next = 0;
        }

        pub fn place(self: *Self, size: u32) Error![]u8 {
            if (self.next + size > ring_size) self.next = 0;
            return self.ring[self.next..][0..size];
        }

        /// What has been written into its `place`.
        pub fn send(self: *Self, bytes: []const u8) Error!void {
            var put: usize = 0;
            while (put < bytes.len) put += try self.put_pages(bytes[put..], self.next + put);
            self.next += std.mem.alignForward(u32, @intCast(bytes.len), memory.page_size);
        }

        pub fn receive(self: *Self, into: []u8) Error!usize {
            try system.read_exactly(self.pipe[0], into);
            return into.len;
        }

        fn put_pages(self: *Self, bytes: []const u8, offset: usize) Error!usize {
            const pipe: usize = @intCast(self.pipe[1]);
            if (source == .private) {
                const vector: std.posix.iovec_const = .{ .base = bytes.ptr, .len = bytes.len };
                return system.call(linux.syscall4, .{ .vmsplice, pipe, @intFromPtr(&vector), 1, 0 });
            }
            const at: i64 = @intCast(offset);
            const file: usize = @intCast(self.file);
            return system.call(linux.syscall6, .{ .splice, file, @intFromPtr(&at), pipe, 0, bytes.len, 0 });
        }
    };
}
