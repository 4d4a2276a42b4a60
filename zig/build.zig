//! Builds the shared libraries that the package carries, runs the unit tests, and prints the table
//! that TypeScript reads. Run from the repository's root with `--prefix .`, which is where lib/ goes.

const std = @import("std");

const Platform = struct {
    /// The folder under lib/, named as the runtimes name the platform.
    folder: []const u8,
    query: std.Target.Query,
};

/// Baseline processors only: what is built here runs on machines that nobody here has seen.
const platforms = [_]Platform{
    .{
        .folder = "linux-x64",
        .query = .{
            .cpu_arch = .x86_64,
            .cpu_model = .baseline,
            // PREFETCHW does nothing on the 64-bit processors that do not know it.
            .cpu_features_add = std.Target.x86.featureSet(&.{.prfchw}),
            .os_tag = .linux,
            .abi = .none,
        },
    },
    .{
        .folder = "linux-arm64",
        .query = .{
            .cpu_arch = .aarch64,
            .cpu_model = .baseline,
            // Outlined atomics ask libc what the processor can do, and there is no libc here.
            .cpu_features_sub = std.Target.aarch64.featureSet(&.{.outline_atomics}),
            .os_tag = .linux,
            .abi = .none,
        },
    },
};

pub fn build(b: *std.Build) void {
    for (platforms) |platform| addLibrary(b, platform);
    addTests(b);
    addTable(b);
    addBench(b);
}

fn addLibrary(b: *std.Build, platform: Platform) void {
    const library = b.addLibrary(.{
        .name = "zerocross",
        .linkage = .dynamic,
        .root_module = b.createModule(.{
            .root_source_file = b.path("exports.zig"),
            .target = b.resolveTargetQuery(platform.query),
            .optimize = .ReleaseFast,
            .link_libc = false,
            .strip = true,
        }),
    });
    const pin = b.addRunArtifact(b.addExecutable(.{
        .name = "pin",
        .root_module = hostModule(b, "pin.zig", .Debug),
    }));
    pin.addArtifactArg(library);
    const pinned = pin.addOutputFileArg("libzerocross.so");
    const install = b.addInstallFile(pinned, b.fmt("lib/{s}/libzerocross.so", .{platform.folder}));
    b.getInstallStep().dependOn(&install.step);
}

/// The unit tests run twice: Debug fills undefined memory so that a read of it shows, and ReleaseSafe
/// lets the optimiser reorder what the atomics do not forbid.
fn addTests(b: *std.Build) void {
    const step = b.step("test", "Run the unit tests in Debug and in ReleaseSafe");
    for ([_]std.builtin.OptimizeMode{ .Debug, .ReleaseSafe }) |optimize| {
        const run = b.addRunArtifact(b.addTest(.{
            .name = @tagName(optimize),
            .root_module = hostModule(b, "main_test.zig", optimize),
        }));
        // What they test is the kernel as well, so a cached success proves nothing.
        run.has_side_effects = true;
        step.dependOn(&run.step);
    }
}

fn addTable(b: *std.Build) void {
    const run = b.addRunArtifact(b.addExecutable(.{
        .name = "table",
        .root_module = hostModule(b, "table.zig", .Debug),
    }));
    run.stdio = .inherit;
    b.step("table", "Print ffi/table.ts").dependOn(&run.step);
}

fn addBench(b: *std.Build) void {
    const step = b.step("bench", "Build what measures: programs into zig-out/bin, a clock into zig-out/lib");
    addProgram(b, step, "native", "../bench/goals/native.zig");
    addProgram(b, step, "mechanisms", "../bench/native/main.zig");
    addProgram(b, step, "count-calls", "../bench/native/count_calls.zig");
    const library = b.addLibrary(.{
        .name = "benchclock",
        .linkage = .dynamic,
        .root_module = benchModule(b, "../bench/native/clock_library.zig"),
    });
    const directory: std.Build.InstallDir = .{ .custom = "zig-out/lib" };
    step.dependOn(&b.addInstallArtifact(library, .{ .dest_dir = .{ .override = directory } }).step);
}

fn addProgram(b: *std.Build, step: *std.Build.Step, name: []const u8, path: []const u8) void {
    const program = b.addExecutable(.{ .name = name, .root_module = benchModule(b, path) });
    const directory: std.Build.InstallDir = .{ .custom = "zig-out/bin" };
    step.dependOn(&b.addInstallArtifact(program, .{ .dest_dir = .{ .override = directory } }).step);
}

fn benchModule(b: *std.Build, path: []const u8) *std.Build.Module {
    const module = hostModule(b, path, .ReleaseFast);
    module.addImport("zerocross_core", hostModule(b, "core.zig", .ReleaseFast));
    return module;
}

fn hostModule(
    b: *std.Build,
    path: []const u8,
    optimize: std.builtin.OptimizeMode,
) *std.Build.Module {
    return b.createModule(.{
        .root_source_file = b.path(path),
        .target = b.graph.host,
        .optimize = optimize,
        .link_libc = false,
    });
}
