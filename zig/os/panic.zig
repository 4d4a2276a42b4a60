//! How the library ends its process when one of its own assertions fails: one line, and SIGABRT. Nothing
//! of std's panics comes with it, which print a stack that a stripped library does not have the names of.

const std = @import("std");
const linux = std.os.linux;

/// For a root to declare as its `panic`.
pub const Panic = std.debug.FullPanic(give_up);

fn give_up(message: []const u8, address: ?usize) noreturn {
    @branchHint(.cold);
    var buffer: [256]u8 = undefined;
    const place = (address orelse @returnAddress()) -% @intFromPtr(&__ehdr_start);
    const line = std.fmt.bufPrint(&buffer, "zerocross: {s} (at 0x{x}). This is a bug in zerocross: please report it.\n", .{ message, place }) catch &buffer;
    _ = linux.write(2, line.ptr, line.len);
    _ = linux.tgkill(linux.getpid(), linux.gettid(), .ABRT);
    // Somebody may have taken the signal over.
    linux.exit_group(134);
}

/// The start of the file as it is mapped, from which a place in the code can be found again.
extern const __ehdr_start: u8;
