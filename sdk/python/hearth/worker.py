"""Takes what training threads log, forms batches and writes them to the spool, in the background.

The training thread only appends to a deque and polls flags: it takes no lock, so that a signal
handler may interrupt it anywhere and still flush.
"""

import collections
import json
import queue
import threading
import time
import uuid

from .columns import BATCH_POINTS, batches, encode
from .sender import Stream

FLUSH_EVERY_S = 0.5
WAKE_POINTS = BATCH_POINTS
QUEUED_POINTS = 1_000_000
UNWRITTEN_BYTES = 64 << 20


class Worker:
    """Of one run in one process. `link` is None offline; the `owner` process began the run."""

    def __init__(self, folder, limit_bytes, link, complain, owner):
        self.queue = collections.deque()
        self.sources = []
        self.written = False
        self._pending = 0
        self._busy = False
        self._closing = False
        self._arguments = (folder, limit_bytes, link, complain)
        self._complain = complain
        self._unwritten = collections.deque()
        self._unwritten_bytes = 0
        self._batches = 0
        self._wake = queue.SimpleQueue()
        self._points = self._stream(heartbeat=owner)
        self._files = None
        threading.Thread(target=self._run, name="hearth-spool", daemon=True).start()

    def add(self, time_us, step, values):
        self.queue.append((time_us, step, values))
        self._pending += len(values)  # approximate: set to 0 whenever the queue is empty
        if self._pending >= WAKE_POINTS:
            self._wake.put(None)
            while self._pending >= QUEUED_POINTS and not self.written:
                time.sleep(0.001)  # logging faster than a disk writes: memory stays bounded

    def record(self, kind, body):
        """Adds something other than points: update, console, artifact."""
        if kind == "artifact" and self._files is None:
            self._files = self._stream(heartbeat=False)
        self.queue.append((kind, body))

    def flush(self, timeout_s):
        """Whether everything added so far is delivered before the time is over."""
        self._wake.put(None)
        return self._until(self._is_delivered, timeout_s)

    def close(self, timeout_s):
        """Writes the rest to the spool and delivers what can be delivered in this time."""
        self._closing = True
        self._wake.put(None)
        for stream in self._streams():
            stream.hurry()
        return self._until(lambda: self.written and all(s.done for s in self._streams()), timeout_s)

    def tried(self, timeout_s):
        """Waits until the server has answered, or failed to, once."""
        return self._until(lambda: self._points.tried, timeout_s)

    def abandon(self):
        """In a forked child: the threads are gone; lets go of the parent's files."""
        for stream in self._streams():
            stream.spool.release()

    def dropped_bytes(self):
        return sum(stream.spool.dropped_bytes for stream in self._streams())

    def writers(self):
        return [stream.writer for stream in self._streams()]

    def _is_delivered(self):
        # First the queue, then the flag: the thread raises the flag before it takes.
        return (
            not self.queue
            and not self._busy
            and not self._unwritten
            and all(stream.delivered for stream in self._streams())
        )

    @staticmethod
    def _until(condition, timeout_s):
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.005)
        return True

    def _streams(self):
        return [self._points] if self._files is None else [self._points, self._files]

    def _stream(self, heartbeat):
        return Stream(self._arguments[0], uuid.uuid4().hex, *self._arguments[1:], heartbeat)

    def _run(self):
        while not self.written:
            try:
                self._wake.get(timeout=FLUSH_EVERY_S)
            except queue.Empty:
                pass
            closing = self._closing
            try:
                self._write_queue()
            except Exception as error:  # nothing that happens here may stop the logging
                self._complain("spool", f"the spool cannot be written: {error!r}")
            if closing and not self.queue:
                self._close_streams()

    def _close_streams(self):
        if self._unwritten:
            self._complain(
                "lost", f"{len(self._unwritten)} batches found no place on the disk: lost"
            )
        self.written = True
        for stream in self._streams():
            stream.close()

    def _write_queue(self):
        self._busy = True
        try:
            for source in self.sources:
                for kind, body in source():
                    self._write(self._points, kind, body)
            while self.queue:
                self._write_items(self._take())
            self._pending = 0
            self._retry()
        finally:
            self._busy = False

    def _take(self):
        """Up to a batch of points, or one other record."""
        items, points = [], 0
        while self.queue and points < BATCH_POINTS:
            if len(self.queue[0]) == 2:
                return items or [self.queue.popleft()]
            item = self.queue.popleft()
            points += len(item[2])
            items.append(item)
        return items

    def _write_items(self, items):
        if len(items[0]) == 2:
            kind, body = items[0]
            self._write(self._files if kind == "artifact" else self._points, kind, body)
            return
        for series in batches(items):
            self._append(self._points, "metrics", encode(series, self._batch_id()))

    def _write(self, stream, kind, body):
        if kind == "console":
            body = dict(body, batch_id=self._batch_id())
        self._append(stream, kind, json.dumps(body).encode())

    def _batch_id(self):
        """Given once, when the batch is formed: a replay of the spool repeats it exactly."""
        self._batches += 1
        return f"{self._points.writer}:{self._batches}"

    def _append(self, stream, kind, body):
        self._unwritten.append((stream, kind, body))
        self._unwritten_bytes += len(body)
        self._retry()
        while self._unwritten_bytes > UNWRITTEN_BYTES:
            self._unwritten_bytes -= len(self._unwritten.popleft()[2])
            self._complain(
                "memory", "the disk takes no more and memory is full: oldest points are lost"
            )

    def _retry(self):
        while self._unwritten:
            stream, kind, body = self._unwritten[0]
            try:
                stream.append(kind, body)
            except OSError as error:
                self._complain(
                    "disk", f"the spool cannot be written: {error}; points wait in memory"
                )
                return
            self._unwritten.popleft()
            self._unwritten_bytes -= len(body)
        dropped = self.dropped_bytes()
        if dropped:
            self._complain("full", f"the spool is full: the oldest {dropped} bytes were dropped")
