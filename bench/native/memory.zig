//! Memory of one process and of both. Nothing is left of any when both processes are gone.

const std = @import("std");
const linux = std.os.linux;
const Failure = @import("mechanism.zig").Failure;

/// Bytes that processors fetch or take away at once: two lines of 64 on x86-64.
pub const line_size = 128;
pub const page_size = 4096;

pub const Mapping = []align(page_size) u8;

/// How a design gets its memory. Called before the fork, which passes the mapping on, and while signals
/// are held back: a Ctrl-C comes before there is anything to remove, or after that was done.
pub const Map = fn (size: usize, failure: *Failure) error{Forbidden}!Mapping;

const read_write: linux.PROT = .{ .READ = true, .WRITE = true };
const owner_only = 0o600;

pub fn system_v(size: usize, failure: *Failure) error{Forbidden}!Mapping {
    const ipc_private = 0;
    const ipc_rmid = 0;
    const id = try failure.check("shmget", linux.syscall3(.shmget, ipc_private, size, owner_only));
    // Removed at once: it lives on until the last process that has it attached is gone.
    defer _ = linux.syscall3(.shmctl, id, ipc_rmid, 0);
    return mapping_at(try failure.check("shmat", linux.syscall3(.shmat, id, 0, 0)), size);
}

pub fn posix(size: usize, failure: *Failure) error{Forbidden}!Mapping {
    return map_new(try posix_file(failure), size, failure);
}

/// What shm_open makes, but for the name, which would be given up at once: so it cannot be left behind.
pub fn posix_file(failure: *Failure) error{Forbidden}!i32 {
    const nameless: linux.O = .{ .ACCMODE = .RDWR, .TMPFILE = true, .DIRECTORY = true, .CLOEXEC = true };
    return failure.descriptor("a file in /dev/shm", linux.open("/dev/shm", nameless, owner_only));
}

pub fn memfd(size: usize, failure: *Failure) error{Forbidden}!Mapping {
    return map_new(try memfd_file(failure), size, failure);
}

pub fn memfd_file(failure: *Failure) error{Forbidden}!i32 {
    const flags = linux.MFD.CLOEXEC | linux.MFD.ALLOW_SEALING;
    return failure.descriptor("memfd_create", linux.memfd_create("zerocross-bench", flags));
}

/// Maps an empty file after giving it its size. It stays open.
pub fn map_new(fd: i32, size: usize, failure: *Failure) error{Forbidden}!Mapping {
    _ = try failure.check("ftruncate", linux.ftruncate(fd, @intCast(size)));
    const address = linux.mmap(null, size, read_write, .{ .TYPE = .SHARED }, fd, 0);
    return mapping_at(try failure.check("mmap", address), size);
}

/// Memory of this process alone, with its pages present.
pub fn map_private(size: usize, failure: *Failure) error{Forbidden}!Mapping {
    return map_anonymous(.PRIVATE, size, failure);
}

/// One `T` of zeros, with its pages present, which both sides of a later fork see.
pub fn shared(comptime T: type, failure: *Failure) error{Forbidden}!*T {
    // Sound: a new mapping starts on a page, and every `T` here may consist of zeros.
    return @ptrCast(try map_anonymous(.SHARED, @sizeOf(T), failure));
}

fn map_anonymous(kind: linux.MAP_TYPE, size: usize, failure: *Failure) error{Forbidden}!Mapping {
    const address = linux.mmap(null, size, read_write, .{ .TYPE = kind, .ANONYMOUS = true, .POPULATE = true }, -1, 0);
    return mapping_at(try failure.check("mmap", address), size);
}

/// Has the pages present in this process, so that no fault is measured.
pub fn populate(mapping: Mapping) void {
    const madv_populate_write = 23;
    // A kernel before 5.14 does not know it: then the first round through the memory faults.
    _ = linux.madvise(mapping.ptr, mapping.len, madv_populate_write);
}

pub fn unmap(mapping: Mapping) void {
    _ = linux.munmap(mapping.ptr, mapping.len);
}

/// `address` is what a call that maps `size` bytes returned.
pub fn mapping_at(address: usize, size: usize) Mapping {
    const start: [*]align(page_size) u8 = @ptrFromInt(address);
    return start[0..size];
}

/// Has this process's own memory be of that size at least; it keeps nothing when it grows.
pub fn reserve(memory: *Mapping, size: usize, failure: *Failure) error{Forbidden}!void {
    if (size <= memory.len) return;
    release(memory);
    memory.* = try map_private(size, failure);
}

pub fn release(memory: *Mapping) void {
    if (memory.len > 0) unmap(memory.*);
    memory.* = &.{};
}
