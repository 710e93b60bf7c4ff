"""Measures how long `log()` keeps a training waiting, and prints one JSON object (microseconds)."""

import json
import os
import shutil
import tempfile
import time

import hearth

CALLS = 100_000
PACED_CALLS = 2_000


def measure(calls, pause_s):
    """Offline, so that the network of the machine plays no part; the threads work as usual."""
    took = []
    with hearth.init(project="bench", mode="offline", console=False, system=False) as run:
        for step in range(calls):
            if pause_s:
                time.sleep(pause_s)
            began = time.perf_counter_ns()
            run.log({"loss": 0.5, "accuracy": 0.25, "lr": 0.001}, step=step)
            took.append((time.perf_counter_ns() - began) / 1000)
    took.sort()
    return {
        "median": round(took[calls // 2], 2),
        "mean": round(sum(took) / calls, 2),
        "p99": round(took[calls * 99 // 100], 2),
        "max": round(took[-1], 2),
    }


if __name__ == "__main__":
    os.environ["HEARTH_DIR"] = tempfile.mkdtemp()
    hearth.complaints.logger.disabled = True
    print(json.dumps({"burst": measure(CALLS, 0), "paced": measure(PACED_CALLS, 0.001)}))
    shutil.rmtree(os.environ["HEARTH_DIR"])
