//! A seccomp filter: a program for the kernel that fails some system calls and lets the others pass.

const std = @import("std");
const builtin = @import("builtin");
const linux = std.os.linux;
const assert = std.debug.assert;
const Data = linux.SECCOMP.data;

/// `struct sock_filter` of the kernel.
const Instruction = extern struct { code: u16, jump_true: u8 = 0, jump_false: u8 = 0, operand: u32 };

/// `struct sock_fprog` of the kernel.
const Program = extern struct { length: u16, instructions: [*]const Instruction };

/// AUDIT_ARCH of the kernel: an ELF machine, of 64 bits, with the least significant byte first.
const audit_arch = 0xC000_0000 | @as(u32, @intFromEnum(switch (builtin.cpu.arch) {
    .x86_64 => std.elf.EM.X86_64,
    .aarch64 => std.elf.EM.AARCH64,
    else => @compileError("which architecture this is has to be added here"),
}));

const load_word = 0x20; // BPF_LD | BPF_W | BPF_ABS
const jump_equal = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const jump_bits = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const answer = 0x06; // BPF_RET | BPF_K

/// A call that is meant only with a certain argument.
const Variant = struct {
    name: []const u8,
    call: linux.SYS,
    /// Where the argument lies.
    offset: u32,
    code: u16,
    operand: u32,
};

const variants = [_]Variant{
    .{ .name = "SO_PEERPIDFD", .call = .getsockopt, .offset = @offsetOf(Data, "arg2"), .code = jump_equal, .operand = 77 },
    .{ .name = "MFD_NOEXEC_SEAL", .call = .memfd_create, .offset = @offsetOf(Data, "arg1"), .code = jump_bits, .operand = 0x8 },
};

pub const Filter = struct {
    instructions: [4 + denials_max * denial_size_max]Instruction,
    count: u16,
    denials: u16 = 0,

    pub const denials_max = 16;
    const denial_size_max = 5;

    /// Numbers of calls mean something on one architecture only, so any other is not let through.
    pub fn init() Filter {
        var self: Filter = .{ .instructions = undefined, .count = 0 };
        self.add(.{ .code = load_word, .operand = @offsetOf(Data, "arch") });
        self.add(.{ .code = jump_equal, .jump_true = 1, .operand = audit_arch });
        self.add(.{ .code = answer, .operand = linux.SECCOMP.RET.KILL_PROCESS });
        return self;
    }

    pub fn deny(self: *Filter, name: []const u8, errno: linux.E) error{ NoSuchCall, TooMany }!void {
        if (self.denials == denials_max) return error.TooMany;
        const variant = for (variants) |variant| {
            if (std.mem.eql(u8, variant.name, name)) break variant;
        } else null;
        const call = if (variant) |it| it.call else std.meta.stringToEnum(linux.SYS, name) orelse return error.NoSuchCall;
        self.denials += 1;

        const behind: u8 = if (variant == null) 1 else 3;
        self.add(.{ .code = load_word, .operand = @offsetOf(Data, "nr") });
        self.add(.{ .code = jump_equal, .jump_false = behind, .operand = @intCast(@intFromEnum(call)) });
        if (variant) |it| {
            self.add(.{ .code = load_word, .operand = it.offset });
            self.add(.{ .code = it.code, .jump_false = 1, .operand = it.operand });
        }
        self.add(.{ .code = answer, .operand = linux.SECCOMP.RET.ERRNO | @as(u32, @intFromEnum(errno)) });
    }

    /// From here on it holds for this thread, for all that it starts and for what it executes.
    pub fn install(self: *Filter) usize {
        if (self.denials == 0) return 0;
        self.add(.{ .code = answer, .operand = linux.SECCOMP.RET.ALLOW });
        // Without this only root may install one.
        const forbidden = linux.prctl(@intFromEnum(linux.PR.SET_NO_NEW_PRIVS), 1, 0, 0, 0);
        if (linux.errno(forbidden) != .SUCCESS) return forbidden;
        const program: Program = .{ .length = self.count, .instructions = &self.instructions };
        return linux.seccomp(linux.SECCOMP.SET_MODE_FILTER, 0, &program);
    }

    fn add(self: *Filter, instruction: Instruction) void {
        assert(self.count < self.instructions.len);
        self.instructions[self.count] = instruction;
        self.count += 1;
    }
};
