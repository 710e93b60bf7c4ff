"""llm-grpo: a language model learns a scenario by trial, with GRPO (Shao et al. 2024) and LoRA.

HEARTH_TRAINING holds the settings; what is told and kept is described in docs/job-programs.md.
"""

import json
import os
import random
import signal
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import hearth_job as job
import llm_base
import llm_model
import torch
from llm_evaluate import evaluate, evaluation_metrics
from llm_learn import learn, trained
from llm_play import Interrupted, Player, Scenario
from llm_words import Words

GROUPS = 4  # start states between two updates
VALIDATION_EPISODES = 64
TEST_EPISODES = 200
EVALUATE_EVERY_S = 10
EVALUATION_SHARE = 4  # where looks are slow, training takes so many times as long
SAVE_EVERY_S = 30
LAST_LOOK_S = 40  # of a training that was stopped
MAX_CONTEXT = 8192
CHECKPOINT = "training.checkpoint"


@dataclass(frozen=True)
class Settings:
    scenario: str
    episodes: int
    learning_rate: float
    seed: int
    base_model: str
    lora_rank: int
    group_size: int
    max_tokens: int  # of one answer
    kl: float        # weight of the distance to the base

    @staticmethod
    def read(text):
        given = json.loads(text)
        own = given["language"]
        return Settings(given["scenario"], given["episodes"], given["learningRate"], given["seed"],
                        own["baseModel"], own["loraRank"], own["groupSize"], own["maxTokens"],
                        own["kl"])


