//! Processes, shared pages and what is open: the system as the rounds need it.

const std = @import("std");
const linux = std.os.linux;

/// One `T`, which the children of later forks see as this process does. Starts as zeros.
pub fn share(comptime T: type) *T {
    const flags: linux.MAP = .{ .TYPE = .SHARED, .ANONYMOUS = true };
    const result = linux.mmap(null, @sizeOf(T), .{ .READ = true, .WRITE = true }, flags, -1, 0);
    must("mmap of shared memory", result);
    // Sound: the kernel returned a page-aligned range of at least that size.
    return @ptrFromInt(result);
}

/// A child that runs `body` and dies with its parent.
pub fn fork(body: anytype, arguments: std.meta.ArgsTuple(@TypeOf(body))) i32 {
    const parent = linux.getpid();
    const result = linux.fork();
    must("fork", result);
    if (result != 0) return @intCast(result);
    _ = linux.prctl(@intFromEnum(linux.PR.SET_PDEATHSIG), @intFromEnum(linux.SIG.KILL), 0, 0, 0);
    if (linux.getppid() != parent) linux.exit_group(1);
    linux.exit_group(@call(.auto, body, arguments));
}

pub fn must(comptime what: []const u8, result: usize) void {
    const errno = linux.errno(result);
    if (errno != .SUCCESS) std.debug.panic(what ++ " failed: E{t}", .{errno});
}

pub fn sleep_us(duration_us: u64) void {
    const request: linux.timespec = .{
        .sec = @intCast(duration_us / std.time.us_per_s),
        .nsec = @intCast(duration_us % std.time.us_per_s * std.time.ns_per_us),
    };
    _ = linux.nanosleep(&request, null);
}

pub fn yield() void {
    _ = linux.syscall0(.sched_yield);
}

pub fn signal(pid: i32, what: linux.SIG) void {
    _ = linux.kill(pid, what);
}

var is_interrupted: bool = false;

/// From now on Ctrl-C, and what asks for the same, only shows in `was_interrupted`.
pub fn catch_interrupts() void {
    const action: linux.Sigaction = .{ .handler = .{ .handler = note_interrupt }, .mask = linux.sigemptyset(), .flags = 0 };
    for ([_]linux.SIG{ .INT, .TERM, .HUP }) |each| must("sigaction", linux.sigaction(each, &action, null));
}

fn note_interrupt(_: linux.SIG) callconv(.c) void {
    @atomicStore(bool, &is_interrupted, true, .monotonic);
}

pub fn was_interrupted() bool {
    return @atomicLoad(bool, &is_interrupted, .monotonic);
}

/// Removes the files of a folder that holds no folders.
pub fn empty_folder(path: [*:0]const u8) void {
    const opened = linux.open(path, .{ .DIRECTORY = true, .CLOEXEC = true }, 0);
    must("open of a folder", opened);
    const folder: i32 = @intCast(opened);
    defer _ = linux.close(folder);
    var buffer: [8192]u8 align(@alignOf(linux.dirent64)) = undefined;
    while (true) {
        const size = linux.getdents64(folder, &buffer, buffer.len);
        if (linux.errno(size) != .SUCCESS or size == 0) return;
        var at: usize = 0;
        while (at < size) {
            // Sound: the kernel writes whole entries, each at an aligned offset.
            const entry: *linux.dirent64 = @ptrCast(@alignCast(buffer[at..].ptr));
            _ = linux.unlinkat(folder, @ptrCast(&entry.name), 0);
            at += entry.reclen;
        }
    }
}

/// Whether it has ended. It is not reaped, so its pid stays its own.
pub fn has_ended(pid: i32) bool {
    var info: linux.siginfo_t = std.mem.zeroes(linux.siginfo_t);
    const flags = linux.W.EXITED | linux.W.NOWAIT | linux.W.NOHANG;
    while (linux.errno(linux.waitid(.PID, pid, &info, flags, null)) == .INTR) {}
    return @intFromEnum(info.signo) != 0;
}

/// Waits for its end and forgets it. Answers what wait4 says of it.
pub fn reap(pid: i32) u32 {
    var status: u32 = 0;
    while (linux.errno(linux.wait4(pid, &status, 0, null)) == .INTR) {}
    return status;
}

pub fn has_children() bool {
    var status: u32 = 0;
    return linux.errno(linux.wait4(-1, &status, linux.W.NOHANG, null)) != .CHILD;
}

pub fn open_descriptors() u32 {
    var count: u32 = 0;
    var fd: i32 = 0;
    while (fd < 64) : (fd += 1) {
        if (linux.errno(linux.fcntl(fd, linux.F.GETFD, 0)) == .SUCCESS) count += 1;
    }
    return count;
}

/// Mappings of arenas, as the kernel lists them.
pub fn arena_mappings() u32 {
    var buffer: [64 * 1024]u8 = undefined;
    return @intCast(std.mem.count(u8, read_file("/proc/self/maps", &buffer), "memfd:zerocross"));
}

/// How long a process of one thread was ready to run and did not get a core.
pub fn run_delay_ns(pid: i32) u64 {
    var path_buffer: [32]u8 = undefined;
    const path = std.fmt.bufPrintZ(&path_buffer, "/proc/{d}/schedstat", .{pid}) catch unreachable;
    var buffer: [128]u8 = undefined;
    var words = std.mem.tokenizeAny(u8, read_file(path, &buffer), " \n");
    _ = words.next();
    return std.fmt.parseInt(u64, words.next() orelse return 0, 10) catch 0;
}

/// Returns when the process is dead, reaped or not.
pub fn await_death(pid: i32) void {
    const opened = linux.pidfd_open(pid, 0);
    if (linux.errno(opened) == .SRCH) return;
    must("pidfd_open", opened);
    var polled = [1]linux.pollfd{.{ .fd = @intCast(opened), .events = linux.POLL.IN, .revents = 0 }};
    while (linux.poll(&polled, 1, -1) != 1) {}
}

/// Pages of memory that this process has, and of addresses that it has taken.
pub fn resident_pages() u64 {
    return memory_pages(1);
}

pub fn address_space_pages() u64 {
    return memory_pages(0);
}

fn memory_pages(field: usize) u64 {
    var buffer: [128]u8 = undefined;
    var words = std.mem.tokenizeAny(u8, read_file("/proc/self/statm", &buffer), " \n");
    for (0..field) |_| _ = words.next();
    return std.fmt.parseInt(u64, words.next() orelse return 0, 10) catch 0;
}

fn read_file(path: [*:0]const u8, buffer: []u8) []const u8 {
    const opened = linux.open(path, .{ .CLOEXEC = true }, 0);
    if (linux.errno(opened) != .SUCCESS) return "";
    const fd: i32 = @intCast(opened);
    defer _ = linux.close(fd);
    var length: usize = 0;
    while (length < buffer.len) {
        const count = linux.read(fd, buffer[length..].ptr, buffer.len - length);
        if (linux.errno(count) == .INTR) continue;
        if (linux.errno(count) != .SUCCESS or count == 0) break;
        length += count;
    }
    return buffer[0..length];
}
