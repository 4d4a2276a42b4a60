//! What libFuzzer calls. Zig counts edges in the way that libFuzzer reads, but leaves it to the program
//! to say where the counters are.

const std = @import("std");
const target = @import("target");

const Section = struct {
    /// The linker makes these names for each section that could be a variable's name in C.
    fn bounds(comptime T: type, comptime name: []const u8) []T {
        const start = @extern([*]T, .{ .name = "__start_" ++ name });
        const stop = @extern([*]T, .{ .name = "__stop_" ++ name });
        return start[0 .. stop - start];
    }
};

/// An edge's place in the code, as libFuzzer wants to have it.
const Place = extern struct { pc: usize, flags: usize = 0 };

extern fn __sanitizer_cov_8bit_counters_init(start: [*]u8, stop: [*]u8) void;
extern fn __sanitizer_cov_pcs_init(start: [*]const Place, stop: [*]const Place) void;

export fn LLVMFuzzerInitialize(_: *c_int, _: *[*][*:0]u8) c_int {
    const counters = Section.bounds(u8, "__sancov_cntrs");
    const pcs = Section.bounds(usize, "__sancov_pcs1");
    const places = std.heap.page_allocator.alloc(Place, pcs.len) catch @panic("no memory for the table of edges");
    for (places, pcs) |*place, pc| place.* = .{ .pc = pc };
    __sanitizer_cov_8bit_counters_init(counters.ptr, counters.ptr + counters.len);
    __sanitizer_cov_pcs_init(places.ptr, places.ptr + places.len);
    return 0;
}

export fn LLVMFuzzerTestOneInput(bytes: [*]const u8, size: usize) c_int {
    target.run(bytes[0..size]);
    return 0;
}
