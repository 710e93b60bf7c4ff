"""Runs a program as `python FILE ARGS...` does, and tells how an exception ended it.

    python -m hearth_step solution.py

The exception goes as one line of JSON into the file HEARTH_EVENTS: its class, message, arguments
and stack, the innermost frame last. What the program prints, its exit code and what the shell sees
are those of the program alone. Standard library only, Python 3.8 and newer.
"""

import json
import os
import sys
import traceback
import types

_max_text = 10_000
_max_frames = 50


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: python -m hearth_step FILE [ARGS...]")
    path = sys.argv[1]
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    # A module of its own, so that pickle and multiprocessing find the program's names.
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__builtins__ = __builtins__
    sys.modules["__main__"] = module
    try:
        with open(path, "rb") as file:
            program = compile(file.read(), path, "exec")
        exec(program, module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        _flush()
        _tell(error, path)
        _print(error)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


def _own(frame):
    return frame.filename == __file__


def _print(error):
    lines = traceback.TracebackException.from_exception(error)
    lines.stack = traceback.StackSummary.from_list([one for one in lines.stack if not _own(one)])
    print("".join(lines.format()), end="", file=sys.stderr, flush=True)


def _tell(error, path):
    target = os.environ.get("HEARTH_EVENTS")
    if not target:
        return
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not _own(one)]
    stack = [[_short(one.filename), one.lineno or 0, one.name, one.line or ""] for one in frames]
    if isinstance(error, SyntaxError):
        stack.append([_short(error.filename or path), error.lineno or 0, "", error.text or ""])
    line = json.dumps({
        "type": "exception",
        "exception": {
            "type": type(error).__name__,
            "message": _text(error)[:_max_text],
            "args": [_repr(arg)[:1000] for arg in getattr(error, "args", ())[:20]],
            "stack": [[a, b, c, d.strip()[:500]] for a, b, c, d in stack[-_max_frames:]],
        },
    })
    try:
        events = os.open(target, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(events, (line + "\n").encode())
        finally:
            os.close(events)
    except OSError:
        pass  # the program ended the way it did, told or not


def _short(filename):
    """Relative to the program's folder where it lies in there."""
    folder = os.path.join(os.getcwd(), "")
    return filename[len(folder):] if filename.startswith(folder) else filename


def _text(error):
    try:
        return str(error)
    except Exception:
        return "(its message could not be read)"


def _repr(value):
    try:
        return value if isinstance(value, str) else repr(value)
    except Exception:
        return "(could not be shown)"


if __name__ == "__main__":
    main()
