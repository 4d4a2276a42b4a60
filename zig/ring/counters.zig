//! The two counters of a ring as a side finds them when it opens its end.

const std = @import("std");
const wire = @import("wire.zig");
const Failure = @import("../failure.zig").Failure;

pub const Counters = struct {
    head: u64,
    tail: u64,

    /// Counters stay below this, so that no sum with them overflows; at 100 GB/s a ring gets there in three years.
    const limit: u64 = 1 << 63;

    /// Loads each counter once and checks that a ring of this capacity can be in that state.
    pub fn load(control: *wire.Control, capacity: u32, failure: *Failure) error{Corrupt}!Counters {
        // Acquire: tail pairs with `Reader.release`, head with `Writer.publish`. Tail first, so that a
        // head that grows in between cannot seem to lie behind it.
        const tail = @atomicLoad(u64, &control.tail, .acquire);
        const head = @atomicLoad(u64, &control.head, .acquire);
        if (head % wire.line_size != 0 or head >= limit) return failure.corrupt(.head, head, tail);
        if (tail % wire.line_size != 0 or tail > head or head - tail > capacity) return failure.corrupt(.tail, tail, head);
        return .{ .head = head, .tail = tail };
    }
};
