"""Writes cartpole-gymnasium.csv: 200 transitions of Gymnasium's own CartPole-v1.

pip install gymnasium==1.4.0 && python cartpole-gymnasium.py
"""

import csv
import random
from pathlib import Path

import gymnasium

dice = random.Random(1)
env = gymnasium.make("CartPole-v1").unwrapped
env.reset(seed=1)
state = ["x", "speed", "angle", "spin"]
with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerow([*state, "action", *(f"next_{name}" for name in state), "reward", "terminated"])
    for _ in range(200):
        before = [float(value) for value in env.state]
        action = dice.randrange(2)
        _, reward, terminated, _, _ = env.step(action)
        after = [float(value) for value in env.state]
        table.writerow([*before, action, *after, float(reward), int(terminated)])
        if terminated:
            env.reset()
