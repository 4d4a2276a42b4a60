//! What a call across the seam answers below 0. The numbers are fixed and never reused.

const EndpointError = @import("../rendezvous/endpoint.zig").EndpointError;
const WaiterError = @import("../loop/waiters.zig").WaiterError;

pub const Status = enum(i32) {
    ok = 0,
    /// Not now: the ring is full, there is nothing in it, or work is left that the same call goes on with.
    again = -1,
    /// The peer closed, and everything that it published was delivered.
    peer_closed = -2,
    peer_died = -3,
    /// The handle is not, or no longer, open.
    handle_closed = -4,
    corrupt = -5,
    timeout = -6,
    /// A message does not fit into the buffer; it stays.
    too_large = -7,
    wire = -8,
    system = -9,
    address_in_use = -10,
    path_refused = -11,
    path_empty = -12,
    path_too_long = -13,
    path_has_nul = -14,
    /// The connector went away before the handshake was over; the listener goes on.
    peer_gone = -15,
    /// The process has as many channels open as the library holds.
    handles_exhausted = -16,
    /// The call does not fit the state that the handle is in.
    misuse = -17,
    argument = -18,
};

pub inline fn code(status: Status) i32 {
    return @intFromEnum(status);
}

pub fn code_of(result: EndpointError!void) i32 {
    result catch |err| return code_of_error(err);
    return code(.ok);
}

/// Every error of the core, as the number that crosses the seam.
pub fn code_of_error(err: EndpointError) i32 {
    @branchHint(.cold);
    return code(switch (err) {
        error.Corrupt => .corrupt,
        error.TooLarge => .too_large,
        error.Timeout => .timeout,
        error.WorkLeft => .again,
        error.Wire => .wire,
        error.System => .system,
        error.AddressInUse => .address_in_use,
        error.PathRefused => .path_refused,
        error.PathEmpty => .path_empty,
        error.PathTooLong => .path_too_long,
        error.PathHasNul => .path_has_nul,
        error.PeerGone => .peer_gone,
        error.PeerClosed => .peer_closed,
        error.PeerDied => .peer_died,
        error.Misuse => .misuse,
    });
}

pub fn code_of_waiter_error(err: WaiterError) i32 {
    return code(switch (err) {
        error.Closed => .handle_closed,
        error.Misuse => .misuse,
        error.Argument => .argument,
    });
}
