"""Runs AIDE ML's own experiment, unmodified, and prints how long its steps took.

    python aide_ladder.py DATA_DIR STEPS

The model's replies come from OPENAI_BASE_URL. A program that fails is debugged at once. Its seconds
count from the first step on: starting Python and importing AIDE are left out.
"""

import json
import logging
import os
import random
import sys
import tempfile
import time

logging.disable(logging.CRITICAL)
data, steps = os.path.abspath(sys.argv[1]), int(sys.argv[2])
os.chdir(tempfile.mkdtemp())
sys.argv = sys.argv[:1]

import aide  # noqa: E402
import aide.utils.config as config  # noqa: E402

load = config._load_cfg


def with_model(*args, **kwargs):
    cfg = load(*args, **kwargs)
    cfg.agent.code.model = cfg.agent.feedback.model = "scripted"
    cfg.agent.search.debug_prob = 1.0
    cfg.exec.timeout = 600
    return cfg


aide._load_cfg = with_model
random.seed(0)
experiment = aide.Experiment(data_dir=data, goal="Predict the target", eval="accuracy")
begun = time.monotonic()
experiment.run(steps=steps)
seconds = time.monotonic() - begun
nodes = experiment.journal.nodes
print(json.dumps({
    "seconds": seconds,
    "inPrograms": sum(node.exec_time for node in nodes),
    "metrics": [node.metric.value for node in nodes],
}))
