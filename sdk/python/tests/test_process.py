"""How trainings end and multiply: kill -9, SIGTERM, exceptions, forks, worker processes."""

import os
import signal
import sys
import unittest

from hearth.sync import sync

from .support import SpoolTest


class Endings(SpoolTest):
    def test_killed_in_the_middle_then_synced_exactly_once(self):
        process = self.start("""
            run = hearth.init(project="p", **QUIET)
            for step in range(10_000_000):
                run.log({"loss": float(step)}, step=step)
                time.sleep(0.0001)
        """)
        self.until(lambda: len(self.server.points) > 1000)
        self.server.drop_replies = 1000  # from here on the trainer learns of nothing it delivers
        before = len(self.server.requests)
        self.until(lambda: len(self.server.requests) > before + 3)
        process.kill()
        process.wait()
        self.server.drop_replies = 0
        for _ in range(2):
            self.assertEqual(sync(say=str), 0)
        values = self.server.values("loss")
        self.assertGreater(len(values), 1000)
        self.assertEqual(values, [float(n) for n in range(len(values))])
        self.assertEqual(self.server.runs[0]["status"], "crashed")
        self.assertEqual(self.spool(), [])

    def test_half_written_record_is_left_out(self):
        process = self.start("""
            run = hearth.init(project="p", mode="offline", **QUIET)
            for step in range(100):
                run.log({"loss": float(step)}, step=step)
                time.sleep(0.002)
            run.log({"late": 1.0})
            time.sleep(100)
        """)
        self.until(lambda: self.spool() and any(b"late" in p.read_bytes() for p in self.segments()))
        process.kill()
        process.wait()
        last = self.segments()[-1]
        last.write_bytes(last.read_bytes()[:-5])
        self.assertEqual(sync(say=str), 0)
        values = self.server.values("loss")
        self.assertEqual(values, [float(n) for n in range(len(values))])
        self.assertEqual(self.server.values("late"), [])

    def test_damaged_record_costs_only_itself(self):
        self.train("""
            run = hearth.init(project="p", mode="offline", **QUIET)
            for step in range(5):
                run.log({"loss": float(step)}, step=step)
                value = b"[%d.0]" % step
                while not any(value in p.read_bytes() for p in run.folder.glob("*.spool")):
                    time.sleep(0.002)
        """)
        (segment,) = self.segments()
        segment.write_bytes(segment.read_bytes().replace(b"[2.0]", b"[7.0]"))
        self.assertEqual(sync(say=str), 0)
        self.assertEqual(self.server.values("loss"), [0.0, 1.0, 3.0, 4.0])
        self.assertIn("damaged", self.warnings[-1])

    def segments(self):
        return sorted(self.home.glob("spool/*/*.spool"))

    def test_sigterm_marks_killed_and_flushes(self):
        process = self.start("""
            run = hearth.init(project="p", **QUIET)
            run.log({"loss": 1.0})
            print("ready", flush=True)
            while True: run.log({"tick": 1.0}); time.sleep(0.001)
        """)
        process.stdout.readline()
        process.terminate()
        self.assertEqual(process.wait(30), -signal.SIGTERM)
        self.assertEqual(self.server.values("loss"), [1.0])
        self.assertEqual(self.server.runs[0]["status"], "killed")
        self.assertEqual(self.spool(), [])

    def test_sigterm_reaches_the_handler_that_was_there_before(self):
        code, output = self.train("""
            def save(number, frame): print("saving a checkpoint"); sys.exit(3)
            signal.signal(signal.SIGTERM, save)
            run = hearth.init(project="p", **QUIET)
            run.log({"loss": 1.0})
            os.kill(os.getpid(), signal.SIGTERM)
        """)
        self.assertEqual((code, output), (3, "saving a checkpoint\n"))
        self.assertEqual(self.server.values("loss"), [1.0])
        self.assertEqual(self.server.runs[0]["status"], "killed")

    def test_ends(self):
        for program, status in (
            ("pass", "completed"),
            ("raise SystemExit(0)", "completed"),
            ("raise ValueError('diverged')", "failed"),
            ("raise KeyboardInterrupt", "killed"),
        ):
            for form in (
                "with hearth.init(project='p', **QUIET) as run: %s",
                "hearth.init(project='p', **QUIET); %s",
            ):
                with self.subTest(program=form % program):
                    self.train(form % program)
                    self.assertEqual(self.server.runs[-1]["status"], status)
                    self.assertIn("ended_at", self.server.runs[-1])

    def test_unreachable_at_exit_says_how_to_deliver_later(self):
        self.server.stop()
        code, output = self.train("""
            run = hearth.init(project="p", exit_timeout_s=0.3, **QUIET)
            run.log({"loss": 1.0})
        """)
        self.assertEqual(code, 0)
        self.assertIn("python -m hearth sync", output)
        self.assertEqual(output.count("cannot be reached"), 1)

    def test_console_reaches_terminal_and_server(self):
        code, output = self.train("""
            with hearth.init(project="p", system=False) as run:
                print("epoch 1")
                print("50%\\r100%", file=sys.stderr)
            print("after")
        """)
        self.assertEqual(
            (code, sorted(output.split())), (0, sorted("epoch 1 50% 100% after".split()))
        )
        texts = {}
        for record in self.server.console:
            texts[record["stream"]] = texts.get(record["stream"], "") + record["text"]
        self.assertEqual(texts, {"stdout": "epoch 1\n", "stderr": "100%\n"})


