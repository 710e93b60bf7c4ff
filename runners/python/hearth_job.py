"""What a program that runs as a Hearth job may tell its node, and what it may ask.

    import hearth_job as job

    first = load(job.resumed_from()) if job.resumed_from() else 0
    for step in range(first, 1000):
        loss = train(step)
        job.metric("loss", loss, step)
        job.progress(step + 1, 1000)
        if job.should_pause():
            save("model.ckpt", step + 1)
            job.checkpoint("model.ckpt")
            raise SystemExit
    job.artifact("model.onnx")

Everything here is a line of JSON in the file HEARTH_EVENTS; docs/job-programs.md shows the same
without this module. Outside of a job the file is missing and all of it does nothing, so a
program needs no second version for the desk. Standard library only, Python 3.8 and newer.
"""

import json
import math
import os
import signal
import sys
import threading

__all__ = [
    "artifact", "checkpoint", "message", "metric", "progress", "resumed_from", "should_pause",
]

_events_path = os.environ.get("HEARTH_EVENTS")
_control_path = os.environ.get("HEARTH_CONTROL")
_work = os.getcwd()  # paths in events are relative to it, wherever the program goes later
_events = None       # file descriptor
_warned = False
_stopping = False
_listening = False


# -- telling ---------------------------------------------------------------------------------------

def metric(name, value, step=None):
    """One point of a curve; `value` is anything that float() takes, a tensor of one element too."""
    event = {"type": "metric", "name": str(name), "value": _number(value)}
    if step is not None:
        event["step"] = int(step)
    _append(event)


def progress(done, total=None, message=None):
    """How far the job is: `done` of `total`, in whatever unit."""
    event = {"type": "progress", "done": float(done)}
    if total is not None:
        event["total"] = float(total)
    if message is not None:
        event["message"] = str(message)
    _append(event)


def artifact(path):
    """Names a file, or a folder of files, to keep when the job has ended."""
    _append({"type": "artifact", "path": _relative(path)})


def checkpoint(path, step=None):
    """Names the one file that the job can go on from.

    It must be whole by now and stay whole: write it under another name, then os.replace() it.
    """
    event = {"type": "checkpoint", "path": _relative(path)}
    if step is not None:
        event["step"] = int(step)
    _append(event)


def message(text, level="info"):
    """A sentence for the people who watch the job; `level` may be `warning` or `error` too."""
    _append({"type": "message", "text": str(text), "level": level})


# -- asking ----------------------------------------------------------------------------------------

def resumed_from():
    """The path of the checkpoint to go on from, or None for a job that begins."""
    _listen()
    return os.environ.get("HEARTH_CHECKPOINT") or None


def should_pause():
    """True once the job is to write a checkpoint, name it, and end."""
    _listen()
    return _stopping or _wish() == "pause"


# -- how it is done --------------------------------------------------------------------------------

def _append(event):
    """One write of one line: the kernel keeps lines of several processes apart."""
    global _events, _warned
    if not _events_path:
        return
    try:
        if _events is None:
            _events = os.open(_events_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(_events, json.dumps(event).encode() + b"\n")
    except OSError as error:  # a full disk must not end a training
        if not _warned:
            _warned = True
            print(f"hearth_job: events are lost: {error}", file=sys.stderr)


def _number(value):
    number = float(value.item() if hasattr(value, "item") else value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _relative(path):
    """A job may run under another root than its node: only relative paths mean the same to both."""
    return os.path.relpath(os.path.abspath(os.fspath(path)), _work)


def _wish():
    """The word in HEARTH_CONTROL, `pause` or `cancel`; empty while nothing is wished."""
    try:
        with open(_control_path or "", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def _listen():
    """From here on SIGTERM no longer ends the program when a pause is all that is wished.

    Only for programs that ask: one that never asks must end at once.
    """
    global _listening
    if _listening or not _control_path:
        return
    _listening = True
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(_signal, _frame):
    global _stopping
    if _wish() != "pause":
        raise SystemExit(128 + signal.SIGTERM)  # cancelled: the finally blocks still run
    _stopping = True
