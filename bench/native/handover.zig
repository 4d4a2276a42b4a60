//! A large piece of data for the other side, which reads all of it: it answers with the sum of its
//! words. A handover mechanism has `open`, `take_side` and `close` as every mechanism does, and
//!
//!     pub const is_handover = true
//!     /// Both sides, not timed: makes the memory, and in the first side what is to be handed over.
//!     /// Returns there when the second side is ready.
//!     pub fn fill(self: *Self, side: Side, size: u64, repetition: u32) HandoverError!void
//!     /// Both sides, timed in the first: returns there when the right answer has come.
//!     pub fn hand_over(self: *Self, side: Side) HandoverError!void
//!     /// Both sides, not timed: gives the memory back.
//!     pub fn release(self: *Self, side: Side) void

const std = @import("std");
const linux = std.os.linux;
const futex = @import("futex.zig");
const mapping = @import("shared_mapping.zig");
const mechanism = @import("mechanism.zig");
const stream = @import("stream.zig");
const Conversation = @import("conversation.zig").Conversation;
const Mapping = mapping.Mapping;
const Side = mechanism.Side;
const Failure = mechanism.Failure;

pub const HandoverError = mechanism.Error || error{WrongSum};

const neither: mechanism.Forms = .{ .round_trip = false, .one_way = false };

/// A memfd of its own for each piece, sealed so that nobody can change it any more, and passed over a
/// Unix socket. Nothing is copied.
pub const Memfd = struct {
    pub const is_handover = true;
    pub const forms = neither;

    const seals = linux.F.SEAL_SEAL | linux.F.SEAL_SHRINK | linux.F.SEAL_GROW | linux.F.SEAL_WRITE;

    conversation: Conversation = .{},
    file: i32 = -1,
    data: Mapping = &.{},
    sum: u64 = 0,

    pub fn open(self: *Memfd, failure: *Failure) error{Forbidden}!void {
        try self.conversation.open(failure);
    }

    pub fn take_side(self: *Memfd, side: Side, failure: *Failure) error{Forbidden}!void {
        _ = failure;
        self.conversation.take_side(side);
    }

    pub fn fill(self: *Memfd, side: Side, size: u64, repetition: u32) HandoverError!void {
        if (side == .second) return self.conversation.say_ready();
        try self.conversation.await_ready();
        var failure: Failure = .{};
        self.file = mapping.memfd_file(&failure) catch return error.System;
        self.data = mapping.map_new(self.file, size, &failure) catch return error.System;
        self.sum = fill_words(self.data, repetition);
    }

    pub fn hand_over(self: *Memfd, side: Side) HandoverError!void {
        if (side == .second) return self.take();
        // A file that is mapped for writing cannot be sealed against it.
        self.unmap();
        const sealed = linux.fcntl(self.file, linux.F.ADD_SEALS, seals);
        if (linux.errno(sealed) != .SUCCESS) return error.System;
        try self.conversation.send_file(self.file);
        try self.conversation.await_sum(self.sum);
    }

    fn take(self: *Memfd) HandoverError!void {
        self.file = try self.conversation.receive_file();
        const f_get_seals = 1034;
        // Unsealed, the sender could cut it short under the reader's feet.
        if (linux.fcntl(self.file, f_get_seals, 0) != seals) return error.System;
        var status: linux.Statx = undefined;
        const empty_path = 0x1000;
        const asked = linux.statx(self.file, "", empty_path, .{ .SIZE = true }, &status);
        if (linux.errno(asked) != .SUCCESS) return error.System;
        const flags: linux.MAP = .{ .TYPE = .SHARED, .POPULATE = true };
        const address = linux.mmap(null, status.size, .{ .READ = true }, flags, self.file, 0);
        if (linux.errno(address) != .SUCCESS) return error.System;
        self.data = mapping.mapping_at(address, status.size);
        try self.conversation.answer(sum_words(self.data));
    }

    pub fn release(self: *Memfd, side: Side) void {
        if (side == .second) self.unmap();
        stream.close(self.file);
    }

    fn unmap(self: *Memfd) void {
        _ = linux.munmap(self.data.ptr, self.data.len);
    }
};

