//! `lines <binary> <map> <places>` reads from a binary's debug information where the lines of the core
//! begin: into <map> the addresses, as `runtime.zig` wants them, and into <places> file, line and column
//! of each, one to a line and in the same order.

const std = @import("std");
const Dwarf = std.debug.Dwarf;

const Place = struct { offset: u32, file: []const u8, line: u32, column: u32 };

pub fn main(init: std.process.Init) !void {
    const arena = init.arena.allocator();
    const arguments = try init.minimal.args.toSlice(arena);
    const here: std.Io.Dir = .cwd();
    const file = try here.openFile(init.io, arguments[1], .{});
    defer file.close(init.io);
    var binary: std.debug.ElfFile = try .load(arena, init.io, file, null, &.none);
    const places = try read_places(arena, &binary);

    try here.writeFile(init.io, .{ .sub_path = arguments[2], .data = try encode_map(arena, places) });
    var text: std.Io.Writer.Allocating = .init(arena);
    for (places) |place| try text.writer.print("{s}:{d}:{d}\n", .{ place.file, place.line, place.column });
    try here.writeFile(init.io, .{ .sub_path = arguments[3], .data = text.written() });
}

fn read_places(arena: std.mem.Allocator, binary: *std.debug.ElfFile) ![]Place {
    const dwarf = &binary.dwarf.?;
    try dwarf.open(arena, binary.endian);
    const base = try image_base(binary.mapped_file);
    var places: std.ArrayList(Place) = .empty;
    for (dwarf.compile_unit_list.items) |*unit| {
        try dwarf.populateSrcLocCache(arena, binary.endian, unit);
        const cache = &unit.src_loc_cache.?;
        for (cache.line_table.keys(), cache.line_table.values()) |address, row| {
            const entry = cache.files[row.file - @intFromBool(cache.version < 5)];
            const folder = cache.directories[entry.dir_index].path;
            if (row.line == 0 or !is_core(folder, entry.path)) continue;
            try places.append(arena, .{
                .offset = @intCast(address - base),
                .file = std.fs.path.basename(entry.path),
                .line = row.line,
                .column = row.column,
            });
        }
    }
    std.mem.sortUnstable(Place, places.items, {}, struct {
        fn less(_: void, a: Place, b: Place) bool {
            return a.offset < b.offset;
        }
    }.less);
    return places.items;
}

fn is_core(folder: []const u8, path: []const u8) bool {
    if (!std.mem.endsWith(u8, path, ".zig")) return false;
    var is_inside = false;
    var parts = std.mem.tokenizeScalar(u8, folder, '/');
    while (parts.next()) |part| {
        if (std.mem.eql(u8, part, "node_modules")) return false;
        if (std.mem.eql(u8, part, "zig")) is_inside = true;
    }
    return is_inside;
}

/// The address that the image's first byte was linked for.
fn image_base(image: []const u8) !u64 {
    const header = std.mem.bytesToValue(std.elf.Elf64_Ehdr, image[0..@sizeOf(std.elf.Elf64_Ehdr)]);
    for (0..header.e_phnum) |index| {
        const at = header.e_phoff + index * header.e_phentsize;
        const segment = std.mem.bytesToValue(std.elf.Elf64_Phdr, image[at..][0..@sizeOf(std.elf.Elf64_Phdr)]);
        if (segment.p_type == std.elf.PT_LOAD and segment.p_offset == 0) return segment.p_vaddr;
    }
    return error.NoImage;
}

fn encode_map(arena: std.mem.Allocator, places: []const Place) ![]const u8 {
    var writer: std.Io.Writer.Allocating = .init(arena);
    try writer.writer.writeInt(u32, @intCast(places.len), .little);
    for (places) |place| try writer.writer.writeInt(u32, place.offset, .little);
    try writer.writer.splatByteAll(0, places.len);
    return writer.written();
}
