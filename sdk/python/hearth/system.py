"""Watches the machine while a run trains and logs it as `system/...`."""

import os
import shutil
import threading
import time
from queue import Empty, SimpleQueue

from .capture import output

EVERY_S = 10.0
GPU_QUERY = "index,utilization.gpu,memory.used,temperature.gpu,power.draw"
GPU_NAMES = ("utilization_percent", "memory_mib", "temperature_celsius", "power_watts")


class Monitor:
    """A thread that describes the run once and then logs a sample every ten seconds."""

    def __init__(self, describe, log):
        self.described = False
        self._describe = describe
        self._log = log
        self._stop = SimpleQueue()
        self._cpu = None
        self._has_gpu = shutil.which("nvidia-smi") is not None
        threading.Thread(target=self._run, name="hearth-monitor", daemon=True).start()

    def stop(self, timeout_s):
        """Ends the thread; a run that was over at once gets its description all the same."""
        self._stop.put(None)
        deadline = time.monotonic() + timeout_s
        while not self.described and time.monotonic() < deadline:
            time.sleep(0.005)

    def _run(self):
        began = time.monotonic()
        self._sample_and_log(0)
        try:
            self._describe()
        finally:
            self.described = True
        while self._log is not None:
            try:
                self._stop.get(timeout=EVERY_S)
                return
            except Empty:
                self._sample_and_log(int(time.monotonic() - began))

    def _sample_and_log(self, second):
        if self._log is not None:
            self._log(self.sample(), second)

    def sample(self):
        values = {}
        for part in (self._cpu_use, memory, disk, self._gpus):
            try:
                values.update(part())
            except (OSError, ValueError, LookupError):
                pass  # not a Linux, or a counter this kernel does not have
        return {"system/" + name: float(value) for name, value in values.items()}

    def _cpu_use(self):
        with open("/proc/stat") as file:
            ticks = [int(number) for number in file.readline().split()[1:9]]
        now = (sum(ticks), ticks[3] + ticks[4])
        before, self._cpu = self._cpu, now
        if before is None or now[0] == before[0]:
            return {}
        return {"cpu_percent": 100.0 * (1 - (now[1] - before[1]) / (now[0] - before[0]))}

    def _gpus(self):
        if not self._has_gpu:
            return {}
        values = {}
        listing = output("nvidia-smi", f"--query-gpu={GPU_QUERY}", "--format=csv,noheader,nounits")
        for line in (listing or "").splitlines():
            index, *numbers = [field.strip() for field in line.split(",")]
            for name, number in zip(GPU_NAMES, numbers):
                if number.replace(".", "", 1).isdigit():  # `[N/A]` where a card does not tell
                    values[f"gpu/{index}/{name}"] = number
        return values


def memory():
    sizes = {}
    with open("/proc/meminfo") as file:
        for line in file:
            name, _, rest = line.partition(":")
            sizes[name] = int(rest.split()[0]) * 1024
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    used = 1 - sizes["MemAvailable"] / sizes["MemTotal"]
    return {"memory_percent": 100.0 * used, "process_memory_bytes": resident}


def disk():
    usage = shutil.disk_usage(".")
    return {"disk_percent": 100.0 * usage.used / usage.total, "disk_free_bytes": usage.free}