/// Through a pipe: copied into it and out of it.
pub const Pipe = struct {
    pub const is_handover = true;
    pub const forms = neither;

    conversation: Conversation = .{},
    pipe: [2]i32 = .{ -1, -1 },
    data: Mapping = &.{},
    sum: u64 = 0,

    pub fn open(self: *Pipe, failure: *Failure) error{Forbidden}!void {
        try self.conversation.open(failure);
        _ = try failure.check("pipe2", linux.pipe2(&self.pipe, .{ .CLOEXEC = true }));
        // Where the user's pipes have too many pages already it stays smaller.
        _ = linux.fcntl(self.pipe[1], linux.F.SETPIPE_SZ, 1 << 20);
    }

    pub fn take_side(self: *Pipe, side: Side, failure: *Failure) error{Forbidden}!void {
        _ = failure;
        self.conversation.take_side(side);
        stream.close(self.pipe[if (side == .first) 0 else 1]);
    }

    pub fn fill(self: *Pipe, side: Side, size: u64, repetition: u32) HandoverError!void {
        if (side == .first) try self.conversation.await_ready();
        var failure: Failure = .{};
        self.data = mapping.map_private(size, &failure) catch return error.System;
        if (side == .second) return self.conversation.say_ready();
        self.sum = fill_words(self.data, repetition);
    }

    pub fn hand_over(self: *Pipe, side: Side) HandoverError!void {
        switch (side) {
            .first => {
                try stream.write_all(self.pipe[1], self.data);
                try self.conversation.await_sum(self.sum);
            },
            .second => {
                try stream.read_exactly(self.pipe[0], self.data);
                try self.conversation.answer(sum_words(self.data));
            },
        }
    }

    pub fn release(self: *Pipe, side: Side) void {
        _ = side;
        _ = linux.munmap(self.data.ptr, self.data.len);
    }
};

/// Copied into POSIX shared memory that both sides have mapped, and read there.
pub const Shared = struct {
    pub const is_handover = true;
    pub const forms = neither;

    conversation: Conversation = .{},
    file: i32 = -1,
    is_full: ?*u32 = null,
    shared: Mapping = &.{},
    data: Mapping = &.{},
    sum: u64 = 0,

    pub fn open(self: *Shared, failure: *Failure) error{Forbidden}!void {
        try self.conversation.open(failure);
        self.is_full = @ptrCast((try mapping.memfd(mapping.page_size, failure)).ptr);
        self.file = try mapping.posix_file(failure);
    }

    pub fn take_side(self: *Shared, side: Side, failure: *Failure) error{Forbidden}!void {
        _ = failure;
        self.conversation.take_side(side);
    }

    /// The second side gives the memory its size before it says that it is ready.
    pub fn fill(self: *Shared, side: Side, size: u64, repetition: u32) HandoverError!void {
        if (side == .first) try self.conversation.await_ready();
        var failure: Failure = .{};
        self.shared = mapping.map_new(self.file, size, &failure) catch return error.System;
        mapping.populate(self.shared);
        if (side == .second) return self.conversation.say_ready();
        self.data = mapping.map_private(size, &failure) catch return error.System;
        self.sum = fill_words(self.data, repetition);
    }

    pub fn hand_over(self: *Shared, side: Side) HandoverError!void {
        const is_full = self.is_full.?;
        switch (side) {
            .first => {
                @memcpy(self.shared, self.data);
                // Release: publishes the data to the load below.
                @atomicStore(u32, is_full, 1, .release);
                try futex.wake(is_full);
                try self.conversation.await_sum(self.sum);
            },
            .second => {
                // Acquire: pairs with the store above.
                while (@atomicLoad(u32, is_full, .acquire) == 0) try futex.wait(is_full, 0);
                const sum = sum_words(self.shared);
                // Relaxed: the first side sets it again only after the answer.
                @atomicStore(u32, is_full, 0, .monotonic);
                try self.conversation.answer(sum);
            },
        }
    }

    pub fn release(self: *Shared, side: Side) void {
        _ = linux.munmap(self.shared.ptr, self.shared.len);
        switch (side) {
            .first => _ = linux.munmap(self.data.ptr, self.data.len),
            // Gives the pages back.
            .second => _ = linux.ftruncate(self.file, 0),
        }
    }
};

/// Different for each repetition. Returns the sum that the other side has to come to.
fn fill_words(data: Mapping, repetition: u32) u64 {
    for (std.mem.bytesAsSlice(u64, data[0 .. data.len / 8 * 8]), 0..) |*word, index| {
        word.* = (index +% repetition) *% 0x9e37_79b9_7f4a_7c15;
    }
    @memset(data[data.len / 8 * 8 ..], @truncate(repetition));
    return sum_words(data);
}

fn sum_words(data: Mapping) u64 {
    var sum: u64 = 0;
    for (std.mem.bytesAsSlice(u64, data[0 .. data.len / 8 * 8])) |word| sum +%= word;
    for (data[data.len / 8 * 8 ..]) |byte| sum +%= byte;
    return sum;
}
