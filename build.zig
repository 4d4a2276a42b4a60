//! Builds the shared libraries that the package carries, runs the unit tests, and prints the table
//! that TypeScript reads. Run with `--prefix .`: lib/ goes into the repository's root.

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

/// What is shipped and measured. An assertion that fails ends the process, and is not undefined behaviour, but for
/// the functions that each message passes through: those are checked in every other build.
const shipped: std.builtin.OptimizeMode = .ReleaseSafe;

pub fn build(b: *std.Build) void {
    for (platforms) |platform| addLibrary(b, platform);
    addTests(b);
    addTable(b);
    addBench(b);
    const runtime = b.option([]const []const u8, "runtime", "The archives of libFuzzer, or of ThreadSanitizer") orelse &.{};
    addThreads(b, runtime);
    addCoverage(b);
    addRestrict(b);
    addFuzz(b, runtime);
    addChaos(b);
}

fn addLibrary(b: *std.Build, platform: Platform) void {
    const pinned = pinnedLibrary(b, shippedModule(b, "zig/library.zig", b.resolveTargetQuery(platform.query)));
    const install = b.addInstallFile(pinned, b.fmt("lib/{s}/libzerocross.so", .{platform.folder}));
    b.getInstallStep().dependOn(&install.step);
}

fn pinnedLibrary(b: *std.Build, module: *std.Build.Module) std.Build.LazyPath {
    // Zig's own backend, which Debug would be built with, leaves out the copies that go past the caches.
    const library = b.addLibrary(.{ .name = "zerocross", .linkage = .dynamic, .root_module = module, .use_llvm = true });
    const pin = b.addRunArtifact(b.addExecutable(.{
        .name = "pin",
        .root_module = hostModule(b, "zig/abi/pin.zig", .Debug),
    }));
    pin.addArtifactArg(library);
    return pin.addOutputFileArg("libzerocross.so");
}

/// The unit tests run twice: Debug fills undefined memory so that a read of it shows, and ReleaseSafe
/// lets the optimiser reorder what the atomics do not forbid.
fn addTests(b: *std.Build) void {
    const step = b.step("test", "Run the unit tests in Debug and in ReleaseSafe");
    for ([_]std.builtin.OptimizeMode{ .Debug, .ReleaseSafe }) |optimize| {
        const run = b.addRunArtifact(b.addTest(.{
            .name = @tagName(optimize),
            .root_module = hostModule(b, "zig/tests.zig", optimize),
        }));
        // What they test is the kernel as well, so a cached success proves nothing.
        run.has_side_effects = true;
        step.dependOn(&run.step);
    }
    step.dependOn(&addReplay(b).step);
}

/// The inputs that the fuzzers have found, without a fuzzer.
fn addReplay(b: *std.Build) *std.Build.Step.Run {
    const module = hostModule(b, "proofs/fuzz/replay.zig", .Debug);
    module.addImport("zerocross_core", hostModule(b, "zig/core.zig", .Debug));
    const run = b.addRunArtifact(b.addExecutable(.{ .name = "replay", .root_module = module }));
    run.addDirectoryArg(b.path("proofs/fuzz/corpus"));
    run.addDirectoryArg(b.path("proofs/fuzz/regressions"));
    run.has_side_effects = true;
    return run;
}

fn addTable(b: *std.Build) void {
    const module = hostModule(b, "zig/abi/table.zig", .Debug);
    module.addImport("zerocross_core", hostModule(b, "zig/core.zig", .Debug));
    const run = b.addRunArtifact(b.addExecutable(.{ .name = "table", .root_module = module }));
    run.stdio = .inherit;
    b.step("table", "Print ffi/table.ts").dependOn(&run.step);
}

fn addBench(b: *std.Build) void {
    const step = b.step("bench", "Build what measures: programs into zig-out/bin, a clock into zig-out/lib");
    addProgram(b, step, "mechanisms", "bench/native/main.zig");
    addProgram(b, step, "count-calls", "bench/native/count_calls.zig");
    const library = b.addLibrary(.{
        .name = "benchclock",
        .linkage = .dynamic,
        .root_module = benchModule(b, "bench/native/clock_library.zig"),
    });
    const directory: std.Build.InstallDir = .{ .custom = "zig-out/lib" };
    step.dependOn(&b.addInstallArtifact(library, .{ .dest_dir = .{ .override = directory } }).step);
}

fn addRestrict(b: *std.Build) void {
    const step = b.step("restrict", "Build what runs a program on a system that lacks something");
    addProgram(b, step, "restrict", "proofs/restrict/main.zig");
}

