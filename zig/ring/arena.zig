//! The memory that two sides share, as each finds it: a control block, then the ring.

const wire = @import("wire.zig");

/// An arena mapped into this process: `wire.control_size` bytes of control block, then the ring.
pub const Arena = struct {
    bytes: []align(wire.line_size) u8,

    pub fn control(self: Arena) *wire.Control {
        // Sound: a mapping starts on a page, holds at least the control block, and `wire.Control`
        // has a defined layout in which every bit pattern is valid.
        return @ptrCast(@alignCast(self.bytes.ptr));
    }

    pub fn ring(self: Arena) []align(wire.line_size) u8 {
        return @alignCast(self.bytes[wire.control_size..]);
    }

    pub fn capacity(self: Arena) u32 {
        return @intCast(self.bytes.len - wire.control_size);
    }
};
