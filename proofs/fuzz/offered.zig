//! What a listener that lies offers: the bytes of a handshake, descriptors of all kinds, and control
//! blocks. Keeps book of it, so as to know whether it is what the wire asks for.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const wire = core.wire;
const Arena = core.Arena;
const Script = @import("script.zig").Script;
const must = @import("arena.zig").must;

/// The capacity of all memory that is good.
const capacity = 4096;

pub const Kind = enum { good, good_other, unsealed, sealed_to_writes, too_small, too_large, read_only, pipe, socket, nothing };

/// Opened once; what is sent is always a copy.
var descriptors: ?std.enums.EnumArray(Kind, i32) = null;
var mappings: [4]Arena = undefined;
/// Only the first two of these are good; the others are refused for nothing but what they are.
const mapped_kinds = [_]Kind{ .good, .good_other, .unsealed, .too_large };

pub fn descriptor_of(kind: Kind) i32 {
    if (descriptors == null) open_all();
    return descriptors.?.get(kind);
}

fn open_all() void {
    var failure: core.Failure = .{};
    var opened: std.enums.EnumArray(Kind, i32) = .initFill(-1);
    for ([_]Kind{ .good, .good_other }) |kind| {
        opened.set(kind, core.memory.create(capacity, &failure) catch @panic("no memory to offer"));
    }
    opened.set(.too_small, core.memory.create(capacity / 2, &failure) catch @panic("no memory to offer"));
    opened.set(.too_large, core.memory.create(capacity * 2, &failure) catch @panic("no memory to offer"));
    opened.set(.unsealed, memory_sealed(0));
    for (mapped_kinds, &mappings) |kind, *mapping| {
        mapping.* = core.memory.map(opened.get(kind), capacity, null, &failure) catch @panic("no memory to offer");
    }
    const shrink_grow_seal_and_write = 0xF;
    opened.set(.sealed_to_writes, memory_sealed(shrink_grow_seal_and_write));
    var path_buffer: [32]u8 = undefined;
    const path = std.fmt.bufPrintZ(&path_buffer, "/proc/self/fd/{d}", .{opened.get(.good)}) catch unreachable;
    opened.set(.read_only, @intCast(must(linux.open(path, .{ .ACCMODE = .RDONLY, .CLOEXEC = true }, 0))));
    var pair: [2]i32 = undefined;
    _ = must(linux.pipe2(&pair, .{ .CLOEXEC = true }));
    opened.set(.pipe, pair[0]);
    _ = must(linux.socketpair(linux.AF.UNIX, linux.SOCK.STREAM | linux.SOCK.CLOEXEC, 0, &pair));
    opened.set(.socket, pair[0]);
    opened.set(.nothing, @intCast(must(linux.open("/dev/null", .{ .ACCMODE = .RDWR, .CLOEXEC = true }, 0))));
    descriptors = opened;
}

fn memory_sealed(seals: u32) i32 {
    const allow_sealing = 0x2;
    const fd: i32 = @intCast(must(linux.memfd_create("zerocross-fuzz", allow_sealing)));
    _ = must(linux.ftruncate(fd, wire.memory_size(capacity)));
    const add_seals = 1033;
    _ = must(linux.fcntl(fd, add_seals, seals));
    return fd;
}

/// Fills in the control block of all memory that is good, and has the script spoil it.
pub fn write_control_blocks(script: *Script, offered: *Offered) void {
    for (mappings) |mapping| {
        mapping.control().* = std.mem.zeroes(wire.Control);
        core.memory.initialise(mapping, offered.version());
    }
    const lies = script.byte() % 8;
    if (lies < 4) for (0..lies) |_| spoil(mappings[script.byte() % 2].control(), script);
    for (mappings[0..2], &offered.memory_is_good) |mapping, *good| good.* = is_good(mapping.control(), offered.version());
}

