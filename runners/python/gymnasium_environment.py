"""Holds environments of Gymnasium for a program that asks over two pipes: see frames.ts."""

import json
import os
import pickle
import signal
import struct
import sys
import traceback

# A job that is to end is told so as a whole: whoever asks here decides, and ends the questions.
signal.signal(signal.SIGTERM, signal.SIG_IGN)

try:
    import gymnasium
    import numpy
    from gymnasium import spaces
except ImportError as error:
    missing = str(error)
else:
    missing = None

HEADER = struct.Struct("<III")
SEED = struct.Struct("<d")
ACTION = struct.Struct("<I")
STEP = struct.Struct("<dII")
MAX_OBSERVATIONS = 4096
MAX_ACTIONS = 4096


class Refused(Exception):
    """What is wrong with an environment, in words for whoever asked for it."""


def check_observations(space, where="observations"):
    flat = (spaces.Box, spaces.Discrete, spaces.MultiBinary, spaces.MultiDiscrete)
    if isinstance(space, spaces.Dict):
        for name, part in space.spaces.items():
            check_observations(part, f"{where}.{name}")
    elif isinstance(space, spaces.Tuple):
        for index, part in enumerate(space.spaces):
            check_observations(part, f"{where}[{index}]")
    elif not isinstance(space, flat):
        kind = type(space).__name__
        raise Refused(f"{where} are of {kind}: only spaces of a fixed size can be flattened")


class Environments:
    def __init__(self, wanted):
        if missing is not None:
            raise Refused(f"{missing}: name what it is in among the requirements")
        self.name = wanted["environment"]
        self.options = wanted.get("options") or {}
        self.max_steps = wanted.get("maxSteps")
        self.checks = wanted.get("checks", False)
        self.made = {}
        first = self.build()
        self.observations = first.observation_space
        self.actions = first.action_space
        self.spec = first.spec
        check_observations(self.observations)
        if not isinstance(self.actions, spaces.Discrete):
            kind = type(self.actions).__name__
            raise Refused(f"Its actions are of {kind}: only Discrete ones can be learned")
        self.width = int(spaces.flatdim(self.observations))
        if not 0 < self.width <= MAX_OBSERVATIONS:
            raise Refused(f"It shows {self.width} numbers at once: {MAX_OBSERVATIONS} at most")
        if self.actions.n > MAX_ACTIONS:
            raise Refused(f"It has {self.actions.n} actions: {MAX_ACTIONS} at most")
        self.is_box = isinstance(self.observations, spaces.Box)
        first.close()

    def build(self):
        more = {} if self.max_steps is None else {"max_episode_steps": self.max_steps}
        return gymnasium.make(self.name, **more, **self.options)

    def describe(self):
        return {
            "observations": self.width,
            "actions": int(self.actions.n),
            "maxSteps": self.spec.max_episode_steps,
            "threshold": self.spec.reward_threshold,
            "breach": self.breach() if self.checks else None,
            "versions": {
                "gymnasium": gymnasium.__version__,
                "numpy": numpy.__version__,
                "python": sys.version.split()[0],
            },
        }

    def breach(self):
        """What Gymnasium's own checker finds wrong with it; None: nothing."""
        from gymnasium.utils.env_checker import check_env

        try:
            check_env(self.build().unwrapped, skip_render_check=True, skip_close_check=True)
        except Exception as error:
            return (str(error) or type(error).__name__)[:500]
        return None

    def flat(self, observation):
        """As bytes of float32."""
        if not self.is_box:
            observation = spaces.flatten(self.observations, observation)
        return numpy.asarray(observation, dtype=numpy.float32).tobytes()

    def answer(self, verb, number, payload):
        if verb == 1:
            self.made[number] = self.build()
            return b""
        env = self.made[number]
        if verb == 3:
            (action,) = ACTION.unpack(payload)
            seen, reward, terminated, truncated, _ = env.step(self.actions.start + action)
            ends = (1 if terminated else 0) | (2 if truncated else 0)
            return STEP.pack(float(reward), ends, 0) + self.flat(seen)
        if verb == 2:
            (seed,) = SEED.unpack(payload)
            return self.flat(env.reset(seed=int(seed))[0])
        if verb == 4:
            return self.saved(env)
        if verb == 5:
            self.made[number] = pickle.loads(payload)
            return b""
        if verb == 6:
            self.made.pop(number).close()
            return b""
        raise Refused(f"There is no verb {verb}")

    @staticmethod
    def saved(env):
        try:
            return pickle.dumps(env)
        except Exception:  # Whatever holds a window, a lock or a library's handle.
            return b""


def main():
    # What environments print must not end up among the answers.
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    environments = None
    while head := questions.read(HEADER.size):
        size, verb, number = HEADER.unpack(head)
        payload = questions.read(size - (HEADER.size - 4))
        status = 0
        try:
            if verb == 0:
                environments = Environments(json.loads(payload))
                reply = json.dumps(environments.describe()).encode()
            else:
                reply = environments.answer(verb, number, payload)
        except Exception as error:
            if not isinstance(error, Refused):
                traceback.print_exc()
            status = 1
            kind = "" if isinstance(error, Refused) else f"{type(error).__name__}: "
            reply = f"{kind}{error}"[:2000].encode()
        answers.write(HEADER.pack(len(reply) + HEADER.size - 4, status, number))
        answers.write(reply)
        answers.flush()


if __name__ == "__main__":
    main()
