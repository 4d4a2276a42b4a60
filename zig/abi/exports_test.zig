//! An RPC through the C ABI, and what it has in common with a channel: what calls answer, write and refuse.

const std = @import("std");
const support = @import("../test_support.zig");
const wire = @import("../ring/wire.zig");
const table = @import("handles.zig");
const Subject = @import("../failure.zig").Subject;
const FailureField = @import("ends.zig").FailureField;
const symbols = @import("exports.zig").symbols;
const Status = @import("status.zig").Status;
const expectEqual = std.testing.expectEqual;

fn expect_status(status: Status, answer: i32) !void {
    try expectEqual(@intFromEnum(status), answer);
}

const producer_role = 0;
const consumer_role = 1;
const caller_role = 2;
const callee_role = 3;

/// The callee came to a listener that goes on listening.
const Handles = struct {
    folder: support.Folder,
    listener: u32,
    callee: u32,
    caller: u32,

    fn open() !Handles {
        return open_as(caller_role, callee_role);
    }

    /// Of a channel the producer is the caller here, and the consumer the callee.
    fn open_as(caller: u32, callee: u32) !Handles {
        var self: Handles = .{ .folder = try .make(), .listener = 0, .callee = 0, .caller = 0 };
        const path = self.folder.file("a.sock");
        const size: u32 = @intCast(path.len);
        inline for (.{ &self.listener, &self.callee, &self.caller }) |handle| handle.* = @intCast(symbols.zc_endpoint_open());
        try expect_status(.ok, symbols.zc_endpoint_listen(self.listener, path.ptr, size, 0o600));
        try expect_status(.timeout, symbols.zc_endpoint_accept_from(self.callee, self.listener, 0));
        try expect_status(.ok, symbols.zc_endpoint_connect(self.caller, path.ptr, size, 0, 1));
        try expect_status(.ok, symbols.zc_endpoint_accept_from(self.callee, self.listener, 0));
        try expect_status(.timeout, symbols.zc_endpoint_establish(self.callee, callee, 4, 4096, 0, 0));
        // Nothing can be sent before the other side is there.
        try expect_status(.handle_closed, symbols.zc_rpc_try_send(self.callee, "", 0, 0, 1, 0));
        try expect_status(.handle_closed, symbols.zc_endpoint_capacity(self.callee));
        try expect_status(.ok, symbols.zc_endpoint_establish(self.caller, caller, 4, 4096, 0, 0));
        try expect_status(.ok, symbols.zc_endpoint_establish(self.callee, callee, 4, 4096, 0, 0));
        return self;
    }

    fn close(self: *const Handles) void {
        for ([_]u32{ self.listener, self.callee, self.caller }) |handle| _ = symbols.zc_endpoint_close(handle);
        self.folder.remove();
    }
};

test "a call and its reply go through the C ABI with ids of 64 bits" {
    const handles = try Handles.open();
    defer handles.close();
    var into: [8]u8 = undefined;
    var info: [4]u32 = undefined;
    try expectEqual(0b100, symbols.zc_rpc_peer_abilities(handles.caller));
    try expectEqual(0b011, symbols.zc_rpc_peer_abilities(handles.callee));
    try expect_status(.again, symbols.zc_endpoint_try_receive(handles.callee, &into, 8, &info));

    try expect_status(.ok, symbols.zc_rpc_try_send(handles.caller, "call", 4, 7, 0, 9));
    try expect_status(.too_large, symbols.zc_endpoint_try_receive(handles.callee, &into, 3, &info));
    try expectEqual(4, info[0]);
    try expectEqual(4, symbols.zc_endpoint_try_receive(handles.callee, &into, 8, &info));
    try expectEqual([4]u32{ 4, 7, 0, 9 }, info);
    try expect_status(.ok, symbols.zc_rpc_send(handles.callee, "reply", 5, 8, 0xFFFFFFFF, 8, 0));
    try expect_status(.ok, symbols.zc_rpc_wait(handles.caller, 0, 0));
    try expectEqual(5, symbols.zc_endpoint_receive(handles.caller, &into, 8, &info, 0));
    try expectEqual([4]u32{ 5, 8, 0xFFFFFFFF, 8 }, info);
    try std.testing.expectEqualStrings("reply", into[0..5]);
    try expect_status(.timeout, symbols.zc_endpoint_receive(handles.caller, &into, 8, &info, 0));

    _ = symbols.zc_endpoint_close(handles.caller);
    try expect_status(.peer_closed, symbols.zc_endpoint_try_receive(handles.callee, &into, 8, &info));
}

test "what no message of an RPC may be is refused" {
    const handles = try Handles.open();
    defer handles.close();
    const bytes: [2048]u8 = @splat(0);
    const packed_type = 0xFFFFFFFF;
    for ([_]u32{ handles.caller, handles.callee }) |handle| {
        try expect_status(.argument, symbols.zc_rpc_try_send(handle, &bytes, 1985, 0, 1, 0));
        try expect_status(.argument, symbols.zc_rpc_try_send(handle, &bytes, 0, packed_type, 1, 0));
        try expect_status(.argument, symbols.zc_rpc_try_send(handle, &bytes, 0, 0, 0, 0));
        try expect_status(.argument, symbols.zc_rpc_send(handle, &bytes, 1985, 0, 1, 0, 0));
        try expect_status(.argument, symbols.zc_rpc_send(handle, &bytes, 0, packed_type, 1, 0, 0));
        try expect_status(.argument, symbols.zc_rpc_send(handle, &bytes, 0, 0, 0, 0, 0));
        try expect_status(.argument, symbols.zc_rpc_wait(handle, 1985, 0));
        try expect_status(.ok, symbols.zc_rpc_try_send(handle, &bytes, 1984, 0, 1, 0));
    }
}

