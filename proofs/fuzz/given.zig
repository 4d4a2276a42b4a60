//! The messages that a producer was given in one call, and whether the ring holds just those.

const std = @import("std");
const core = @import("zerocross_core");
const wire = core.wire;
const Arena = core.Arena;
const Buffer = @import("arena.zig").Buffer;
const Script = @import("script.zig").Script;
const fill = @import("liar.zig").fill;
const check = @import("arena.zig").check;

pub const Given = struct {
    pub const count_max = 64;

    sizes: [count_max]u32 = undefined,
    count: u32 = 0,
    /// One behind the other.
    bytes: []const u8 = &.{},
    type_id: u32 = 0,
    correlation_id: u64 = 0,

    /// Up to `count_given` messages, in memory that ends at a guard.
    pub fn make(script: *Script, count_given: u32, size_max: u32) Given {
        var given: Given = .{ .type_id = script.int(u32) % wire.type_packed };
        var size: usize = 0;
        while (given.count < count_given) : (given.count += 1) {
            const next = script.payload_size(size_max);
            if (size + next > Buffer.size_max) break;
            given.sizes[given.count] = next;
            size += next;
        }
        const bytes = Buffer.open(size);
        fill(bytes, script);
        given.bytes = bytes;
        return given;
    }

    /// The ring holds the first of these between the two positions and nothing else, in records as the
    /// wire has them. Returns how many.
    pub fn count_written(self: *const Given, mapping: Arena, from: u64, to: u64) u32 {
        var walk: Walk = .{ .given = self, .mapping = mapping };
        var position = from;
        while (position != to) position = walk.pass_record(position);
        return walk.index;
    }

    /// The lane, when it was written for this head, holds the message that was published alone.
    pub fn check_lane(self: *const Given, mapping: Arena) void {
        const lane = &mapping.control().lane;
        check(self.count == 1 and lane.size == self.sizes[0], "the lane is of another size", .{});
        check(lane.type_id == self.type_id and lane.correlation_id == self.correlation_id, "the lane is of another message", .{});
        const payload = std.mem.asBytes(&lane.payload);
        check(std.mem.eql(u8, payload[0..lane.size], self.bytes[0..lane.size]), "the lane's bytes are others", .{});
    }
};

const Walk = struct {
    given: *const Given,
    mapping: Arena,
    index: u32 = 0,
    offset: usize = 0,

    fn pass_record(self: *Walk, position: u64) u64 {
        const ring = self.mapping.ring();
        const at: usize = @intCast(position % ring.len);
        const header: *const wire.Header = @ptrCast(@alignCast(ring[at..].ptr));
        if (header.size == wire.size_skip) {
            check(at > 0, "the start of the ring was skipped", .{});
            return position + ring.len - at;
        }
        check(header.reserved == wire.record_size(header.size), "a record reserves what it does not hold", .{});
        check(at + header.reserved <= ring.len, "a record passes the end of the ring", .{});
        const payload = ring[at + wire.header_size ..][0..header.size];
        if (header.type_id == wire.type_packed) {
            self.pass_entries(payload);
        } else {
            self.pass_message(payload, header.type_id);
            check(header.correlation_id == self.given.correlation_id, "the id is another", .{});
        }
        return position + header.reserved;
    }

    fn pass_entries(self: *Walk, payload: []const u8) void {
        var at: usize = 0;
        while (at < payload.len) {
            const entry: *align(4) const wire.PackedEntry = @ptrCast(@alignCast(payload[at..].ptr));
            self.pass_message(payload[at + @sizeOf(wire.PackedEntry) ..][0..entry.size], entry.type_id);
            at += wire.entry_size(entry.size);
        }
        check(at == payload.len, "an entry passes the end of its record", .{});
    }

    fn pass_message(self: *Walk, payload: []const u8, type_id: u32) void {
        check(self.index < self.given.count, "more was written than was given", .{});
        check(payload.len == self.given.sizes[self.index], "a message is of another size", .{});
        check(type_id == self.given.type_id, "the type is another", .{});
        check(std.mem.eql(u8, payload, self.given.bytes[self.offset..][0..payload.len]), "the bytes are others", .{});
        self.index += 1;
        self.offset += payload.len;
    }
};
