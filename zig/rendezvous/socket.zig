//! Where two processes meet: a Unix socket that is listened on, or connected to, once.

const std = @import("std");
const linux = std.os.linux;
const live_listener = @import("live_listener.zig");
const mark = @import("../os/mark.zig");
const system = @import("../os/system.zig");
const Deadline = @import("../os/time.zig").Deadline;
const Failure = @import("../failure.zig").Failure;
const Id = @import("entry.zig").Id;
const Peer = @import("../os/peer.zig").Peer;
const SocketFile = @import("socket_file.zig").SocketFile;
const look = @import("entry.zig").look;

const Address = @import("address.zig").Address;

/// Connectors that may wait while one is being served; more are told to try again.
const backlog = 128;

const pause_ns_min = 1 * std.time.ns_per_ms;
const pause_ns_max = 10 * std.time.ns_per_ms;

pub const Connection = struct {
    fd: i32,
    peer: Peer,

    pub fn close(self: *Connection) void {
        self.peer.close();
        system.close_fd(self.fd);
        self.fd = -1;
    }
};

pub const Listener = struct {
    fd: i32,
    /// null for an abstract address.
    file: ?struct { place: SocketFile, id: Id },

    pub fn open(
        address: *const Address,
        mode: u16,
        failure: *Failure,
    ) error{ System, PathRefused, AddressInUse }!Listener {
        const fd = try open_socket(failure);
        errdefer system.close_fd(fd);
        if (address.is_abstract()) {
            try bind_abstract(fd, address, failure);
            try start_listening(fd, failure);
            return .{ .fd = fd, .file = null };
        }

        const place: SocketFile = .open(address);
        errdefer place.close();
        try place.clear(failure);
        const id = try place.bind(fd, mode, failure);
        errdefer place.unlink_if(id);
        mark.at(.socket_bound);
        try start_listening(fd, failure);
        mark.at(.listening);
        return .{ .fd = fd, .file = .{ .place = place, .id = id } };
    }

    /// The next connector that is still there. On a timeout nothing is lost: call again.
    pub fn accept(
        self: *const Listener,
        deadline: Deadline,
        failure: *Failure,
    ) error{ System, Timeout }!Connection {
        while (true) {
            try system.poll_until(self.fd, linux.POLL.IN, deadline, failure);
            const flags = linux.SOCK.NONBLOCK | linux.SOCK.CLOEXEC;
            const result = system.retry(linux.accept4, .{ self.fd, null, null, flags });
            switch (linux.errno(result)) {
                .SUCCESS => {
                    mark.at(.connector_accepted);
                    var connection = try connection_of(@intCast(result), failure);
                    if (connection.peer.pidfd != Peer.pidfd_gone) return connection;
                    connection.close();
                },
                // Another thread was faster, or the connector left the queue.
                .AGAIN, .CONNABORTED => {},
                else => |errno| return failure.system(.accept, errno),
            }
            // A crowd of connectors that leave at once must not keep this going.
            if (deadline.passed()) return error.Timeout;
        }
    }

    pub fn close(self: *Listener) void {
        if (self.file) |*file| {
            file.place.unlink_if(file.id);
            mark.at(.path_unlinked);
            file.place.close();
        }
        system.close_fd(self.fd);
        self.* = .{ .fd = -1, .file = null };
    }
};

/// On `error.Timeout` the failure says what the last attempt met with.
pub fn connect(
    address: *const Address,
    deadline: Deadline,
    retry: bool,
    failure: *Failure,
) error{ System, Timeout, PathRefused }!Connection {
    var pause_ns: u64 = pause_ns_min;
    while (true) {
        if (try attempt(address, failure)) |connection| return connection;
        if (!retry) return error.System;
        const remaining_ns = deadline.remaining_ns();
        if (remaining_ns == 0) return error.Timeout;
        system.sleep(@min(pause_ns, remaining_ns));
        pause_ns = @min(2 * pause_ns, pause_ns_max);
    }
}

/// null, with the reason in `failure`, for what may be otherwise a moment later.
fn attempt(address: *const Address, failure: *Failure) error{ System, PathRefused }!?Connection {
    const fd = try open_socket(failure);
    const errno = linux.errno(system.retry(linux.connect, .{ fd, address.sockaddr(), address.length }));
    if (errno == .SUCCESS) {
        mark.at(.connected);
        return try connection_of(fd, failure);
    }

    system.close_fd(fd);
    try refuse_what_is_no_socket(address, errno, failure);
    const system_error = failure.system(.connect, errno);
    return switch (errno) {
        // Not there yet; there, but nobody listens yet; more connectors at once than it has room for.
        .NOENT, .CONNREFUSED, .AGAIN => null,
        else => system_error,
    };
}

/// The kernel says the same of a file that never was a socket as of a socket that nobody listens
/// on; only the latter is worth waiting for.
fn refuse_what_is_no_socket(address: *const Address, errno: linux.E, failure: *Failure) error{PathRefused}!void {
    if (address.is_abstract()) return;
    if (errno != .CONNREFUSED and errno != .ACCES) return;
    switch (look(linux.AT.FDCWD, address.file_path(), 0)) {
        .entry => |entry| if (!entry.is_socket()) return entry.refuse(.NOTSOCK, failure),
        .failed => {},
    }
}

/// Owns `fd` from here on.
fn connection_of(fd: i32, failure: *Failure) error{System}!Connection {
    errdefer system.close_fd(fd);
    return .{ .fd = fd, .peer = try Peer.from_socket(fd, failure) };
}

fn open_socket(failure: *Failure) error{System}!i32 {
    const kind = linux.SOCK.STREAM | linux.SOCK.NONBLOCK | linux.SOCK.CLOEXEC;
    const result = linux.socket(linux.AF.UNIX, kind, 0);
    if (linux.errno(result) != .SUCCESS) return failure.system(.socket, linux.errno(result));
    return @intCast(result);
}

fn bind_abstract(fd: i32, address: *const Address, failure: *Failure) error{ System, AddressInUse }!void {
    const errno = linux.errno(linux.bind(fd, address.sockaddr(), address.length));
    if (errno == .SUCCESS) return;
    const system_error = failure.system(.bind, errno);
    if (errno != .ADDRINUSE) return system_error;
    failure.pid = live_listener.pid_of(.{ .abstract = address.abstract_name() });
    return error.AddressInUse;
}

fn start_listening(fd: i32, failure: *Failure) error{System}!void {
    const errno = linux.errno(linux.listen(fd, backlog));
    if (errno != .SUCCESS) return failure.system(.listen, errno);
}

test {
    _ = @import("listen_test.zig");
}
