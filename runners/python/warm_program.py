"""The last step of a warm start: this process becomes the program.

It is the child of a warm Python, in namespaces of its own and without any right, and does what
`python -m MODULE ARGS...` or `python FILE ARGS...` would. Standard library only.
"""

import importlib
import io
import os
import runpy
import signal
import sys
import types


def run(request, log):
    """Becomes the program: as `python -m MODULE ARGS...` or `python FILE ARGS...` would."""
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
    code = 1
    try:
        if args[0] == "-m":
            sys.argv = args[1:]
            runpy.run_module(args[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = args
            run_file(os.path.abspath(args[0]))
        code = 0
    except SystemExit as end:
        code = exit_code(end.code)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__.tb_next)
    finish(code)


def run_file(path):
    sys.path[0] = os.path.dirname(path)
    # A module of its own, so that pickle and multiprocessing find the program's names.
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__builtins__ = __builtins__
    sys.modules["__main__"] = module
    with open(path, "rb") as file:
        program = compile(file.read(), path, "exec")
    exec(program, module.__dict__)


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


def stream(number, errors, unbuffered, line_buffering=False):
    raw = open(number, "wb", 0 if unbuffered else -1, closefd=False)
    return io.TextIOWrapper(
        raw, "utf-8", errors, line_buffering=line_buffering, write_through=unbuffered
    )


def fresh_streams():
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.stdout = stream(1, "strict", unbuffered)
    sys.stderr = stream(2, "backslashreplace", unbuffered, line_buffering=True)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr


def fresh_random():
    import random

    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "random"):
        numpy.random.seed(int.from_bytes(os.urandom(4), "little"))
