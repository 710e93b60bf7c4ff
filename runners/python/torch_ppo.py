"""torch-ppo: the algorithm `ppo` by torch, for nodes with a GPU, or to be changed in Python.

The environments, evaluations and the model's files are those of `hearth` itself, a child of this
program (stepped_environments.py). HEARTH_TRAINING holds the settings; what is told and kept is
described in docs/job-programs.md. A resumed training goes on with the same numbers on the same
device and version of torch; elsewhere it says that it does not.
"""

import hashlib
import json
import os
import signal
import sys
import time
from collections import deque
from pathlib import Path

import hearth_job as job
import numpy
import torch
from stepped_environments import Environments, Refused, text_of
from torch_ppo_update import log_softmax, network, update

EVALUATE_EVERY_S = 1
EVALUATION_SHARE = 4  # where looks are slow, training takes so many times as long
TELL_EVERY_S = 0.5
SAVE_EVERY_S = 5
CHECKPOINT = "training.checkpoint"


class Training:
    def __init__(self, settings, environments):
        self.settings, self.environments = settings, environments
        spec, schedule = environments.spec, environments.schedule
        self.schedule, self.ppo = schedule, schedule["ppo"]
        self.generator = torch.Generator().manual_seed(settings["seed"])
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        width, hidden = spec["observations"], schedule["hidden"]
        actions = len(spec["actions"])
        self.policy = network(width, hidden, actions, 0.01, self.generator).to(self.device)
        self.value = network(width, hidden, 1, 1.0, self.generator).to(self.device)
        self.optimiser = torch.optim.Adam(
            [*self.policy.parameters(), *self.value.parameters()], settings["learningRate"],
            eps=1e-5)
        self.rewards, self.entropies = deque(maxlen=100), deque(maxlen=100)
        self.entropy = numpy.zeros(environments.count)  # of each episode under way, in nats
        self.episodes = self.steps = self.updates = 0
        self.loss = self.elapsed = 0.0
        self.begun = time.monotonic()
        self.pace = deque()  # (seconds, episodes, steps)
        self.asked = False
        signal.signal(signal.SIGTERM, self._on_sigterm)
        if os.environ.get("HEARTH_CHECKPOINT"):
            self.restore(os.environ["HEARTH_CHECKPOINT"])
        else:
            known = os.environ.get("HEARTH_BASELINES")
            self.metrics(json.loads(known) if known else environments.baselines())

    def run(self):
        told = looked = float("-inf")
        saved = time.monotonic() - SAVE_EVERY_S + 1  # the first one comes soon
        look_s = 0.0
        self.report({})
        while self.episodes < self.settings["episodes"] and not self.asked:
            figures = self.advance()
            now = time.monotonic()
            if now - looked > max(EVALUATE_EVERY_S, EVALUATION_SHARE * look_s):
                self.look(is_last=False)
                looked = time.monotonic()
                look_s = looked - now
            if now - told > TELL_EVERY_S:
                self.report(figures)
                told = now
            if now - saved > SAVE_EVERY_S:
                self.save()
                saved = now
        if self.asked and wish() == "pause":
            self.report({})
            self.save()
            return
        self.look(is_last=True)
        self.report({})
        for path in self.environments.leave(self.layers(), self.digest(), self.episodes):
            job.artifact(path)

    def advance(self):
        """One batch of steps and the update by it."""
        left = max(0.0, 1 - self.episodes / self.settings["episodes"])
        batch = self.collect()
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings["learningRate"] * left
        rows = self.schedule["steps"] * self.environments.count
        orders = [torch.randperm(rows, generator=self.generator).to(self.device)
                  for _ in range(self.ppo["epochs"])]
        figures = update(self.policy, self.value, self.optimiser, batch, self.ppo, orders)
        self.loss = figures.pop("loss")
        self.steps += rows
        self.updates += 1
        return figures

    @torch.no_grad()
    def collect(self):
        """Tensors [steps, environments, ...], as `update` takes them."""
        rows = {name: [] for name in (
            "seen", "masks", "actions", "log_p", "values", "rewards", "ends", "bootstraps")}
        for _ in range(self.schedule["steps"]):
            seen, masks = self.now()
            log_p, p = log_softmax(self.policy(seen), masks)
            self.entropy += -(p * log_p).sum(-1).double().cpu().numpy()
            # Drawn on the CPU: its generator can be saved, and is the same everywhere.
            actions = torch.multinomial(p.cpu(), 1, generator=self.generator).to(self.device)
            stepped = self.environments.step(actions.flatten().tolist())
            ends, bootstraps = torch.zeros(len(p)), torch.zeros(len(p))
            ends[stepped["terminated"] + stepped["truncated"]] = 1
            if stepped["truncated"]:
                last = torch.tensor(stepped["last"], device=self.device)
                bootstraps[stepped["truncated"]] = (
                    self.ppo["gamma"] * self.value(last).squeeze(-1).cpu())
            rewards = torch.tensor(stepped["rewards"], dtype=torch.float32)
            told = (seen, masks, actions.flatten(), log_p.gather(-1, actions).squeeze(-1),
                    self.value(seen).squeeze(-1), rewards, ends, bootstraps)
            for name, one in zip(rows, told):
                rows[name].append(one)
            for ended in stepped["ended"]:
                self.episodes += 1
                self.rewards.append(ended["reward"])
                self.entropies.append(float(self.entropy[ended["seat"]]))
                self.entropy[ended["seat"]] = 0
        if rows["masks"][0] is None:
            del rows["masks"]
        batch = {name: torch.stack(one).to(self.device) for name, one in rows.items()}
        return {**batch, "last_values": self.value(self.now()[0]).squeeze(-1)}

    def now(self):
        seen, masks = self.environments.seen, self.environments.masks
        return (torch.tensor(seen, device=self.device),
                None if masks is None else torch.tensor(masks, device=self.device))

    def layers(self):
        """As policy.json has them: weights [inputs][outputs]."""
        return [{"inputs": one.in_features, "outputs": one.out_features,
                 "weights": text_of(one.weight.detach().cpu().numpy().T),
                 "bias": text_of(one.bias.detach().cpu().numpy())}
                for one in self.policy if isinstance(one, torch.nn.Linear)]

    def digest(self):
        """sha256 of weights and optimiser: the same training has the same."""
        hasher = hashlib.sha256()
        for one in [*self.policy.parameters(), *self.value.parameters()]:
            state = self.optimiser.state.get(one, {})
            for tensor in (one, state.get("exp_avg", one), state.get("exp_avg_sq", one)):
                hasher.update(tensor.detach().cpu().numpy().tobytes())
        return hasher.hexdigest()

    def look(self, is_last):
        self.metrics({**self.environments.evaluate(self.layers(), is_last),
                      "evaluated_at": self.counted})

    @property
    def counted(self):
        return min(self.episodes, self.settings["episodes"])

    @property
    def seconds(self):
        return self.elapsed + time.monotonic() - self.begun

    def report(self, figures):
        total = self.settings["episodes"]
        job.progress(self.counted, total)
        self.metrics({
            **figures, "episode": self.counted, "loss": self.loss, "updates": self.updates,
            "avg_reward": mean(self.rewards), "trajectory_entropy": mean(self.entropies),
            "elapsed_s": self.seconds, **self.speeds(total)})

    def speeds(self, total):
        """By the last seconds."""
        self.pace.append((self.seconds, self.counted, self.steps))
        while self.pace[-1][0] - self.pace[0][0] > 15:
            self.pace.popleft()
        (before, episodes, steps), (now, *_) = self.pace[0], self.pace[-1]
        if now == before:
            return {}
        found = {"steps_per_s": (self.steps - steps) / (now - before)}
        if self.counted > episodes:
            found["eta_s"] = (total - self.counted) * (now - before) / (self.counted - episodes)
        return found

    def metrics(self, values):
        for name, value in values.items():
            job.metric(name, value, self.counted)

    def save(self):
        """Whole or not at all: it may be killed at any moment."""
        torch.save({
            "settings": self.settings, "runtime": runtime(self.device),
            "policy": self.policy.state_dict(), "value": self.value.state_dict(),
            "optimiser": self.optimiser.state_dict(), "generator": self.generator.get_state(),
            "environments": self.environments.save(), "entropy": self.entropy.tolist(),
            "rewards": list(self.rewards), "entropies": list(self.entropies),
            "episodes": self.episodes, "steps": self.steps, "updates": self.updates,
            "loss": self.loss, "elapsed": self.seconds,
        }, f"{CHECKPOINT}.new")
        os.replace(f"{CHECKPOINT}.new", CHECKPOINT)
        job.checkpoint(CHECKPOINT, self.counted)

    def restore(self, path):
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.policy.load_state_dict(state["policy"])
        self.value.load_state_dict(state["value"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"].cpu())
        self.environments.load(state["environments"])
        self.entropy = numpy.array(state["entropy"])
        self.rewards.extend(state["rewards"])
        self.entropies.extend(state["entropies"])
        self.episodes, self.steps = state["episodes"], state["steps"]
        self.updates, self.loss, self.elapsed = state["updates"], state["loss"], state["elapsed"]
        here = runtime(self.device)
        is_exact = state["runtime"] == here and state["settings"] == self.settings
        self.metrics({"exact": 1 if is_exact else 0})
        if not is_exact:
            job.message(f"Made by {state['runtime']}, this is {here}: not bit for bit", "warning")

    def _on_sigterm(self, *_):
        self.asked = True


def mean(values):
    return sum(values) / max(1, len(values))


def wish():
    try:
        return Path(os.environ.get("HEARTH_CONTROL", "")).read_text().strip()
    except OSError:
        return ""


def runtime(device):
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    return f"torch {torch.__version__} on {name}"


def main():
    torch.set_num_threads(1)  # networks are small: more threads only wait for each other
    torch.use_deterministic_algorithms(True)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    environments = Environments()
    try:
        Training(json.loads(os.environ["HEARTH_TRAINING"]), environments).run()
    except Refused as refusal:
        job.message(str(refusal), "error")
        print(refusal, file=sys.stderr)
        return 2
    finally:
        environments.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
