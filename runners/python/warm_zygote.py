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
    check(libc.mount(source.encode(), target.encode(), kind.encode(), flags, data), f"mount {target}")


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
                os.close(0)
                guard(connection, proc)
                os._exit(0)
            connection.close()
            children.add(child)
        children = {one for one in children if os.waitpid(one, os.WNOHANG)[0] == 0}
        if not children and time.monotonic() - asked > IDLE_S:
            return


# -- the guard: one for each program, outside of its process namespace -----------------------------

def guard(connection, proc):
    """Makes the namespaces, begins the program in them, and tells how it ended."""
    request, log = receive(connection)
    try:
        separate(request, proc)
        connection.sendall(b"R")  # the kernel tells the client who sent this
        if connection.recv(1) != b"G":
            return
        init = os.fork()
        if init == 0:
            connection.close()
            begin(request, log, proc)
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
            terminate(init)
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
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
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


def terminate(init):
    """SIGTERM for the program's own group: its leader is the only child of its first process."""
    try:
        with open(f"/proc/{init}/task/{init}/children") as file:
            for leader in file.read().split():
                os.killpg(int(leader), signal.SIGTERM)
    except (OSError, ValueError):
        pass


# -- the first process of the program's namespace --------------------------------------------------

def begin(request, log, proc):
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    # The zygote's own view of processes, which the kernel wanted to see for the mount above.
    mount("tmpfs", proc, "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "mode=0000")
    drop_rights()
    program = os.fork()
    if program == 0:
        run(request, log)
        os._exit(125)
    os.close(log)
    while True:
        pid, status = os.wait()
        if pid == program:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def drop_rights():
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    libc.prctl(PR_CAP_AMBIENT, 4, 0, 0, 0)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    nothing = (ctypes.c_uint32 * 6)()
    check(libc.capset(ctypes.byref(Header(0x20080522, 0)), nothing), "capset")


# -- the program -----------------------------------------------------------------------------------

def run(request, log):
    """Becomes the program: as `python -m MODULE ARGS...` or `python FILE ARGS...` would."""
    os.setsid()
    os.dup2(log, 1)
    os.dup2(log, 2)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.closerange(3, 65536)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.umask(0o022)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    fresh_streams()
    fresh_random()
    args = request["args"]
    sys.path[0] = ""
    for folder in reversed(request["env"].get("PYTHONPATH", "").split(os.pathsep)):
        if folder and folder not in sys.path:
            sys.path.insert(1, folder)
    importlib.invalidate_caches()
    # The zygote's own names are not the program's.
    code = 1
    try:
        import runpy

        if args[0] == "-m":
            sys.argv = args[1:]
            runpy.run_module(args[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = args
            sys.path[0] = os.path.dirname(os.path.abspath(args[0]))
            runpy.run_path(args[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = exit_code(end.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finish(code)


def exit_code(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def finish(code):
    """What an interpreter does at its end: threads, handlers, streams."""
    import threading

    try:
        threading._shutdown()
        import atexit

        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        code = code or 1
    os._exit(code)


def fresh_streams():
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stdout.reconfigure(write_through=unbuffered, line_buffering=unbuffered)
    sys.stderr.reconfigure(write_through=True)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr


def fresh_random():
    import random

    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "random"):
        numpy.random.seed(int.from_bytes(os.urandom(4), "little"))


def preload(modules):
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # a program that needs it says so itself


if __name__ == "__main__":
    preload(sys.argv[3:])
    serve(sys.argv[1], sys.argv[2])
