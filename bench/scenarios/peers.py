"""The peers of the scenarios benchmark: one line of JSON each.

    python peers.py sb3 SEED STEPS      Stable-Baselines3, the settings of its zoo for CartPole
    python peers.py torch SEED STEPS    PPO by torch and Gymnasium, settings of CleanRL's ppo.py
    python peers.py environments        Gymnasium's vector environments, stepped at random

The first two answer the steps at which the mean of the last 100 episodes reached 475, and how
many they took a second. `torch SEED STEPS GOAL WINDOW` ends at once when the mean of so many
episodes reached the goal.
"""

import collections
import json
import sys
import time

import gymnasium
import numpy
import torch
from torch import nn

torch.set_num_threads(1)
goal = 475


class Watch:
    """Steps until the last episodes were good enough."""

    def __init__(self, goal=goal, window=100):
        self.goal, self.window = goal, window
        self.lengths = collections.deque(maxlen=window)
        self.hit = None
        self.begun = time.monotonic()

    def ended(self, length, steps):
        self.lengths.append(length)
        if (self.hit is None and len(self.lengths) == self.window
                and numpy.mean(self.lengths) >= self.goal):
            self.hit = steps

    def print(self, steps):
        speed = steps / (time.monotonic() - self.begun)
        print(json.dumps({"hit": self.hit, "stepsPerSecond": speed}))


def sb3(seed, total):
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    watch = Watch()

    class Told(BaseCallback):
        def _on_step(self):
            for info in self.locals["infos"]:
                if "episode" in info:
                    watch.ended(info["episode"]["l"], self.num_timesteps)
            return True

    model = PPO(
        "MlpPolicy", make_vec_env("CartPole-v1", n_envs=8, seed=seed), seed=seed, device="cpu",
        n_steps=32, batch_size=256, gae_lambda=0.8, gamma=0.98, n_epochs=20, ent_coef=0.0,
        learning_rate=lambda left: left * 1e-3, clip_range=lambda left: left * 0.2,
    )
    model.learn(total, callback=Told())
    watch.print(total)


def layer(inputs, outputs, gain):
    made = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(made.weight, gain)
    nn.init.zeros_(made.bias)
    return made


def network(outputs, gain):
    root = 2 ** 0.5
    return nn.Sequential(
        layer(4, 64, root), nn.Tanh(), layer(64, 64, root), nn.Tanh(), layer(64, outputs, gain)
    )


def torch_ppo(seed, total, *until):
    count, steps, parts, epochs = 4, 128, 4, 4
    torch.manual_seed(seed)
    envs = gymnasium.make_vec(
        "CartPole-v1", num_envs=count, vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP},
    )
    policy, value = network(2, 0.01), network(1, 1.0)
    parameters = [*policy.parameters(), *value.parameters()]
    optimiser = torch.optim.Adam(parameters, 2.5e-4, eps=1e-5)
    watch, lengths = Watch(*until), numpy.zeros(count, int)
    seen = torch.tensor(envs.reset(seed=seed)[0])
    over = torch.zeros(count)
    updates = total // (count * steps)
    for update in range(updates):
        if until and watch.hit is not None:
            break
        optimiser.param_groups[0]["lr"] = 2.5e-4 * (1 - update / updates)
        rows = {name: [] for name in ("seen", "action", "log", "reward", "over", "value")}
        for step in range(steps):
            with torch.no_grad():
                choice = torch.distributions.Categorical(logits=policy(seen))
                action = choice.sample()
                told = (seen, action, choice.log_prob(action), None, over, value(seen).flatten())
            following, reward, ended, cut, _ = envs.step(action.numpy())
            for name, one in zip(rows, told):
                rows[name].append(torch.tensor(reward).float() if name == "reward" else one)
            lengths += 1
            done = ended | cut
            for i in numpy.flatnonzero(done):
                watch.ended(lengths[i], (update * steps + step + 1) * count)
                lengths[i] = 0
            seen, over = torch.tensor(following), torch.tensor(done).float()
        data = {name: torch.stack(one) for name, one in rows.items()}
        with torch.no_grad():
            last, after = value(seen).flatten(), over
            advantages, running = torch.zeros(steps, count), torch.zeros(count)
            for t in reversed(range(steps)):
                ahead = data["reward"][t] + 0.99 * last * (1 - after) - data["value"][t]
                running = ahead + 0.99 * 0.95 * (1 - after) * running
                advantages[t], last, after = running, data["value"][t], data["over"][t]
        flat = {name: one.flatten(0, 1) for name, one in data.items()}
        gains = advantages.flatten()
        returns = gains + flat["value"]
        for _ in range(epochs):
            for chosen in torch.randperm(count * steps).chunk(parts):
                choice = torch.distributions.Categorical(logits=policy(flat["seen"][chosen]))
                ratio = (choice.log_prob(flat["action"][chosen]) - flat["log"][chosen]).exp()
                gain = gains[chosen]
                gain = (gain - gain.mean()) / (gain.std() + 1e-8)
                held = -torch.min(gain * ratio, gain * ratio.clamp(0.8, 1.2)).mean()
                found, before = value(flat["seen"][chosen]).flatten(), flat["value"][chosen]
                near = before + (found - before).clamp(-0.2, 0.2)
                wrong = torch.max((found - returns[chosen]) ** 2, (near - returns[chosen]) ** 2)
                loss = held - 0.01 * choice.entropy().mean() + 0.5 * 0.5 * wrong.mean()
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, 0.5)
                optimiser.step()
    watch.print(updates * count * steps)


def environments():
    figures = {}
    for mode, count in (("sync", 4), ("vector_entry_point", 1024)):
        envs = gymnasium.make_vec("CartPole-v1", num_envs=count, vectorization_mode=mode)
        envs.reset(seed=0)
        actions = envs.action_space.sample()
        begun, steps = time.monotonic(), 0
        while time.monotonic() - begun < 2:
            envs.step(actions)
            steps += count
        figures[mode] = steps / (time.monotonic() - begun)
    print(json.dumps(figures))


if __name__ == "__main__":
    if sys.argv[1] == "environments":
        environments()
    else:
        {"sb3": sb3, "torch": torch_ppo}[sys.argv[1]](*map(int, sys.argv[2:]))
