//! The native measurements: `native <what>` forks a second process, pins both, and runs a block for
//! each number of repetitions that it reads from its standard input, one per line. Between blocks
//! both processes sleep in a read, so that other measurements can take their turn on the same cores.
//!
//! Answers a line per block: repetitions and nanoseconds.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const wire = core.wire;
const Producer = core.channel.Producer;
const Consumer = core.channel.Consumer;

const What = enum {
    /// Two processes bounce one cache line each way: the floor.
    bare,
    /// A 32-byte message each way over two channels.
    ring,
    /// 32-byte messages one way, one record each: published one by one, and staged in groups of 32.
    send,
    stage,
    /// The same, many to a record.
    packed_many,
    /// 64 KiB messages one way, read by copying them out.
    large,
    /// 64 KiB copied within one process, from memory that is not in the cache.
    memcpy,
};

const payload_words = 4;
const payload_size = 8 * payload_words;
const large_size = 64 * 1024;
const capacity: u32 = 1 << 20;

/// One line that each side writes and the other polls.
const Line = extern struct { value: u64 align(128) };

const Shared = struct {
    /// Which side of the fork this is.
    is_child: bool,
    lines: *[2]Line,
    /// One channel each way: the parent produces into the first.
    mappings: [2]core.Arena,
    producer: *Producer,
    consumer: *Consumer,

    /// The mapping that this side consumes from.
    fn consumer_bytes(self: *const Shared) [*]const u8 {
        return self.mappings[if (self.is_child) 0 else 1].bytes.ptr;
    }
};

pub fn main(init: std.process.Init.Minimal) !void {
    var arguments = init.args.iterate();
    _ = arguments.skip();
    const name = arguments.next() orelse return usage();
    const what = std.meta.stringToEnum(What, name) orelse return usage();
    const parent_core = try parse_core(arguments.next());
    const child_core = try parse_core(arguments.next());

    var failure: core.Failure = .{};
    var commands: [2]i32 = undefined;
    try check(linux.pipe2(&commands, .{}));
    var mappings: [2]core.Arena = undefined;
    for (&mappings) |*mapping| mapping.* = try shared_arena(&failure);
    const lines = try shared_lines();

    const child = linux.fork();
    try check(child);
    const is_child = child == 0;
    if (is_child) {
        // The parent's end is closed here, so that the child ends with its parent.
        _ = linux.close(commands[1]);
        _ = linux.prctl(@intFromEnum(linux.PR.SET_PDEATHSIG), @intFromEnum(linux.SIG.KILL), 0, 0, 0);
    }
    pin(if (is_child) child_core else parent_core);

    const other: core.Peer = .{ .pid = 0, .uid = 0, .gid = 0, .pidfd = -1 };
    const out: usize = if (is_child) 1 else 0;
    var producer = try Producer.init(mappings[out], other, std.math.inf(f64), 0, &failure);
    var consumer = try Consumer.init(mappings[1 - out], other, std.math.inf(f64), 0, &failure);
    const shared: Shared = .{
        .is_child = is_child,
        .lines = lines,
        .mappings = mappings,
        .producer = &producer,
        .consumer = &consumer,
    };
    if (is_child) return serve(what, &shared, commands[0]);
    try command(what, &shared, commands[1]);
}

fn usage() !void {
    _ = linux.write(2, "usage: native <bare|ring|send|stage|packed_many|large|memcpy> <core> <core>\n", 77);
    return error.Usage;
}

fn parse_core(text: ?[]const u8) !u32 {
    return std.fmt.parseInt(u32, text orelse return error.Usage, 10);
}

