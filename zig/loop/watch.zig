//! What is watched, by whichever waiter: one table for all, so that a handle's watches are found by its slot.

const std = @import("std");
const assert = std.debug.assert;
const Target = @import("target.zig").Target;

/// As many as there are slots of handles (`handles.slot_count`).
pub const slots_max = 4096;
/// For each slot one of news or connectors, and one of room.
pub const watch_count = 2 * slots_max;

comptime {
    assert(watch_count <= 1 << 16);
}

pub const Watch = struct {
    handle: u32,
    target: Target,
    /// In the list that it is in.
    place: u16,
    is_reported: bool,
    peer_died: bool,
};

/// Indices of watches, in no order.
pub const WatchList = struct {
    count: u16 = 0,
    items: [watch_count]u16 = @splat(0),

    pub fn add(self: *WatchList, index: u16) void {
        all[index].place = self.count;
        self.items[self.count] = index;
        self.count += 1;
    }

    /// The last one takes its place.
    pub fn remove(self: *WatchList, index: u16) void {
        const place = all[index].place;
        self.count -= 1;
        const last = self.items[self.count];
        self.items[place] = last;
        all[last].place = place;
    }
};

/// Which waiter has the watch: its index and 1, or 0. Set and cleared under that waiter's mutex, and
/// set only by the thread that owns the watch's handle.
pub var holders: [watch_count]u8 = @splat(0);
/// What is here means something only while `holders` says who has it.
pub var all: [watch_count]Watch = undefined;
