//! Handles that several threads open and close, and views of their memory that another thread drops,
//! before the handle is closed or after.

const std = @import("std");
const core = @import("zerocross_core");
const arena = @import("arena.zig");
const report = @import("report.zig");
const handles = core.handles;

const thread_count = 3;
const capacity = 4096;
/// Of the arena: behind all that anybody else writes.
const mark_offset = core.wire.control_size + 100;

pub fn run(random: std.Random, round_ms: f64) void {
    const end: core.time.Deadline = .after_ms(round_ms);
    var openers: [thread_count]Opener = undefined;
    var threads: [thread_count]std.Thread = undefined;
    for (&openers, &threads) |*opener, *thread| {
        opener.* = .{ .end = end, .prng = .init(random.int(u64)) };
        thread.* = std.Thread.spawn(.{}, Opener.run, .{opener}) catch report.fail("no thread", .{});
    }
    for (threads) |thread| thread.join();
    var last: Opener = .{ .end = end, .prng = .init(random.int(u64)) };
    while (garbage.take(0)) |view| last.drop(view);
}

const View = struct {
    name: u32,
    bytes: []const u8,
    /// From before it was handed over, so that it reads as zeros.
    is_closed: bool,
};

/// Views that nobody uses any more, for whichever thread comes by.
const Garbage = struct {
    mutex: core.Mutex = .{},
    views: [16]View = undefined,
    count: usize = 0,

    /// False: there are as many as there is room for.
    fn put(self: *Garbage, view: View) bool {
        self.mutex.lock();
        defer self.mutex.unlock();
        if (self.count == self.views.len) return false;
        self.views[self.count] = view;
        self.count += 1;
        return true;
    }

    fn take(self: *Garbage, choice: usize) ?View {
        self.mutex.lock();
        defer self.mutex.unlock();
        if (self.count == 0) return null;
        const at = choice % self.count;
        const view = self.views[at];
        self.count -= 1;
        self.views[at] = self.views[self.count];
        return view;
    }
};

var garbage: Garbage = .{};

const Opener = struct {
    end: core.time.Deadline,
    prng: std.Random.DefaultPrng,

    fn run(self: *Opener) void {
        while (!self.end.passed()) {
            if (self.prng.random().boolean()) self.open_and_close() else self.open_mapped();
            if (garbage.take(self.prng.random().int(usize))) |view| self.drop(view);
        }
    }

    fn open_and_close(_: *Opener) void {
        const handle = handles.open() orelse report.fail("no handle is left", .{});
        close(handle);
    }

    fn open_mapped(self: *Opener) void {
        const random = self.prng.random();
        const handle = handles.open() orelse report.fail("no handle is left", .{});
        const endpoint = handles.get(handle) orelse report.fail("handle {x} is not open", .{handle});
        // In Deno addresses that were shown are the slot's for good.
        if (endpoint.reserve) |reserve| endpoint.cover = cover(reserve.bytes.len);
        endpoint.mapping = map(endpoint.reserve);
        const bytes = endpoint.mapping.?.bytes;
        bytes[mark_offset] = 7;
        const name = handles.expose_view(handle, random.boolean()) catch report.fail("{t}", .{endpoint.failure.errno});
        report.expect(name != 0, "a view has no name", .{});
        if (random.boolean()) {
            self.discard(.{ .name = name, .bytes = bytes, .is_closed = false });
            close(handle);
        } else {
            close(handle);
            self.discard(.{ .name = name, .bytes = bytes, .is_closed = true });
        }
    }

    fn discard(self: *Opener, view: View) void {
        if (!garbage.put(view)) self.drop(view);
    }

    /// A view can be read up to its last moment: what was shared, or zeros.
    fn drop(_: *Opener, view: View) void {
        const mark = @as(*const volatile u8, &view.bytes[mark_offset]).*;
        report.expect(mark == 0 or (mark == 7 and !view.is_closed), "a view reads {d}", .{mark});
        arena.before_unmap();
        handles.drop_view(view.name);
        report.totals.add(.handles, 1);
    }
};

fn close(handle: u32) void {
    arena.before_unmap();
    report.expect(handles.close(handle), "handle {x} could not be closed", .{handle});
    report.expect(handles.get(handle) == null, "handle {x} is still open", .{handle});
    report.expect(!handles.close(handle), "handle {x} was closed twice", .{handle});
    report.totals.add(.handles, 1);
}

fn cover(size: usize) core.Arena {
    var failure: core.Failure = .{};
    return core.cover.make(size, &failure) catch report.fail("{t}", .{failure.errno});
}

fn map(reserve: ?core.Arena) core.Arena {
    var failure: core.Failure = .{};
    const fd = core.memory.create(capacity, &failure) catch report.fail("{t}", .{failure.errno});
    defer _ = std.os.linux.close(fd);
    const mapping = core.memory.map(fd, capacity, reserve, &failure) catch report.fail("{t}", .{failure.errno});
    arena.after_map();
    return mapping;
}