/// The parent: reads repetitions from standard input, has the child join in, answers the time taken.
fn command(what: What, shared: *const Shared, to_child: i32) !void {
    var line: [64]u8 = undefined;
    while (try read_line(0, &line)) |text| {
        const count = try std.fmt.parseInt(u64, text, 10);
        _ = linux.write(to_child, std.mem.asBytes(&count), 8);
        bounce(shared, 1);
        const start_ns = core.time.now_ns();
        try run_parent(what, shared, count);
        const elapsed_ns = core.time.now_ns() - start_ns;
        var answer: [64]u8 = undefined;
        const bytes = try std.fmt.bufPrint(&answer, "{d} {d}\n", .{ count, elapsed_ns });
        _ = linux.write(1, bytes.ptr, bytes.len);
    }
}

fn serve(what: What, shared: *const Shared, from_parent: i32) !void {
    var count: u64 = undefined;
    while (linux.read(from_parent, std.mem.asBytes(&count), 8) == 8) {
        // A round trip before the parent's clock starts: waking up is not measured.
        bounce(shared, 1);
        try run_child(what, shared, count);
    }
}

fn run_parent(what: What, shared: *const Shared, count: u64) !void {
    switch (what) {
        .bare => bounce(shared, count),
        .ring => for (0..count) |index| {
            try send_one(shared.producer, index);
            try receive_one(shared.consumer, index);
        },
        .send, .stage, .packed_many, .large => {
            try produce(what, shared.producer, count);
            // The last message was read when the answer is here.
            try receive_one(shared.consumer, count);
        },
        .memcpy => copy_cold(count),
    }
}

fn run_child(what: What, shared: *const Shared, count: u64) !void {
    switch (what) {
        .bare => bounce(shared, count),
        .ring => for (0..count) |index| {
            try receive_one(shared.consumer, index);
            try send_one(shared.producer, index);
        },
        .send, .stage, .packed_many => {
            try consume_small(shared, count);
            try send_one(shared.producer, count);
        },
        .large => {
            try consume_large(shared.consumer, count);
            try send_one(shared.producer, count);
        },
        .memcpy => {},
    }
}

fn bounce(shared: *const Shared, count: u64) void {
    const mine = &shared.lines[if (shared.is_child) 1 else 0].value;
    const theirs = &shared.lines[if (shared.is_child) 0 else 1].value;
    const base = @atomicLoad(u64, mine, .monotonic);
    for (1..count + 1) |index| {
        if (!shared.is_child) @atomicStore(u64, mine, base + index, .release);
        while (@atomicLoad(u64, theirs, .acquire) != base + index) core.cpu.pause();
        if (shared.is_child) @atomicStore(u64, mine, base + index, .release);
    }
}

fn payload_of(index: u64) [payload_words]u64 {
    return .{ index, ~index, index *% 3, index +% 7 };
}

fn send_one(producer: *Producer, index: u64) !void {
    const words = payload_of(index);
    try producer.send(std.mem.asBytes(&words), payload_size, .{ .type_id = 0 }, std.math.inf(f64));
}

fn receive_one(consumer: *Consumer, index: u64) !void {
    var words: [payload_words]u64 = undefined;
    const size = try consumer.receive(std.mem.asBytes(&words), std.math.inf(f64));
    try expect_payload(words, size, index);
}

inline fn expect_payload(words: [payload_words]u64, size: u32, index: u64) !void {
    if (size != payload_size or !std.meta.eql(words, payload_of(index))) return error.WrongPayload;
}

const many = 1024;
var many_bytes: [many * payload_words]u64 = undefined;
const many_sizes: [many]u32 = @splat(payload_size);
var large_bytes: [large_size]u8 align(64) = @splat(0);

fn produce(what: What, producer: *Producer, count: u64) !void {
    var index: u64 = 0;
    while (index < count) {
        switch (what) {
            .send => {
                try send_one(producer, index);
                index += 1;
            },
            .stage => {
                const offset = try producer.claim(payload_size, std.math.inf(f64));
                const words: *[payload_words]u64 = @ptrCast(@alignCast(producer.writer.ring + offset));
                words.* = payload_of(index);
                try producer.stage(payload_size, 0);
                index += 1;
            },
            .packed_many => index += try send_many(producer, index, @min(many, count - index)),
            .large => {
                std.mem.writeInt(u64, large_bytes[0..8], index, .little);
                try producer.send(&large_bytes, large_size, .{ .type_id = 0 }, std.math.inf(f64));
                index += 1;
            },
            else => unreachable,
        }
    }
    try producer.flush();
}