test "an RPC's memory is not for JavaScript, and its handle is no channel's" {
    const handles = try Handles.open();
    defer handles.close();
    var numbers: [5]f64 = undefined;
    for ([_]u32{ handles.caller, handles.callee }) |handle| {
        try expectEqual(0, symbols.zc_endpoint_address(handle));
        try expect_status(.misuse, symbols.zc_view_expose(handle, 0));
        try expect_status(.misuse, symbols.zc_endpoint_stats(handle, &numbers));
        try expectEqual(4096, symbols.zc_endpoint_capacity(handle));
        try expect_status(.handle_closed, symbols.zc_producer_flush(handle));
        try expect_status(.handle_closed, symbols.zc_consumer_release(handle));
    }
    try expect_status(.handle_closed, symbols.zc_rpc_wait(handles.listener, 0, 0));
    try expect_status(.handle_closed, symbols.zc_rpc_peer_abilities(handles.listener));
}

test "a role out of nowhere and an RPC of an older version are refused" {
    const handle: u32 = @intCast(symbols.zc_endpoint_open());
    defer _ = symbols.zc_endpoint_close(handle);
    for ([_]u32{ 2, 3 }) |version| {
        try expect_status(.argument, symbols.zc_endpoint_establish(handle, caller_role, version, 4096, 0, 0));
        try expect_status(.misuse, symbols.zc_endpoint_establish(handle, 0, version, 4096, 0, 0));
    }
    try expect_status(.argument, symbols.zc_endpoint_establish(handle, 4, 4, 4096, 0, 0));
    try expect_status(.handle_closed, symbols.zc_endpoint_accept_from(handle, 0, 0));
    try expect_status(.handle_closed, symbols.zc_endpoint_accept_from(0, handle, 0));
}

test "a waiter refuses what cannot be waited for, and a closed one everything" {
    const handles = try Handles.open();
    defer handles.close();
    const waiter: u32 = @intCast(symbols.zc_waiter_open());
    try expect_status(.argument, symbols.zc_waiter_watch(waiter, handles.caller, 4, 0));
    try expect_status(.argument, symbols.zc_waiter_watch(waiter, handles.caller, 1, 1985));
    try expect_status(.misuse, symbols.zc_waiter_watch(waiter, handles.listener, 0, 0));
    try expect_status(.handle_closed, symbols.zc_waiter_watch(waiter, 0, 0, 0));
    try expect_status(.ok, symbols.zc_waiter_watch(waiter, handles.caller, 0, 0));
    try expect_status(.again, symbols.zc_waiter_wait(waiter, 0));

    var ready: [1]u32 = undefined;
    try expect_status(.ok, symbols.zc_waiter_close(waiter));
    try expect_status(.handle_closed, symbols.zc_waiter_close(waiter));
    try expect_status(.handle_closed, symbols.zc_waiter_watch(waiter, handles.caller, 0, 0));
    try expect_status(.handle_closed, symbols.zc_waiter_wait(waiter, 0));
    try expect_status(.handle_closed, symbols.zc_waiter_take(waiter, &ready, 1));
}

fn send(handles: *const Handles, role: u32, bytes: []const u8) !void {
    const size: u32 = @intCast(bytes.len);
    try expect_status(.ok, switch (role) {
        caller_role => symbols.zc_rpc_try_send(handles.caller, bytes.ptr, size, 0, 1, 0),
        else => symbols.zc_producer_try_send(handles.caller, bytes.ptr, size, 0),
    });
}

/// What a peer that breaks the rules makes of a record that it has published.
const Change = enum {
    shrunk,
    grown,
    skipped,
    repacked,

    fn make(self: Change, header: *wire.Header) void {
        switch (self) {
            .shrunk => header.size -= 1,
            .grown => header.size += 1,
            .skipped => header.size = wire.size_skip,
            .repacked => header.type_id = wire.type_packed,
        }
    }
};

test "a message that changes its size once that was told is corruption, at either kind of end" {
    const zeros: [2048]u8 = @splat(0);
    var into: [2048]u8 = undefined;
    var info: [4]u32 = undefined;
    var numbers: [5]f64 = undefined;
    for ([_]u32{ producer_role, caller_role }) |role| for (std.enums.values(Change)) |change| {
        const handles = try Handles.open_as(role, role + 1);
        defer handles.close();
        // The last record ends where the ring does, so that a skip in its place is a lawful one.
        for ([_]u32{ 1984, 1792 }) |size| {
            try send(&handles, role, zeros[0..size]);
            try expectEqual(@as(i32, @intCast(size)), symbols.zc_endpoint_try_receive(handles.callee, &into, into.len, &info));
        }
        try send(&handles, role, zeros[0..100]);
        try expect_status(.too_large, symbols.zc_endpoint_try_receive(handles.callee, &into, 99, &info));
        try expectEqual(100, info[0]);
        const ring = table.get(handles.callee).?.mapping.?.ring();
        change.make(@ptrCast(@alignCast(ring[4096 - 192 ..])));
        for (0..2) |_| {
            try expect_status(.corrupt, symbols.zc_endpoint_try_receive(handles.callee, &into, into.len, &info));
            try expect_status(.ok, symbols.zc_endpoint_failure(handles.callee, &numbers));
            try expectEqual(@intFromEnum(Subject.size_changed), numbers[@intFromEnum(FailureField.subject)]);
            try expectEqual(100, numbers[@intFromEnum(FailureField.expected)]);
        }
        try expect_status(.corrupt, symbols.zc_endpoint_receive(handles.callee, &into, into.len, &info, 0));
    };
}
