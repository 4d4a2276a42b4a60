//! The core as a module, for programs of this repository that use it without the C ABI.

pub const channel = @import("channel.zig");
pub const copy = @import("copy.zig");
pub const cpu = @import("cpu.zig");
pub const Failure = @import("failure.zig").Failure;
pub const memory = @import("memory.zig");
pub const Peer = @import("peer.zig").Peer;
pub const Place = @import("reader.zig").Place;
pub const time = @import("time.zig");
pub const wire = @import("wire.zig");
