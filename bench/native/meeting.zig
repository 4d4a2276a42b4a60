//! How the two sides agree on what comes next, apart from the mechanism that is measured: in a page that
//! they share, where whoever is early sleeps.

const core = @import("zerocross_core");
const memory = @import("memory.zig");
const mechanism = @import("mechanism.zig");
const system = @import("system.zig");
const Command = @import("command.zig").Command;
const Side = mechanism.Side;

const Shared = struct {
    /// Commands told, ever, and places where the second side has arrived.
    told: u32 align(memory.line_size),
    arrived: u32 align(memory.line_size),
    command: Command align(memory.line_size),
    /// The second side's, over the timed part.
    usage: system.Usage,
    /// Of what was handed over, as the second side has found it.
    sum: u64,
};

pub const Meeting = struct {
    shared: *Shared,
    /// What was waited for so far: by the second side and by the first.
    heard: u32 = 0,
    met: u32 = 0,

    pub fn open(failure: *mechanism.Failure) error{Forbidden}!Meeting {
        return .{ .shared = try memory.shared(Shared, failure) };
    }

    pub fn tell(self: *Meeting, command: Command) mechanism.Error!void {
        self.shared.command = command;
        announce(&self.shared.told);
        try system.futex_wake(&self.shared.told);
    }

    pub fn hear(self: *Meeting) mechanism.Error!Command {
        while (!has_come(&self.shared.told, self.heard)) try system.futex_wait(&self.shared.told, self.heard);
        self.heard +%= 1;
        return self.shared.command;
    }

    /// The second side says that it has come so far, and the first one waits for that. `spins` for when the way
    /// through the kernel would be measured too.
    pub fn meet(self: *Meeting, side: Side, spins: bool) mechanism.Error!void {
        const arrived = &self.shared.arrived;
        if (side == .second) {
            announce(arrived);
            return if (!spins) system.futex_wake(arrived);
        }
        while (!has_come(arrived, self.met)) if (spins) core.cpu.pause() else try system.futex_wait(arrived, self.met);
        self.met +%= 1;
    }
};

fn announce(word: *u32) void {
    _ = @atomicRmw(u32, word, .Add, 1, .release); // Pairs with the load below: publishes all of `Shared`.
}

fn has_come(word: *const u32, count: u32) bool {
    return @atomicLoad(u32, word, .acquire) != count;
}
