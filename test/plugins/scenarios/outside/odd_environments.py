"""Environments of Gymnasium that break its rules, or keep their state where pickle finds none."""

import os

import gymnasium
import numpy
from gymnasium.utils import EzPickle

print("this is no answer")


class Walk(gymnasium.Env):
    """A walk with a draw at each step."""

    observation_space = gymnasium.spaces.Dict(
        {
            "place": gymnasium.spaces.Box(-1000, 1000, (2,)),
            "signs": gymnasium.spaces.Tuple(
                (gymnasium.spaces.MultiBinary(2), gymnasium.spaces.Discrete(3, start=5))
            ),
        }
    )
    action_space = gymnasium.spaces.Discrete(2, start=-1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = 0.0
        return self.seen(), {}

    def step(self, action):
        assert action in (-1, 0)
        self.place += self.draw() + action
        return self.seen(), -abs(self.place), abs(self.place) > 5, False, {}

    def draw(self):
        return self.np_random.random()

    def seen(self):
        place = numpy.array([self.place, 0.25], dtype=numpy.float32)
        signs = numpy.array([self.place > 0, self.place < 0], dtype=numpy.int8)
        return {"place": place, "signs": (signs, numpy.int64(6))}


class Forgetful(Walk):
    """Never begins anew: its draws go on through all episodes."""

    def __init__(self):
        self.generator = numpy.random.default_rng(3)

    def draw(self):
        return self.generator.random()


class Restless(Walk):
    """Nobody can say what it will do."""

    def draw(self):
        return int.from_bytes(os.urandom(6), "little") / 2**48


class Rebuilt(Walk, EzPickle):
    """Pickled by what it was made with, all else forgotten."""

    def __init__(self):
        EzPickle.__init__(self)


class Picture(Walk):
    """Shows too much."""

    observation_space = gymnasium.spaces.Box(0, 255, (64, 64, 3), dtype=numpy.uint8)


class Sentence(Walk):
    """Shows no numbers."""

    observation_space = gymnasium.spaces.Dict({"words": gymnasium.spaces.Text(20)})


for kind in (Walk, Forgetful, Restless, Rebuilt, Picture, Sentence):
    gymnasium.register(f"{kind.__name__}-v0", kind, max_episode_steps=30, reward_threshold=-20)
