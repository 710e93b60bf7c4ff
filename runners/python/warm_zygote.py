"""A Python that has imported what programs import, and is forked for each of them.

    python warm_zygote.py SOCKET PROC MODULE...

It runs in a sandbox of its own (no network, no files but the system's), as nobody. For each
connection to SOCKET it forks a child, and that child goes through namespaces of its own before the
program begins: user, mounts, processes, IPC, host name, network. So programs see neither this
process nor each other. What a child needs of the host (its folders, its log) is brought to it by
`warm_client.py`, which is trusted and outside. It ends when its standard input does and no child
is left, or when nobody asked for a while. Standard library only, Linux, Python 3.9 and newer.
"""

import array
import ctypes
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time

import warm_program

IDLE_S = 300

NEW_NAMESPACES = (
    0x00020000  # mounts
    | 0x04000000  # host name
    | 0x08000000  # IPC
    | 0x10000000  # users
    | 0x20000000  # processes
    | 0x40000000  # network
)
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY = 2, 4, 8, 1
MS_PRIVATE_ALL = 0x4000 | 0x40000
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 24, 38, 47

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def mount(source, target, kind, flags, options=None):
    data = options.encode() if options else None
    result = libc.mount(source.encode(), target.encode(), kind.encode(), flags, data)
    check(result, f"mount {target}")


# -- the zygote ------------------------------------------------------------------------------------

def serve(path, proc):
    """Forks a child for each connection."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    children, lifeline, asked = set(), True, time.monotonic()
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(0, select.POLLIN)
    print("ready", flush=True)
    while lifeline or children:
        for number, _ in poll.poll(500):
            if number == 0:
                if not os.read(0, 1):
                    lifeline = False
                    poll.unregister(0)
                    poll.unregister(listener)
                    listener.close()
                continue
            connection, _ = listener.accept()
            asked = time.monotonic()
            child = os.fork()
            if child == 0:
                listener.close()
                forget_streams()
                guard(connection, (proc, os.path.dirname(path)))
                os._exit(0)
            connection.close()
            children.add(child)
        children = {one for one in children if os.waitpid(one, os.WNOHANG)[0] == 0}
        if not children and time.monotonic() - asked > IDLE_S:
            return


# -- the guard: one for each program, outside of its process namespace -----------------------------

def forget_streams():
    """The zygote's own are nothing that a program could reach by its first process."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.close(nothing)


def guard(connection, hidden):
    """Makes the namespaces, begins the program in them, and tells how it ended."""
    request, log = receive(connection)
    try:
        separate(request, hidden[0])
        connection.sendall(b"R")  # the kernel tells the client who sent this
        if connection.recv(1) != b"G":
            return
        init = os.fork()
        if init == 0:
            connection.close()
            begin(request, log, hidden)
            os._exit(125)
    except OSError as error:
        connection.sendall(b"E" + str(error).encode())
        return
    os.close(log)
    ended = os.pidfd_open(init)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(connection, select.POLLIN)
    while True:
        events = dict(poll.poll())
        if ended in events:
            break
        order = connection.recv(1)
        if order == b"T":
            os.kill(init, signal.SIGTERM)
        else:  # whoever watched is gone, or says so
            os.kill(init, signal.SIGKILL)
            poll.unregister(connection)
    _, status = os.waitpid(init, 0)
    code = os.waitstatus_to_exitcode(status)
    connection.sendall(b"X" + struct.pack("<i", code if code >= 0 else 128 - code))


def receive(connection):
    """The request as JSON, its length before it, and with it the log's descriptor."""
    fds = array.array("i")
    data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(fds.itemsize))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: fds.itemsize])
    size = struct.unpack("<I", data[:4])[0]
    data = data[4:]
    while len(data) < size:
        piece = connection.recv(min(1 << 20, size - len(data)))
        if not piece:
            raise OSError("The request was cut off")
        data += piece
    return json.loads(data), fds[0]


def separate(request, proc):
    user, group = os.getuid(), os.getgid()
    check(libc.unshare(NEW_NAMESPACES), "unshare")
    maps = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for name, line in maps.items():
        with open(f"{proc}/self/{name}", "w") as file:
            file.write(line)
    mount("none", "/", "none", MS_PRIVATE_ALL)
    size = f",size={request['scratchBytes']}" if request.get("scratchBytes") else ""
    for path in ("/tmp", "/var/tmp", "/dev/shm"):
        mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777" + size)
    # Under /tmp it is gone by now, with whatever others had there.
    if os.path.isdir(request["attempts"]):
        mount("tmpfs", request["attempts"], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    for path in (request["attempt"], *request["readable"]):
        os.makedirs(path, mode=0o755, exist_ok=True)
    bring_up_loopback()


def bring_up_loopback():
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))


# -- the first process of the program's namespace --------------------------------------------------

def begin(request, log, hidden):
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    # The zygote's own view of processes, which the kernel wanted to see for the mount above, and
    # its socket: a program that could ask for programs would outlive its own end.
    for path in hidden:
        mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "mode=0000")
    drop_rights()
    wanted = {signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    program = os.fork()
    if program == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, wanted)
        warm_program.run(request, log)
        os._exit(125)
    signal.signal(signal.SIGTERM, lambda *_: terminate(program))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, wanted)
    os.close(log)
    while True:
        pid, status = os.wait()
        if pid == program:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def terminate(program):
    """SIGTERM for the program's own group; before it has one, for the program."""
    try:
        os.killpg(program, signal.SIGTERM)
    except ProcessLookupError:
        os.kill(program, signal.SIGTERM)


class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def drop_rights():
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    libc.prctl(PR_CAP_AMBIENT, 4, 0, 0, 0)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    nothing = (ctypes.c_uint32 * 6)()
    check(libc.capset(ctypes.byref(Header(0x20080522, 0)), nothing), "capset")


def preload(modules):
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:
            pass  # a program that needs it is told so itself


if __name__ == "__main__":
    preload(sys.argv[3:])
    serve(sys.argv[1], sys.argv[2])
