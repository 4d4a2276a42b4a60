//! What stands behind a handle: a rendezvous under way, then one end of a channel or of an RPC.
//!
//! The rendezvous is cut into steps, because between two of them TypeScript asks the user whether
//! the peer is welcome: listen, accept, (refuse, accept ...), establish; or connect, establish. A
//! listener that serves many stays one: each connector gets a handle with accept_from, establish.
//! A step that ended in a timeout, or with work left, has lost nothing, and is gone on with by the same call.

const std = @import("std");
const memory = @import("memory.zig");
const covers = @import("cover.zig");
const leaving = @import("leaving.zig");
const wire = @import("../ring/wire.zig");
const time = @import("../os/time.zig");
const mark = @import("../os/mark.zig");
const Arena = @import("../ring/arena.zig").Arena;
const sockets = @import("socket.zig");
const Address = @import("address.zig").Address;
const handshake = @import("handshake.zig");
const system = @import("../os/system.zig");
const Peer = @import("../os/peer.zig").Peer;
const Failure = @import("../failure.zig").Failure;
const Deadline = time.Deadline;
const End = @import("end.zig").End;
const Role = @import("end.zig").Role;

/// All that can go wrong at what stands behind a handle.
pub const EndpointError = error{
    Corrupt,
    TooLarge,
    Timeout,
    WorkLeft,
    Wire,
    System,
    AddressInUse,
    PathRefused,
    PathEmpty,
    PathTooLong,
    PathHasNul,
    PeerGone,
    PeerClosed,
    PeerDied,
    Misuse,
};

/// What a listener decides about the memory that it makes; in an RPC, about both arenas.
pub const Offer = struct { version: u32, capacity: u32 };

/// For how long a call that is not to wait works on memory: a part of what a turn of an event loop may take.
pub const slice_us = 500;

/// How far the handshake over a connection has come.
const Exchange = union(enum) {
    none,
    /// The listener's side.
    sending: Sending,
    /// The connector's side.
    receiving: Receiving,

    const Sending = struct {
        /// Null until the memory is made.
        transmission: ?handshake.Transmission = null,
        descriptors: [2]i32 = .{ -1, -1 },
        /// Bytes of each arena whose pages are there.
        filled: [2]usize = .{ 0, 0 },
        /// This side's end, which is nobody's to use before the peer has taken its own.
        end: End = .none,
    };

    const Receiving = struct {
        reception: handshake.Reception = .{},
        filled: [2]usize = .{ 0, 0 },
    };

    fn close_descriptors(self: *Exchange) void {
        switch (self.*) {
            .none => {},
            .sending => |*sending| for (sending.descriptors) |fd| {
                if (fd >= 0) system.close_fd(fd);
            },
            .receiving => |*receiving| receiving.reception.close_descriptors(),
        }
    }
};

