//! An arena between pages that nobody may touch: an access outside of it ends the process there and
//! then. The memory is made once and used again for each input.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const wire = core.wire;
const Arena = core.Arena;

const page_size = 4096;
/// Wider than any offset that a 16-bit field can make.
const guard_size = 64 * page_size;

/// The largest capacity that `GuardedArena.open` takes.
pub const capacity_max = 4096;
const room = std.mem.alignForward(usize, wire.memory_size(capacity_max), page_size);

/// What lies around the arena in its own pages.
const slack_byte = 0xA5;

const Pages = *align(page_size) [room]u8;

/// An arena ends where its pages end, or starts where they start: guarded to the byte on that side.
pub const Placement = enum { at_the_end, at_the_start };

pub const GuardedArena = struct {
    mapping: Arena,
    pages: Pages,

    /// One for each way of an RPC.
    var pages_of: [2]?Pages = .{ null, null };

    /// A new arena, as its listener makes it; the one before it at the same place is gone.
    pub fn open(place: u1, capacity: u32, placement: Placement) GuardedArena {
        const pages = pages_of[place] orelse make_pages();
        pages_of[place] = pages;
        @memset(pages, slack_byte);
        const size = wire.memory_size(capacity);
        const start = switch (placement) {
            .at_the_end => room - size,
            .at_the_start => 0,
        };
        // Sound: a page and the size of any arena are multiples of a line.
        const bytes: []align(wire.line_size) u8 = @alignCast(pages[start..][0..size]);
        @memset(bytes, 0);
        const arena: GuardedArena = .{ .mapping = .{ .bytes = bytes }, .pages = pages };
        core.memory.initialise(arena.mapping, 4);
        return arena;
    }

    /// Nothing was written beside the arena in its own pages.
    pub fn check_slack(self: *const GuardedArena) void {
        const start = @intFromPtr(self.mapping.bytes.ptr) - @intFromPtr(self.pages);
        const before = self.pages[0..start];
        const after = self.pages[start + self.mapping.bytes.len ..];
        const is_whole = std.mem.allEqual(u8, before, slack_byte) and std.mem.allEqual(u8, after, slack_byte);
        check(is_whole, "something was written beside the arena", .{});
    }
};

/// Memory of this process that ends at a guard: a caller's buffer of any size up to `size_max`.
pub const Buffer = struct {
    pub const size_max = room;

    var pages: ?Pages = null;

    pub fn open(size: usize) []u8 {
        if (pages == null) pages = make_pages();
        return pages.?[room - size ..];
    }
};

fn make_pages() Pages {
    const none: linux.PROT = .{};
    const reserved: linux.MAP = .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .NORESERVE = true };
    const start = must(linux.mmap(null, 2 * guard_size + room, none, reserved, -1, 0));
    const fd: i32 = @intCast(must(linux.memfd_create("zerocross-fuzz", 0)));
    defer _ = linux.close(fd);
    _ = must(linux.ftruncate(fd, room));
    const read_write: linux.PROT = .{ .READ = true, .WRITE = true };
    const shared: linux.MAP = .{ .TYPE = .SHARED, .FIXED = true };
    // Sound: the address lies in the range that was just reserved, and is a multiple of a page.
    const middle: [*]u8 = @ptrFromInt(start + guard_size);
    return @ptrFromInt(must(linux.mmap(middle, room, read_write, shared, fd, 0)));
}

pub fn must(result: usize) usize {
    const errno = linux.errno(result);
    if (errno != .SUCCESS) std.debug.panic("a system call of the fuzz target failed: {t}", .{errno});
    return result;
}

/// What holds whatever the peer wrote. A fuzzer takes the panic for a crash.
pub fn check(holds: bool, comptime format: []const u8, arguments: anytype) void {
    if (!holds) std.debug.panic(format, arguments);
}
