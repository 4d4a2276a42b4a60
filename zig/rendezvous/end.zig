//! The ends that a channel or an RPC has, and the one that this side holds.

const channel = @import("../channel/channel.zig");
const Rpc = @import("../channel/rpc.zig").Rpc;

pub const Role = enum(u32) {
    producer = 0,
    consumer = 1,
    caller = 2,
    callee = 3,

    pub fn is_rpc(self: Role) bool {
        return self == .caller or self == .callee;
    }

    pub fn opposite(self: Role) Role {
        return switch (self) {
            .producer => .consumer,
            .consumer => .producer,
            .caller => .callee,
            .callee => .caller,
        };
    }
};

pub const End = union(enum) {
    none,
    producer: channel.Producer,
    consumer: channel.Consumer,
    rpc: Rpc,

    /// Tells the peer.
    pub fn close(self: *End) void {
        switch (self.*) {
            .none => {},
            inline else => |*end| end.close(),
        }
    }

    /// True only where this side has not ended the channel itself.
    pub fn peer_has_closed(self: *const End) bool {
        return switch (self.*) {
            .none => false,
            .producer => |*producer| producer.link.peer_has_closed(),
            .consumer => |*consumer| consumer.link.peer_has_closed(),
            .rpc => |*rpc| rpc.out.link.peer_has_closed() and rpc.in.link.peer_has_closed(),
        };
    }
};