const fuzz_targets = [_][]const u8{ "reader", "writer", "changing", "handshake", "rpc" };

/// A program for each target, around libFuzzer, whose archives proofs/fuzz/run.mjs names. Only the code
/// under test and the target itself count their edges.
fn addFuzz(b: *std.Build, runtime: []const []const u8) void {
    const step = b.step("fuzz", "Build the fuzzers into zig-out/bin; see proofs/fuzz/run.mjs");
    for (fuzz_targets) |name| {
        const core = hostModule(b, "zig/core.zig", .ReleaseSafe);
        core.fuzz = true;
        const target = hostModule(b, b.fmt("proofs/fuzz/{s}.zig", .{name}), .ReleaseSafe);
        target.fuzz = true;
        target.addImport("zerocross_core", core);
        const driver = hostModule(b, "proofs/fuzz/driver.zig", .ReleaseSafe);
        driver.link_libc = true;
        driver.addImport("target", target);
        // libFuzzer has the main function.
        const whole = b.createModule(.{ .target = b.graph.host, .optimize = .ReleaseSafe, .link_libc = true });
        whole.addObject(b.addObject(.{ .name = name, .root_module = driver }));
        for (runtime) |path| whole.addObjectFile(.{ .cwd_relative = path });
        const program = b.addExecutable(.{ .name = b.fmt("fuzz-{s}", .{name}), .root_module = whole });
        const directory: std.Build.InstallDir = .{ .custom = "zig-out/bin" };
        step.dependOn(&b.addInstallArtifact(program, .{ .dest_dir = .{ .override = directory } }).step);
    }
}

/// Under ThreadSanitizer in Debug too: what the optimiser has taken out cannot be seen to race. Its
/// archives are named by proofs/threads/run.ts; Zig would build its own for minutes.
fn addThreads(b: *std.Build, runtime: []const []const u8) void {
    addThreadsProgram(b, "threads-safe", threadsModule(b, .ReleaseSafe));
    addThreadsProgram(b, "threads-debug", threadsModule(b, .Debug));

    const watched = threadsModule(b, .Debug);
    const core = watched.import_table.get("zerocross_core").?;
    for ([_]*std.Build.Module{ watched, core }) |module| {
        module.sanitize_thread = true;
        module.link_libc = true;
    }
    // Not watched itself, so that Zig does not link its own. The mode is that of Zig's runtime alone, which takes
    // half a minute in Debug.
    const whole = b.createModule(.{ .target = b.graph.host, .optimize = .ReleaseSafe, .link_libc = true });
    whole.addObject(b.addObject(.{ .name = "threads-tsan", .root_module = watched, .use_llvm = true }));
    for (runtime) |path| whole.addObjectFile(.{ .cwd_relative = path });
    addThreadsProgram(b, "threads-tsan", whole);
}

fn threadsModule(b: *std.Build, optimize: std.builtin.OptimizeMode) *std.Build.Module {
    const module = hostModule(b, "proofs/threads/main.zig", optimize);
    module.addImport("zerocross_core", hostModule(b, "zig/core.zig", optimize));
    return module;
}

fn addThreadsProgram(b: *std.Build, name: []const u8, module: *std.Build.Module) void {
    const step = b.step(name, b.fmt("Build the core between threads into zig-out/bin/{s}", .{name}));
    const directory: std.Build.InstallDir = .{ .custom = "zig-out/bin" };
    const program = b.addExecutable(.{ .name = name, .root_module = module });
    step.dependOn(&b.addInstallArtifact(program, .{ .dest_dir = .{ .override = directory } }).step);
}

/// Programs and a copy of the package in which marked steps can be struck at.
fn addChaos(b: *std.Build) void {
    const step = b.step("chaos", "Build what kills and stops: zig-out/bin/chaos, and the package with marks in zig-out/marked");
    const program = hostModule(b, "proofs/chaos/main.zig", .ReleaseSafe);
    program.addImport("zerocross_core", hostModule(b, "zig/core.zig", .ReleaseSafe));
    const directory: std.Build.InstallDir = .{ .custom = "zig-out/bin" };
    const executable = b.addExecutable(.{ .name = "chaos", .root_module = program });
    step.dependOn(&b.addInstallArtifact(executable, .{ .dest_dir = .{ .override = directory } }).step);

    const marked = hostModule(b, "proofs/chaos/library.zig", .ReleaseSafe);
    marked.addImport("zerocross_exports", hostModule(b, "zig/library.zig", .ReleaseSafe));
    const platform = b.fmt("linux-{s}", .{if (b.graph.host.result.cpu.arch == .x86_64) "x64" else "arm64"});
    const place = b.fmt("zig-out/marked/lib/{s}/libzerocross.so", .{platform});
    step.dependOn(&b.addInstallFile(pinnedLibrary(b, marked), place).step);
    for ([_][]const u8{ "src", "ffi" }) |folder| {
        step.dependOn(&b.addInstallDirectory(.{
            .source_dir = b.path(folder),
            .install_dir = .{ .custom = "zig-out/marked" },
            .install_subdir = folder,
        }).step);
    }
}

