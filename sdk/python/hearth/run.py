"""A run as a training script sees it: log numbers, keep files, finish."""

import shutil
import threading
import time
import uuid
from pathlib import Path

from . import capture, lifecycle
from .beginning import describe, make_folder, mode_of, now
from .client import Client, HearthError
from .columns import LARGEST_STEP, as_step, flatten
from .complaints import Complaints
from .console import Console
from .link import Link
from .plain import plain
from .spool import size
from .system import Monitor
from .worker import Worker

SPOOL_BYTES = 2 << 30
EXIT_TIMEOUT_S = 30.0
DESCRIBE_TIMEOUT_S = 2.0


def init(
    project, name=None, config=None, tags=None, notes=None, mode=None, run_key=None, **options
):
    """Begins a run. The server need not be there; what is logged waits on the disk until it is.

    mode: "online", "offline" or "disabled"; HEARTH_MODE otherwise, and "disabled" but on rank 0.
    run_key: the same key in the same project goes on with the same run (preempted jobs).
    console, system: False to keep neither what is printed nor how busy the machine is.
    diff: True to keep `git diff HEAD`.
    spool_bytes: how much may wait on the disk. exit_timeout_s: how long the exit may take.
    """
    return Run(Client(), project, name, config, tags, notes, mode, run_key, **options)


