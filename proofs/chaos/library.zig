//! The library with its marks on, and two symbols more, which zig/os/mark.zig exports: what the victims in
//! Bun and Deno load.

pub const zerocross_marks = true;

comptime {
    _ = @import("zerocross_exports");
}
