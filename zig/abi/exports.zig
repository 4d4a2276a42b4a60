//! The C ABI: one list, nothing else. ffi/table.ts is printed from it.
//!
//! Only u32, i32, f64 and buffers cross. A result of 0 and up is the answer, below 0 a `Status`.
//! Buffers of size 0 may be any pointer. All lengths come from the typed arrays themselves.

const std = @import("std");
const wire = @import("../ring/wire.zig");
const handles = @import("handles.zig");
const leaving = @import("../rendezvous/leaving.zig");
const endpoints = @import("../rendezvous/endpoint.zig");
const ends = @import("ends.zig");
const fingerprint_of = @import("fingerprint.zig").fingerprint_of;
const Role = @import("../rendezvous/end.zig").Role;
const Place = @import("../ring/reader.zig").Place;
const waiters = @import("../loop/waiters.zig");
const system = @import("../os/system.zig");
const user = @import("../os/user.zig");
const watching = @import("watching.zig");
const Interest = @import("../loop/target.zig").Interest;
const statuses = @import("status.zig");
const code = statuses.code;
const code_of = statuses.code_of;
const code_of_error = statuses.code_of_error;
const code_of_waiter_error = statuses.code_of_waiter_error;

/// Another number for every other list of symbols. TypeScript refuses a library with another one.
pub const abi: u32 = fingerprint_of(symbols);

