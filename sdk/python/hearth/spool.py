"""Keeps on disk what the server has not acknowledged yet, so that a crash loses nothing of it.

One folder a run: `run.json` (how to create it), `state.json` (what the server called it), and for
each process that logs, a *writer*: numbered segments of checksummed records, and the offset that is
acknowledged so far.
"""

import json
import os
import struct
import zlib
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: no forks there, and repeated batches are harmless
    fcntl = None

HEADER = struct.Struct(">II")  # length and CRC-32 of the payload
OFFSET = struct.Struct(">Q")
SEGMENT_BYTES = 4 << 20
REJECTED_BYTES = 64 << 20


class SpoolWriter:
    """Appends records; only the thread that forms batches calls it."""

    def __init__(self, folder, writer, limit_bytes):
        self.folder = Path(folder)
        self.writer = writer
        self.limit_bytes = limit_bytes
        self.segment_bytes = min(SEGMENT_BYTES, max(1, limit_bytes // 8))
        self.appended = 0
        self.dropped_bytes = 0
        self.lock = lock(self.folder, writer)
        self._number = 0
        self._file = None
        self._size = 0

    def append(self, kind, body):
        """Writes one record whole or not at all; raises OSError when the disk does not take it."""
        payload = kind.encode() + b"\n" + body
        if self._file is None or self._size >= self.segment_bytes:
            self._begin_segment()
        try:
            self._file.write(HEADER.pack(len(payload), zlib.crc32(payload)) + payload)
        except OSError:
            self._file.truncate(self._size)
            self._file.seek(self._size)
            raise
        self._size += HEADER.size + len(payload)
        self.appended += 1

    def _begin_segment(self):
        file = open(segment(self.folder, self.writer, self._number + 1), "wb", buffering=0)
        if self._file is not None:
            self._file.close()
        self._file, self._size, self._number = file, 0, self._number + 1
        kept = segments(self.folder, self.writer)[:-1]
        sizes = [size(path) for path in kept]
        while kept and sum(sizes) + self.segment_bytes > self.limit_bytes:
            self.dropped_bytes += sizes.pop(0)
            remove(kept.pop(0))

    def close(self):
        """No more records; the lock stays until they are delivered."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def release(self):
        """Lets go of the lock alone; a forked child does, since it shares its parent's."""
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None


class SpoolReader:
    """Reads one writer's records in order, from the first unacknowledged one; needs no lock.

    `ended` says that the writer is gone: what is not whole now never will be.
    """

    def __init__(self, folder, writer, ended=False):
        self.folder = Path(folder)
        self.writer = writer
        self.ended = ended
        self.damaged_bytes = 0
        self._path = None
        self._file = None
        self._offset = 0
        self._next_offset = 0

    def peek(self):
        """The oldest record that is not acknowledged, as (kind, body), or None."""
        while True:
            known = segments(self.folder, self.writer)
            if self._file is None and not self._open(known):
                return None
            # Asked before reading: a segment that has a successor will not grow any more.
            complete = bool(known) and known[-1] != self._path
            record = self._read()
            if record is not None:
                return record
            if (complete or self.ended) and self._next_offset > self._offset:
                self.damaged_bytes += self._next_offset - self._offset
                self._offset = self._next_offset
            elif complete:
                self._close_segment(forget=True)
            else:
                return None

    def ack(self):
        """Marks the record that peek answered as delivered."""
        self._offset = self._next_offset
        try:
            with open(self._path.with_suffix(".ack"), "r+b" if self._acked else "wb", 0) as file:
                file.write(OFFSET.pack(self._offset))
            self._acked = True
        except OSError:
            pass  # the record is sent again after a restart, and its batch id makes that harmless

    def close(self, forget=False):
        """Ends reading; `forget` deletes what belongs to this writer."""
        self._close_segment(forget=False)
        if forget:
            for path in self.folder.glob(self.writer + "-*"):
                remove(path)
            remove(self.folder / (self.writer + ".lock"))

    def _open(self, known):
        for path in known:
            try:
                self._file = open(path, "rb", buffering=0)
            except OSError:
                continue  # dropped meanwhile: the spool was full
            self._path = path
            try:
                self._offset = OFFSET.unpack(path.with_suffix(".ack").read_bytes())[0]
                self._acked = True
            except (OSError, struct.error):
                self._offset, self._acked = 0, False
            return True
        return False

    def _read(self):
        """A whole record; else None, with `_next_offset` behind a damaged one to be skipped."""
        self._next_offset = self._offset
        self._file.seek(self._offset)
        header = self._file.read(HEADER.size)
        if len(header) < HEADER.size:
            return None
        length, checksum = HEADER.unpack(header)
        payload = self._file.read(length)
        if len(payload) < length:
            return None
        self._next_offset += HEADER.size + length
        if zlib.crc32(payload) != checksum:
            return None
        kind, _, body = payload.partition(b"\n")
        return kind.decode(), body

    def _close_segment(self, forget):
        if self._file is None:
            return
        self._file.close()
        self._file = None
        if forget:
            remove(self._path)
            remove(self._path.with_suffix(".ack"))


def lock(folder, writer, create=True):
    """Says that this process is the writer, until it ends; None when another one is.

    Raises FileNotFoundError when it may not `create` the lock and there is none: all was delivered.
    """
    flags = os.O_RDWR | (os.O_CREAT if create else 0)
    descriptor = os.open(Path(folder) / (writer + ".lock"), flags, 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    except OSError:
        os.close(descriptor)
        return None


def writers(folder):
    """The writers that have left something in a run's folder."""
    names = {path.stem for path in Path(folder).glob("*.lock")}
    names.update(path.stem.rpartition("-")[0] for path in Path(folder).glob("*.spool"))
    return sorted(names)


def segment(folder, writer, number):
    return Path(folder) / f"{writer}-{number:08d}.spool"


def segments(folder, writer):
    return sorted(Path(folder).glob(writer + "-*.spool"))


def keep_rejected(folder, kind, body, reason):
    """Sets aside what the server will never take, with the reason, for a person to look at."""
    path = Path(folder) / "rejected.jsonl"
    if size(path) > REJECTED_BYTES:
        return
    line = json.dumps({"reason": reason, "kind": kind, "body": body.decode("utf-8", "replace")})
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def remove_finished(folder):
    """Deletes a run's folder when nothing in it waits: no writer and nothing rejected."""
    folder = Path(folder)
    if writers(folder) or (folder / "rejected.jsonl").exists():
        return
    for path in sorted(folder.glob("files/*")) + [folder / "run.json", folder / "state.json"]:
        remove(path)
    for path in (folder / "files", folder):
        try:
            path.rmdir()
        except OSError:
            pass


def read_json(path):
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_json(path, value):
    """Replaces a file at once: a reader sees the old or the new one and never half of it."""
    path = Path(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def size(path):
    """Bytes of a file; 0 when it is gone meanwhile."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def remove(path):
    try:
        os.unlink(path)
    except OSError:
        pass
