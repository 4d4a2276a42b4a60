//! The memory that two processes share: a sealed memfd, and this process's mapping of it.

const std = @import("std");
const linux = std.os.linux;
const assert = std.debug.assert;
const wire = @import("../ring/wire.zig");
const system = @import("../os/system.zig");
const mark = @import("../os/mark.zig");
const Arena = @import("../ring/arena.zig").Arena;
const Deadline = @import("../os/time.zig").Deadline;
const Failure = @import("../failure.zig").Failure;
const Subject = @import("../failure.zig").Subject;

const f_add_seals = 1033;
const f_get_seals = 1034;
const seal_seal = 0x1;
const seal_shrink = 0x2;
const seal_grow = 0x4;
const seal_write = 0x8;
const seal_future_write = 0x10;

/// Without these the other side could cut the memory short and have us fault on it.
const seals_required = seal_seal | seal_shrink | seal_grow;
/// With one of these the memory cannot be mapped for writing.
const seals_forbidden = seal_write | seal_future_write;

const mfd_cloexec = 0x1;
const mfd_allow_sealing = 0x2;
const mfd_noexec_seal = 0x8;

pub const read_write: linux.PROT = .{ .READ = true, .WRITE = true };

/// A mapping of ours. Sound: the kernel answered with a page-aligned range of at least `size` bytes that is ours alone to name.
pub fn arena_at(address: usize, size: usize) Arena {
    const pointer: [*]align(wire.line_size) u8 = @ptrFromInt(address);
    return .{ .bytes = pointer[0..size] };
}

pub fn unmap(arena: Arena) void {
    const result = linux.munmap(arena.bytes.ptr, arena.bytes.len);
    assert(linux.errno(result) == .SUCCESS);
}

/// Makes the file of a new arena and returns its descriptor: sized and sealed. `fill` gives it its pages.
pub fn create(capacity: u32, failure: *Failure) error{System}!i32 {
    const fd = try create_file(failure);
    errdefer system.close_fd(fd);
    mark.at(.memory_created);
    const size = wire.memory_size(capacity);
    // Above this limit the kernel does not only refuse: its SIGXFSZ would end the process.
    if (size > file_size_max()) return failure.system(.ftruncate, .FBIG);
    try check(linux.ftruncate(fd, size), .ftruncate, failure);
    try check(linux.fcntl(fd, f_add_seals, seals_required), .fcntl, failure);
    mark.at(.memory_sealed);
    return fd;
}

/// Bytes whose pages come in some 250 us; and in microseconds.
const fill_step = 256 * 1024;
const pages_step = 64 * 1024;

/// Has the pages of an arena there, so that nothing faults later and no message is the first to touch one. `filled`
/// says how many bytes are, from the start. `new_fd`: of an arena that is being made, whose pages are not in the file
/// yet; where there is no memory left, this says so. After `WorkLeft` the same call goes on with it.
pub fn fill(mapping: Arena, new_fd: ?i32, filled: *usize, until: Deadline, failure: *Failure) error{ System, WorkLeft }!void {
    const bytes = mapping.bytes;
    while (filled.* < bytes.len) {
        if (filled.* > 0 and until.passed()) return error.WorkLeft;
        const end = @min(filled.* + fill_step, bytes.len);
        if (new_fd) |fd| try take_pages(fd, filled.*, end, failure);
        try populate(@alignCast(bytes[filled.*..end]), failure);
        filled.* = end;
    }
}

/// In steps: older kernels undo one that a signal interrupts, and with many signals a long one would never end.
fn take_pages(fd: i32, start: usize, end: usize, failure: *Failure) error{System}!void {
    var at = start;
    while (at < end) : (at += pages_step) {
        const arguments = .{ fd, 0, @as(i64, @intCast(at)), @as(i64, @intCast(@min(pages_step, end - at))) };
        try check(system.retry(linux.fallocate, arguments), .fallocate, failure);
    }
}

fn populate(bytes: []align(wire.line_size) u8, failure: *Failure) error{System}!void {
    const madv_populate_write = 23;
    const result = linux.madvise(bytes.ptr, bytes.len, madv_populate_write);
    if (linux.errno(result) != .INVAL) return check(result, .madvise, failure);
    // Before Linux 5.14: who looks at a page has it in the page tables too.
    var at: usize = 0;
    while (at < bytes.len) : (at += std.heap.page_size_min) _ = @as(*const volatile u8, &bytes[at]).*;
}

fn file_size_max() u64 {
    var limit: linux.rlimit = undefined;
    const errno = linux.errno(linux.getrlimit(.FSIZE, &limit));
    return if (errno == .SUCCESS) limit.cur else std.math.maxInt(u64);
}

fn create_file(failure: *Failure) error{System}!i32 {
    const flags = mfd_cloexec | mfd_allow_sealing;
    // Linux 6.3 and later want to hear whether the file may ever be executed; before, the flag is unknown.
    var result = linux.memfd_create("zerocross", flags | mfd_noexec_seal);
    if (linux.errno(result) == .INVAL) result = linux.memfd_create("zerocross", flags);
    try check(result, .memfd_create, failure);
    return @intCast(result);
}