pub const symbols = struct {
    pub fn zc_abi() callconv(.c) u32 {
        return abi;
    }

    /// The effective user of this process, which is the one that the kernel shows to peers.
    pub fn zc_process_uid() callconv(.c) u32 {
        return std.os.linux.geteuid();
    }

    /// The number under which every user appears who has none in this user namespace.
    pub fn zc_overflow_uid() callconv(.c) u32 {
        return user.overflow_uid();
    }

    /// Takes a handle, which `zc_endpoint_close` gives back.
    pub fn zc_endpoint_open() callconv(.c) i32 {
        const handle = handles.open() orelse return code(.handles_exhausted);
        return @intCast(handle);
    }

    /// Answers 1 when memory is left for `zc_memory_let_go`; else 0.
    pub fn zc_endpoint_close(handle: u32) callconv(.c) i32 {
        watching.unwatch(handle); // Nobody may look at what is about to be unmapped.
        if (!handles.close(handle)) return code(.handle_closed);
        return @intFromBool(!leaving.is_empty());
    }

    /// Gives memory of what was closed back to the kernel, for about half a millisecond. `again`: there is more.
    pub fn zc_memory_let_go() callconv(.c) i32 {
        const slice_ms = @as(f64, endpoints.slice_us) / std.time.us_per_ms;
        leaving.go_on(.after_ms(slice_ms)) catch return code(.again);
        return code(.ok);
    }

    pub fn zc_endpoint_listen(handle: u32, path: [*]const u8, path_size: u32, mode: u32) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        return code_of(endpoint.listen(path[0..path_size], mode));
    }

    pub fn zc_endpoint_accept(handle: u32, timeout_ms: f64) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        return code_of(endpoint.accept(.after_ms(timeout_ms)));
    }

    /// Accepts a connector of another handle's listener, which goes on listening.
    pub fn zc_endpoint_accept_from(handle: u32, listener: u32, timeout_ms: f64) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        const listening = handles.get(listener) orelse return code(.handle_closed);
        return code_of(endpoint.accept_from(listening, .after_ms(timeout_ms)));
    }

    pub fn zc_endpoint_connect(handle: u32, path: [*]const u8, path_size: u32, timeout_ms: f64, retry: u32) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        return code_of(endpoint.connect(path[0..path_size], .after_ms(timeout_ms), retry != 0));
    }

    pub fn zc_endpoint_refuse(handle: u32) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        endpoint.refuse();
        return code(.ok);
    }

    /// `role`: 0 producer, 1 consumer, 2 caller, 3 callee. A connector ignores version and capacity.
    /// After a timeout nothing is lost: the same call goes on. `again`, which only a call with a timeout of 0 answers,
    /// says that there is something to go on with at once.
    pub fn zc_endpoint_establish(handle: u32, role: u32, version: u32, capacity: u32, spin_us: f64, timeout_ms: f64) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        watching.unwatch(handle); // The listening socket is about to be closed.
        const as = std.enums.fromInt(Role, role) orelse return code(.argument);
        const version_min: u32 = if (as.is_rpc()) wire.version_rpc else wire.version_min;
        if (version < version_min or version > wire.version_max or !wire.capacity_is_offered(capacity)) return code(.argument);
        const offer: endpoints.Offer = .{ .version = version, .capacity = capacity };
        return code_of(endpoint.establish(as, offer, spin_us, .after_ms(timeout_ms)));
    }

    /// Writes pid, uid and gid.
    pub fn zc_endpoint_peer(handle: u32, into: [*]align(1) u32) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        const peer = endpoint.peer() orelse return code(.misuse);
        into[0] = @intCast(peer.pid);
        into[1] = peer.uid;
        into[2] = peer.gid;
        return code(.ok);
    }

    /// Writes the last failure, in the order of `FailureField`.
    pub fn zc_endpoint_failure(handle: u32, into: [*]align(1) f64) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        for (ends.failure_of(endpoint), 0..) |number, index| into[index] = number;
        return code(.ok);
    }

    /// Writes the channel's counts, in the order of `StatsField`.
    pub fn zc_endpoint_stats(handle: u32, into: [*]align(1) f64) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        const counts = ends.counts_of(endpoint) orelse return code(.misuse);
        for (counts, 0..) |count, index| into[index] = @floatFromInt(count);
        return code(.ok);
    }

    /// The bytes of the ring; in an RPC, of the one that this side sends into.
    pub fn zc_endpoint_capacity(handle: u32) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        return @intCast(endpoint.ring_capacity() orelse return code(.handle_closed));
    }

    /// The address of a channel's mapping; 0 when there is none.
    pub fn zc_endpoint_address(handle: u32) callconv(.c) f64 {
        const endpoint = handles.get(handle) orelse return 0;
        const mapping = endpoint.visible_mapping() orelse return 0;
        return @floatFromInt(@intFromPtr(mapping.bytes.ptr));
    }

    /// To be called before an ArrayBuffer is made over the mapping. The answer names it from then on.
    /// `outlives`: 1 when views of that memory may be left after the runtime says that it is gone.
    pub fn zc_view_expose(handle: u32, outlives: u32) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        if (endpoint.visible_mapping() == null) return code(.misuse);
        const view = handles.expose_view(handle, outlives != 0) catch |err| return code_of_error(err);
        return @intCast(view);
    }

    /// To be called before the handle is closed, when views outlive their ArrayBuffer and its storage was transferred.
    pub fn zc_view_abandon(handle: u32) callconv(.c) i32 {
        if (handles.get(handle) == null) return code(.handle_closed);
        handles.abandon_view(handle);
        return code(.ok);
    }

    /// To be called once for each view, when the runtime says that its ArrayBuffer is gone.
    pub fn zc_view_drop(view: u32) callconv(.c) void {
        handles.drop_view(view);
    }

    /// The address of a `void (void *bytes, void *view)` that does what `zc_view_drop` does, for a runtime
    /// that calls a native function when it frees an ArrayBuffer.
    pub fn zc_view_deallocator() callconv(.c) f64 {
        return @floatFromInt(@intFromPtr(&deallocate_view));
    }

    pub fn zc_producer_try_send(handle: u32, from: [*]const u8, size: u32, type_id: u32) callconv(.c) i32 {
        const producer = ends.producer_of(handle) orelse return code(.handle_closed);
        if (!ends.may_send(producer, size, type_id)) return code(.argument);
        const sent = producer.try_send(from, size, .{ .type_id = type_id }) catch |err| return code_of_error(err);
        return code(if (sent) .ok else .again);
    }

    pub fn zc_producer_send(handle: u32, from: [*]const u8, size: u32, type_id: u32, timeout_ms: f64) callconv(.c) i32 {
        const producer = ends.producer_of(handle) orelse return code(.handle_closed);
        if (!ends.may_send(producer, size, type_id)) return code(.argument);
        return code_of(producer.send(from, size, .{ .type_id = type_id }, timeout_ms));
    }

    /// Answers how many of the `count` messages were published.
    pub fn zc_producer_try_send_many(
        handle: u32,
        from: [*]const u8,
        from_size: u32,
        sizes: [*]align(1) const u32,
        count: u32,
        type_id: u32,
    ) callconv(.c) i32 {
        const producer = ends.producer_of(handle) orelse return code(.handle_closed);
        if (producer.writer.claim_open) return code(.misuse);
        if (!ends.sizes_fit(sizes[0..count], from_size, producer.writer.payload_max()) or type_id == wire.type_packed)
            return code(.argument);
        const sent = producer.try_send_many(from[0..from_size], sizes[0..count], type_id) catch |err|
            return code_of_error(err);
        return @intCast(sent);
    }

    /// Answers the payload's offset from the start of the mapping.
    pub fn zc_producer_try_claim(handle: u32, size: u32) callconv(.c) i32 {
        const producer = ends.producer_of(handle) orelse return code(.handle_closed);
        if (!ends.may_send(producer, size, 0)) return code(.argument);
        const offset = producer.try_claim(size) catch |err| return code_of_error(err);
        return if (offset) |at| @intCast(wire.control_size + at) else code(.again);
    }

    pub fn zc_producer_claim(handle: u32, size: u32, timeout_ms: f64) callconv(.c) i32 {
        const producer = ends.producer_of(handle) orelse return code(.handle_closed);
        if (!ends.may_send(producer, size, 0)) return code(.argument);
        const offset = producer.claim(size, timeout_ms) catch |err| return code_of_error(err);
        return @intCast(wire.control_size + offset);
    }

    pub fn zc_producer_commit(handle: u32, size: u32, type_id: u32) callconv(.c) i32 {
        const producer = ends.producer_of(handle) orelse return code(.handle_closed);
        if (!ends.may_finish(producer, size, type_id)) return code(.argument);
        return code_of(producer.commit(size, type_id));
    }

    pub fn zc_producer_stage(handle: u32, size: u32, type_id: u32) callconv(.c) i32 {
        const producer = ends.producer_of(handle) orelse return code(.handle_closed);
        if (!ends.may_finish(producer, size, type_id)) return code(.argument);
        return code_of(producer.stage(size, type_id));
    }

    pub fn zc_producer_rollback(handle: u32) callconv(.c) i32 {
        const producer = ends.producer_of(handle) orelse return code(.handle_closed);
        if (!producer.writer.claim_open) return code(.misuse);
        producer.writer.rollback();
        return code(.ok);
    }

    pub fn zc_producer_flush(handle: u32) callconv(.c) i32 {
        const producer = ends.producer_of(handle) orelse return code(.handle_closed);
        return code_of(producer.flush());
    }

    /// Answers the size of the message that was copied and consumed, at either kind of end that receives.
    /// Writes what there is to say about it, or the size of one that is too large, in the order of
    /// `ReceivedField`. The id is two numbers, here and below: no 64-bit integer crosses.
    pub fn zc_endpoint_try_receive(handle: u32, into: [*]u8, into_size: u32, info: *align(1) ends.ReceiveInfo) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        return ends.receive(endpoint, into[0..into_size], info, null);
    }

    pub fn zc_endpoint_receive(handle: u32, into: [*]u8, into_size: u32, info: *align(1) ends.ReceiveInfo, timeout_ms: f64) callconv(.c) i32 {
        const endpoint = handles.get(handle) orelse return code(.handle_closed);
        return ends.receive(endpoint, into[0..into_size], info, timeout_ms);
    }

    /// Like `zc_endpoint_try_receive` at a consumer; says nothing but the size, which in Deno costs less.
    pub fn zc_consumer_try_receive(handle: u32, into: [*]u8, into_size: u32) callconv(.c) i32 {
        const consumer = ends.consumer_of(handle) orelse return code(.handle_closed);
        if (consumer.batch_open) return code(.misuse);
        const size = consumer.try_receive(into[0..into_size]) catch |err| return code_of_error(err);
        return if (size) |bytes| @intCast(bytes) else code(.again);
    }

    pub fn zc_consumer_receive(handle: u32, into: [*]u8, into_size: u32, timeout_ms: f64) callconv(.c) i32 {
        const consumer = ends.consumer_of(handle) orelse return code(.handle_closed);
        if (consumer.batch_open) return code(.misuse);
        const size = consumer.receive(into[0..into_size], timeout_ms) catch |err| return code_of_error(err);
        return @intCast(size);
    }

    /// The type of the message that was received last.
    pub fn zc_consumer_type_id(handle: u32) callconv(.c) u32 {
        const consumer = ends.consumer_of(handle) orelse return 0;
        return consumer.last_type_id;
    }

    /// Writes up to `count` places (offset from the start of the mapping, size, type) and answers how
    /// many. Their bytes stay until `zc_consumer_release`.
    pub fn zc_consumer_try_drain(handle: u32, places: [*]align(1) Place, count: u32) callconv(.c) i32 {
        const consumer = ends.consumer_of(handle) orelse return code(.handle_closed);
        if (consumer.batch_open) return code(.misuse);
        const drained = consumer.try_drain(places[0..count]) catch |err| return code_of_error(err);
        return if (drained > 0) @intCast(drained) else code(.again);
    }

    pub fn zc_consumer_drain(handle: u32, places: [*]align(1) Place, count: u32, timeout_ms: f64) callconv(.c) i32 {
        const consumer = ends.consumer_of(handle) orelse return code(.handle_closed);
        if (consumer.batch_open) return code(.misuse);
        const drained = consumer.drain(places[0..count], timeout_ms) catch |err| return code_of_error(err);
        return @intCast(drained);
    }

    pub fn zc_consumer_release(handle: u32) callconv(.c) i32 {
        const consumer = ends.consumer_of(handle) orelse return code(.handle_closed);
        consumer.release();
        return code(.ok);
    }

    pub fn zc_rpc_try_send(handle: u32, from: [*]const u8, size: u32, type_id: u32, id_low: u32, id_high: u32) callconv(.c) i32 {
        const rpc = ends.rpc_of(handle) orelse return code(.handle_closed);
        const message = ends.with_id(type_id, id_low, id_high);
        if (!ends.may_call(rpc, size, message)) return code(.argument);
        const sent = rpc.try_send(from, size, message) catch |err| return code_of_error(err);
        return code(if (sent) .ok else .again);
    }

    pub fn zc_rpc_send(
        handle: u32,
        from: [*]const u8,
        size: u32,
        type_id: u32,
        id_low: u32,
        id_high: u32,
        timeout_ms: f64,
    ) callconv(.c) i32 {
        const rpc = ends.rpc_of(handle) orelse return code(.handle_closed);
        const message = ends.with_id(type_id, id_low, id_high);
        if (!ends.may_call(rpc, size, message)) return code(.argument);
        return code_of(rpc.send(from, size, message, timeout_ms));
    }

    /// Waits for something to receive, or for room to send `size` bytes.
    pub fn zc_rpc_wait(handle: u32, size: u32, timeout_ms: f64) callconv(.c) i32 {
        const rpc = ends.rpc_of(handle) orelse return code(.handle_closed);
        if (size > rpc.out.writer.payload_max()) return code(.argument);
        return code_of(rpc.wait(size, timeout_ms));
    }

    /// Whether the peer is still there, whatever it left to be received.
    pub fn zc_rpc_check(handle: u32) callconv(.c) i32 {
        const rpc = ends.rpc_of(handle) orelse return code(.handle_closed);
        return code_of(rpc.check());
    }

    /// Bit 0: the peer takes replies in any order; bit 1: it takes failed replies; bit 2: it marks them.
    pub fn zc_rpc_peer_abilities(handle: u32) callconv(.c) i32 {
        const rpc = ends.rpc_of(handle) orelse return code(.handle_closed);
        return @intCast(rpc.peer_abilities());
    }

    /// Lets others have this thread's core, if they want it.
    pub fn zc_thread_yield() callconv(.c) void {
        _ = std.os.linux.syscall0(.sched_yield);
    }

    /// Keeps this thread off its core for so long (us), or less where a signal comes.
    pub fn zc_thread_sleep(duration: u32) callconv(.c) void {
        system.sleep(@as(u64, duration) * std.time.ns_per_us);
    }

    /// Takes a waiter, which `zc_waiter_close` gives back. While nothing is armed on it, another thread may
    /// come to have it; what is done with the number then answers `handle_closed`.
    pub fn zc_waiter_open() callconv(.c) i32 {
        const waiter = waiters.open_waiter() orelse waiters.reclaim_waiter() orelse return code(.handles_exhausted);
        return @intCast(waiter);
    }

    /// Disarms everything. A thread inside `zc_waiter_wait` returns.
    pub fn zc_waiter_close(waiter: u32) callconv(.c) i32 {
        return code(if (waiters.close_waiter(waiter)) .ok else .handle_closed);
    }

    /// `interest`: 0 news, 1 room for a message of `size` bytes, 2 a connector, 3 the peer's end. Answers
    /// 1 when it is ready already, and then nothing is armed; else 0.
    pub fn zc_waiter_watch(waiter: u32, handle: u32, interest: u32, size: u32) callconv(.c) i32 {
        const what = std.enums.fromInt(Interest, interest) orelse return code(.argument);
        const is_ready = watching.watch(waiter, handle, what, size) catch |err|
            return code_of_waiter_error(err);
        return @intFromBool(is_ready);
    }

    /// Disarms every watch of the handle, and takes back its reports.
    pub fn zc_waiter_unwatch(handle: u32) callconv(.c) i32 {
        if (handles.get(handle) == null) return code(.handle_closed);
        watching.unwatch(handle);
        return code(.ok);
    }

    /// Sleeps until there is a new report, and answers how many there are; `again` when the time is up or
    /// nothing is watched any more. For an event loop another thread calls it than the one that watches,
    /// for `FanIn.receiveSync` the same.
    pub fn zc_waiter_wait(waiter: u32, timeout_ms: f64) callconv(.c) i32 {
        const reports = waiters.wait_for_reports(waiter, timeout_ms) catch |err| return code_of_waiter_error(err);
        return if (reports > 0) @intCast(reports) else code(.again);
    }

    /// Writes up to `count` handles that became ready and answers how many.
    pub fn zc_waiter_take(waiter: u32, into: [*]align(1) u32, count: u32) callconv(.c) i32 {
        const taken = watching.take(waiter, into[0..count]) catch |err| return code_of_waiter_error(err);
        return @intCast(taken);
    }
};

comptime {
    for (@typeInfo(symbols).@"struct".decls) |declaration| {
        @export(&@field(symbols, declaration.name), .{ .name = declaration.name });
    }
}

fn deallocate_view(bytes: ?*anyopaque, view: ?*anyopaque) callconv(.c) void {
    _ = bytes;
    handles.drop_view(@truncate(@intFromPtr(view)));
}
