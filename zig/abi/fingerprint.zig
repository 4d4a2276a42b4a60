//! The ABI number: another one for every other list of symbols, so that nobody has to raise it.

const std = @import("std");

/// Of the names and types of what `symbols` declares.
pub fn fingerprint_of(comptime symbols: type) u32 {
    @setEvalBranchQuota(200_000);
    var hash: std.hash.Fnv1a_32 = .init();
    for (@typeInfo(symbols).@"struct".decls) |declaration| {
        hash.update(declaration.name);
        hash.update(@typeName(@TypeOf(@field(symbols, declaration.name))));
    }
    return hash.final();
}
