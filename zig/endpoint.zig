//! What stands behind a handle: a rendezvous under way, then one end of a channel.
//!
//! The rendezvous is cut into steps, because between two of them TypeScript asks the user whether
//! the peer is welcome: listen, accept, (refuse, accept ...), establish; or connect, establish.

const std = @import("std");
const assert = std.debug.assert;
const wire = @import("wire.zig");
const memory = @import("memory.zig");
const Mapping = memory.Mapping;
const rendezvous = @import("rendezvous.zig");
const handshake = @import("handshake.zig");
const system = @import("system.zig");
const Peer = @import("peer.zig").Peer;
const Failure = @import("failure.zig").Failure;
const Deadline = @import("time.zig").Deadline;
const channel = @import("channel.zig");
const status = @import("status.zig");

pub const Role = enum(u32) { producer = 0, consumer = 1 };

/// What a listener decides about the memory that it makes.
pub const Offer = struct { version: u32, capacity: u32 };

pub const Endpoint = struct {
    failure: Failure = .{},
    listener: ?rendezvous.Listener = null,
    connection: ?rendezvous.Connection = null,
    mapping: ?Mapping = null,
    /// Addresses that the mapping is put at if it fits: they are this endpoint's, and not given back.
    reserve: ?Mapping = null,
    end: End = .none,

    pub const End = union(enum) {
        none,
        producer: channel.Producer,
        consumer: channel.Consumer,
    };

    pub fn listen(self: *Endpoint, path: []const u8, mode: u32) status.Error!void {
        if (self.is_busy()) return error.Misuse;
        const address = try rendezvous.Address.parse(path);
        self.listener = try rendezvous.Listener.open(&address, @intCast(mode & 0o777), &self.failure);
    }

    pub fn accept(self: *Endpoint, deadline: Deadline) status.Error!void {
        if (self.connection != null) return error.Misuse;
        const listener = if (self.listener) |*listener| listener else return error.Misuse;
        self.connection = try listener.accept(deadline, &self.failure);
    }

    pub fn connect(self: *Endpoint, path: []const u8, deadline: Deadline, retry: bool) status.Error!void {
        if (self.is_busy()) return error.Misuse;
        const address = try rendezvous.Address.parse(path);
        self.connection = try rendezvous.connect(&address, deadline, retry, &self.failure);
    }

    /// Sends the peer away. A listener goes on listening.
    pub fn refuse(self: *Endpoint) void {
        if (self.connection) |*connection| connection.close();
        self.connection = null;
    }

    /// Ends the rendezvous: from here on there is a channel, and neither socket nor path.
    pub fn establish(self: *Endpoint, role: Role, offer: Offer, spin_us: f64, deadline: Deadline) status.Error!void {
        if (self.connection == null or self.mapping != null) return error.Misuse;
        if (self.listener != null) {
            try self.hand_over(role, offer, spin_us, deadline);
        } else {
            try self.take_over(role, spin_us, deadline);
        }
        // The peer's pidfd lives on in the channel; only the socket is closed here.
        system.close(self.connection.?.fd);
        self.connection = null;
        if (self.listener) |*listener| listener.close();
        self.listener = null;
    }

    /// The listener's side: makes the memory and sends it.
    fn hand_over(self: *Endpoint, role: Role, offer: Offer, spin_us: f64, deadline: Deadline) status.Error!void {
        const fd = try memory.create(offer.capacity, &self.failure);
        defer system.close(fd);
        const mapping = try memory.map(fd, offer.capacity, self.reserve, &self.failure);
        errdefer self.drop(mapping);
        memory.initialise(mapping, offer.version);
        // This side's abilities are to stand in the memory before the peer can look.
        try self.open_end(role, mapping, spin_us);
        errdefer self.end = .none;
        const message: handshake.Offer = .{ .version = offer.version, .capacity_fwd = offer.capacity };
        try handshake.send(self.connection.?.fd, message, &.{fd}, deadline, &self.failure);
        try handshake.wait_until_taken(self.connection.?.fd, deadline, &self.failure);
        self.mapping = mapping;
    }

    /// The connector's side: receives the memory and checks it before it believes any of it.
    fn take_over(self: *Endpoint, role: Role, spin_us: f64, deadline: Deadline) status.Error!void {
        const received = try handshake.receive(self.connection.?.fd, false, deadline, &self.failure);
        const fd = received.descriptors[0];
        defer system.close(fd);
        try memory.verify(fd, received.capacity_fwd, &self.failure);
        const mapping = try memory.map(fd, received.capacity_fwd, self.reserve, &self.failure);
        errdefer self.drop(mapping);
        try memory.verify_control(mapping, received.version, &self.failure);
        try self.open_end(role, mapping, spin_us);
        self.mapping = mapping;
    }

    fn open_end(self: *Endpoint, role: Role, mapping: Mapping, spin_us: f64) error{Corrupt}!void {
        const other = self.connection.?.peer;
        // Into a local first: a failure must not leave an end that is none.
        const end: End = switch (role) {
            .producer => .{ .producer = try .init(mapping, other, spin_us, &self.failure) },
            .consumer => .{ .consumer = try .init(mapping, other, spin_us, &self.failure) },
        };
        self.end = end;
    }

    /// Whoever is on the other side, from the moment that it is connected.
    pub fn peer(self: *const Endpoint) ?Peer {
        if (self.connection) |connection| return connection.peer;
        return switch (self.end) {
            .none => null,
            .producer => |*producer| producer.link.peer,
            .consumer => |*consumer| consumer.link.peer,
        };
    }

    /// Tells the peer, and gives back everything but the mapping, which is the caller's from here on.
    pub fn close(self: *Endpoint) ?Mapping {
        self.refuse();
        if (self.listener) |*listener| listener.close();
        switch (self.end) {
            .none => {},
            inline .producer, .consumer => |*end| {
                end.close();
                end.link.peer.close();
            },
        }
        const mapping = self.mapping;
        self.* = .{};
        return mapping;
    }

    /// Takes back what `memory.map` did.
    fn drop(self: *const Endpoint, mapping: Mapping) void {
        const is_over_reserve = if (self.reserve) |reserve| mapping.bytes.ptr == reserve.bytes.ptr else false;
        if (is_over_reserve) mapping.retire() else mapping.unmap();
    }

    fn is_busy(self: *const Endpoint) bool {
        return self.listener != null or self.connection != null or self.mapping != null;
    }
};
