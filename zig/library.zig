//! The root of the shared library: what `abi/exports.zig` exports, and nothing else.

pub const panic = @import("os/panic.zig");

comptime {
    _ = @import("abi/exports.zig");
}
