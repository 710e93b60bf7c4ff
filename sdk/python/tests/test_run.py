"""What a training script may say, and what reaches the server of it."""

import argparse
import os
import statistics
import time

import hearth

from .server import Server
from .support import SpoolTest

QUIET = {"console": False, "system": False}


class Scalar:
    """What numpy and torch have in common."""

    dtype = "float32"

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value


class Logging(SpoolTest):
    def test_columns(self):
        run = hearth.init(project="p", **QUIET)
        run.log({"loss": 0.5, "train": {"acc": 0.25, "deep": {"x": 1}}}, step=7)
        run.log({"loss": Scalar(0.125)}, step=Scalar(8))
        run.log({"loss": True})
        run.finish()
        expected = [
            ("loss", 0.5, 7),
            ("train/acc", 0.25, 7),
            ("train/deep/x", 1.0, 7),
            ("loss", 0.125, 8),
            ("loss", 1.0, 9),
        ]
        found = [(p["name"], p["value"], p["step"]) for p in self.server.points]
        self.assertEqual(sorted(found), sorted(expected))
        for point in self.server.points:
            self.assertLess(abs(point["time"] / 1e6 - time.time()), 60)

    def test_non_finite_values(self):
        with hearth.init(project="p", **QUIET) as run:
            for value in (float("nan"), float("inf"), float("-inf"), 1.0):
                run.log({"loss": value})
        self.assertEqual(self.server.values("loss"), ["NaN", "Infinity", "-Infinity", 1.0])

    def test_bad_values_are_one_warning_a_name(self):
        class Broken:
            def item(self):
                raise RuntimeError("not on this device")

        with hearth.init(project="p", **QUIET) as run:
            for _ in range(3):
                run.log(
                    {
                        "a": "text",
                        "b": None,
                        "c": Broken(),
                        "d": 10**400,
                        "e\n": 1.0,
                        "": 2.0,
                        "\ud800": 3.0,
                        "🔥" * 126: 4.0,
                        "f": 3.0,
                    }
                )
            run.log({"f": 4.0}, step="seven")
            run.log({"f": 5.0}, step=2**53)
            run.log(["not", "a", "dictionary"])
        self.assertEqual(self.server.values("f"), [3.0, 3.0, 3.0, 4.0, 5.0])
        self.assertEqual({p["name"] for p in self.server.points}, {"f"})
        self.assertEqual(len(self.warnings), 10, self.warnings)

    def test_wide_and_many(self):
        with hearth.init(project="p", **QUIET) as run:
            run.log({f"layer/{n}": float(n) for n in range(25_000)}, step=0)
        self.assertEqual(len(self.server.points), 25_000)

    def test_what_is_known_of_a_run(self):
        config = argparse.Namespace(
            lr=0.1, layers=(1, 2), device=object, seed=2**60, best=float("inf")
        )
        run = hearth.init(
            project="p", name="first", config=config, tags=["a"], notes="why", **QUIET
        )
        self.until(lambda: self.server.runs and "environment" in self.server.runs[0])
        run.update(config={"warmup": 10}, tags=["b"])
        run.finish()
        known = self.server.runs[0]
        self.assertEqual(
            {key: known[key] for key in ("name", "config", "tags", "notes", "status")},
            {
                "name": "first",
                "config": {
                    "lr": 0.1,
                    "layers": [1, 2],
                    "device": "<class 'object'>",
                    "best": "Infinity",
                    "seed": str(2**60),
                    "warmup": 10,
                },
                "tags": ["b"],
                "notes": "why",
                "status": "completed",
            },
        )
        environment = known["environment"]
        self.assertEqual(environment["pid"], os.getpid())
        self.assertRegex(environment["python"], r"^3\.")
        self.assertIn("packages", {**environment, "packages": {}})

    def test_system_metrics(self):
        with hearth.init(project="p", console=False) as run:
            self.until(lambda: run.flush() and self.server.points)
        names = {point["name"] for point in self.server.points}
        self.assertIn("system/disk_free_bytes", names)

    def test_projects_are_found_again(self):
        self.server.projects = [{"id": n + 1, "owner_id": 1, "name": f"p{n}"} for n in range(1500)]
        for name in ("p1400", "new", "new"):
            hearth.init(project=name, **QUIET).finish()
        self.assertEqual([run["project_id"] for run in self.server.runs], [1401, 1501, 1501])

    def test_artifacts_are_kept_as_they_were(self):
        file = self.home / "model.bin"
        file.write_bytes(b"one")
        folder = self.home / "out" / "deep"
        folder.mkdir(parents=True)
        (folder / "x y.txt").write_text("two")
        with hearth.init(project="p", **QUIET) as run:
            run.log_artifact(file)
            run.log_artifact(file, "best/model.bin")
            run.log_artifact(self.home / "out")
            run.log_artifact(self.home / "missing")
            file.write_bytes(b"changed")
        self.assertEqual(
            self.server.artifacts,
            {"model.bin": b"one", "best/model.bin": b"one", "out/deep/x y.txt": b"two"},
        )
        self.assertEqual(len(self.warnings), 1, self.warnings)
        self.assertEqual(self.spool(), [])

    def test_many_artifacts_while_others_are_sent(self):
        file = self.home / "checkpoint"
        with hearth.init(project="p", **QUIET) as run:
            for number in range(100):
                file.write_text(str(number))
                run.log_artifact(file, f"checkpoint-{number}")
        expected = {f"checkpoint-{number}": str(number).encode() for number in range(100)}
        self.assertEqual(self.server.artifacts, expected)

    def test_artifacts_without_room_are_read_where_they_are(self):
        self.server.stop()
        file = self.home / "model.bin"
        file.write_bytes(bytes(10_000_000))
        run = hearth.init(project="p", spool_bytes=25_000_000, **QUIET)
        for name in ("a", "b", "c"):
            run.log_artifact(file, name)
        file.write_bytes(b"changed")
        self.server = Server(int(self.server.url.rpartition(":")[2]), after=self.server)
        run.finish()
        sizes = {name: len(data) for name, data in self.server.artifacts.items()}
        self.assertEqual(sizes, {"a": 10_000_000, "b": 10_000_000, "c": len(b"changed")})

    def test_summary(self):
        run = hearth.init(project="p", **QUIET)
        run.log({"loss": 0.5})
        run.log({"loss": 0.25})
        self.assertEqual(run.summary(), {"loss": {"total_points": 2, "current_value": 0.25}})
        run.finish()

    def test_same_run_key_goes_on_with_the_same_run(self):
        for value in (1.0, 2.0):
            with hearth.init(project="p", run_key="job-17", **QUIET) as run:
                run.log({"loss": value}, step=int(value))
        self.assertEqual(len(self.server.runs), 1)
        self.assertEqual(self.server.values("loss"), [1.0, 2.0])

    def test_disabled(self):
        with hearth.init(project="p", mode="disabled") as run:
            run.log({"loss": 1.0})
            run.log_artifact(__file__)
        self.assertEqual(
            (run.id, run.summary(), self.spool(), self.server.requests), (None, {}, [], [])
        )

    def test_after_the_end(self):
        run = hearth.init(project="p", **QUIET)
        run.finish()
        run.finish()
        run.log({"loss": 1.0})
        self.assertEqual(self.server.points, [])
        self.assertEqual(len(self.warnings), 1, self.warnings)

    def test_threads(self):
        import threading

        run = hearth.init(project="p", **QUIET)
        threads = [
            threading.Thread(
                target=lambda n=n: [run.log({f"t{n}": float(i)}, step=i) for i in range(500)]
            )
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run.finish()
        for n in range(8):
            self.assertEqual(self.server.values(f"t{n}"), [float(i) for i in range(500)])

    def test_log_latency(self):
        run = hearth.init(project="p", **QUIET)
        took = []
        for step in range(20_000):
            began = time.perf_counter_ns()
            run.log({"loss": 0.5, "accuracy": 0.25, "lr": 0.001}, step=step)
            took.append(time.perf_counter_ns() - began)
        run.finish()
        took.sort()
        print(
            "\nlog() of 3 values: median %.1f us, mean %.1f us, p99 %.1f us"
            % (
                statistics.median(took) / 1e3,
                statistics.mean(took) / 1e3,
                took[len(took) * 99 // 100] / 1e3,
            )
        )
        self.assertEqual(len(self.server.points), 60_000)
