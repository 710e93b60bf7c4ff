"""Begins a program in a warm Python, and stands for it: its exit is the program's.

    python warm_client.py    the request as JSON on standard input, the log as standard output

Runs outside of any sandbox, with the rights of the node: it brings the attempt's folders into the
mount namespace of the child that the zygote forked for it, and puts that child into the attempt's
control groups before the program begins. Where that fails it becomes the cold launch instead.
Standard library only, Linux 5.12 and newer.
"""

import array
import ctypes
import json
import os
import select
import signal
import socket
import struct
import sys

AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, 0o2000000
MOVE_MOUNT_F_EMPTY_PATH = 4
SYS_OPEN_TREE, SYS_MOVE_MOUNT, SYS_MOUNT_SETATTR = 428, 429, 442
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
CLONE_NEWNS = 0x00020000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


class MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def check(result, what):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def copy_of(path, read_only):
    """A detached copy of what lies at the path, to be put somewhere else."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
    tree = check(libc.syscall(SYS_OPEN_TREE, AT_FDCWD, path.encode(), flags), f"open_tree {path}")
    bits = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (MOUNT_ATTR_RDONLY if read_only else 0)
    wanted = MountAttributes(set=bits)
    size = ctypes.sizeof(wanted)
    check(
        libc.syscall(SYS_MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, ctypes.byref(wanted), size),
        f"mount_setattr {path}",
    )
    return tree


def bring(pid, readable, writable):
    """Puts folders of the host into the child's view, at the paths that they have outside."""
    trees = [(copy_of(path, True), path) for path in readable]
    trees += [(copy_of(path, False), path) for path in writable]
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    if os.path.samestat(os.fstat(namespace), os.stat("/proc/self/ns/mnt")):
        raise OSError("That process has no view of its own")
    helper = os.fork()
    if helper == 0:
        try:
            check(libc.setns(namespace, CLONE_NEWNS), "setns")
            for tree, path in trees:
                moved = libc.syscall(
                    SYS_MOVE_MOUNT, tree, b"", AT_FDCWD, path.encode(), MOVE_MOUNT_F_EMPTY_PATH
                )
                check(moved, f"move_mount {path}")
            os._exit(0)
        except OSError:
            os._exit(1)
    if os.waitpid(helper, 0)[1] != 0:
        raise OSError("The folders could not be brought into the sandbox")


passed_on = ("args", "env", "cwd", "attempts", "attempt", "readable", "scratchBytes")


def main():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    request = json.loads(sys.stdin.buffer.read())
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        connection = begin(request)
    except OSError:
        start_cold(request["cold"])
    sys.exit(follow(connection, wake))


def start_cold(cold):
    """Nothing was begun: the program starts as it would have without a warm Python."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.execve(cold["command"][0], cold["command"], cold["env"])


def begin(request):
    """The connection to a child that has begun the program."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    folder, name = os.path.split(request["socket"])
    before = os.getcwd()
    os.chdir(folder)  # the addresses of sockets are short
    connection.connect(name)
    os.chdir(before)
    told = {name: request[name] for name in passed_on}
    data = json.dumps(told).encode()
    descriptor = array.array("i", [1])
    head = struct.pack("<I", len(data))
    connection.sendmsg([head], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)])
    connection.sendall(data)
    pid = ready(connection)
    for group in request["cgroups"]:
        with open(os.path.join(group, "cgroup.procs"), "w") as file:
            file.write(str(pid))
    bring(pid, [*request["readable"], request["attempt"]], request["writable"])
    connection.sendall(b"G")
    return connection


def ready(connection):
    """Waits until the child has its namespaces; answers its pid as the host knows it."""
    space = socket.CMSG_SPACE(struct.calcsize("3i"))
    data, ancillary, _, _ = connection.recvmsg(4096, space)
    if data[:1] != b"R":
        raise OSError(data[1:].decode(errors="replace") or "The warm Python went away")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            return struct.unpack("3i", content[: struct.calcsize("3i")])[0]
    raise OSError("The kernel did not tell whose message it was")


def follow(connection, wake):
    """Passes SIGTERM on; answers how the program ended."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while True:
        for number, _ in poll.poll():
            if number == wake:
                os.read(wake, 64)
                connection.sendall(b"T")
                continue
            data = connection.recv(64)
            if data[:1] == b"X" and len(data) >= 5:
                return struct.unpack("<i", data[1:5])[0]
            # The zygote died, and the program with it.
            return 128 + signal.SIGKILL


if __name__ == "__main__":
    main()