/// Checks, before anything is mapped, that a descriptor from a peer is memory that cannot change under us.
pub fn verify(fd: i32, capacity: u32, failure: *Failure) error{ System, Wire }!void {
    const seals = linux.fcntl(fd, f_get_seals, 0);
    // A file that knows no seals (EINVAL) is not a memfd: it has none.
    const found: u64 = if (linux.errno(seals) == .SUCCESS) seals else 0;
    if (found & seals_required != seals_required or found & seals_forbidden != 0)
        return failure.wire(.seals, found, seals_required);

    const status_flags = linux.fcntl(fd, linux.F.GETFL, 0);
    try check(status_flags, .fcntl, failure);
    const access_mode = status_flags & 0x3;
    const access_read_write = 0x2;
    if (access_mode != access_read_write) return failure.wire(.access_mode, access_mode, access_read_write);

    const size = try file_size(fd, failure);
    if (size != wire.memory_size(capacity)) return failure.wire(.file_size, size, wire.memory_size(capacity));
}

fn file_size(fd: i32, failure: *Failure) error{System}!u64 {
    var stat: linux.Statx = undefined;
    const empty_path = 0x1000;
    try check(linux.statx(fd, "", empty_path, .{ .SIZE = true }, &stat), .fstat, failure);
    return stat.size;
}

/// Maps all of an arena: over `reserve`, a retired mapping, where it fits into that.
pub fn map(fd: i32, capacity: u32, reserve: ?Arena, failure: *Failure) error{System}!Arena {
    const size = wire.memory_size(capacity);
    const over = if (reserve) |range| size <= range.bytes.len else false;
    const address = if (over) reserve.?.bytes.ptr else null;
    const flags: linux.MAP = .{ .TYPE = .SHARED, .FIXED = over };
    const result = linux.mmap(address, size, read_write, flags, fd, 0);
    try check(result, .mmap, failure);
    mark.at(.memory_mapped);
    return arena_at(result, size);
}

/// A child of fork would otherwise have the mapping too, and keep the memory for as long as it lives.
pub fn hide_from_children(mapping: Arena, failure: *Failure) error{System}!void {
    try check(linux.madvise(mapping.bytes.ptr, mapping.bytes.len, linux.MADV.DONTFORK), .madvise, failure);
}

/// Fills in the control block of a new arena. What is published by sending its descriptor.
pub fn initialise(mapping: Arena, version: u32) void {
    const control = mapping.control();
    control.magic = wire.magic;
    control.version = version;
    control.capacity = mapping.capacity();
    control.alignment = wire.alignment;
    @atomicStore(u32, &control.state, @intFromEnum(wire.State.ready), .release); // Pairs with `verify_control`.
    mark.at(.memory_initialised);
}

/// Leaves word that this arena cannot become a channel, for a listener that is about to see its connector leave.
pub fn give_up(mapping: Arena) void {
    @atomicStore(u32, &mapping.control().state, @intFromEnum(wire.State.fatal), .release); // Pairs with `is_given_up`.
}

pub fn is_given_up(mapping: Arena) bool {
    return @atomicLoad(u32, &mapping.control().state, .acquire) == @intFromEnum(wire.State.fatal); // Pairs with `give_up`.
}

/// Checks that the control block of a peer's arena says what its handshake said.
pub fn verify_control(mapping: Arena, version: u32, failure: *Failure) error{Wire}!void {
    const control = mapping.control();
    const state = @atomicLoad(u32, &control.state, .acquire); // Pairs with `initialise`.
    switch (@as(wire.State, @enumFromInt(state))) {
        .ready, .disconnected => {},
        else => return failure.wire(.memory_state, state, @intFromEnum(wire.State.ready)),
    }
    try expect_word(&control.magic, wire.magic, .memory_magic, failure);
    try expect_word(&control.version, version, .memory_version, failure);
    try expect_word(&control.capacity, mapping.capacity(), .memory_capacity, failure);
    try expect_word(&control.alignment, wire.alignment, .memory_alignment, failure);
}

fn expect_word(word: *const u32, expected: u32, subject: Subject, failure: *Failure) error{Wire}!void {
    const found = @atomicLoad(u32, word, .monotonic);
    if (found != expected) return failure.wire(subject, found, expected);
}

pub fn check(result: usize, call: Subject, failure: *Failure) error{System}!void {
    const errno = linux.errno(result);
    if (errno != .SUCCESS) return failure.system(call, errno);
}

const testing = std.testing;

test "an arena that we make passes the checks that a connector of ours makes" {
    var failure: Failure = .{};
    const fd = try create(4096, &failure);
    defer system.close_fd(fd);
    try verify(fd, 4096, &failure);
    const ours = try map(fd, 4096, null, &failure);
    defer unmap(ours);
    initialise(ours, 4);
    const theirs = try map(fd, 4096, null, &failure);
    defer unmap(theirs);
    try verify_control(theirs, 4, &failure);
    ours.ring()[0] = 42;
    try testing.expectEqual(42, theirs.ring()[0]);
}

