//! A peer that writes while a call runs, at the same instruction each time: the arena's pages are closed
//! to the process, so that every access to them stops. Before it is let through, the peer may act.

const std = @import("std");
const builtin = @import("builtin");
const linux = std.os.linux;
const GuardedArena = @import("arena.zig").GuardedArena;
const Script = @import("script.zig").Script;
const check = @import("arena.zig").check;
const must = @import("arena.zig").must;

/// One instruction at a time is x86-64's trap flag. Elsewhere the peer acts between the calls alone.
pub const can_step = builtin.cpu.arch == .x86_64;

pub const Meddler = struct {
    arena: *const GuardedArena,
    script: *Script,
    /// What the peer does when it is its turn.
    context: *anyopaque,
    act: *const fn (*anyopaque, *Script) void,
    /// Accesses before that.
    patience: u8 = 0,

    /// From here on until `stop` each access may meet with something else than the one before.
    pub fn start(self: *Meddler) void {
        if (!can_step) return self.act(self.context, self.script);
        install_handlers();
        self.patience = self.script.byte() % 16;
        current = self;
        self.set_access(.{});
    }

    pub fn stop(self: *Meddler) void {
        if (!can_step) return;
        self.set_access(.{ .READ = true, .WRITE = true });
        current = null;
    }

    fn set_access(self: *const Meddler, access: linux.PROT) void {
        _ = must(linux.mprotect(self.arena.pages, self.arena.pages.len, access));
    }

    fn act_in_turn(self: *Meddler) void {
        if (self.patience > 0) {
            self.patience -= 1;
        } else if (!self.script.is_over()) {
            self.act(self.context, self.script);
            self.patience = self.script.byte() % 16;
        }
    }
};

/// Set while an arena is closed.
var current: ?*Meddler = null;
/// What a fault means that is none of ours.
var fault_before: linux.Sigaction = undefined;
var is_installed = false;

fn install_handlers() void {
    if (is_installed) return;
    is_installed = true;
    const flags = linux.SA.SIGINFO;
    const on_access: linux.Sigaction = .{ .handler = .{ .sigaction = before_access }, .mask = linux.sigemptyset(), .flags = flags };
    const on_step: linux.Sigaction = .{ .handler = .{ .sigaction = after_access }, .mask = linux.sigemptyset(), .flags = flags };
    _ = must(linux.sigaction(.SEGV, &on_access, &fault_before));
    _ = must(linux.sigaction(.TRAP, &on_step, null));
}

fn before_access(_: linux.SIG, info: *const linux.siginfo_t, context: ?*anyopaque) callconv(.c) void {
    const address = @intFromPtr(info.fields.sigfault.addr);
    const meddler = current orelse return give_back_fault();
    const pages = @intFromPtr(meddler.arena.pages);
    if (address < pages or address >= pages + meddler.arena.pages.len) return give_back_fault();
    meddler.set_access(.{ .READ = true, .WRITE = true });
    meddler.act_in_turn();
    // With nothing left to come, the rest of the call runs freely.
    if (!meddler.script.is_over()) flags_of(context).* |= trap_flag;
}

fn after_access(_: linux.SIG, _: *const linux.siginfo_t, context: ?*anyopaque) callconv(.c) void {
    flags_of(context).* &= ~trap_flag;
    if (current) |meddler| meddler.set_access(.{});
}

/// The instruction is run again, and whoever was here first is asked.
fn give_back_fault() void {
    _ = must(linux.sigaction(.SEGV, &fault_before, null));
}

const trap_flag: u64 = 1 << 8;

/// EFLAGS of the interrupted code, in the kernel's `struct ucontext`: two words, the stack's three and
/// seventeen registers stand before it.
fn flags_of(context: ?*anyopaque) *u64 {
    const words: [*]u64 = @ptrCast(@alignCast(context.?));
    return &words[5 + 17];
}
