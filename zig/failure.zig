//! What went wrong on a cold path: enough for TypeScript to write a whole sentence about it.

const std = @import("std");
const linux = std.os.linux;

/// What a failure is about. The numbers cross the seam and are never reused.
pub const Subject = enum(u32) {
    none = 0,

    // System calls, for `error.System`.
    socket = 1,
    bind = 2,
    listen = 3,
    accept = 4,
    connect = 5,
    sendmsg = 6,
    recvmsg = 7,
    getsockopt = 8,
    poll = 9,
    fchmod = 10,
    chmod = 11,
    lstat = 12,
    memfd_create = 14,
    ftruncate = 15,
    fallocate = 16,
    fcntl = 17,
    fstat = 18,
    mmap = 19,
    madvise = 20,
    pidfd_open = 21,
    unlink = 22,
    ioctl = 24,
    open = 25,

    // What was wrong with a handshake or the memory behind it, for `error.Wire`.
    magic = 64,
    version = 65,
    alignment = 66,
    capacity = 67,
    flags = 68,
    shm_size = 69,
    file_size = 70,
    seals = 71,
    descriptors = 72,
    truncated = 73,
    silence = 74,
    access_mode = 75,
    memory_magic = 76,
    memory_version = 77,
    memory_capacity = 78,
    memory_alignment = 79,
    memory_state = 80,
    trailing_bytes = 81,
    role = 82,

    // What stands at the path, for `error.PathRefused`.
    regular_file = 128,
    directory = 129,
    symlink = 130,
    other_file = 131,

    // What was wrong in the ring, for `error.Corrupt`.
    head = 192,
    tail = 193,
    header_size = 194,
    header_reserved = 195,
    header_end = 196,
    skip = 197,
    entry = 198,
    state = 199,
    peer_verdict = 200,
    correlation = 201,
    size_changed = 202,
};

pub const Failure = struct {
    subject: Subject = .none,
    errno: linux.E = .SUCCESS,
    /// The process that is in the way, where it can be known; else 0.
    pid: i32 = 0,
    found: u64 = 0,
    expected: u64 = 0,

    /// Notes a failed system call; returns the error so that a caller can `return failure.system(...)`.
    pub fn system(self: *Failure, call: Subject, errno: linux.E) error{System} {
        self.* = .{ .subject = call, .errno = errno };
        return error.System;
    }

    pub fn wire(self: *Failure, subject: Subject, found: u64, expected: u64) error{Wire} {
        self.* = .{ .subject = subject, .found = found, .expected = expected };
        return error.Wire;
    }

    pub fn corrupt(self: *Failure, subject: Subject, found: u64, expected: u64) error{Corrupt} {
        self.* = .{ .subject = subject, .found = found, .expected = expected };
        return error.Corrupt;
    }
};
