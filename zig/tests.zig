//! Collects the tests that stand at the foot of each file.

test {
    _ = @import("rendezvous/address.zig");
    _ = @import("ring/copy.zig");
    _ = @import("os/cpu.zig");
    _ = @import("rendezvous/cover.zig");
    _ = @import("rendezvous/endpoint.zig");
    _ = @import("abi/exports_test.zig");
    _ = @import("abi/handles.zig");
    _ = @import("rendezvous/handshake.zig");
    _ = @import("rendezvous/live_listener.zig");
    _ = @import("rendezvous/leaving.zig");
    _ = @import("rendezvous/memory.zig");
    _ = @import("loop/mutex.zig");
    _ = @import("os/peer.zig");
    _ = @import("rendezvous/socket.zig");
    _ = @import("ring/ring_test.zig");
    _ = @import("ring/corruption_test.zig");
    _ = @import("channel/rpc.zig");
    _ = @import("rendezvous/socket_file.zig");
    _ = @import("os/system.zig");
    _ = @import("os/time.zig");
    _ = @import("os/user.zig");
    _ = @import("channel/wait.zig");
    _ = @import("loop/waiters.zig");
    _ = @import("ring/wire.zig");
}
