"""Ends runs properly however the process ends, and keeps them working in forked children."""

import atexit
import os
import signal
import sys
import threading

TERM_TIMEOUT_S = 10.0

_active = []
_state = {"installed": False, "ending": None}


def register(run):
    """From now on the run is finished at exit, at SIGTERM and after an uncaught exception."""
    if run not in _active:
        _active.append(run)
    if not _state["installed"]:
        _state["installed"] = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork)
        sys.excepthook = _watch_exceptions(sys.excepthook)
    _watch_sigterm()


def forget(run):
    if run in _active:
        _active.remove(run)


def finish_in_worker_process(run):
    """A child of multiprocessing leaves without atexit; its own finalizers do run."""
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and processes.parent_process() is not None:
        from multiprocessing import util

        util.Finalize(None, run.finish, exitpriority=100)


def status_after(error):
    """How a run ended that was left by an exception."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "completed"
    return "killed" if isinstance(error, KeyboardInterrupt) else "failed"


def _at_exit():
    for run in list(_active):
        run.finish(_state["ending"] or "completed")


def _after_fork():
    for run in _active:
        run.after_fork()


def _watch_exceptions(previous):
    def hook(kind, error, trace):
        _state["ending"] = status_after(error)
        previous(kind, error, trace)

    return hook


def _watch_sigterm():
    if threading.current_thread() is not threading.main_thread():
        return
    previous = signal.getsignal(signal.SIGTERM)
    if previous in (None, signal.SIG_IGN) or getattr(previous, "by_hearth", False):
        return

    def handle(number, frame):
        for run in list(_active):
            run.killed = True
        if callable(previous):
            previous(number, frame)  # it decides whether and how the process ends
            return
        for run in list(_active):
            run.finish(timeout_s=TERM_TIMEOUT_S)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    handle.by_hearth = True
    signal.signal(signal.SIGTERM, handle)
