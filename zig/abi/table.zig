//! Prints ffi/table.ts: what TypeScript has to know about the library, from the same source that
//! the library is built from.

const std = @import("std");
const linux = std.os.linux;
const core = @import("zerocross_core");
const wire = core.wire;
const ends = core.ends;
const exports = core.exports;
const handles = core.handles;
const Status = core.status.Status;
const Subject = core.failure.Subject;

const text = head ++ numbers_text() ++ formulas ++ enum_text("role", core.end.Role) ++
    enum_text("interest", core.Interest) ++ enum_text("ability", core.rpc.Ability) ++
    enum_text("status", Status) ++ enum_text("subject", Subject) ++
    fields_text("statsFields", ends.StatsField) ++ fields_text("failureFields", ends.FailureField) ++
    enum_text("receivedField", ends.ReceivedField) ++
    symbols_text();

const head =
    \\// Printed by `npm run generate` from zig/abi/exports.zig. Not to be edited.
    \\
    \\
;

const formulas = std.fmt.comptimePrint(
    \\/** Bytes of the largest message that fits into a ring of `capacity` bytes from any position. */
    \\export function payloadMax(capacity: number): number {{
    \\  return capacity / {d} - {d};
    \\}}
    \\
    \\/** Bytes of the memory behind a ring of `capacity` bytes. */
    \\export function memorySize(capacity: number): number {{
    \\  return {d} + capacity;
    \\}}
    \\
    \\
, .{ wire.payload_share, wire.header_size, wire.control_size });

pub fn main() !void {
    var rest: []const u8 = text;
    while (rest.len > 0) {
        const written = linux.write(1, rest.ptr, rest.len);
        if (linux.errno(written) != .SUCCESS) return error.WriteFailed;
        rest = rest[written..];
    }
}

fn numbers_text() []const u8 {
    return std.fmt.comptimePrint(
        \\export const numbers = {{
        \\  abi: {d},
        \\  controlSize: {d},
        \\  headerSize: {d},
        \\  entrySize: {d},
        \\  capacityMin: {d},
        \\  capacityMax: {d},
        \\  capacityMinForeign: {d},
        \\  typePacked: {d},
        \\  typeFailure: {d},
        \\  handleCount: {d},
        \\  placeWords: {d},
        \\  wireMin: {d},
        \\  wireMax: {d},
        \\  sliceMs: {d},
        \\}} as const;
        \\
        \\
    , .{
        exports.abi,
        wire.control_size,
        wire.header_size,
        @sizeOf(wire.PackedEntry),
        wire.capacity_min,
        wire.capacity_max,
        wire.capacity_min_foreign,
        wire.type_packed,
        wire.type_failure,
        handles.slot_count,
        @sizeOf(core.Place) / @sizeOf(u32),
        wire.version_min,
        wire.version_max,
        core.time.slice_ms,
    });
}

fn enum_text(comptime name: []const u8, comptime Enum: type) []const u8 {
    comptime var out: []const u8 = "export const " ++ name ++ " = {\n";
    inline for (@typeInfo(Enum).@"enum".fields) |field| {
        out = out ++ std.fmt.comptimePrint("  {s}: {d},\n", .{ camel_case(field.name), field.value });
    }
    return out ++ "} as const;\n\n";
}

/// The positions of numbers in a buffer that a call fills.
fn fields_text(comptime name: []const u8, comptime Enum: type) []const u8 {
    comptime var out: []const u8 = "export const " ++ name ++ " = [";
    inline for (@typeInfo(Enum).@"enum".fields, 0..) |field, index| {
        out = out ++ (if (index > 0) ", " else "") ++ "\"" ++ field.name ++ "\"";
    }
    return out ++ "] as const;\n\n";
}

fn symbols_text() []const u8 {
    @setEvalBranchQuota(20_000);
    comptime var out: []const u8 = "export const symbols = {\n";
    inline for (@typeInfo(exports.symbols).@"struct".decls) |declaration| {
        out = out ++ symbol_text(declaration.name, @TypeOf(@field(exports.symbols, declaration.name)));
    }
    return out ++ "} as const;\n";
}

fn symbol_text(comptime name: []const u8, comptime Function: type) []const u8 {
    const function = @typeInfo(Function).@"fn";
    comptime var parameters: []const u8 = "";
    inline for (function.params, 0..) |parameter, index| {
        parameters = parameters ++ (if (index > 0) ", " else "") ++ "\"" ++ type_name(parameter.type.?) ++ "\"";
    }
    const result = type_name(function.return_type.?);
    const one_line = "  " ++ name ++ ": { parameters: [" ++ parameters ++ "], result: \"" ++ result ++ "\" },\n";
    if (one_line.len <= 101) return one_line;
    return "  " ++ name ++ ": {\n    parameters: [" ++ parameters ++ "],\n    result: \"" ++ result ++ "\",\n  },\n";
}

fn type_name(comptime T: type) []const u8 {
    return switch (T) {
        u32 => "u32",
        i32 => "i32",
        f64 => "f64",
        void => "void",
        else => if (@typeInfo(T) == .pointer) "buffer" else @compileError("a type that does not cross: " ++ @typeName(T)),
    };
}

fn camel_case(comptime name: []const u8) []const u8 {
    comptime var out: []const u8 = "";
    comptime var raise = false;
    inline for (name) |letter| {
        if (letter != '_') out = out ++ &[1]u8{if (raise) std.ascii.toUpper(letter) else letter};
        raise = letter == '_';
    }
    return out;
}
