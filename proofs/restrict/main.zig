//! `restrict [options] -- COMMAND [ARGUMENT]...`: runs a program on a system that lacks something.

const std = @import("std");
const linux = std.os.linux;
const Filter = @import("filter.zig").Filter;

const help =
    \\usage: restrict [options] -- COMMAND [ARGUMENT]...
    \\
    \\Runs COMMAND, which is a path, on a system that lacks something.
    \\
    \\  --deny CALL=ERRNO     a system call that fails, such as pidfd_open=ENOSYS. CALL may also be
    \\                        SO_PEERPIDFD (getsockopt with it) or MFD_NOEXEC_SEAL (memfd_create with it)
    \\  --tmpfs PATH=OPTIONS  an empty file system at PATH, such as /tmp/full=nr_inodes=1 (root only)
    \\  --read-only PATH      the folder PATH, read-only (root only)
    \\  --help                this text
    \\
    \\An option may be given more than once. Only COMMAND sees what is mounted.
    \\
;

pub fn main(init: std.process.Init.Minimal) void {
    var arguments: Arguments = .{ .rest = init.args.vector[1..] };
    var filter: Filter = .init();
    var has_own_mounts = false;
    while (arguments.option()) |option| {
        if (is(option, "--help")) {
            print(1, help, .{});
            linux.exit(0);
        }
        if (is(option, "--deny")) {
            deny(&filter, arguments.value(option));
            continue;
        }
        if (!has_own_mounts) unshare_mounts();
        has_own_mounts = true;
        if (is(option, "--tmpfs")) {
            const path, const options = split(option, arguments.value(option));
            mount_tmpfs(path, options);
        } else if (is(option, "--read-only")) {
            mount_read_only(arguments.value(option));
        } else {
            refuse("there is no option {s}", .{option});
        }
    }
    if (arguments.rest.len == 0) refuse("there is no command; expected one after --", .{});
    must(filter.install(), "seccomp", "a filter");
    // Sound: what is left of the arguments ends as all of them do, with a null.
    const rest: [*:null]const ?[*:0]const u8 = @ptrCast(arguments.rest.ptr);
    must(linux.execve(arguments.rest[0], rest, init.environ.block.slice.ptr), "execve", std.mem.span(arguments.rest[0]));
}

const Arguments = struct {
    rest: []const [*:0]const u8,

    /// Null: what is left is the command.
    fn option(self: *Arguments) ?[:0]const u8 {
        if (self.rest.len == 0) return null;
        const text = std.mem.span(self.rest[0]);
        if (!std.mem.startsWith(u8, text, "--")) refuse("{s} is no option; a command comes after --", .{text});
        self.rest = self.rest[1..];
        return if (is(text, "--")) null else text;
    }

    fn value(self: *Arguments, name: []const u8) [:0]const u8 {
        if (self.rest.len == 0) refuse("{s} has no value", .{name});
        defer self.rest = self.rest[1..];
        return std.mem.span(self.rest[0]);
    }
};

fn is(text: []const u8, name: []const u8) bool {
    return std.mem.eql(u8, text, name);
}

/// What stands before and behind the first equals sign.
fn split(option: []const u8, value: [:0]const u8) struct { []const u8, [:0]const u8 } {
    const at = std.mem.indexOfScalar(u8, value, '=') orelse
        refuse("{s} {s} has no equals sign; see --help", .{ option, value });
    return .{ value[0..at], value[at + 1 ..] };
}

fn deny(filter: *Filter, value: [:0]const u8) void {
    const call, const errno_name = split("--deny", value);
    if (!std.mem.startsWith(u8, errno_name, "E")) refuse("{s} is no errno", .{errno_name});
    const errno = std.meta.stringToEnum(linux.E, errno_name[1..]) orelse refuse("{s} is no errno", .{errno_name});
    filter.deny(call, errno) catch |err| switch (err) {
        error.NoSuchCall => refuse("there is no system call {s} on this processor", .{call}),
        error.TooMany => refuse("a filter has room for no more than {d} calls", .{Filter.denials_max}),
    };
}

/// What is mounted from here on is seen by this process and the one that it becomes.
fn unshare_mounts() void {
    must(linux.unshare(linux.CLONE.NEWNS), "unshare", "the mounts, which only root may");
    must(linux.mount(null, "/", null, linux.MS.REC | linux.MS.PRIVATE, 0), "mount", "/ as private");
}

fn mount_tmpfs(path: []const u8, options: [:0]const u8) void {
    const at = terminated(path);
    must(linux.mount("none", &at, "tmpfs", 0, @intFromPtr(options.ptr)), "mount", path);
}

fn mount_read_only(path: [:0]const u8) void {
    must(linux.mount(path, path, null, linux.MS.BIND, 0), "mount", path);
    const flags = linux.MS.BIND | linux.MS.REMOUNT | linux.MS.RDONLY;
    must(linux.mount(null, path, null, flags, 0), "mount", path);
}

fn terminated(path: []const u8) [linux.PATH_MAX:0]u8 {
    if (path.len >= linux.PATH_MAX) refuse("{s} is too long for a path", .{path});
    var buffer: [linux.PATH_MAX:0]u8 = @splat(0);
    @memcpy(buffer[0..path.len], path);
    return buffer;
}

fn must(result: usize, call: []const u8, what: []const u8) void {
    const errno = linux.errno(result);
    if (errno == .SUCCESS) return;
    print(2, "restrict: {s} ({s}) failed with E{t}\n", .{ call, what, errno });
    linux.exit(126);
}

/// For what the caller of this program can put right.
fn refuse(comptime format: []const u8, values: anytype) noreturn {
    print(2, "restrict: " ++ format ++ "\n", values);
    linux.exit(2);
}

fn print(fd: i32, comptime format: []const u8, values: anytype) void {
    var buffer: [4096]u8 = undefined;
    const text = std.fmt.bufPrint(&buffer, format, values) catch buffer[0..];
    _ = linux.write(fd, text.ptr, text.len);
}