pub const Endpoint = struct {
    failure: Failure = .{},
    listener: ?sockets.Listener = null,
    connection: ?sockets.Connection = null,
    exchange: Exchange = .none,
    /// The connection's, once that is over. The links of `end` borrow it.
    held_peer: ?Peer = null,
    /// A channel's memory, or the forward arena of an RPC.
    mapping: ?Arena = null,
    /// The reverse arena of an RPC.
    reverse: ?Arena = null,
    /// Addresses that a channel's memory is put at if it fits: they are this endpoint's, and not given back.
    reserve: ?Arena = null,
    /// What is to take the place of `mapping` when it is closed, since JavaScript may still have a view of it.
    cover: ?Arena = null,
    end: End = .none,

    pub fn listen(self: *Endpoint, path: []const u8, mode: u32) EndpointError!void {
        if (self.is_busy()) return error.Misuse;
        const address = try Address.parse(path);
        self.listener = try sockets.Listener.open(&address, @intCast(mode & 0o777), &self.failure);
    }

    pub fn accept(self: *Endpoint, deadline: Deadline) EndpointError!void {
        if (self.connection != null) return error.Misuse;
        try self.take_connector(self, deadline);
    }

    /// Like `accept`, of a connector that came to another endpoint, which goes on listening.
    pub fn accept_from(self: *Endpoint, listening: *const Endpoint, deadline: Deadline) EndpointError!void {
        if (self.is_busy()) return error.Misuse;
        try self.take_connector(listening, deadline);
    }

    fn take_connector(self: *Endpoint, listening: *const Endpoint, deadline: Deadline) EndpointError!void {
        const listener = if (listening.listener) |*listener| listener else return error.Misuse;
        self.connection = try listener.accept(deadline, &self.failure);
        self.exchange = .{ .sending = .{} };
    }

    pub fn connect(self: *Endpoint, path: []const u8, deadline: Deadline, retry: bool) EndpointError!void {
        if (self.is_busy()) return error.Misuse;
        const address = try Address.parse(path);
        self.connection = try sockets.connect(&address, deadline, retry, &self.failure);
        self.exchange = .{ .receiving = .{} };
    }

    /// Sends the peer away. A listener goes on listening.
    pub fn refuse(self: *Endpoint) void {
        const connection = if (self.connection) |*connection| connection else return;
        self.start_over();
        self.exchange = .none;
        connection.close();
        self.connection = null;
    }

    /// Ends the rendezvous: from here on there is a channel or an RPC, and neither socket nor path.
    /// After a timeout the same call goes on with it, as it does when work is left, which only a call that is not
    /// to wait says; any other failure takes back what was done.
    pub fn establish(self: *Endpoint, role: Role, offer: Offer, spin_us: f64, deadline: Deadline) EndpointError!void {
        const connection = self.connection orelse return error.Misuse;
        const waits = !deadline.passed();
        const until: Deadline = if (waits) deadline else .{ .at_ns = time.now_ns() + slice_us * std.time.ns_per_us };
        const result = switch (self.exchange) {
            .none => unreachable,
            .sending => |*sending| self.hand_over(sending, role, offer, spin_us, until, deadline),
            .receiving => |*receiving| self.take_over(receiving, role, spin_us, until, deadline),
        };
        self.end = result catch |err| {
            switch (err) {
                error.Timeout => {},
                error.WorkLeft => {
                    self.failure = .{};
                    if (waits) return error.Timeout;
                },
                else => self.start_over(),
            }
            return err;
        };
        mark.at(.channel_opened);
        self.exchange.close_descriptors();
        self.exchange = .none;
        self.held_peer = connection.peer;
        system.close_fd(connection.fd);
        self.connection = null;
        mark.at(.connection_closed);
        if (self.listener) |*listener| listener.close();
        self.listener = null;
    }

    /// The listener's side: makes the memory, once, and sends it.
    fn hand_over(
        self: *Endpoint,
        sending: *Exchange.Sending,
        role: Role,
        offer: Offer,
        spin_us: f64,
        until: Deadline,
        deadline: Deadline,
    ) EndpointError!End {
        const fd = self.connection.?.fd;
        if (sending.transmission == null) try self.make_memory(sending, role, offer, spin_us, until);
        const count: usize = if (self.reverse == null) 1 else 2;
        try sending.transmission.?.send_rest(fd, sending.descriptors[0..count], deadline, &self.failure);
        mark.at(.handshake_sent);
        handshake.wait_until_taken(fd, deadline, &self.failure) catch |err| {
            if (err == error.PeerGone and memory.is_given_up(self.mapping.?)) return self.same_end(role);
            return err;
        };
        mark.at(.handshake_taken);
        return sending.end;
    }

    fn make_memory(self: *Endpoint, sending: *Exchange.Sending, role: Role, offer: Offer, spin_us: f64, until: Deadline) EndpointError!void {
        const rpc = role.is_rpc();
        // What was closed goes before more is made: there is never more of it than was open at once.
        try leaving.go_on(until);
        const arenas = [_]*?Arena{ &self.mapping, &self.reverse };
        const count: usize = if (rpc) 2 else 1;
        for (arenas[0..count], sending.descriptors[0..count], sending.filled[0..count]) |arena, *fd, *filled| {
            if (fd.* < 0) fd.* = try memory.create(offer.capacity, &self.failure);
            if (arena.* == null) try self.map(arena, fd.*, offer.capacity, rpc);
            try memory.fill(arena.*.?, fd.*, filled, until, &self.failure);
        }
        for (arenas[0..count]) |arena| memory.initialise(arena.*.?, offer.version);
        // This side's abilities are to stand in the memory before the peer can look.
        sending.end = try self.open_end(role, spin_us);
        sending.transmission = .init(.{
            .version = offer.version,
            .capacity_fwd = offer.capacity,
            .capacity_rev = if (rpc) offer.capacity else 0,
            .rpc = rpc,
        });
    }

    /// The connector's side: receives the memory and checks it before it believes any of it.
    fn take_over(
        self: *Endpoint,
        receiving: *Exchange.Receiving,
        role: Role,
        spin_us: f64,
        until: Deadline,
        deadline: Deadline,
    ) EndpointError!End {
        const rpc = role.is_rpc();
        try receiving.reception.read_whole(self.connection.?.fd, deadline, &self.failure);
        mark.at(.handshake_received);
        const received = try receiving.reception.check(rpc, &self.failure);
        try leaving.go_on(until);
        const arenas = [_]*?Arena{ &self.mapping, &self.reverse };
        const capacities = [_]u32{ received.capacity_fwd, received.capacity_rev };
        for (arenas[0..received.count], received.descriptors[0..received.count], capacities[0..received.count]) |arena, fd, capacity| {
            if (arena.* != null) continue;
            try memory.verify(fd, capacity, &self.failure);
            try self.map(arena, fd, capacity, rpc);
            try memory.verify_control(arena.*.?, received.version, &self.failure);
        }
        for (arenas[0..received.count], receiving.filled[0..received.count]) |arena, *filled|
            try memory.fill(arena.*.?, null, filled, until, &self.failure);
        try self.check_other_end(role);
        const end = try self.open_end(role, spin_us);
        handshake.acknowledge(self.connection.?.fd);
        return end;
    }

    /// A listener of ours has written its own end's abilities before it sent the memory; another writes none. One that
    /// has taken the end that this side is to take hears of it by the state, as soon as this side leaves.
    fn check_other_end(self: *Endpoint, role: Role) error{Wire}!void {
        const control = self.mapping.?.control();
        const abilities = switch (role) {
            .producer, .caller => &control.producer_abilities,
            .consumer, .callee => &control.consumer_abilities,
        };
        if (@atomicLoad(u32, abilities, .acquire) == 0) return; // Pairs with `Writer.init` and `Reader.init`.
        memory.give_up(self.mapping.?);
        return self.same_end(role);
    }

    fn same_end(self: *Endpoint, role: Role) error{Wire} {
        return self.failure.wire(.role, @intFromEnum(role), @intFromEnum(role.opposite()));
    }

    /// An RPC stays clear of addresses that JavaScript may still have a view of.
    fn map(self: *Endpoint, mapping: *?Arena, fd: i32, capacity: u32, rpc: bool) error{System}!void {
        var reserve = if (rpc) null else self.reserve;
        if (reserve) |range| {
            const size = wire.memory_size(capacity);
            // Views that look there are to see zeros again. Where nothing can be had for that, they go on doing so.
            if (size <= range.bytes.len) self.cover = covers.make(size, &self.failure) catch null;
            if (self.cover == null) reserve = null;
        }
        mapping.* = try memory.map(fd, capacity, reserve, &self.failure);
        try memory.hide_from_children(mapping.*.?, &self.failure);
    }

    /// To be called before JavaScript gets a view of the mapping.
    pub fn prepare_view(self: *Endpoint) error{System}!void {
        if (self.cover == null) self.cover = try covers.make(self.mapping.?.bytes.len, &self.failure);
    }

    fn open_end(self: *Endpoint, role: Role, spin_us: f64) error{Corrupt}!End {
        const other = self.connection.?.peer;
        const mapping = self.mapping.?;
        return switch (role) {
            .producer => .{ .producer = try .init(mapping, other, spin_us, 0, &self.failure) },
            .consumer => .{ .consumer = try .init(mapping, other, spin_us, 0, &self.failure) },
            .caller => .{ .rpc = try .init_caller(mapping, self.reverse.?, other, spin_us, &self.failure) },
            .callee => .{ .rpc = try .init_callee(mapping, self.reverse.?, other, spin_us, &self.failure) },
        };
    }

    /// Takes the handshake back to where it had not begun.
    fn start_over(self: *Endpoint) void {
        self.exchange.close_descriptors();
        // What a listener made is nobody else's; what a connector was given is the listener's.
        const is_last = self.exchange == .sending;
        switch (self.exchange) {
            .none => unreachable,
            .sending => |*sending| {
                // The peer may have the memory by now, and is to know that nobody uses the other end.
                sending.end.close();
                self.exchange = .{ .sending = .{} };
            },
            .receiving => self.exchange = .{ .receiving = .{} },
        }
        // Nothing is left of it: JavaScript has had no view yet, and a reserve is the slot's.
        _ = self.let_go(is_last);
    }

    /// Whoever is on the other side, from the moment that it is connected.
    pub fn peer(self: *const Endpoint) ?Peer {
        return if (self.connection) |connection| connection.peer else self.held_peer;
    }

    /// The capacity of the ring; in an RPC, of the one that this side sends into.
    pub fn ring_capacity(self: *const Endpoint) ?u32 {
        return switch (self.end) {
            .none => null,
            .producer => |*producer| producer.writer.capacity,
            .consumer => |*consumer| consumer.reader.capacity,
            .rpc => |*rpc| rpc.out.writer.capacity,
        };
    }

    /// The memory that JavaScript may be shown, which an RPC's never is.
    pub fn visible_mapping(self: *const Endpoint) ?Arena {
        return switch (self.end) {
            .none, .rpc => null,
            .producer, .consumer => self.mapping,
        };
    }

    /// Tells the peer, and gives back everything but what views may still look at, which shows zeros from here on
    /// and is the caller's. Null: there is no such thing.
    pub fn close(self: *Endpoint) ?Arena {
        self.refuse();
        if (self.listener) |*listener| listener.close();
        const is_last = self.peer_is_done();
        self.end.close();
        if (self.held_peer) |*held| held.close();
        const retired = self.let_go(is_last);
        self.* = .{};
        return retired;
    }

    /// Whether the peer has no use for the memory any more, because it has closed or is dead. Of two that close at
    /// the same time neither may think so, and then the memory is freed all at once.
    fn peer_is_done(self: *Endpoint) bool {
        const held = if (self.held_peer) |*held| held else return false;
        return self.end.peer_has_closed() or !held.is_alive();
    }

    /// The memory leaves; answers as `close` does.
    fn let_go(self: *Endpoint, is_last: bool) ?Arena {
        defer {
            self.mapping = null;
            self.reverse = null;
            self.cover = null;
        }
        if (self.reverse) |reverse| leaving.add(reverse, is_last);
        const mapping = self.mapping orelse {
            if (self.cover) |cover| memory.unmap(cover);
            return null;
        };
        const cover = self.cover orelse {
            leaving.add(mapping, is_last);
            return null;
        };
        if (covers.retire(mapping, cover)) |moved| leaving.add(moved, is_last);
        return mapping;
    }

    fn is_busy(self: *const Endpoint) bool {
        return self.listener != null or self.connection != null or self.mapping != null;
    }
};

test {
    _ = @import("endpoint_test.zig");
    _ = @import("slices_test.zig");
}