test "memory beyond the limit of a file's size is refused, and no signal comes" {
    const support = @import("../test_support.zig");
    const child = try support.spawn(create_beyond_limit, .{});
    try testing.expectEqual(0, try support.exit_code(child));
}

fn create_beyond_limit() u8 {
    var limit: linux.rlimit = undefined;
    if (linux.errno(linux.getrlimit(.FSIZE, &limit)) != .SUCCESS) return 1;
    limit.cur = wire.memory_size(4096);
    if (linux.errno(linux.setrlimit(.FSIZE, &limit)) != .SUCCESS) return 2;
    var failure: Failure = .{};
    if (create(8192, &failure)) |_| return 3 else |_| {}
    if (failure.subject != .ftruncate or failure.errno != .FBIG) return 4;
    system.close_fd(create(4096, &failure) catch return 5);
    return 0;
}

test "memory of another size than announced is refused" {
    var failure: Failure = .{};
    const fd = try create(4096, &failure);
    defer system.close_fd(fd);
    try testing.expectError(error.Wire, verify(fd, 8192, &failure));
    try testing.expectEqual(.file_size, failure.subject);
    try testing.expectEqual(768 + 4096, failure.found);
}

test "memory that is not sealed is refused" {
    var failure: Failure = .{};
    const fd: i32 = @intCast(linux.memfd_create("test", mfd_cloexec | mfd_allow_sealing));
    defer system.close_fd(fd);
    _ = linux.ftruncate(fd, wire.memory_size(4096));
    try testing.expectError(error.Wire, verify(fd, 4096, &failure));
    try testing.expectEqual(.seals, failure.subject);
}

test "memory sealed against writing is refused" {
    var failure: Failure = .{};
    const fd: i32 = @intCast(linux.memfd_create("test", mfd_cloexec | mfd_allow_sealing));
    defer system.close_fd(fd);
    _ = linux.ftruncate(fd, wire.memory_size(4096));
    _ = linux.fcntl(fd, f_add_seals, seals_required | seal_write);
    try testing.expectError(error.Wire, verify(fd, 4096, &failure));
    try testing.expectEqual(.seals, failure.subject);
}

test "a pipe is not memory" {
    var failure: Failure = .{};
    var fds: [2]i32 = undefined;
    _ = linux.pipe2(&fds, .{ .CLOEXEC = true });
    defer for (fds) |fd| system.close_fd(fd);
    try testing.expectError(error.Wire, verify(fds[0], 4096, &failure));
    try testing.expectEqual(.seals, failure.subject);
}

test "a descriptor that cannot write is refused" {
    var failure: Failure = .{};
    const fd = try create(4096, &failure);
    defer system.close_fd(fd);
    var path_buffer: [64]u8 = undefined;
    const path = try std.fmt.bufPrintZ(&path_buffer, "/proc/self/fd/{d}", .{fd});
    const read_only: i32 = @intCast(linux.open(path, .{ .ACCMODE = .RDONLY, .CLOEXEC = true }, 0));
    defer system.close_fd(read_only);
    try testing.expectError(error.Wire, verify(read_only, 4096, &failure));
    try testing.expectEqual(.access_mode, failure.subject);
}

test "a control block that disagrees with the handshake is refused" {
    var failure: Failure = .{};
    const fd = try create(4096, &failure);
    defer system.close_fd(fd);
    const mapping = try map(fd, 4096, null, &failure);
    defer unmap(mapping);
    try testing.expectError(error.Wire, verify_control(mapping, 4, &failure));
    try testing.expectEqual(.memory_state, failure.subject);
    initialise(mapping, 4);
    try testing.expectError(error.Wire, verify_control(mapping, 3, &failure));
    try testing.expectEqual(.memory_version, failure.subject);
    mapping.control().capacity = 8192;
    try testing.expectError(error.Wire, verify_control(mapping, 4, &failure));
    try testing.expectEqual(.memory_capacity, failure.subject);
}

test "a child of fork does not have the mapping" {
    var failure: Failure = .{};
    const fd = try create(4096, &failure);
    defer system.close_fd(fd);
    const mapping = try map(fd, 4096, null, &failure);
    defer unmap(mapping);
    try hide_from_children(mapping, &failure);
    const child = linux.fork();
    if (child == 0) {
        // mincore fails with ENOMEM for a page that is not mapped.
        var present: [1]u8 = undefined;
        const result = linux.syscall3(.mincore, @intFromPtr(mapping.bytes.ptr), 1, @intFromPtr(&present));
        linux.exit(if (linux.errno(result) == .NOMEM) 0 else 1);
    }
    var status: u32 = undefined;
    _ = linux.waitpid(@intCast(child), &status, 0);
    try testing.expectEqual(0, status);
}
