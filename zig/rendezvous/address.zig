//! Where a rendezvous takes place: a path, or a name of the abstract namespace.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;

pub const Address = struct {
    un: linux.sockaddr.un,
    length: linux.socklen_t,

    const path_offset = @offsetOf(linux.sockaddr.un, "path");
    const path_size = @sizeOf(@FieldType(linux.sockaddr.un, "path"));

    /// Longest path, and longest abstract name after its '@': one byte is for the NUL that ends the
    /// one and begins the other.
    pub const text_max = path_size - 1;

    pub fn parse(path: []const u8) error{ PathEmpty, PathTooLong, PathHasNul }!Address {
        const abstract = path.len > 0 and path[0] == '@';
        const text = if (abstract) path[1..] else path;
        if (text.len == 0) return error.PathEmpty;
        if (text.len > text_max) return error.PathTooLong;
        if (std.mem.indexOfScalar(u8, text, 0) != null) return error.PathHasNul;

        var un: linux.sockaddr.un = .{ .path = @splat(0) };
        const start: usize = if (abstract) 1 else 0;
        @memcpy(un.path[start..][0..text.len], text);
        // An abstract name has no terminator: every byte that the length covers belongs to it. A
        // path is counted with its terminator, so both come to one byte more than the text.
        return .{ .un = un, .length = @intCast(path_offset + text.len + 1) };
    }

    pub fn is_abstract(self: *const Address) bool {
        return self.un.path[0] == 0;
    }

    /// The abstract name, without the '@'.
    pub fn abstract_name(self: *const Address) []const u8 {
        assert(self.is_abstract());
        return self.un.path[1 .. self.length - path_offset];
    }

    pub fn file_path(self: *const Address) [:0]const u8 {
        assert(!self.is_abstract());
        return self.un.path[0 .. self.length - path_offset - 1 :0];
    }

    /// The last component of the path: empty when it ends with a slash.
    pub fn file_name(self: *const Address) [:0]const u8 {
        const path = self.file_path();
        return path[path.len - base_name(path).len ..];
    }

    /// Sound: every sockaddr begins with its family, and `length` goes along to tell the real size.
    pub fn sockaddr(self: *const Address) *const linux.sockaddr {
        return @ptrCast(&self.un);
    }
};

pub fn base_name(path: []const u8) []const u8 {
    const slash = std.mem.lastIndexOfScalar(u8, path, '/') orelse return path;
    return path[slash + 1 ..];
}

test "a path is counted with its terminator" {
    const address = try Address.parse("/run/a.sock");
    try std.testing.expect(!address.is_abstract());
    try std.testing.expectEqualStrings("/run/a.sock", address.file_path());
    try std.testing.expectEqualStrings("a.sock", address.file_name());
    try std.testing.expectEqual(2 + 11 + 1, address.length);
}

test "an abstract name begins with a NUL and is counted exactly" {
    const address = try Address.parse("@name");
    try std.testing.expect(address.is_abstract());
    try std.testing.expectEqualStrings("name", address.abstract_name());
    try std.testing.expectEqualStrings("\x00name", address.un.path[0..5]);
    try std.testing.expectEqual(2 + 5, address.length);
}

test "the longest path and the longest abstract name have 107 bytes" {
    const longest = "p" ** 107;
    try std.testing.expectEqualStrings(longest, (try Address.parse(longest)).file_path());
    try std.testing.expectEqualStrings(longest, (try Address.parse("@" ++ longest)).abstract_name());
    try std.testing.expectError(error.PathTooLong, Address.parse(longest ++ "p"));
    try std.testing.expectError(error.PathTooLong, Address.parse("@" ++ longest ++ "p"));
}

test "a path that is empty or holds a NUL is refused" {
    try std.testing.expectError(error.PathEmpty, Address.parse(""));
    try std.testing.expectError(error.PathEmpty, Address.parse("@"));
    try std.testing.expectError(error.PathHasNul, Address.parse("/run/\x00a"));
    try std.testing.expectError(error.PathHasNul, Address.parse("@\x00a"));
}

test "a path without a slash is its own file name, and one that ends with a slash has none" {
    try std.testing.expectEqualStrings("a", (try Address.parse("a")).file_name());
    try std.testing.expectEqualStrings("", (try Address.parse("a/")).file_name());
}
