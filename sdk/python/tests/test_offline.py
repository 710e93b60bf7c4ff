"""Runs without a server, delivered later by `sync`: once, twice, or while training goes on."""

import hearth
from hearth.cli import main
from hearth.sync import sync

from .support import SpoolTest

QUIET = {"console": False, "system": False}


class Offline(SpoolTest):
    def test_sync_twice_creates_one_run(self):
        with hearth.init(project="p", mode="offline", tags=["x"], **QUIET) as run:
            for step in range(10):
                run.log({"loss": float(step)}, step=step)
            run.log_artifact(__file__, "code.py")
        self.assertEqual(self.server.requests, [])
        kept = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
        self.assertEqual(main(["sync", str(run.folder)]), 0)
        run.folder.joinpath("files").mkdir(parents=True)
        for path, data in kept.items():  # as if the first sync had died before it noted anything
            path.write_bytes(data)
        self.assertEqual(main(["sync"]), 0)
        self.assertEqual(main(["sync"]), 0)
        self.assertEqual(len(self.server.runs), 1)
        self.assertEqual(self.server.runs[0]["status"], "completed")
        self.assertEqual(self.server.values("loss"), [float(n) for n in range(10)])
        self.assertEqual(list(self.server.artifacts), ["code.py"])
        self.assertEqual(self.spool(), [])

    def test_sync_leaves_a_living_training_alone(self):
        run = hearth.init(project="p", mode="offline", **QUIET)
        run.log({"loss": 1.0})
        said = []
        self.assertEqual(sync(say=said.append), 0)
        self.assertIn("still being written", said[0])
        run.finish()
        self.assertEqual(sync(say=said.append), 0)
        self.assertEqual(self.server.values("loss"), [1.0])

    def test_sync_without_a_server_fails_and_keeps(self):
        hearth.init(project="p", mode="offline", **QUIET).finish()
        self.patch(hearth.sync.__dict__, FIRST_PAUSE_S=0.001)
        self.server.stop()
        self.assertEqual(main(["sync"]), 1)
        self.assertEqual(len(self.spool()), 1)

    def test_run_that_may_not_be_created_stays(self):
        hearth.init(project="p", mode="offline", **QUIET).finish()
        self.server.refuse = [(403, {})]
        self.assertEqual(main(["sync"]), 1)
        self.assertEqual(len(self.spool()), 1)
        self.assertEqual(main(["sync"]), 0)
        self.assertEqual(self.spool(), [])
