"""What the tests share: a spool of their own, short patience, trainings as child processes."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
from pathlib import Path

from hearth import sender, worker

from .server import Server

ROOT = Path(__file__).parent.parent


class Patching(unittest.TestCase):
    def patch(self, mapping, **values):
        before = {key: mapping.get(key) for key in values}
        mapping.update(values)
        self.addCleanup(
            mapping.update, {key: value for key, value in before.items() if value is not None}
        )
        for key, value in before.items():
            if value is None:
                self.addCleanup(mapping.pop, key, None)


class SpoolTest(Patching):
    """Each test has an empty HEARTH_DIR, a server, and pauses a test can wait for."""

    def setUp(self):
        self.home = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.server = Server()
        self.addCleanup(self.let_senders_finish)
        self.patch(
            os.environ,
            HEARTH_DIR=str(self.home),
            HEARTH_URL=self.server.url,
            HEARTH_TOKEN="token-0",
        )
        self.patch(sender.__dict__, FIRST_PAUSE_S=0.02, LONGEST_PAUSE_S=0.05)
        self.patch(worker.__dict__, FLUSH_EVERY_S=0.02)
        self.records = Records()
        logging.getLogger("hearth").addHandler(self.records)
        self.addCleanup(logging.getLogger("hearth").removeHandler, self.records)

    def let_senders_finish(self):
        """A run whose server is away keeps trying; it gets a server, and ends with its test."""
        self.server.stop()
        with Server(int(self.server.url.rpartition(":")[2]), after=self.server):
            names = ("hearth-sender", "hearth-spool")
            self.until(lambda: not any(thread.name in names for thread in threading.enumerate()))

    def until(self, condition, timeout_s=20.0):
        deadline = time.monotonic() + timeout_s
        while not condition():
            self.assertLess(time.monotonic(), deadline, "the condition did not come true in time")
            time.sleep(0.005)

    def start(self, program, **environment):
        """A training in a process of its own, with the names of this folder importable."""
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PREAMBLE) + textwrap.dedent(program)],
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process

    def train(self, program, **environment):
        """Runs a training to its end; answers its exit status and what it printed."""
        process = self.start(program, **environment)
        output = process.communicate(timeout=60)[0].decode()
        return process.returncode, output

    def spool(self):
        """The folders of runs that still wait on the disk."""
        return sorted(self.home.glob("spool/*"))

    @property
    def warnings(self):
        return [r.getMessage() for r in self.records.list if r.levelno >= logging.WARNING]


class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.list = []

    def emit(self, record):
        self.list.append(record)


PREAMBLE = """
import os, signal, sys, time
import hearth
from hearth import sender, worker
sender.FIRST_PAUSE_S, sender.LONGEST_PAUSE_S, worker.FLUSH_EVERY_S = 0.02, 0.05, 0.02
QUIET = {"console": False, "system": False}
"""
