"""Counts, and can be paused: the whole contract of a job's program, without any module.

    hearth run -- python count.py 100
"""

import json
import os
import signal
import sys
import time

total = int(sys.argv[1]) if len(sys.argv) > 1 else 100
pause_s = float(sys.argv[2]) if len(sys.argv) > 2 else 0.1
stopping = False


def stop(_signal, _frame):
    global stopping
    stopping = True


def tell(**event):
    if os.environ.get("HEARTH_EVENTS"):
        with open(os.environ["HEARTH_EVENTS"], "a", encoding="utf-8") as events:
            events.write(json.dumps(event) + "\n")


signal.signal(signal.SIGTERM, stop)
checkpoint = os.environ.get("HEARTH_CHECKPOINT")
first = int(open(checkpoint, encoding="utf-8").read()) if checkpoint else 0

for number in range(first, total):
    print(number, flush=True)
    tell(type="metric", name="number", value=number, step=number)
    tell(type="progress", done=number + 1, total=total)
    time.sleep(pause_s)
    if stopping:
        with open("count.new", "w", encoding="utf-8") as file:
            file.write(str(number + 1))
        os.replace("count.new", "count.ckpt")  # a checkpoint is whole or not there
        tell(type="checkpoint", path="count.ckpt", step=number + 1)
        sys.exit(1)

with open("sum.txt", "w", encoding="utf-8") as file:
    file.write(f"{sum(range(total))}\n")
tell(type="artifact", path="sum.txt")
