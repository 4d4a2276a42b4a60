//! Linked into what is measured: when it is loaded, puts a breakpoint on every line of the core that no
//! process has come to yet, and notes which are come to. The notes are in a file that every process
//! maps, so they add up, and stay when a process is killed.
//!
//! A breakpoint is taken away when it is met, so that each costs one signal and the code behind it runs
//! as it would otherwise. For x86-64.

const std = @import("std");
const linux = std.os.linux;

const int3 = 0xCC;

/// What `lines.zig` writes: how many, then where they are from the start of the image, ascending, then a
/// byte for each that says whether it was met.
const Header = extern struct { count: u32 };

var image: [*]u8 = undefined;
var offsets: []const u32 = &.{};
var met: [*]u8 = undefined;
/// The bytes that breakpoints stand in place of.
var originals: [*]u8 = undefined;
var action_before: linux.Sigaction = undefined;

export const coverage_start linksection(".init_array") = &start;

/// Where anything is refused, in a sandbox for one, the process runs without breakpoints.
fn start() callconv(.c) void {
    const map = open_map() orelse return;
    offsets = map.offsets;
    met = map.met;
    image = @extern([*]u8, .{ .name = "__ehdr_start", .visibility = .hidden });
    originals = map_memory(offsets.len, -1, .{ .TYPE = .PRIVATE, .ANONYMOUS = true }) orelse return;
    if (!allow_writing()) return;
    const action: linux.Sigaction = .{
        .handler = .{ .sigaction = on_trap },
        .mask = linux.sigemptyset(),
        .flags = linux.SA.SIGINFO | linux.SA.RESTART | linux.SA.ONSTACK,
    };
    if (linux.errno(linux.sigaction(.TRAP, &action, &action_before)) != .SUCCESS) return;
    for (offsets, 0..) |offset, index| {
        originals[index] = image[offset];
        if (@atomicLoad(u8, &met[index], .monotonic) == 0) image[offset] = int3;
    }
}

fn open_map() ?struct { offsets: []const u32, met: [*]u8 } {
    const opened = linux.open(@import("options").map ++ "", .{ .ACCMODE = .RDWR, .CLOEXEC = true }, 0);
    if (linux.errno(opened) != .SUCCESS) return null;
    const fd: i32 = @intCast(opened);
    defer _ = linux.close(fd);
    var header: Header = undefined;
    if (linux.read(fd, std.mem.asBytes(&header), @sizeOf(Header)) != @sizeOf(Header)) return null;
    const size = @sizeOf(Header) + header.count * (@sizeOf(u32) + 1);
    const bytes = map_memory(size, fd, .{ .TYPE = .SHARED }) orelse return null;
    const first: [*]const u32 = @ptrCast(@alignCast(bytes + @sizeOf(Header)));
    return .{ .offsets = first[0..header.count], .met = bytes + @sizeOf(Header) + header.count * @sizeOf(u32) };
}

fn map_memory(size: usize, fd: i32, flags: linux.MAP) ?[*]align(std.heap.page_size_min) u8 {
    const result = linux.mmap(null, size, .{ .READ = true, .WRITE = true }, flags, fd, 0);
    if (linux.errno(result) != .SUCCESS) return null;
    return @ptrFromInt(result);
}

/// For good: breakpoints are taken away while other threads run.
fn allow_writing() bool {
    const page = std.heap.page_size_min;
    const start_at = std.mem.alignBackward(usize, @intFromPtr(image + offsets[0]), page);
    const end = std.mem.alignForward(usize, @intFromPtr(image + offsets[offsets.len - 1]) + 1, page);
    const access: linux.PROT = .{ .READ = true, .WRITE = true, .EXEC = true };
    return linux.errno(linux.mprotect(@ptrFromInt(start_at), end - start_at, access)) == .SUCCESS;
}

/// Of the instruction pointer in the kernel's ucontext: 40 bytes, then the registers, of which it is the 17th.
const rip_offset = 40 + 16 * 8;

fn on_trap(_: linux.SIG, _: *const linux.siginfo_t, context: ?*anyopaque) callconv(.c) void {
    const rip: *usize = @ptrFromInt(@intFromPtr(context.?) + rip_offset);
    const address = rip.* - 1;
    rip.* = address;
    const index = index_of(address) orelse {
        // Somebody else's breakpoint: it is met once more, by whoever was there for it before.
        _ = linux.sigaction(.TRAP, &action_before, null);
        return;
    };
    @atomicStore(u8, &met[index], 1, .monotonic);
    // Another thread may have done so in between.
    @atomicStore(u8, &image[offsets[index]], originals[index], .monotonic);
}

fn index_of(address: usize) ?usize {
    const offset = std.math.cast(u32, address -% @intFromPtr(image)) orelse return null;
    return std.sort.binarySearch(u32, offsets, offset, struct {
        fn order(wanted: u32, found: u32) std.math.Order {
            return std.math.order(wanted, found);
        }
    }.order);
}
