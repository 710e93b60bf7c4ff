"""Carries records from the spool to the server: for days if it must, each of them exactly once."""

import base64
import hashlib
import json
import os
import queue
import random
import threading
import time
import urllib.parse

from .client import HearthError
from .complaints import logger
from .spool import (
    SpoolReader,
    SpoolWriter,
    keep_rejected,
    lock,
    remove,
    remove_finished,
    segments,
    writers,
)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
HURRIED_PAUSE_S = 1.0
HEARTBEAT_S = 30.0


class Delivery:
    """Sends one writer's records, one after the other."""

    def __init__(self, folder, writer, link, complain, ended=False):
        self.folder = folder
        self.link = link
        self.reader = SpoolReader(folder, writer, ended)
        self.complain = complain

    def send_next(self):
        """Whether there was a record; raises HearthError when it should be tried again later."""
        record = self.reader.peek()
        if self.reader.damaged_bytes:
            self.complain("damage", f"a part of {self.folder} is damaged and left out")
        if record is None:
            return False
        kind, body = record
        run_id = self.run_id()
        try:
            self._send(kind, body, run_id)
        except HearthError as error:
            if error.temporary:
                raise
            keep_rejected(self.folder, kind, body, str(error))
            self.complain(
                (kind, error.status),
                f"the server refused {kind}: {error}; kept in {self.folder}/rejected.jsonl",
            )
        self.reader.ack()
        return True

    def run_id(self):
        try:
            return self.link.run_id()
        except HearthError as error:
            if error.temporary:
                raise
            # A run that cannot be created now may be later: a permission given, a limit raised.
            self.complain("outage", f"the run cannot be created: {error}; it will be tried again")
            raise HearthError(str(error), 503, LONGEST_PAUSE_S) from None

    def _send(self, kind, body, run_id):
        client = self.link.client
        if kind == "metrics":
            client.send("POST", f"/metrics/{run_id}/batch", body)
        elif kind == "console":
            client.send("POST", f"/runs/{run_id}/console", body)
        elif kind == "update":
            client.send("PUT", f"/runs/{run_id}", body)
            if "ended_at" in json.loads(body):
                self.link.mark_finished()
        elif kind == "artifact":
            upload(client, run_id, **json.loads(body))


def upload(client, run_id, path, file, copied):
    """Streams a file and says its digest; a copy made for the purpose is then removed."""
    try:
        with open(file, "rb") as source:
            digest, size_bytes = hashlib.sha256(), 0
            for block in iter(lambda: source.read(1 << 20), b""):
                digest.update(block)
                size_bytes += len(block)
            source.seek(0)
            encoded = base64.b64encode(digest.digest()).decode()
            target = f"/runs/{run_id}/artifacts/{urllib.parse.quote(path)}"
            client.upload(target, source, size_bytes, encoded)
    except OSError as error:
        raise HearthError(f"{file} cannot be read: {error}", 410, code="gone") from None
    if copied:
        remove(file)


class Stream:
    """A writer of the spool with the thread that sends what it writes."""

    def __init__(self, folder, writer, limit_bytes, link, complain, heartbeat):
        self.spool = SpoolWriter(folder, writer, limit_bytes)
        self.folder = folder
        self.writer = writer
        self.link = link
        self.complain = complain
        self.done = link is None
        self._heartbeat = heartbeat
        self._checked = 0
        self._attempts = 0
        self._hurried = False
        self._closing = False
        self._wake = queue.SimpleQueue()
        if link is not None:
            self._delivery = Delivery(folder, writer, link, complain)
            threading.Thread(target=self._run, name="hearth-sender", daemon=True).start()

    def append(self, kind, body):
        self.spool.append(kind, body)
        self._wake.put(None)

    @property
    def delivered(self):
        """Whether everything appended so far has reached the server (or was refused by it)."""
        return self.link is not None and self._checked >= self.spool.appended

    @property
    def tried(self):
        """Whether the server has been spoken to, with or without success."""
        return self.done or self.link.id is not None or self._attempts > 0

    def hurry(self):
        """Shortens pauses: the process is about to end."""
        self._hurried = True
        self._wake.put(None)

    def close(self):
        """No more records will come: the thread ends when the last one is delivered."""
        self.spool.close()
        if self.link is None:
            self.spool.release()
        self._closing = True
        self.hurry()

    def _run(self):
        heard = time.monotonic()
        while True:
            appended, closing = self.spool.appended, self._closing
            try:
                if self._delivery.send_next():
                    heard, self._attempts = time.monotonic(), 0
                    continue
                self._checked = appended
                self._delivery.run_id()
                if closing:
                    self._finish()
                    return
                if self._heartbeat and time.monotonic() - heard >= HEARTBEAT_S:
                    self.link.client.post(f"/runs/{self.link.id}/heartbeat", {})
                    heard = time.monotonic()
                self._attempts = 0
                self._wait(HEARTBEAT_S)
            except HearthError as error:
                self._report(error)
                # Wrong credentials too often would lock the user out.
                self._pause(LONGEST_PAUSE_S if error.status == 401 else error.retry_after_s)
            except Exception as error:  # a bug or a full disk here must not end the sending
                self.complain("sender", f"sending failed: {error!r}; it will be tried again")
                self._pause(None)

    def _finish(self):
        if self._heartbeat:
            for writer in writers(self.folder):
                if writer != self.writer:
                    deliver_abandoned(self.folder, writer, self.link, self.complain)
        self._delivery.reader.close(forget=True)
        self.spool.release()
        if self.link.finished:
            remove_finished(self.folder)
        self.link.client.close()
        self.done = True

    def _report(self, error):
        self._attempts += 1
        if error.status == 401:
            self.complain(
                401, f"{error}; run `python -m hearth login --url {self.link.client.url}`"
            )
        else:
            self.complain("outage", f"{error}; training goes on, what is logged waits in the spool")
        logger.info("hearth: attempt %d failed: %s", self._attempts, error)

    def _wait(self, seconds):
        try:
            self._wake.get(timeout=seconds)
        except queue.Empty:
            pass

    def _pause(self, retry_after_s):
        """Exponential, with jitter so that many trainings do not come back at the same instant."""
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._attempts, 20))
        pause_s *= random.uniform(0.5, 1.0)
        began = time.monotonic()
        while True:
            wanted = min(pause_s, HURRIED_PAUSE_S) if self._hurried else pause_s
            left = max(wanted, retry_after_s or 0.0) - (time.monotonic() - began)
            if left <= 0:
                return
            time.sleep(min(left, 0.1))


def deliver_abandoned(folder, writer, link, complain):
    """Sends what a process that is gone has left; answers False when the writer is still alive."""
    try:
        held = lock(folder, writer, create=bool(segments(folder, writer)))
    except FileNotFoundError:
        return True
    if held is None:
        return False
    delivery = Delivery(folder, writer, link, complain, ended=True)
    try:
        while delivery.send_next():
            pass
        delivery.reader.close(forget=True)
    finally:
        delivery.reader.close()
        os.close(held)
    return True
