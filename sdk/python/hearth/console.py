"""Copies what a training prints, while it still reaches the terminal."""

import collections
import sys

from .plain import text as plain_text

CHUNK_CHARS = 32_768
WAITING_CHARS = 1 << 20


class Console:
    """Stands in for sys.stdout and sys.stderr until `stop`."""

    def __init__(self):
        self._waiting = collections.deque()
        self._chars = 0
        self._lost = False
        self._tees = {name: Tee(self, name) for name in ("stdout", "stderr") if getattr(sys, name)}
        for name, tee in self._tees.items():
            setattr(sys, name, tee)

    def stop(self):
        for name, tee in self._tees.items():
            tee.console = None
            if getattr(sys, name) is tee:
                setattr(sys, name, tee.stream)

    def take(self, name, text):
        if self._chars + len(text) > WAITING_CHARS:
            self._lost = True
            return
        self._chars += len(text)
        self._waiting.append((name, text))

    def collect(self):
        """Records of what was printed since the last call; called by the spool's thread."""
        texts = {}
        while self._waiting:
            name, text = self._waiting.popleft()
            texts.setdefault(name, []).append(text)
        self._chars = 0
        if self._lost:
            self._lost = False
            texts.setdefault("stderr", []).append(
                "[hearth: printed too fast, some output is left out]\n"
            )
        for name, parts in texts.items():
            text = plain_text(last_of_each_line("".join(parts)))
            for start in range(0, len(text), CHUNK_CHARS):
                yield "console", {"stream": name, "text": text[start : start + CHUNK_CHARS]}


class Tee:
    """A text stream that also shows a Console what passes."""

    def __init__(self, console, name):
        self.console = console
        self.name = "<%s>" % name
        self.stream = getattr(sys, name)
        self._key = name

    def write(self, text):
        written = self.stream.write(text)
        if self.console is not None and isinstance(text, str):
            self.console.take(self._key, text)
        return written

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def __iter__(self):
        return iter(self.stream)

    def __getattr__(self, name):
        return getattr(self.stream, name)


def last_of_each_line(text):
    """Progress bars rewrite a line by carriage returns: only its last state is kept."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
