"""What is found out about code and machine, with a repository and a GPU tool made for it."""

import os
import shutil
import subprocess
import unittest

from hearth import capture
from hearth.console import last_of_each_line
from hearth.system import Monitor

from .support import SpoolTest

SMI = """#!/bin/sh
case "$*" in
  *=name*) echo "NVIDIA H200"; echo "NVIDIA H200" ;;
  *) echo "0, 97, 40960, 61, 512.34"; echo "1, [N/A], 0, 33, [Not Supported]" ;;
esac
"""


class Capture(SpoolTest):
    def program(self, name, text):
        folder = self.home / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
        self.patch(os.environ, PATH=f"{folder}:{os.environ['PATH']}")

    def monitor(self):
        monitor = Monitor(lambda: None, None)
        monitor.stop(10.0)
        return monitor

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_git(self):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.home)
        self.assertIsNone(capture.git())
        self.patch(os.environ, GIT_CONFIG_GLOBAL=os.devnull)
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        (self.home / "train.py").write_text("lr = 0.1\n")
        for command in (
            ["init", "-q", "-b", "trunk"],
            ["add", "train.py"],
            [*who, "commit", "-qm", "first"],
        ):
            subprocess.run(["git", *command], check=True)
        commit = subprocess.check_output(["git", "rev-parse", "HEAD"]).decode().strip()
        self.assertEqual(
            capture.git(diff=True), {"commit": commit, "branch": "trunk", "dirty": False}
        )
        (self.home / "train.py").write_text("lr = 0.2\n")
        found = capture.git(diff=True)
        self.assertIn("+lr = 0.2", found.pop("diff"))
        self.assertEqual(found, {"commit": commit, "branch": "trunk", "dirty": True})

    def test_gpus(self):
        self.program("nvidia-smi", SMI)
        self.assertEqual(capture.gpu_names(), ["NVIDIA H200", "NVIDIA H200"])
        sample = self.monitor().sample()
        self.assertEqual(
            {name: value for name, value in sample.items() if name.startswith("system/gpu")},
            {
                "system/gpu/0/utilization_percent": 97.0,
                "system/gpu/0/memory_mib": 40960.0,
                "system/gpu/0/temperature_celsius": 61.0,
                "system/gpu/0/power_watts": 512.34,
                "system/gpu/1/memory_mib": 0.0,
                "system/gpu/1/temperature_celsius": 33.0,
            },
        )

    @unittest.skipUnless(os.path.exists("/proc/stat"), "not a Linux")
    def test_machine(self):
        monitor = self.monitor()
        first = monitor.sample()
        self.assertNotIn("system/cpu_percent", first)
        self.assertGreater(first["system/process_memory_bytes"], 1 << 20)
        self.until(lambda: "system/cpu_percent" in monitor.sample())
        self.until(lambda: 0.0 <= monitor.sample().get("system/cpu_percent", -1.0) <= 100.0)

    def test_programs_that_fail(self):
        self.program("nvidia-smi", "#!/bin/sh\necho 'no driver'; exit 9\n")
        self.assertEqual(capture.gpu_names(), [])
        self.assertIsNone(capture.output("a program that does not exist"))

    def test_progress_bars(self):
        self.assertEqual(last_of_each_line("a\rb\nc\r\nd\r"), "b\nc\nd")
        self.assertEqual(last_of_each_line("plain\n"), "plain\n")
