"""The environments of a training, all stepped at once by a child: `hearth environment serve`.

Each question is a line of JSON, and so is its answer; the other side is
plugins/scenarios/training/stepping/serve.ts. Floats come as base64 of little-endian float32.
"""

import base64
import json
import subprocess

import numpy


class Refused(Exception):
    """What the other side had against a question."""


class Environments:
    """`seen` is float32 [environments, observations]; `masks` [environments, actions] or None."""

    def __init__(self):
        self.child = subprocess.Popen(
            ["hearth", "environment", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        opened = self._ask({"type": "open"})
        self.spec, self.schedule = opened["spec"], opened["schedule"]
        self.count = self.schedule["environments"]
        self._look(opened)

    def step(self, actions):
        """Of each environment one; those whose episode ended have begun the next."""
        stepped = self._ask({"type": "step", "actions": [int(action) for action in actions]})
        self._look(stepped)
        stepped["last"] = floats(stepped["last"]).reshape(-1, self.spec["observations"])
        return stepped

    def save(self):
        return self._ask({"type": "save"})["state"]

    def load(self, state):
        self._look(self._ask({"type": "load", "state": state}))

    def baselines(self):
        return self._ask({"type": "baselines"})

    def evaluate(self, layers, is_last):
        """The greedy policy on validation episodes, as points of curves."""
        return self._ask({"type": "evaluate", "layers": layers, "isLast": is_last})

    def leave(self, layers, digest, episodes):
        """Writes the model; answers its files."""
        asked = {"type": "leave", "layers": layers, "digest": digest, "episodes": episodes}
        return self._ask(asked)["paths"]

    def close(self):
        self.child.stdin.close()
        self.child.wait()

    def _look(self, now):
        self.seen = floats(now["seen"]).reshape(self.count, -1)
        masks = now["masks"]
        self.masks = None if masks is None else numpy.frombuffer(
            base64.b64decode(masks), numpy.uint8).reshape(self.count, -1)

    def _ask(self, question):
        self.child.stdin.write(json.dumps(question).encode() + b"\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise Refused(f"The environments ended with {self.child.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer


def floats(text):
    return numpy.frombuffer(base64.b64decode(text), "<f4")


def text_of(values):
    return base64.b64encode(numpy.ascontiguousarray(values, "<f4").tobytes()).decode()