class Training:
    def __init__(self, settings, scenario):
        self.settings, self.scenario = settings, scenario
        folder = llm_base.base_folder(settings.base_model)
        self.base = llm_model.base_of(settings.base_model, folder)
        self.model, tokenizer = llm_model.load(folder, settings.lora_rank, settings.seed)
        self.optimizer = torch.optim.AdamW(
            trained(self.model), lr=settings.learning_rate, weight_decay=0.0)
        limit = getattr(self.model.config, "max_position_embeddings", None) or MAX_CONTEXT
        words = Words(tokenizer, scenario.hello)
        self.player = Player(
            self.model, words, scenario, settings.max_tokens, min(limit, MAX_CONTEXT))
        self.starts = random.Random(settings.seed)  # which start states are played
        self.rewards = deque(maxlen=100)
        self.episodes = self.updates = 0
        self.loss = 0.0
        self.elapsed = 0.0
        self.begun = time.monotonic()
        self.asked = False
        signal.signal(signal.SIGTERM, self._on_sigterm)
        self.player.is_asked_to_end = lambda: self.asked
        if os.environ.get("HEARTH_CHECKPOINT"):
            self.restore(os.environ["HEARTH_CHECKPOINT"])
        else:
            self.metrics(scenario.hello["baselines"])

    def run(self):
        try:
            self.train()
        except Interrupted:
            pass  # the update that was under way is as if it had not begun
        if self.asked and wish() == "pause":
            self.report({})
            self.save()
            return
        self.player.is_asked_to_end = lambda: False
        self.finish()

    def train(self):
        told = looked = float("-inf")
        saved = time.monotonic()
        look_s = 0.0
        self.report({})
        while self.episodes < self.settings.episodes and not self.asked:
            now = time.monotonic()
            if now - looked > max(EVALUATE_EVERY_S, EVALUATION_SHARE * look_s):
                self.look("validation", VALIDATION_EPISODES)
                looked = time.monotonic()
                look_s = looked - now
            figures = self.advance()
            if time.monotonic() - told > 0.5:
                self.report(figures)
                told = time.monotonic()
            if time.monotonic() - saved > SAVE_EVERY_S:
                self.save()
                saved = time.monotonic()

    def advance(self):
        """One batch of groups: played, learned from."""
        size = self.settings.group_size
        before = llm_model.generators(), self.starts.getstate()
        numbers = [self.starts.getrandbits(40) for _ in range(GROUPS)]
        try:
            played = self.player.play("train", [n for n in numbers for _ in range(size)])
        except Interrupted:
            llm_model.set_generators(before[0])
            self.starts.setstate(before[1])
            raise
        groups = [played[i:i + size] for i in range(0, len(played), size)]
        figures = learn(self.model, self.optimizer, groups, self.settings.kl)
        self.loss = figures.get("loss", self.loss)
        self.episodes += len(played)
        self.updates += 1
        rewards = [one.end["reward"] for one in played]
        self.rewards.extend(rewards)
        turns = max(1, sum(one.turns for one in played))
        return {
            **figures,
            "reward": sum(rewards) / len(played),
            "completion_tokens": sum(one.said for one in played) / turns,
            "context_tokens": sum(len(one.tokens) for one in played) / len(played),
            "turns": turns / len(played),
            "called": sum(one.calls for one in played) / turns,
        }

    def look(self, split, count, until=None):
        found = evaluate(self.player, self.scenario.hello["tasks"], split, count, until)
        self.metrics(evaluation_metrics(found))
        return found

    def report(self, figures):
        job.progress(min(self.episodes, self.settings.episodes), self.settings.episodes)
        mean = sum(self.rewards) / max(1, len(self.rewards))
        self.metrics({**figures, "episode": self.episodes, "avg_reward": mean, "loss": self.loss,
                      "updates": self.updates, "elapsed_s": self.seconds})

    def metrics(self, values):
        for name, value in values.items():
            job.metric(name, value, self.episodes)

    @property
    def seconds(self):
        return self.elapsed + time.monotonic() - self.begun

    def save(self):
        """Whole or not at all: it may be killed at any moment."""
        state = {
            "settings": vars(self.settings), "base": self.base, "runtime": runtime(),
            "adapter": llm_model.adapter_state(self.model),
            "optimizer": self.optimizer.state_dict(),
            "generators": llm_model.generators(), "starts": self.starts.getstate(),
            "rewards": list(self.rewards), "episodes": self.episodes, "updates": self.updates,
            "loss": self.loss, "elapsed": self.seconds,
        }
        torch.save(state, f"{CHECKPOINT}.new")
        os.replace(f"{CHECKPOINT}.new", CHECKPOINT)
        job.checkpoint(CHECKPOINT, self.episodes)

    def restore(self, path):
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["base"]["sha256"] != self.base["sha256"]:
            raise llm_base.Refused(f"{self.base['name']} is no longer what it began with")
        llm_model.load_adapter_state(self.model, state["adapter"])
        self.optimizer.load_state_dict(state["optimizer"])
        llm_model.set_generators(state["generators"])
        self.starts.setstate(state["starts"])
        self.rewards.extend(state["rewards"])
        self.episodes, self.updates = state["episodes"], state["updates"]
        self.loss, self.elapsed = state["loss"], state["elapsed"]
        is_exact = state["runtime"] == runtime() and state["settings"] == vars(self.settings)
        self.metrics({"exact": 1 if is_exact else 0})
        if not is_exact:
            job.message(f"Made by {state['runtime']}, this is {runtime()}: not bit for bit",
                        "warning")

    def finish(self):
        """Leaves the model before its last looks: whatever becomes of those, it is there."""
        tasks = self.scenario.hello["tasks"]
        until = time.monotonic() + LAST_LOOK_S if self.asked else None
        llm_model.save_adapter(self.model, "model/adapter", self.base)
        self.describe(evaluate(self.player, tasks, "test", 0))
        job.artifact("model")
        self.look("validation", VALIDATION_EPISODES, until)
        self.describe(evaluate(self.player, tasks, "test", TEST_EPISODES, until))
        self.report({})

    def describe(self, test):
        """`test`: how it did on seeds that chose nothing."""
        manifest = {
            "format": 2, "kind": "adapter", "scenario": self.scenario.hello["scenario"],
            "settings": json.loads(os.environ["HEARTH_TRAINING"]),
            "base": llm_model.title(self.base),
            "trainingDigest": llm_model.digest(
                llm_model.adapter_state(self.model), self.optimizer.state_dict()),
            "episodes": self.episodes, "test": test,
        }
        Path("manifest.new").write_text(json.dumps(manifest))
        os.replace("manifest.new", "model/manifest.json")

    def _on_sigterm(self, *_):
        self.asked = True


def wish():
    try:
        return Path(os.environ.get("HEARTH_CONTROL", "")).read_text().strip()
    except OSError:
        return ""


def runtime():
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return f"torch {torch.__version__} on {device}, {torch.get_num_threads()} threads"


def train():
    """As HEARTH_TRAINING says. Raises llm_base.Refused."""
    settings = Settings.read(os.environ["HEARTH_TRAINING"])
    scenario = Scenario(settings.scenario)
    try:
        Training(settings, scenario).run()
    finally:
        scenario.close()
