//! Watching a handle on behalf of an event loop: what stands behind the handle becomes something that
//! a waiter can look at. Called by the thread that owns the handle.

const handles = @import("handles.zig");
const channel = @import("../channel/channel.zig");
const waiters = @import("../loop/waiters.zig");
const WaitContext = @import("../channel/wait.zig").WaitContext;
const Link = @import("../channel/link.zig").Link;
const Endpoint = @import("../rendezvous/endpoint.zig").Endpoint;
const Target = @import("../loop/target.zig").Target;
const Interest = @import("../loop/target.zig").Interest;
const WaiterError = @import("../loop/waiters.zig").WaiterError;

/// True: it is ready already, and not armed.
pub fn watch(waiter: u32, handle: u32, interest: Interest, size: u32) WaiterError!bool {
    const endpoint = handles.get(handle) orelse return error.Closed;
    const target = try target_of(endpoint, interest, size);
    const is_ready = try waiters.arm(waiter, handle, interest, target);
    if (!is_ready) note_sleep(endpoint, interest);
    return is_ready;
}

/// Takes reports back too.
pub fn unwatch(handle: u32) void {
    if (handles.get(handle) != null) waiters.disarm(handle);
}

/// Writes the handles that have reports, each once, and answers how many.
pub fn take(waiter: u32, into: []align(1) u32) WaiterError!u32 {
    return waiters.take_reports(waiter, into, set_orphaned);
}

/// Null: there is nothing to wait for, because the channel is known to be over.
fn target_of(endpoint: *Endpoint, interest: Interest, size: u32) error{ Misuse, Argument }!?Target {
    // The peer may be waiting for what was consumed, and then nothing that we wait for would come.
    if (consumer_of(endpoint)) |consumer| if (!consumer.batch_open) consumer.release();
    switch (interest) {
        .news => {
            const consumer = consumer_of(endpoint) orelse return error.Misuse;
            // Its word says that it never sleeps, and no producer would wake it.
            if (consumer.link.spin_ticks == WaitContext.spin_forever) return error.Misuse;
            const ring = ring_of(endpoint, &consumer.link, consumer.reader.position) orelse return null;
            return .{ .news = ring };
        },
        .room => {
            const producer = producer_of(endpoint) orelse return error.Misuse;
            if (size > producer.writer.payload_max()) return error.Argument;
            const ring = ring_of(endpoint, &producer.link, producer.writer.tail_needed(size)) orelse return null;
            return .{ .room = ring };
        },
        .end => {
            const consumer = consumer_of(endpoint) orelse return error.Misuse;
            const ring = ring_of(endpoint, &consumer.link, 0) orelse return null;
            return .{ .end = ring };
        },
        .connector => {
            const listener = endpoint.listener orelse return error.Misuse;
            return .{ .connector = listener.fd };
        },
    }
}

fn ring_of(endpoint: *const Endpoint, link: *const Link, mark: u64) ?Target.Ring {
    if (link.is_broken or link.is_orphaned) return null;
    const other = switch (endpoint.end) {
        .rpc => |*rpc| if (link == &rpc.in.link) rpc.out.link.control else rpc.in.link.control,
        else => null,
    };
    return .{ .control = link.control, .other = other, .mark = mark, .peer = link.peer };
}

/// The end that the endpoint receives at.
fn consumer_of(endpoint: *Endpoint) ?*channel.Consumer {
    return switch (endpoint.end) {
        .consumer => |*consumer| consumer,
        .rpc => |*rpc| &rpc.in,
        .none, .producer => null,
    };
}

/// The end that the endpoint sends into.
fn producer_of(endpoint: *Endpoint) ?*channel.Producer {
    return switch (endpoint.end) {
        .producer => |*producer| producer,
        .rpc => |*rpc| &rpc.out,
        .none, .consumer => null,
    };
}

/// Counts a wait for which a waiter's thread sleeps.
fn note_sleep(endpoint: *Endpoint, interest: Interest) void {
    switch (interest) {
        .news => consumer_of(endpoint).?.link.sleeps += 1,
        .room => producer_of(endpoint).?.link.sleeps += 1,
        .connector, .end => {},
    }
}

/// Says that the peer was found dead, so that the next call on the handle knows.
fn set_orphaned(handle: u32) void {
    // It is open, since closing it takes its reports back, and this thread owns it.
    const endpoint = handles.get(handle).?;
    if (consumer_of(endpoint)) |consumer| consumer.link.is_orphaned = true;
    if (producer_of(endpoint)) |producer| producer.link.is_orphaned = true;
}