fn spoil(control: *wire.Control, script: *Script) void {
    const Field = enum { magic, version, capacity, alignment, state, head, tail };
    switch (script.choice(Field)) {
        .magic => control.magic = script.lie(u32, wire.magic),
        .version => control.version = script.lie(u32, control.version),
        .capacity => control.capacity = script.lie(u32, capacity),
        .alignment => control.alignment = script.lie(u32, wire.alignment),
        .state => control.state = script.byte() % 8,
        .head => control.head = script.lie(u64, control.tail),
        .tail => control.tail = script.lie(u64, control.head),
    }
}

fn is_good(control: *const wire.Control, version: u32) bool {
    const is_ours = control.magic == wire.magic and control.version == version and
        control.capacity == capacity and control.alignment == 64;
    const is_open = control.state == 2 or control.state == 3;
    const are_lines = control.head % 64 == 0 and control.tail % 64 == 0;
    const is_possible = control.tail <= control.head and control.head < 1 << 63 and control.head - control.tail <= capacity;
    return is_ours and is_open and are_lines and is_possible;
}

pub const Offered = struct {
    is_rpc: bool,
    /// What is to be sent: a handshake and what may follow it.
    bytes: [64]u8 = undefined,
    length: usize,
    sent: usize = 0,
    /// What was sent so far with the bytes.
    kinds: [8]Kind = undefined,
    count: u32 = 0,
    /// Some were sent behind the last byte, where they are of no use to anybody.
    has_late: bool = false,
    memory_is_good: [2]bool = .{ true, true },

    pub fn make(script: *Script, is_rpc: bool) Offered {
        var self: Offered = .{ .is_rpc = is_rpc, .length = 0 };
        const told_version: u32 = if (is_rpc or script.flag()) 4 else 2 + @as(u32, script.byte() % 2);
        if (told_version == 4) {
            self.put(wire.Handshake{
                .magic = wire.magic,
                .version = 4,
                .capacity_fwd = capacity,
                .shm_size_fwd = wire.memory_size(capacity),
                .capacity_rev = if (is_rpc) capacity else 0,
                .shm_size_rev = if (is_rpc) wire.memory_size(capacity) else 0,
                .alignment = wire.alignment,
                .flags = @intFromBool(is_rpc),
            });
        } else {
            self.put(wire.HandshakeShort{
                .magic = wire.magic,
                .version = told_version,
                .capacity = capacity,
                .shm_size = wire.memory_size(capacity),
                .alignment = wire.alignment,
            });
        }
        const lies = script.byte() % 8;
        if (lies < 4) for (0..lies) |_| self.spoil_word(script);
        if (script.byte() % 8 == 0) self.append(script.slice(script.byte() % 32));
        return self;
    }

    fn put(self: *Offered, handshake: anytype) void {
        self.append(std.mem.asBytes(&handshake));
    }

    fn append(self: *Offered, bytes: []const u8) void {
        @memcpy(self.bytes[self.length..][0..bytes.len], bytes);
        self.length += bytes.len;
    }

    fn spoil_word(self: *Offered, script: *Script) void {
        const at = 4 * (script.byte() % (self.length / 4));
        const field = self.bytes[at..][0..4];
        std.mem.writeInt(u32, field, script.lie(u32, std.mem.readInt(u32, field, .little)), .little);
    }

    /// Sends some of the bytes, all in most cases, and some descriptors with them.
    pub fn send_piece(self: *Offered, fd: i32, script: *Script) void {
        const left = self.length - self.sent;
        if (left == 0) return;
        const wish = script.byte();
        const size = if (wish < 0xA0) left else 1 + wish % left;
        var rights: Rights = .{};
        const Attached = enum { wanted, wanted_again, others, none };
        switch (script.choice(Attached)) {
            .wanted, .wanted_again => if (self.sent == 0) {
                for (self.kinds_wanted()) |kind| self.attach(&rights, kind);
            },
            .others => for (0..script.byte() % 4) |_| self.attach(&rights, script.choice(Kind)),
            .none => {},
        }
        self.send(fd, size, &rights);
    }

    const Rights = extern struct {
        header: linux.cmsghdr = .{ .len = @sizeOf(linux.cmsghdr), .level = linux.SOL.SOCKET, .type = linux.SCM.RIGHTS },
        descriptors: [8]i32 = undefined,
    };

    fn attach(self: *Offered, rights: *Rights, kind: Kind) void {
        if (rights.header.len == @sizeOf(Rights)) return;
        if (self.sent >= self.handshake_size()) {
            self.has_late = true;
        } else if (self.count < self.kinds.len) {
            self.kinds[self.count] = kind;
            self.count += 1;
        } else return;
        rights.descriptors[(rights.header.len - @sizeOf(linux.cmsghdr)) / @sizeOf(i32)] = descriptor_of(kind);
        rights.header.len += @sizeOf(i32);
    }

    fn send(self: *Offered, fd: i32, size: usize, rights: *const Rights) void {
        const part: [1]std.posix.iovec_const = .{.{ .base = self.bytes[self.sent..].ptr, .len = size }};
        const has_rights = rights.header.len > @sizeOf(linux.cmsghdr);
        const message: linux.msghdr_const = .{
            .name = null,
            .namelen = 0,
            .iov = &part,
            .iovlen = part.len,
            .control = if (has_rights) rights else null,
            .controllen = if (has_rights) rights.header.len else 0,
            .flags = 0,
        };
        const result = linux.sendmsg(fd, &message, linux.MSG.NOSIGNAL | linux.MSG.DONTWAIT);
        // It may have ended the connection by now.
        self.sent += if (linux.errno(result) == .SUCCESS) result else size;
    }

    fn kinds_wanted(self: *const Offered) []const Kind {
        const kinds: []const Kind = &.{ .good, .good_other };
        return if (self.is_rpc) kinds else kinds[0..1];
    }

    /// The version that the bytes tell.
    pub fn version(self: *const Offered) u32 {
        return self.word(1);
    }

    fn word(self: *const Offered, index: usize) u32 {
        return std.mem.readInt(u32, self.bytes[4 * index ..][0..4], .little);
    }

    /// Enough was sent to tell what it is.
    pub fn is_whole(self: *const Offered) bool {
        return self.sent >= self.handshake_size();
    }

    fn handshake_size(self: *const Offered) usize {
        return if (self.version() == 4) @sizeOf(wire.Handshake) else @sizeOf(wire.HandshakeShort);
    }

    /// What was sent is a handshake as this connector expects it, and nothing besides.
    pub fn is_good(self: *const Offered) bool {
        const is_long = self.version() == 4;
        const is_short = (self.version() == 2 or self.version() == 3) and !self.is_rpc;
        if (self.word(0) != wire.magic or self.sent != self.handshake_size()) return false;
        if (!is_long and !is_short) return false;
        if (!self.describes_arena(2)) return false;
        const ending: [2]u32 = if (is_long) .{ self.word(6), self.word(7) } else .{ self.word(4), 0 };
        if (ending[0] != 64 or ending[1] != @intFromBool(self.is_rpc)) return false;
        if (self.is_rpc and !self.describes_arena(4)) return false;
        if (is_long and !self.is_rpc and (self.word(4) != 0 or self.word(5) != 0)) return false;
        return self.count == self.kinds_wanted().len and self.are_memory();
    }

    /// Only the capacity that the good memory has can go with it.
    fn describes_arena(self: *const Offered, index: usize) bool {
        return self.word(index) == capacity and self.word(index + 1) == wire.memory_size(capacity);
    }

    fn are_memory(self: *const Offered) bool {
        for (self.kinds[0..self.count]) |kind| {
            switch (kind) {
                .good => if (!self.memory_is_good[0]) return false,
                .good_other => if (!self.memory_is_good[1]) return false,
                else => return false,
            }
        }
        return true;
    }
};
