//! Three ways to memory that both sides share. Nothing is left of any when both processes are gone.

const std = @import("std");
const linux = std.os.linux;
const Failure = @import("mechanism.zig").Failure;

pub const page_size = 4096;

pub const Mapping = []align(page_size) u8;

/// How a design gets its memory. Called before the fork, which passes the mapping on, and while signals
/// are held back: a Ctrl-C comes before there is anything to remove, or after that was done.
pub const Map = fn (size: usize, failure: *Failure) error{Forbidden}!Mapping;

const ipc_private = 0;
const ipc_rmid = 0;
const owner_only = 0o600;

pub fn system_v(size: usize, failure: *Failure) error{Forbidden}!Mapping {
    const id = try failure.check("shmget", linux.syscall3(.shmget, ipc_private, size, owner_only));
    // Removed at once: it lives on until the last process that has it attached is gone.
    defer _ = linux.syscall3(.shmctl, id, ipc_rmid, 0);
    const address = try failure.check("shmat", linux.syscall3(.shmat, id, 0, 0));
    return mapping_at(address, size);
}

pub fn posix(size: usize, failure: *Failure) error{Forbidden}!Mapping {
    const fd = try posix_file(failure);
    defer _ = linux.close(fd);
    return map_new(fd, size, failure);
}

/// What shm_open makes, but for the name, which would be given up at once: so it cannot be left behind.
pub fn posix_file(failure: *Failure) error{Forbidden}!i32 {
    const nameless: linux.O = .{ .ACCMODE = .RDWR, .TMPFILE = true, .DIRECTORY = true, .CLOEXEC = true };
    return @intCast(try failure.check("a file in /dev/shm", linux.open("/dev/shm", nameless, owner_only)));
}

pub fn memfd(size: usize, failure: *Failure) error{Forbidden}!Mapping {
    const fd = try memfd_file(failure);
    defer _ = linux.close(fd);
    return map_new(fd, size, failure);
}

pub fn memfd_file(failure: *Failure) error{Forbidden}!i32 {
    const flags = linux.MFD.CLOEXEC | linux.MFD.ALLOW_SEALING;
    return @intCast(try failure.check("memfd_create", linux.memfd_create("zerocross-bench", flags)));
}

/// Maps an empty file after giving it its size.
pub fn map_new(fd: i32, size: usize, failure: *Failure) error{Forbidden}!Mapping {
    _ = try failure.check("ftruncate", linux.ftruncate(fd, @intCast(size)));
    const protection: linux.PROT = .{ .READ = true, .WRITE = true };
    const address = linux.mmap(null, size, protection, .{ .TYPE = .SHARED }, fd, 0);
    return mapping_at(try failure.check("mmap", address), size);
}

/// Has the pages present in this process, so that no fault is measured.
pub fn populate(mapping: Mapping) void {
    const madv_populate_write = 23;
    // A kernel before 5.14 does not know it: then the first round through the memory faults.
    _ = linux.madvise(mapping.ptr, mapping.len, madv_populate_write);
}

/// `address` is what a call that maps `size` bytes returned.
pub fn mapping_at(address: usize, size: usize) Mapping {
    const start: [*]align(page_size) u8 = @ptrFromInt(address);
    return start[0..size];
}

/// Memory of this process alone, with its pages present.
pub fn map_private(size: usize, failure: *Failure) error{Forbidden}!Mapping {
    const flags: linux.MAP = .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .POPULATE = true };
    const address = linux.mmap(null, size, .{ .READ = true, .WRITE = true }, flags, -1, 0);
    return mapping_at(try failure.check("mmap", address), size);
}
