//! Collects the tests that stand at the foot of each file.

test {
    _ = @import("address.zig");
    _ = @import("ring/copy.zig");
    _ = @import("os/cpu.zig");
    _ = @import("endpoint.zig");
    _ = @import("exports_test.zig");
    _ = @import("handles.zig");
    _ = @import("handshake.zig");
    _ = @import("live_listener.zig");
    _ = @import("memory.zig");
    _ = @import("loop/mutex.zig");
    _ = @import("os/peer.zig");
    _ = @import("rendezvous.zig");
    _ = @import("ring/ring_test.zig");
    _ = @import("channel/rpc.zig");
    _ = @import("socket_file.zig");
    _ = @import("os/system.zig");
    _ = @import("os/time.zig");
    _ = @import("channel/wait.zig");
    _ = @import("loop/waiters.zig");
    _ = @import("ring/wire.zig");
}
