//! Memory that is there before it is needed: no page of it faults while time is taken.

const std = @import("std");
const linux = std.os.linux;
const Failure = @import("mechanism.zig").Failure;

const read_write: linux.PROT = .{ .READ = true, .WRITE = true };

/// One `T` of zeros, which both sides of a later fork see.
pub fn shared(comptime T: type, failure: *Failure) error{Forbidden}!*T {
    const flags: linux.MAP = .{ .TYPE = .SHARED, .ANONYMOUS = true, .POPULATE = true };
    const result = linux.mmap(null, @sizeOf(T), read_write, flags, -1, 0);
    // Sound: a new mapping starts on a page, and every `T` here may consist of zeros.
    return @ptrFromInt(try failure.check("mmap of shared memory", result));
}

/// This process's own memory, which grows as it is asked for and keeps nothing when it does.
pub const Buffer = struct {
    bytes: []align(std.heap.page_size_min) u8 = &.{},

    pub fn reserve(self: *Buffer, size: usize) error{OutOfMemory}!void {
        if (size <= self.bytes.len) return;
        if (self.bytes.len > 0) _ = linux.munmap(self.bytes.ptr, self.bytes.len);
        self.bytes = &.{};
        const flags: linux.MAP = .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .POPULATE = true };
        const result = linux.mmap(null, size, read_write, flags, -1, 0);
        if (linux.errno(result) != .SUCCESS) return error.OutOfMemory;
        const pointer: [*]align(std.heap.page_size_min) u8 = @ptrFromInt(result);
        self.bytes = pointer[0..size];
    }
};
