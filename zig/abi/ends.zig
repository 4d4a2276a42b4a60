//! The ends that stand behind handles, what calls on them may ask, and what is told of a message.

const wire = @import("../ring/wire.zig");
const handles = @import("handles.zig");
const channel = @import("../channel/channel.zig");
const Rpc = @import("../channel/rpc.zig").Rpc;
const Envelope = @import("../ring/writer.zig").Envelope;
const Endpoint = @import("../rendezvous/endpoint.zig").Endpoint;
const statuses = @import("status.zig");
const code = statuses.code;
const code_of_error = statuses.code_of_error;

/// The numbers that a receive, `zc_endpoint_stats` and `zc_endpoint_failure` write, in this order.
pub const ReceivedField = enum { size, type_id, id_low, id_high };
pub const StatsField = enum { messages, bytes, misses, sleeps, queued };
pub const FailureField = enum { subject, errno, pid, found, expected };
pub const ReceiveInfo = [4]u32;

pub inline fn producer_of(handle: u32) ?*channel.Producer {
    const endpoint = handles.get(handle) orelse return null;
    return switch (endpoint.end) {
        .producer => |*producer| producer,
        else => null,
    };
}

pub inline fn consumer_of(handle: u32) ?*channel.Consumer {
    const endpoint = handles.get(handle) orelse return null;
    return switch (endpoint.end) {
        .consumer => |*consumer| consumer,
        else => null,
    };
}

pub inline fn rpc_of(handle: u32) ?*Rpc {
    const endpoint = handles.get(handle) orelse return null;
    return switch (endpoint.end) {
        .rpc => |*rpc| rpc,
        else => null,
    };
}

pub inline fn may_send(producer: *const channel.Producer, size: u32, type_id: u32) bool {
    return size <= producer.writer.payload_max() and type_id != wire.type_packed and !producer.writer.claim_open;
}

pub fn may_finish(producer: *const channel.Producer, size: u32, type_id: u32) bool {
    return producer.writer.claim_open and size <= producer.writer.claim_size and type_id != wire.type_packed;
}

pub fn sizes_fit(sizes: []align(1) const u32, from_size: u32, size_max: u32) bool {
    var sum: u64 = 0;
    var largest: u32 = 0;
    for (sizes) |size| {
        sum +%= size; // Cannot wrap: there are at most 2^32 sizes, and they have 32 bits.
        largest = @max(largest, size);
    }
    return sum <= from_size and largest <= size_max;
}

/// A channel's messages have the id 0, and no message of an RPC does.
pub inline fn may_call(rpc: *const Rpc, size: u32, message: Envelope) bool {
    return size <= rpc.out.writer.payload_max() and message.type_id != wire.type_packed and message.correlation_id != 0;
}

pub inline fn with_id(type_id: u32, id_low: u32, id_high: u32) Envelope {
    return .{ .type_id = type_id, .correlation_id = @as(u64, id_high) << 32 | id_low };
}

/// `timeout_ms`: null does not wait.
pub inline fn receive(endpoint: *Endpoint, into: []u8, info: *align(1) ReceiveInfo, timeout_ms: ?f64) i32 {
    switch (endpoint.end) {
        .consumer => |*consumer| {
            if (consumer.batch_open) return code(.misuse);
            return receive_at(consumer, consumer, into, info, timeout_ms);
        },
        .rpc => |*rpc| return receive_at(rpc, &rpc.in, into, info, timeout_ms),
        .none, .producer => return code(.handle_closed),
    }
}

/// `consumer`: the end itself, or the part of it that receives.
inline fn receive_at(end: anytype, consumer: *channel.Consumer, into: []u8, info: *align(1) ReceiveInfo, timeout_ms: ?f64) i32 {
    const size: u32 = if (timeout_ms) |ms|
        end.receive(into, ms) catch |err| return not_received(consumer, err, info)
    else
        (end.try_receive(into) catch |err| return not_received(consumer, err, info)) orelse return code(.again);
    const id = consumer.last_correlation_id;
    info.* = .{ size, consumer.last_type_id, @truncate(id), @truncate(id >> 32) };
    return @intCast(size);
}

fn not_received(consumer: *const channel.Consumer, err: (channel.WaitError || error{TooLarge}), info: *align(1) ReceiveInfo) i32 {
    @branchHint(.cold);
    if (err == error.TooLarge) info[0] = @intCast(consumer.failure.found);
    return code_of_error(err);
}

/// In the order of `StatsField`. Null: there are none of such an end.
pub fn counts_of(endpoint: *const Endpoint) ?[5]u64 {
    return switch (endpoint.end) {
        .none, .rpc => null,
        .producer => |*end| .{ end.writer.messages, end.writer.bytes, end.full, end.link.sleeps, end.queued() },
        .consumer => |*end| .{ end.reader.messages, end.reader.bytes, end.empty, end.link.sleeps, end.queued() },
    };
}

/// In the order of `FailureField`.
pub fn failure_of(endpoint: *const Endpoint) [5]f64 {
    const failure = endpoint.failure;
    return .{
        @floatFromInt(@intFromEnum(failure.subject)),
        @floatFromInt(@intFromEnum(failure.errno)),
        @floatFromInt(failure.pid),
        @floatFromInt(failure.found),
        @floatFromInt(failure.expected),
    };
}