fn send_many(producer: *Producer, start: u64, count: u64) !u64 {
    for (0..count) |index| many_bytes[index * payload_words ..][0..payload_words].* = payload_of(start + index);
    var sent: u32 = 0;
    while (sent < count) {
        const rest = std.mem.sliceAsBytes(many_bytes[sent * payload_words .. count * payload_words]);
        sent += try producer.try_send_many(rest, many_sizes[sent..count], 0);
    }
    return sent;
}

fn consume_small(shared: *const Shared, count: u64) !void {
    var places: [1024]core.Place = undefined;
    const bytes = shared.consumer_bytes();
    var index: u64 = 0;
    while (index < count) {
        const drained = try shared.consumer.drain(&places, std.math.inf(f64));
        for (places[0..drained]) |place| {
            const words: *const [payload_words]u64 = @ptrCast(@alignCast(bytes + place.offset));
            try expect_payload(words.*, place.size, index);
            index += 1;
        }
        shared.consumer.release();
    }
}

fn consume_large(consumer: *Consumer, count: u64) !void {
    for (0..count) |index| {
        const size = try consumer.receive(&large_bytes, std.math.inf(f64));
        if (size != large_size or std.mem.readInt(u64, large_bytes[0..8], .little) != index) return error.WrongPayload;
    }
}

/// Larger than any cache of the machines at hand.
var cold: [256 * 1024 * 1024]u8 = undefined;

fn copy_cold(count: u64) void {
    const half = cold.len / 2;
    for (0..count) |index| {
        const offset = index * large_size % half;
        @memcpy(cold[offset..][0..large_size], cold[half + offset ..][0..large_size]);
    }
}

fn shared_arena(failure: *core.Failure) !core.Arena {
    const fd = try core.memory.create(capacity, failure);
    // Not `memory.map`: this mapping is to be inherited over the fork.
    const flags: linux.MAP = .{ .TYPE = .SHARED, .POPULATE = true };
    const size = wire.memory_size(capacity);
    const result = linux.mmap(null, size, .{ .READ = true, .WRITE = true }, flags, fd, 0);
    try check(result);
    const bytes: [*]align(wire.line_size) u8 = @ptrFromInt(result);
    const mapping: core.Arena = .{ .bytes = bytes[0..size] };
    core.memory.initialise(mapping, 4);
    return mapping;
}

fn shared_lines() !*[2]Line {
    const flags: linux.MAP = .{ .TYPE = .SHARED, .ANONYMOUS = true, .POPULATE = true };
    const result = linux.mmap(null, 4096, .{ .READ = true, .WRITE = true }, flags, -1, 0);
    try check(result);
    return @ptrFromInt(result);
}

/// A machine that forbids pinning is measured without.
fn pin(core_index: u32) void {
    var set: linux.cpu_set_t = @splat(0);
    set[core_index / @bitSizeOf(usize)] = @as(usize, 1) << @intCast(core_index % @bitSizeOf(usize));
    linux.sched_setaffinity(0, &set) catch {};
}

fn read_line(fd: i32, buffer: []u8) !?[]const u8 {
    var length: usize = 0;
    while (length < buffer.len) {
        const result = linux.read(fd, buffer.ptr + length, 1);
        try check(result);
        if (result == 0) return null;
        if (buffer[length] == '\n') return buffer[0..length];
        length += 1;
    }
    return error.LineTooLong;
}

fn check(result: usize) !void {
    if (linux.errno(result) != .SUCCESS) return error.System;
}
