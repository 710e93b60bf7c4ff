"""Asks AIDE itself what it would do next: writes the table that greedy is tested against.

    python -m venv venv && venv/bin/pip install aideml==0.2.2
    venv/bin/python aide_conformance.py choices ../journal/aide-journal.json aide-choices.json
    bun -e 'import { toAide } from "../../../../plugins/experiments/journal/aide.ts"
        import { sample } from "../journal/sample.ts"
        const text = JSON.stringify(toAide(sample), null, 2)
        await Bun.write("../journal/exported.json", text + "\\n")'
    venv/bin/python aide_conformance.py exported \\
        ../journal/exported.json ../journal/read-by-aide.json

`choices` grows trees by AIDE's own `search_policy`, with scores and draws from a seed, and writes
down every choice with its draws, and the last tree as a journal. `exported` reads a journal that
Hearth wrote.
"""

import json
import random
import sys
from pathlib import Path
from types import SimpleNamespace

import aide.agent
from aide.interpreter import ExecutionResult
from aide.journal import Journal, Node
from aide.utils.metric import MetricValue, WorstMetricValue
from aide.utils.serialize import dumps_json, loads_json

SETTINGS = [(5, 0.5, 3), (1, 0.5, 3), (3, 1.0, 0), (2, 1.0, 1), (4, 0.0, 3), (2, 0.8, 20)]
STEPS = 24


class Draws:
    """Stands in for the module `random` in AIDE's agent: uniform numbers, written down."""

    def __init__(self, source):
        self.source = source
        self.drawn = []

    def random(self):
        self.drawn.append(self.source.random())
        return self.drawn[-1]

    def choice(self, items):
        return items[int(self.random() * len(items))]


def grown(seed, settings, maximize):
    """A tree that AIDE's policy chose the parents of, and its choices."""
    source = random.Random(seed)
    drafts, debug_prob, max_debug_depth = settings
    search = SimpleNamespace(
        num_drafts=drafts, debug_prob=debug_prob, max_debug_depth=max_debug_depth
    )
    cfg = SimpleNamespace(agent=SimpleNamespace(search=search))
    journal, draws_of = Journal(), []
    agent = aide.agent.Agent("", cfg, journal)
    fail_rate = source.choice([0.2, 0.5, 0.9])
    for step in range(STEPS):
        draws = aide.agent.random = Draws(source)
        parent = agent.search_policy()
        node = Node(code=f"print({step})", plan=f"plan {step}", parent=parent)
        node.id, node.ctime = f"{seed:016x}{step:016x}", 1700000000.5 + step
        draws_of.append(draws.drawn)
        fails = source.random() < fail_rate
        error = ("ValueError", {"args": ["bad"]}, [("runfile.py", 1, "<module>", "x")])
        node.absorb_exec_result(
            ExecutionResult(["out\n", f"{step}\n"], 0.5, *(error if fails else (None,) * 3))
        )
        node.analysis = "It failed." if fails else "It ran."
        node.is_buggy = fails
        # Few values, so that some are equal.
        score = source.randrange(8) / 8
        node.metric = WorstMetricValue() if fails else MetricValue(score, maximize=maximize)
        journal.append(node)
    nodes = [
        {
            "draws": draws,
            "parent": node.parent and node.parent.step,
            "isBuggy": node.is_buggy,
            "metric": node.metric.value,
            "debugDepth": node.debug_depth,
        }
        for node, draws in zip(journal.nodes, draws_of)
    ]
    case = {
        "seed": seed,
        "settings": dict(zip(["numDrafts", "debugProb", "maxDebugDepth"], settings)),
        "maximize": maximize,
        "nodes": nodes,
        "best": (journal.get_best_node() or SimpleNamespace(step=None)).step,
    }
    return journal, case


def write_choices(journal_path, table_path):
    cases = []
    for seed in range(24):
        settings, maximize = SETTINGS[seed % len(SETTINGS)], seed % 4 < 2
        journal, case = grown(seed, settings, maximize)
        cases.append(case)
    journal_path.write_text(dumps_json(journal) + "\n")
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    table_path.write_text(f"[\n{lines}\n]\n")


def read_exported(journal_path, out_path):
    journal = loads_json(journal_path.read_text(), Journal)
    best = journal.get_best_node()
    nodes = [
        {
            "step": node.step,
            "parent": node.parent and node.parent.step,
            "stage": node.stage_name,
            "isLeaf": node.is_leaf,
            "debugDepth": node.debug_depth,
            "isBuggy": node.is_buggy,
            "metric": node.metric.value,
            "maximize": node.metric.maximize,
            "code": node.code,
            "output": node.term_out,
            "exception": node.exc_type,
        }
        for node in journal.nodes
    ]
    found = {"nodes": nodes, "best": best and best.step, "summary": journal.generate_summary()}
    out_path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    verbs = {"choices": write_choices, "exported": read_exported}
    verbs[sys.argv[1]](*map(Path, sys.argv[2:]))
