"""Plays episodes with Gymnasium itself: JSON of what is wanted in, of what was seen out."""

import json
import sys

import gymnasium
import numpy

wanted = json.load(sys.stdin)
env = gymnasium.make(wanted["environment"])
told = []


def numbers(observation):
    flat = gymnasium.spaces.flatten(env.observation_space, observation)
    return [float(value) for value in numpy.asarray(flat, dtype=numpy.float32)]


for seed, actions in wanted["episodes"]:
    observation, _ = env.reset(seed=seed)
    told.append([numbers(observation)])
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(env.action_space.start + action)
        step = [numbers(observation), float(reward), bool(terminated), bool(truncated)]
        told[-1].append(step)
        if terminated or truncated:
            break
json.dump(told, sys.stdout)