class Run:
    """Made by `hearth.init`; usable from any thread, after a fork, and pickled to a process."""

    def __init__(
        self,
        client,
        project,
        name=None,
        config=None,
        tags=None,
        notes=None,
        mode=None,
        run_key=None,
        console=True,
        system=True,
        diff=False,
        spool_bytes=SPOOL_BYTES,
        exit_timeout_s=EXIT_TIMEOUT_S,
    ):
        self.client = client
        self.project = project
        self.mode = mode_of(mode)
        self.killed = False
        self._key = run_key
        self._limits = (spool_bytes, exit_timeout_s)
        description = describe(client.url, project, name, config, tags, notes, run_key)
        self.name, self.config, self.tags = (
            description["run"][key] for key in ("name", "config", "tags")
        )
        self._prepare(owner=True)
        if self.mode == "disabled":
            return
        self.folder = make_folder(description, self._complain)
        if self._start() is None:
            return
        if console:
            self._console = Console()
            self._worker.sources.append(self._console.collect)
        self._monitor = Monitor(lambda: self._describe(diff), self._log_system if system else None)

    def log(self, values, step=None):
        """Keeps numbers by name. Returns at once; nothing that goes wrong later is raised here."""
        worker = self._worker or self._start()
        if worker is None:
            return
        time_us = time.time_ns() // 1000
        if step is None:
            step = self._next_step
        elif type(step) is not int or not -LARGEST_STEP <= step <= LARGEST_STEP:
            step = self._whole(step)
        self._next_step = step + (step < LARGEST_STEP)
        known, flat = self._known, {}
        try:
            for name, value in values.items():
                if type(value) is float and name in known:
                    flat[name] = value
                else:
                    flat.update(flatten({name: value}, self._complain))
        except AttributeError:
            self._complain("log", f"log() takes a dictionary, not a {type(values).__name__}")
            return
        known.update(flat)
        worker.add(time_us, step, flat)

    def log_artifact(self, path, name=None):
        """Uploads a file, or each file of a folder, as it is now: it may change afterwards."""
        source = Path(path)
        if not source.exists():
            self._complain(("artifact", str(path)), f"there is no file {path}; it is not uploaded")
            return
        for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if file.is_file():
                below = file.relative_to(source).as_posix() if source.is_dir() else ""
                self._keep(file, "/".join(part for part in (name or source.name, below) if part))

    def update(self, **fields):
        """Changes name, tags or notes on the server; `config` is added to the config."""
        worker = self._worker or self._start()
        if worker is not None:
            if "config" in fields:
                self.config.update(plain(fields["config"]))
                fields["config"] = self.config
            worker.record("update", plain(fields))

    def summary(self):
        """Last, smallest, largest and mean value by metric name, as the server has them."""
        self.flush(10.0)
        try:
            rows = self.client.get(f"/metrics/{self.id}/summary") if self.id is not None else []
        except HearthError as error:
            self._complain("summary", f"no summary: {error}")
            return {}
        finally:
            self.client.close()
        return {row.pop("name"): row for row in rows}

    def flush(self, timeout_s=30.0):
        """Waits until the server has everything logged so far; False when time is over first."""
        return self._worker is not None and self._link is not None and self._worker.flush(timeout_s)

    @property
    def id(self):
        """The run's number on the server; None offline and while the server cannot be reached."""
        if self._link is None:
            return None
        if self._link.id is None and self._worker is not None:
            self._worker.tried(10.0)
        return self._link.id

    def finish(self, status="completed", timeout_s=None):
        """Ends the run and delivers what is left; out of time, it says how to do that later."""
        timeout_s = self._limits[1] if timeout_s is None else timeout_s
        worker = self._worker
        if self._finished:
            if worker is not None:
                worker.close(timeout_s)  # a signal arrived while finishing
            return
        self._finished = True
        if self._console is not None:
            self._console.stop()
        if self._monitor is not None:
            self._monitor.stop(min(timeout_s, DESCRIBE_TIMEOUT_S))
        if worker is not None:
            self._deliver(worker, status, timeout_s)
        self._worker = None
        lifecycle.forget(self)

    def _deliver(self, worker, status, timeout_s):
        if self._owner:
            status = "killed" if self.killed else status
            worker.record("update", {"status": status, "ended_at": now()})
        try:
            delivered = worker.close(timeout_s) and self._link is not None
        except KeyboardInterrupt:
            delivered = False
        if not delivered:
            what = "kept offline" if self._link is None else "not everything has reached the server"
            self._complain("sync", f"{what}; to deliver it: python -m hearth sync {self.folder}")

    def after_fork(self):
        """In a forked child: the parent's threads are not here, its points not ours to send."""
        if self._worker is not None:
            self._worker.abandon()
            _abandoned.append(self._worker)
        if self._console is not None:
            self._console.stop()
        known_id = self._link.id if self._link is not None else None
        self._prepare(owner=False, finished=self._finished, next_step=self._next_step)
        self._known_id = known_id

    def _prepare(self, owner, finished=False, next_step=0):
        self._owner = owner
        self._finished = finished
        self._next_step = next_step
        self._known = set()
        self._known_id = None
        self._worker = self._link = self._console = self._monitor = None
        self._complain = Complaints()
        self._starting = threading.Lock()

    def _start(self):
        """The worker of this process, made when first needed: most children never log."""
        if self.mode == "disabled":
            return None
        if self._finished:
            self._complain("finished", "the run is finished; what is logged now is not kept")
            return None
        with self._starting:
            if self._worker is None:
                try:
                    if self.mode == "online":
                        self._link = Link(
                            self.client, self.folder, self._owner and self._key is not None
                        )
                        self._link.id = self._known_id
                    self._worker = Worker(
                        self.folder, self._limits[0], self._link, self._complain, self._owner
                    )
                except (OSError, RuntimeError) as error:
                    self._complain("start", f"nothing can be logged here: {error}")
                    return None
                lifecycle.register(self)
                if not self._owner:
                    lifecycle.finish_in_worker_process(self)
            return self._worker

    def _describe(self, diff):
        environment = plain(capture.environment(diff))
        worker = self._worker
        if worker is not None:
            worker.record("update", {"environment": environment})

    def _log_system(self, values, second):
        worker = self._worker
        if worker is not None and not self._finished:
            worker.add(time.time_ns() // 1000, second, values)

    def _whole(self, step):
        whole = as_step(step)
        if whole is None:
            self._complain(
                "step", f"a step is a whole number below 2^53, not {step!r}; counting on instead"
            )
        return self._next_step if whole is None else whole

    def _keep(self, file, name):
        """Copies a file beside the spool while that has room, so that training may overwrite it."""
        worker = self._worker or self._start()
        if worker is None:
            return
        kept, copied = file.absolute(), False
        try:
            copies = Path(self.folder) / "files"
            copies.mkdir(exist_ok=True)
            waiting = sum(size(other) for other in copies.iterdir())
            if waiting + file.stat().st_size <= self._limits[0]:
                copy = copies / uuid.uuid4().hex
                shutil.copyfile(file, copy)
                kept, copied = copy, True
            worker.record("artifact", {"path": name, "file": str(kept), "copied": copied})
        except (OSError, RuntimeError) as error:
            self._complain(("artifact", name), f"{file} is not kept: {error}")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.finish(lifecycle.status_after(error))

    def __reduce__(self):
        return _attach, (
            self.client,
            self.project,
            self.name,
            self.config,
            self.tags,
            self.mode,
            self._limits,
            getattr(self, "folder", None),
            self._next_step,
            self._link.id if self._link is not None else self._known_id,
        )


# Workers of a parent process: freeing them could wait for locks that nobody holds any more.
_abandoned = []


def _attach(client, project, name, config, tags, mode, limits, folder, next_step, known_id):
    """The run in another process, with a writer of its own; it does not end the run."""
    run = Run.__new__(Run)
    run.client, run.project, run.name, run.config, run.tags = client, project, name, config, tags
    run.mode, run.folder, run.killed, run._key, run._limits = mode, folder, False, None, limits
    run._prepare(owner=False, next_step=next_step)
    run._known_id = known_id
    return run
