"""The same client against a Hearth server, when HEARTH_TEST_URL names one: one wire for both."""

import math
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import hearth
from ai_manager import AIManager
from hearth.cli import main
from hearth.client import Client

from .support import PREAMBLE, ROOT, Patching

URL = os.environ.get("HEARTH_TEST_URL")
QUIET = {"console": False, "system": False}
NAMES = (
    "a b",
    "ü/λ",
    "a//b",
    "/",
    "..",
    "a/../b",
    "__proto__",
    "constructor",
    "'\"",
    "100%",
    "?x=1#y",
    "名" * 250,
    "🔥" * 125,
)


@unittest.skipUnless(URL, "HEARTH_TEST_URL is not set")
class RealServer(Patching):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        user = "user" + secrets.token_hex(6)
        self.client = Client(URL, None, user, secrets.token_hex(12))
        self.client.register(user + "@example.com")
        self.patch(
            os.environ, HEARTH_DIR=str(self.home), HEARTH_URL=URL, HEARTH_TOKEN=self.client.log_in()
        )
        self.addCleanup(self.client.close)

    def values(self, run_id, name):
        points = self.client.get(f"/metrics/{run_id}", metric_name=name, limit=10_000)
        return [point["value"] for point in sorted(points, key=lambda point: point["step"])]

    def test_example_of_the_api_document(self):
        del os.environ["HEARTH_TOKEN"]
        manager = AIManager(
            project_name="my_project",
            api_url=URL,
            username=self.client.username,
            password=self.client.password,
        )
        with manager.run(name="training_run") as run:
            for epoch in range(100):
                run.log({"loss": 0.5, "accuracy": 0.85}, step=epoch)
        self.assertEqual(self.values(run.id, "loss"), [0.5] * 100)
        self.assertEqual(self.values(run.id, "accuracy"), [0.85] * 100)
        self.assertEqual(self.client.get(f"/runs/{run.id}")["status"], "completed")
        self.assertEqual([p["name"] for p in self.client.get("/projects/")], ["my_project"])

    def test_every_name_and_value_the_client_takes_is_taken(self):
        with hearth.init(project="p", **QUIET) as run:
            run.log({name: float(index) for index, name in enumerate(NAMES)}, step=-(2**53 - 1))
            for step, value in enumerate((math.nan, math.inf, -math.inf, 1e308, 5e-324, -0.0)):
                run.log({"edge": value}, step=step)
        self.assertFalse(run.folder.exists(), "something was refused or is not delivered")
        self.assertEqual(
            self.values(run.id, "edge"), ["NaN", "Infinity", "-Infinity", 1e308, 5e-324, 0.0]
        )
        self.assertEqual(set(run.summary()), {*NAMES, "edge"})

    def test_everything_about_a_run(self):
        source = self.home / "model.bin"
        source.write_bytes(bytes(range(256)) * 1000)
        with hearth.init(
            project="p",
            name="n",
            config={"lr": 0.1, "x": math.nan, "\0y": "\udcff"},
            tags=["t", ""],
            notes="w",
        ) as run:
            print("printed while training")
            run.log({"loss": 1.0})
            run.log_artifact(source, "deep/model x.bin")
            run.update(config={"warmup": 5})
            self.assertTrue(run.flush())
        known = self.client.get(f"/runs/{run.id}")
        self.assertEqual(
            {key: known[key] for key in ("name", "config", "tags", "notes", "status")},
            {
                "name": "n",
                "config": {"lr": 0.1, "x": "NaN", "y": "?", "warmup": 5},
                "tags": ["t"],
                "notes": "w",
                "status": "completed",
            },
        )
        self.assertEqual(known["environment"]["pid"], os.getpid())
        lines = self.client.get(f"/runs/{run.id}/console")["lines"]
        self.assertEqual("".join(line["text"] for line in lines).strip(), "printed while training")
        files = [
            (file["path"], file["size"]) for file in self.client.get(f"/runs/{run.id}/artifacts")
        ]
        self.assertEqual(files, [("deep/model x.bin", 256_000)])
        self.assertIn("system/disk_free_bytes", run.summary())

    def test_killed_trainer_is_synced_exactly_once(self):
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                PREAMBLE
                + """
run = hearth.init(project="p", **QUIET)
for step in range(10_000_000):
    run.log({"loss": float(step)}, step=step)
    if step == 2000:
        run.flush()
        print(run.id, flush=True)
    time.sleep(0.0001)
""",
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        run_id = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        self.assertEqual((main(["sync"]), main(["sync"])), (0, 0))
        values = self.values(run_id, "loss")
        self.assertGreater(len(values), 2000)
        self.assertEqual(values, [float(n) for n in range(len(values))])
        self.assertEqual(self.client.get(f"/runs/{run_id}")["status"], "crashed")

    def test_offline_then_synced(self):
        with hearth.init(project="later", mode="offline", **QUIET) as run:
            run.log({"loss": 0.5}, step=3)
        self.assertEqual(main(["sync", str(run.folder)]), 0)
        (known,) = self.client.get("/runs/")
        self.assertEqual((known["name"], known["status"]), (run.name, "completed"))
        self.assertEqual(self.values(known["id"], "loss"), [0.5])

    def test_resumed_by_its_key(self):
        for step in range(2):
            with hearth.init(project="p", run_key="job-17", **QUIET) as run:
                run.log({"loss": float(step)}, step=step)
                self.assertTrue(run.flush())
                self.assertEqual(self.client.get(f"/runs/{run.id}")["status"], "running")
        self.assertEqual(len(self.client.get("/runs/")), 1)
        self.assertEqual(self.values(run.id, "loss"), [0.0, 1.0])

    def test_trainings_that_begin_at_once_share_a_project(self):
        program = PREAMBLE + "hearth.init(project='sweep', **QUIET).finish()"
        processes = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) for _ in range(6)]
        self.assertEqual([process.wait(60) for process in processes], [0] * 6)
        self.assertEqual([p["name"] for p in self.client.get("/projects/")], ["sweep"])
        self.assertEqual(len(self.client.get("/runs/")), 6)
