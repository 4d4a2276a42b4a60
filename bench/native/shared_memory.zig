//! The mechanisms over shared memory: where the memory comes from, and how a side waits.

const mapping = @import("shared_mapping.zig");
const semaphores = @import("semaphores.zig");
const signal = @import("signal.zig");
const Conditions = @import("mutex.zig").Conditions;
const Slots = @import("slots.zig").Slots;
const Spin = @import("spin.zig").Spin;
const Wakeups = @import("eventfd.zig").Wakeups;

pub const SystemVSemaphores = Slots(mapping.system_v, semaphores.SystemV);
pub const SystemVMutex = Slots(mapping.system_v, Conditions);
pub const SystemVSpin = Slots(mapping.system_v, Spin);
pub const PosixSemaphores = Slots(mapping.posix, semaphores.Posix);
pub const PosixMutex = Slots(mapping.posix, Conditions);
pub const PosixSpin = Slots(mapping.posix, Spin);
pub const MemfdEventfd = Slots(mapping.memfd, Wakeups);
pub const Signalfd = Slots(mapping.memfd, signal.Signals);
pub const Timerfd = Slots(mapping.memfd, signal.Timers);