@unittest.skipUnless(hasattr(os, "fork"), "this system has no fork")
class Children(SpoolTest):
    def expect(self, parent, children):
        self.assertEqual(self.server.values("parent"), [float(n) for n in range(parent)])
        self.assertEqual(self.server.values("child"), [float(n) for n in range(children)])
        self.assertEqual([run["status"] for run in self.server.runs], ["completed"])
        self.assertEqual(self.spool(), [])

    def test_fork(self):
        code, output = self.train("""
            with hearth.init(project="p", **QUIET) as run:
                for step in range(50): run.log({"parent": float(step)}, step=step)
                child = os.fork()
                if child == 0:
                    for step in range(50): run.log({"child": float(step)}, step=step)
                    sys.exit(0)
                assert os.waitpid(child, 0)[1] == 0
                for step in range(50, 100): run.log({"parent": float(step)}, step=step)
        """)
        self.assertEqual((code, output), (0, ""))
        self.expect(100, 50)

    def test_child_that_is_killed_leaves_its_points_to_the_parent(self):
        code, output = self.train("""
            with hearth.init(project="p", **QUIET) as run:
                run.log({"parent": 0.0}, step=0)
                run.flush()
                reads, writes = os.pipe()
                child = os.fork()
                if child == 0:
                    os.dup2(writes, 2)
                    run.client.url = "http://127.0.0.1:9"
                    run.client._parts = run.client._parts._replace(netloc="127.0.0.1:9")
                    run.log({"child": 0.0}, step=0)
                    while not any(b"child" in p.read_bytes() for p in run.folder.glob("*.spool")):
                        time.sleep(0.005)
                    os._exit(9)
                os.waitpid(child, 0)
        """)
        self.assertEqual((code, output), (0, ""))
        self.expect(1, 1)

    def test_multiprocessing(self):
        for method in ("fork", "spawn", "forkserver"):
            with self.subTest(method=method):
                self.server.points.clear()
                self.server.runs.clear()
                code, output = self.train(
                    f"""
                    import multiprocessing
                    from tests.logging_child import log_range
                    context = multiprocessing.get_context("{method}")
                    with hearth.init(project="p", **QUIET) as run:
                        run.log({{"parent": 0.0}}, step=0)
                        children = [context.Process(target=log_range, args=(run, n, n + 10))
                                    for n in (0, 10, 20)]
                        for child in children: child.start()
                        for child in children: child.join()
                """,
                    PYTHONPATH=os.pathsep.join(sys.path),
                )
                self.assertEqual((code, output), (0, ""))
                self.expect(1, 30)

    def test_ranks_that_share_a_run(self):
        program = """
            rank = os.environ["RANK"]
            with hearth.init(project="p", mode="online", run_key="job", **QUIET) as run:
                for step in range(20): run.log({"rank" + rank: float(step)}, step=step)
        """
        processes = [self.start(program, RANK=str(rank)) for rank in range(3)]
        self.assertEqual([process.wait(30) for process in processes], [0, 0, 0])
        for rank in range(3):
            self.assertEqual(self.server.values(f"rank{rank}"), [float(n) for n in range(20)])
        self.expect(0, 0)

    def test_only_rank_0_logs(self):
        for rank in ("0", "1", "2"):
            code, _ = self.train(
                "with hearth.init(project='p', **QUIET) as run: run.log({'parent': 0.0}, step=0)",
                RANK=rank,
            )
            self.assertEqual(code, 0)
        self.expect(1, 0)
