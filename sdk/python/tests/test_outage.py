"""Servers that are away, busy or refuse: training goes on, nothing is lost or doubled."""

import os
import shutil
import time
import unittest.mock

import hearth
from hearth import spool
from hearth.sync import sync

from .server import Server
from .support import SpoolTest

QUIET = {"console": False, "system": False}


class Outage(SpoolTest):
    def begin(self, **options):
        return hearth.init(project="p", **{**QUIET, **options})

    def restart(self, stopped):
        """A new server at the same address that remembers everything."""
        self.server = Server(int(stopped.url.rpartition(":")[2]), after=stopped)
        return self.server

    def test_down_at_the_start(self):
        self.server.stop()
        run = self.begin()
        run.log({"loss": 0.5}, step=1)
        self.until(lambda: self.warnings)
        self.assertIsNone(run.id)
        server = self.restart(self.server)
        run.log({"loss": 0.25}, step=2)
        run.finish()
        self.assertEqual(server.values("loss"), [0.5, 0.25])
        self.assertEqual(server.runs[0]["status"], "completed")
        self.assertEqual(len(self.warnings), 1, self.warnings)
        self.assertEqual(self.spool(), [])

    def test_down_in_the_middle(self):
        run = self.begin()
        run.log({"loss": 1.0}, step=0)
        self.assertTrue(run.flush(20.0))
        self.server.stop()
        for step in range(1, 500):
            run.log({"loss": float(step)}, step=step)
        self.until(lambda: self.warnings)
        self.restart(self.server)
        run.finish()
        self.assertEqual(self.server.values("loss"), [1.0] + [float(n) for n in range(1, 500)])
        self.assertEqual(len(self.warnings), 1, self.warnings)

    def test_down_at_the_end_then_sync(self):
        run = self.begin(exit_timeout_s=0.2)
        run.log({"loss": 1.0}, step=0)
        self.assertTrue(run.flush(20.0))
        self.server.stop()
        run.log({"loss": 2.0}, step=1)
        run.finish()
        self.assertIn(f"python -m hearth sync {run.folder}", self.warnings[-1])
        server = self.restart(self.server)
        self.until(lambda: not self.spool() or sync(run.folder, say=str) == 0)
        self.until(lambda: not self.spool())
        self.assertEqual(server.values("loss"), [1.0, 2.0])
        self.assertEqual(server.runs[0]["status"], "completed")

    def test_replies_lost_after_commit(self):
        self.server.drop_replies = 3
        with self.begin() as run:
            for step in range(100):
                run.log({"loss": float(step)}, step=step)
        self.assertEqual(self.server.drop_replies, 0)
        self.assertEqual(self.server.values("loss"), [float(n) for n in range(100)])

    def test_retry_after_is_honoured(self):
        run = self.begin()
        run.log({"loss": 1.0}, step=0)
        self.assertTrue(run.flush(20.0))
        self.server.refuse = [(429, {"Retry-After": "1"})]
        seen = len(self.server.requests)
        run.log({"loss": 2.0}, step=1)
        run.finish()
        refused, repeated = [at for at, _, path in self.server.requests[seen:] if "/batch" in path][
            :2
        ]
        self.assertGreaterEqual(repeated - refused, 0.99)
        self.assertEqual(self.server.values("loss"), [1.0, 2.0])

    def test_server_errors_are_tried_again(self):
        self.server.refuse = [(500, {}), (503, {}), (507, {}), (502, {})]
        with self.begin() as run:
            run.log({"loss": 1.0}, step=0)
        self.assertEqual(self.server.values("loss"), [1.0])
        self.assertEqual(len(self.warnings), 1, self.warnings)

    def test_refused_batches_are_kept_aside(self):
        run = self.begin()
        self.server.refuse_batches = "names like this are not taken"
        for step in range(3):
            run.log({"loss": float(step)}, step=step)
            self.assertTrue(run.flush(20.0))
        self.server.refuse_batches = None
        run.log({"loss": 3.0}, step=3)
        run.finish()
        self.assertEqual(self.server.values("loss"), [3.0])
        self.assertEqual(len(self.warnings), 1, self.warnings)
        kept = (run.folder / "rejected.jsonl").read_text()
        self.assertEqual(kept.count("names like this are not taken"), 3)
        self.assertEqual(self.server.runs[0]["status"], "completed")

    def test_expired_token(self):
        del os.environ["HEARTH_TOKEN"]
        client = hearth.Client(username="user", password="pass")
        run = hearth.Run(client, "p", **QUIET)
        run.log({"loss": 1.0}, step=0)
        self.assertTrue(run.flush(20.0))
        self.server.tokens.clear()
        run.log({"loss": 2.0}, step=1)
        run.finish()
        self.assertEqual(self.server.values("loss"), [1.0, 2.0])
        self.assertEqual(self.warnings, [])

    def test_login_while_training_mends_it(self):
        del os.environ["HEARTH_TOKEN"]
        run = self.begin()
        run.log({"loss": 1.0}, step=0)
        self.until(lambda: self.warnings)
        self.assertIn("python -m hearth login", self.warnings[0])
        hearth.login(username="user", password="pass")
        run.finish()
        self.assertEqual(self.server.values("loss"), [1.0])
        self.assertEqual((self.home / "credentials.json").stat().st_mode & 0o777, 0o600)

    def test_large_body_refused_before_it_is_read(self):
        self.server.refuse_uploads = 413
        file = self.home / "large.bin"
        file.write_bytes(bytes(8 << 20))
        with self.begin() as run:
            run.log_artifact(file)
        self.assertIn("413", (run.folder / "rejected.jsonl").read_text())
        self.assertEqual(len(self.warnings), 1, self.warnings)

    def test_answers_of_something_in_between_are_no_refusals(self):
        self.server.refuse = [(404, {"X-Plain": "yes"}), (403, {"X-Plain": "yes"})]
        with self.begin() as run:
            run.log({"loss": 1.0}, step=0)
        self.assertEqual(self.server.values("loss"), [1.0])

    def test_disk_that_takes_nothing_for_a_while(self):
        run = self.begin()
        self.assertTrue(run.flush(20.0))
        write, full = spool.SpoolWriter.append, OSError(28, "No space left on device")
        with unittest.mock.patch.object(spool.SpoolWriter, "append", side_effect=full):
            for step in range(100):
                run.log({"loss": float(step)}, step=step)
            self.until(lambda: self.warnings)
        self.assertIs(spool.SpoolWriter.append, write)
        run.finish()
        self.assertEqual(self.server.values("loss"), [float(n) for n in range(100)])
        self.assertEqual(len(self.warnings), 1, self.warnings)

    def test_home_that_cannot_be_written(self):
        occupied = self.home / "file"
        occupied.write_text("")
        self.patch(os.environ, HEARTH_DIR=str(occupied))
        with self.begin() as run:
            run.log({"loss": 1.0})
        self.assertEqual(self.server.values("loss"), [1.0])
        shutil.rmtree(run.folder.parent.parent)

    def test_heartbeat_when_nothing_is_logged(self):
        self.patch(hearth.sender.__dict__, HEARTBEAT_S=0.05)
        run = self.begin()
        self.until(lambda: self.server.heartbeats >= 2)
        run.finish()

    def test_full_spool_drops_the_oldest_with_a_warning(self):
        self.server.stop()
        run = self.begin(spool_bytes=64_000, exit_timeout_s=0.0)
        for step in range(20_000):
            run.log({"loss": float(step)}, step=step)
            if step % 500 == 0:
                time.sleep(0.03)
        self.until(lambda: any("the oldest" in text for text in self.warnings))
        size = sum(path.stat().st_size for path in run.folder.glob("*.spool"))
        self.assertLess(size, 600_000)
        run.finish()
