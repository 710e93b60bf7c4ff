"""llm-grpo: a language model learns a scenario by trial, with GRPO (Shao et al. 2024) and LoRA.

Of each start state a group of episodes is played, and an episode is as good as it is better than
its group: (reward - mean) / deviation. Every token that the model drew is made likelier by that.
Groups whose episodes all fare alike teach nothing; they are counted and passed over. Each batch
is used once, so the policy that learns is the one that drew, and nothing has to be clipped.

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
from llm_play import Player, Scenario
from llm_words import Words

GROUPS = 4  # start states between two updates
MAX_BATCH_TOKENS = 4096  # that are learned from at once, padding included
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


def learn(model, optimizer, groups, kl_weight):
    """One step of the optimiser; answers the figures of the batch, means over own tokens."""
    batch, idle = [], 0
    for group in groups:
        rewards = torch.tensor([one.end["reward"] for one in group], dtype=torch.float64)
        deviation = rewards.std(correction=0).item()
        if deviation < 1e-8:
            idle += 1
            continue
        advantages = (rewards - rewards.mean()) / deviation
        batch += [(one, a) for one, a in zip(group, advantages.tolist()) if one.said > 0]
    figures = {"frac_reward_zero_std": idle / len(groups)}
    if not batch:
        return figures
    count = sum(one.said for one, _ in batch)
    sums = dict.fromkeys(("loss", "kl", "entropy"), 0.0)
    optimizer.zero_grad()
    for some in of_similar_length(batch):
        ids, mask, own, advantage = padded(some, model.device)
        log_p, entropy = log_probabilities(model, ids, mask)
        with torch.no_grad(), model.disable_adapter():
            base_log_p, _ = log_probabilities(model, ids, mask)
        away = base_log_p - log_p
        kl = away.exp() - away - 1  # never negative (Schulman 2020, k3)
        gain = (log_p - log_p.detach()).exp() * advantage
        loss = ((kl_weight * kl - gain) * own).sum() / count
        loss.backward()
        sums["loss"] += loss.item()
        sums["kl"] += (kl * own).sum().item() / count
        sums["entropy"] += (entropy * own).sum().item() / count
    norm = torch.nn.utils.clip_grad_norm_(trained(model), 1.0).item()
    optimizer.step()
    return {**figures, **sums, "grad_norm": norm}


def of_similar_length(batch):
    """Parts of a batch that fit into memory, little of them padding."""
    part = []
    for one in sorted(batch, key=lambda one: len(one[0].tokens)):
        if part and len(one[0].tokens) * (len(part) + 1) > MAX_BATCH_TOKENS:
            yield part
            part = []
        part.append(one)
    yield part


def padded(some, device):
    """Token ids and mask [rows, width]; own tokens and advantages of all but the first."""
    width = max(len(one.tokens) for one, _ in some)
    ids = torch.zeros(len(some), width, dtype=torch.long)
    mask, own = torch.zeros_like(ids), torch.zeros(len(some), width)
    for row, (one, _) in enumerate(some):
        ids[row, :len(one.tokens)] = torch.tensor(one.tokens)
        mask[row, :len(one.tokens)] = 1
        own[row, :len(one.tokens)] = torch.tensor(one.own, dtype=torch.float32)
    advantage = torch.tensor([[a] for _, a in some])
    return ids.to(device), mask.to(device), own[:, 1:].to(device), advantage.to(device)


def log_probabilities(model, ids, mask):
    """Of each token but the first, by those before it, and the entropy there: [rows, width - 1]."""
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
    log_p = logits.log_softmax(-1)
    entropy = -(log_p.detach().exp() * log_p.detach()).sum(-1)
    return log_p.gather(-1, ids[:, 1:, None]).squeeze(-1), entropy


def trained(model):
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


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
        if os.environ.get("HEARTH_CHECKPOINT"):
            self.restore(os.environ["HEARTH_CHECKPOINT"])

    def run(self):
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
        if self.asked and wish() == "pause":
            self.report({})
            self.save()
            return
        self.finish()

    def advance(self):
        """One batch of groups: played, learned from."""
        size = self.settings.group_size
        numbers = [self.starts.getrandbits(40) for _ in range(GROUPS)]
        played = self.player.play("train", [n for n in numbers for _ in range(size)])
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
        until = time.monotonic() + LAST_LOOK_S if self.asked else None
        self.look("validation", VALIDATION_EPISODES, until)
        llm_model.save_adapter(self.model, "model/adapter", self.base)
        settings = json.loads(os.environ["HEARTH_TRAINING"])
        manifest = {
            "format": 2, "kind": "adapter", "scenario": self.scenario.hello["scenario"],
            "settings": settings, "base": llm_model.title(self.base),
            "trainingDigest": llm_model.digest(
                llm_model.adapter_state(self.model), self.optimizer.state_dict()),
            "episodes": self.episodes,
            "test": evaluate(self.player, self.scenario.hello["tasks"], "test", TEST_EPISODES,
                             until),
        }
        Path("model/manifest.json").write_text(json.dumps(manifest))
        self.report({})
        job.artifact("model")

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
