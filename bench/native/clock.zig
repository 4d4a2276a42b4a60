//! The clock of the measurements: the processor's counter where that runs at one rate whatever the
//! core does, CLOCK_MONOTONIC elsewhere.

const std = @import("std");
const builtin = @import("builtin");
const linux = std.os.linux;
const core = @import("zerocross_core");

pub const Source = enum(i32) { CLOCK_MONOTONIC, rdtsc, cntvct };

pub const Clock = struct {
    source: Source,
    start: Pair,

    /// One moment on both clocks.
    const Pair = struct { ticks: u64, ns: u64 };

    pub fn init() Clock {
        const source = find_source();
        return .{ .source = source, .start = read_pair(source) };
    }

    pub inline fn ticks(self: *const Clock) u64 {
        return read(self.source);
    }

    /// Nanoseconds of a tick, from all that passed since `init`.
    pub fn scale(self: *const Clock) f64 {
        if (self.source == .CLOCK_MONOTONIC) return 1;
        const now = read_pair(self.source);
        return to_float(now.ns - self.start.ns) / to_float(now.ticks - self.start.ticks);
    }

    /// What one reading takes, in ticks.
    pub fn cost(self: *const Clock) f64 {
        const readings = 20_000;
        const start = self.ticks();
        for (0..readings) |_| std.mem.doNotOptimizeAway(self.ticks());
        return to_float(self.ticks() - start) / readings;
    }

    fn read_pair(source: Source) Pair {
        // Of some attempts the one that was interrupted least.
        var best: Pair = undefined;
        var shortest: u64 = std.math.maxInt(u64);
        for (0..16) |_| {
            const before = read(source);
            const ns = monotonic_ns();
            const took = read(source) - before;
            if (took >= shortest) continue;
            shortest = took;
            best = .{ .ticks = before + took / 2, .ns = ns };
        }
        return best;
    }
};

inline fn read(source: Source) u64 {
    return if (source == .CLOCK_MONOTONIC) monotonic_ns() else core.cpu.ticks();
}

fn find_source() Source {
    if (builtin.cpu.arch == .aarch64) return .cntvct;
    return if (counter_is_invariant()) .rdtsc else .CLOCK_MONOTONIC;
}

/// Intel's Software Developer's Manual, volume 2, CPUID: bit 8 of EDX of leaf 0x80000007.
fn counter_is_invariant() bool {
    if (cpuid(0x80000000).eax < 0x80000007) return false;
    return cpuid(0x80000007).edx & 1 << 8 != 0;
}

fn cpuid(leaf: u32) struct { eax: u32, edx: u32 } {
    var eax: u32 = undefined;
    var edx: u32 = undefined;
    asm volatile ("cpuid"
        : [eax] "={eax}" (eax),
          [edx] "={edx}" (edx),
        : [leaf] "{eax}" (leaf),
          [subleaf] "{ecx}" (@as(u32, 0)),
        : .{ .ebx = true, .ecx = true });
    return .{ .eax = eax, .edx = edx };
}

/// By way of the vDSO where there is one.
fn monotonic_ns() u64 {
    var ts: linux.timespec = undefined;
    _ = linux.clock_gettime(.MONOTONIC, &ts);
    return @as(u64, @intCast(ts.sec)) * std.time.ns_per_s + @as(u64, @intCast(ts.nsec));
}

fn to_float(value: u64) f64 {
    return @floatFromInt(value);
}
