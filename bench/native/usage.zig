//! What a process has used, and where it runs.

const std = @import("std");
const linux = std.os.linux;

pub const Usage = extern struct {
    cpu_ns: u64 = 0,
    voluntary: u64 = 0,
    involuntary: u64 = 0,

    pub fn now() Usage {
        var usage: linux.rusage = undefined;
        // Cannot fail: the process asks for itself, and the pointer is to our stack.
        _ = linux.getrusage(linux.rusage.SELF, &usage);
        return .{
            .cpu_ns = to_ns(usage.utime) + to_ns(usage.stime),
            .voluntary = @intCast(usage.nvcsw),
            .involuntary = @intCast(usage.nivcsw),
        };
    }

    pub fn since(self: Usage, earlier: Usage) Usage {
        return .{
            .cpu_ns = self.cpu_ns -| earlier.cpu_ns,
            .voluntary = self.voluntary -| earlier.voluntary,
            .involuntary = self.involuntary -| earlier.involuntary,
        };
    }

    pub fn plus(self: Usage, other: Usage) Usage {
        return .{
            .cpu_ns = self.cpu_ns + other.cpu_ns,
            .voluntary = self.voluntary + other.voluntary,
            .involuntary = self.involuntary + other.involuntary,
        };
    }
};

fn to_ns(time: linux.timeval) u64 {
    return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.usec)) * std.time.ns_per_us;
}

/// One more than the largest core that can be named.
pub const core_limit = @bitSizeOf(linux.cpu_set_t);

/// `process` 0: this one.
pub fn pin(process: i32, core: u32) linux.E {
    var set: linux.cpu_set_t = @splat(0);
    set[core / @bitSizeOf(usize)] = @as(usize, 1) << @intCast(core % @bitSizeOf(usize));
    const id: usize = @intCast(process);
    return linux.errno(linux.syscall3(.sched_setaffinity, id, @sizeOf(linux.cpu_set_t), @intFromPtr(&set)));
}
