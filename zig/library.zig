//! The root of the shared library: what `abi/exports.zig` exports, and nothing else.

comptime {
    _ = @import("abi/exports.zig");
}
