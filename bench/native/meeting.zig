//! How the two sides agree on what comes next, apart from the mechanism that is measured: in a page that
//! they share, where whoever is early sleeps.

const core = @import("zerocross_core");
const memory = @import("memory.zig");
const mechanism = @import("mechanism.zig");
const Command = @import("command.zig").Command;
const Semaphore = @import("semaphores.zig").Counted(.futex);
const Usage = @import("system.zig").Usage;

pub const Meeting = struct {
    /// Commands that the second side has not heard, and places that it has arrived at alone.
    told: Semaphore align(memory.line_size),
    arrived: Semaphore align(memory.line_size),
    command: Command align(memory.line_size),
    /// The second side's, over the timed part.
    usage: Usage,
    /// Of what was handed over, as the second side has found it.
    sum: u64,

    pub fn tell(self: *Meeting, command: Command) mechanism.Error!void {
        self.command = command;
        try self.told.post();
    }

    pub fn hear(self: *Meeting) mechanism.Error!Command {
        try self.told.wait();
        return self.command;
    }

    /// The second side says that it has come so far, and the first one waits for that. `spins` for when the way
    /// through the kernel would be measured too.
    pub fn meet(self: *Meeting, side: mechanism.Side, spins: bool) mechanism.Error!void {
        if (side == .second) return self.arrived.post();
        if (!spins) return self.arrived.wait();
        while (!self.arrived.take(1)) core.cpu.pause();
    }
};
