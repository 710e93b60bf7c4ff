"""Episodes that a model plays: many at once, in step, with the scenario in a process beside it."""

import json
import subprocess

import torch

MAX_CONTEXTS = 64  # that are continued at once
SPARE_TURNS = 4    # for calls that stand for no step


class Scenario:
    """`hearth converse`: lines of JSON in, lines of JSON out."""

    def __init__(self, name):
        self._process = subprocess.Popen(
            ["hearth", "converse", name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self.hello = self._read()

    def ask(self, **request):
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def close(self):
        self._process.stdin.close()
        self._process.wait()

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The scenario's process has ended")
        return json.loads(line)


class Interrupted(Exception):
    """It was told to end while episodes were played: they count for nothing."""


class Episode:
    """`tokens` of all that was said, `own` for those that the model drew; then how it ended."""

    def __init__(self, key, user, tokens):
        self.key, self.user = key, user
        self.tokens, self.own = tokens, [False] * len(tokens)
        self.turns = 0
        self.calls = 0
        self.end = None  # {task, success, reward, steps}

    def add(self, tokens, own):
        self.tokens += tokens
        self.own += [own] * len(tokens)

    @property
    def said(self):
        """How many tokens are the model's own."""
        return sum(self.own)


class Player:
    def __init__(self, model, words, scenario, max_tokens, max_context):
        self._model, self._words, self._scenario = model, words, scenario
        self._max_tokens, self._max_context = max_tokens, max_context
        self.is_asked_to_end = lambda: False
        self._begun = 0
        self._max_turns = scenario.hello["max_steps"] + SPARE_TURNS
        ends = model.generation_config.eos_token_id
        own = words.tokenizer.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends]) | {own}
        self._ends = sorted(end for end in ends if end is not None)
        self._pad = next((id for id in (words.tokenizer.pad_token_id, own) if id is not None), 0)

    def play(self, split, numbers, greedy=False):
        """One episode of each number, in their order; the same number begins the same way."""
        episodes = [self._begin(split, number) for number in numbers]
        open_ = episodes
        while open_:
            if self.is_asked_to_end():
                for one in open_:
                    self._scenario.ask(do="end", id=one.key)
                raise Interrupted
            open_ = [one for one in open_ if self._has_room(one)]
            for start in range(0, len(open_), MAX_CONTEXTS):
                some = open_[start:start + MAX_CONTEXTS]
                for one, said in zip(some, self._continue(some, greedy)):
                    self._hear(one, said)
            open_ = [one for one in open_ if one.end is None]
        return episodes

    def _begin(self, split, number):
        self._begun += 1
        key = str(self._begun)
        user = self._scenario.ask(do="begin", id=key, split=split, episode=number)["user"]
        return Episode(key, user, self._words.opening(user))

    def _has_room(self, one):
        """Whoever talks beyond all bounds has broken off."""
        room = len(one.tokens) + self._max_tokens <= self._max_context
        if room and one.turns < self._max_turns:
            return True
        one.end = self._scenario.ask(do="end", id=one.key)
        return False

    def _hear(self, one, said):
        one.add(said, own=True)
        one.turns += 1
        call = self._words.call(said)
        if call is None:
            told = {"content": "Call one of the tools.", "done": False}
        else:
            one.calls += 1
            told = self._scenario.ask(do="call", id=one.key, **call)
        if told["done"]:
            one.end = self._scenario.ask(do="end", id=one.key)
        else:
            one.add(self._words.reply(one.user, said, call, told["content"]), own=False)

    @torch.no_grad()
    def _continue(self, episodes, greedy):
        """What the model says next in each, drawn at temperature 1, up to its end of turn."""
        device = self._model.device
        width = max(len(one.tokens) for one in episodes)
        ids = torch.full((len(episodes), width), self._pad)
        mask = torch.zeros_like(ids)
        for row, one in enumerate(episodes):
            ids[row, width - len(one.tokens):] = torch.tensor(one.tokens)
            mask[row, width - len(one.tokens):] = 1
        out = self._model.generate(
            input_ids=ids.to(device), attention_mask=mask.to(device), do_sample=not greedy,
            max_new_tokens=self._max_tokens, eos_token_id=self._ends, pad_token_id=self._pad)
        return [self._cut(row) for row in out[:, width:].tolist()]

    def _cut(self, said):
        """Without what fills the row up after the end."""
        at = next((i for i, token in enumerate(said) if token in self._ends), None)
        return said if at is None else said[:at + 1]
