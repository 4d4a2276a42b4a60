//! The core as a module, for programs of this repository that use it without the C ABI.

pub const Arena = @import("ring/arena.zig").Arena;
pub const channel = @import("channel/channel.zig");
pub const copy = @import("ring/copy.zig");
pub const cpu = @import("os/cpu.zig");
pub const endpoint = @import("rendezvous/endpoint.zig");
pub const exports = @import("abi/exports.zig");
pub const failure = @import("failure.zig");
pub const Failure = @import("failure.zig").Failure;
pub const futex = @import("loop/futex.zig");
pub const handles = @import("abi/handles.zig");
pub const mark = @import("os/mark.zig");
pub const memory = @import("rendezvous/memory.zig");
pub const Envelope = @import("ring/writer.zig").Envelope;
pub const Interest = @import("loop/target.zig").Interest;
pub const Mutex = @import("loop/mutex.zig").Mutex;
pub const Peer = @import("os/peer.zig").Peer;
pub const Place = @import("ring/reader.zig").Place;
pub const Reader = @import("ring/reader.zig").Reader;
pub const Rpc = @import("channel/rpc.zig").Rpc;
pub const status = @import("abi/status.zig");
pub const time = @import("os/time.zig");
pub const waiter = @import("loop/waiter.zig");
pub const waiters = @import("loop/waiters.zig");
pub const watching = @import("abi/watching.zig");
pub const wire = @import("ring/wire.zig");
pub const Writer = @import("ring/writer.zig").Writer;