/// The library and the unit tests as their lines are counted (proofs/coverage/README.md).
fn addCoverage(b: *std.Build) void {
    const step = b.step("coverage", "Build into zig-out/coverage what notes the lines that it comes to");
    const library = hostModule(b, "zig/library.zig", .Debug);
    addNotes(b, library, "library");
    addMeasured(b, step, "library", pinnedLibrary(b, library));
    const tests = hostModule(b, "zig/tests.zig", .Debug);
    addNotes(b, tests, "tests");
    addMeasured(b, step, "tests", b.addTest(.{ .root_module = tests, .use_llvm = true }).getEmittedBin());
}

fn addNotes(b: *std.Build, module: *std.Build.Module, name: []const u8) void {
    const map = b.fmt("zig-out/coverage/{s}.map", .{name});
    const options = b.addOptions();
    options.addOption([]const u8, "map", b.pathResolve(&.{ b.graph.cache.cwd, b.install_prefix, map }));
    const runtime = hostModule(b, "proofs/coverage/runtime.zig", .ReleaseSmall);
    runtime.pic = true;
    runtime.addOptions("options", options);
    module.addObject(b.addObject(.{ .name = "coverage", .root_module = runtime, .use_llvm = true }));
}

fn addMeasured(b: *std.Build, step: *std.Build.Step, name: []const u8, binary: std.Build.LazyPath) void {
    const lines = b.addRunArtifact(b.addExecutable(.{
        .name = "lines",
        .root_module = hostModule(b, "proofs/coverage/lines.zig", .Debug),
    }));
    lines.addFileArg(binary);
    const map = lines.addOutputFileArg("map");
    const places = lines.addOutputFileArg("places");
    step.dependOn(&b.addInstallFile(binary, b.fmt("zig-out/coverage/{s}", .{name})).step);
    step.dependOn(&b.addInstallFile(map, b.fmt("zig-out/coverage/{s}.map", .{name})).step);
    step.dependOn(&b.addInstallFile(places, b.fmt("zig-out/coverage/{s}.places", .{name})).step);
}

fn addProgram(b: *std.Build, step: *std.Build.Step, name: []const u8, path: []const u8) void {
    const program = b.addExecutable(.{ .name = name, .root_module = benchModule(b, path) });
    const directory: std.Build.InstallDir = .{ .custom = "zig-out/bin" };
    step.dependOn(&b.addInstallArtifact(program, .{ .dest_dir = .{ .override = directory } }).step);
}

fn benchModule(b: *std.Build, path: []const u8) *std.Build.Module {
    const module = hostModule(b, path, .ReleaseFast);
    module.addImport("zerocross_core", shippedModule(b, "zig/core.zig", b.graph.host));
    return module;
}

fn shippedModule(b: *std.Build, path: []const u8, target: std.Build.ResolvedTarget) *std.Build.Module {
    return settledModule(b, path, target, shipped, false);
}

fn hostModule(b: *std.Build, path: []const u8, optimize: std.builtin.OptimizeMode) *std.Build.Module {
    return settledModule(b, path, b.graph.host, optimize, true);
}

fn settledModule(
    b: *std.Build,
    path: []const u8,
    target: std.Build.ResolvedTarget,
    optimize: std.builtin.OptimizeMode,
    hot_safety: bool,
) *std.Build.Module {
    const settings = b.addOptions();
    settings.addOption(bool, "hot_safety", hot_safety);
    return b.createModule(.{
        .root_source_file = b.path(path),
        .target = target,
        .optimize = optimize,
        .link_libc = false,
        // Half of the time that an optimised build takes; what fails there is looked at in Debug.
        .strip = optimize != .Debug,
        .imports = &.{.{ .name = "settings", .module = settings.createModule() }},
    });
}
