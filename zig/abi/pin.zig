//! `pin <library> <pinned>` copies a shared library and has the copy stay mapped once it is (the
//! linker's `-z nodelete`, which std.Build has no field for). A runtime that closes the library with
//! one of its workers would otherwise unmap what another thread is asleep in.

const std = @import("std");
const elf = std.elf;

const size_max = 64 << 20;

pub fn main(init: std.process.Init) !void {
    const arguments = try init.minimal.args.toSlice(init.arena.allocator());
    const here: std.Io.Dir = .cwd();
    const library = try here.readFileAlloc(init.io, arguments[1], init.arena.allocator(), .limited(size_max));
    try pin(library);
    try here.writeFile(init.io, .{ .sub_path = arguments[2], .data = library });
}

fn pin(library: []u8) !void {
    const header = std.mem.bytesToValue(elf.Elf64_Ehdr, library[0..@sizeOf(elf.Elf64_Ehdr)]);
    for (0..header.e_phnum) |index| {
        const at = header.e_phoff + index * header.e_phentsize;
        const segment = std.mem.bytesToValue(elf.Elf64_Phdr, library[at..][0..@sizeOf(elf.Elf64_Phdr)]);
        if (segment.p_type == elf.PT_DYNAMIC) return pin_dynamic(library[segment.p_offset..][0..segment.p_filesz]);
    }
    return error.NotDynamic;
}

fn pin_dynamic(section: []u8) !void {
    for (std.mem.bytesAsSlice(elf.Elf64_Dyn, section)) |*entry| {
        if (entry.d_tag != elf.DT_FLAGS_1) continue;
        entry.d_val |= elf.DF_1_NODELETE;
        return;
    }
    return error.NoFlags;
}
