"""Looks into llm-grpo with a tiny model: what it is shown, what it learns from, what it keeps.

    python llm_mechanics.py BASE BARE FOLDER     BARE: the same base without a chat template
"""

import json
import sys
from pathlib import Path

import llm_learn
import llm_model
import torch
from llm_play import Player
from llm_words import Words, call_in
from peft import PeftModel
from transformers import AutoModelForCausalLM

MOVE = {"name": "go", "arguments": {}}
SAID = '{"name":"go","arguments":{}} <end>'


class Signals:
    """Two turns that always begin alike; what is called decides the reward."""

    hello = {"max_steps": 2, "tasks": ["one"], "system": "Obey every signal.", "tools": [
        {"type": "function", "function": {
            "name": "go", "description": "Go.", "parameters": {"type": "object"}}}]}

    def __init__(self):
        self.calls = {}

    def ask(self, do, id, name=None, **_):
        if do == "begin":
            self.calls[id] = []
            return {"user": "Signal red"}
        if do == "call":
            self.calls[id].append(name)
            return {"content": "Signal green", "done": len(self.calls[id]) == 2}
        reward = self.calls[id].count("go") / 2
        return {"task": "one", "success": reward == 1, "reward": reward,
                "steps": len(self.calls[id])}


def rendered(base):
    """A conversation that grew, and the same rendered whole."""
    _, tokenizer = llm_model.load(Path(base), 2, 0)
    words = Words(tokenizer, Signals.hello)
    said = tokenizer(SAID)["input_ids"]
    grown = words.opening("Signal red") + said
    grown += words.reply("Signal red", said, words.call(said), "Signal green")
    asked = {"id": "call00001", "type": "function", "function": MOVE}
    whole = words._tokens(words._render([
        {"role": "system", "content": "Obey every signal."},
        {"role": "user", "content": "Signal red"},
        {"role": "assistant", "content": "", "tool_calls": [asked]},
        {"role": "tool", "name": "go", "tool_call_id": "call00001", "content": "Signal green"},
    ], prompt=True))
    cut = words.reply("Signal red", said[:1], words.call(said[:1]), "Signal green")
    return {"same": grown == whole, "text": tokenizer.decode(grown),
            "ends_what_was_cut": tokenizer.decode(cut).startswith("<end>")}


def learned(base, folder):
    """What one update changes, and what of it comes back from the files."""
    model, tokenizer = llm_model.load(Path(base), 4, 0)
    words = Words(tokenizer, Signals.hello)
    player = Player(model, words, Signals(), max_tokens=2, max_context=256)
    fixed = {name: p.detach().clone() for name, p in model.named_parameters()
             if not p.requires_grad}
    torch.manual_seed(1)
    group = player.play("train", [0] * 32)
    short = next(one for one in group if one.turns == 2)
    told = tokenizer.decode([t for t, mine in zip(short.tokens, short.own) if not mine])
    turns = [one.turns for one in group]
    optimizer = torch.optim.AdamW(llm_learn.trained(model), lr=0.01)
    best, worst = (pick(group, key=lambda one: one.end["reward"]) for pick in (max, min))
    before = [likelihood(model, one) for one in (best, worst)]
    alike = [one for one in group if one.end["reward"] == worst.end["reward"]]
    idle = llm_learn.learn(model, optimizer, [alike], 0.1)
    unmoved = [likelihood(model, one) for one in (best, worst)] == before
    figures = llm_learn.learn(model, optimizer, [group, alike], 0.1)
    after = [likelihood(model, one) for one in (best, worst)]
    llm_model.save_adapter(model, folder, {"name": base, "revision": None, "sha256": ""})
    fresh = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), folder)
    ids = torch.tensor([group[0].tokens])
    with torch.no_grad():
        away = (model(ids).logits - fresh(ids).logits).abs().max().item()
        with model.disable_adapter():
            moved = (model(ids).logits - fresh(ids).logits).abs().max().item()
    return {
        "idle": idle, "unmoved": unmoved,
        "frac": figures["frac_reward_zero_std"], "kl_at_first": figures["kl"],
        "best_is_likelier": after[0] > before[0], "worst_is_less": after[1] < before[1],
        "reloaded_is_away": away, "adapter_moves": moved > 1e-3,
        "base_is_same": all(torch.equal(p, fixed[name]) for name, p in model.named_parameters()
                            if name in fixed),
        "told": told.replace("<end> ", ""),
        "turns": [min(turns), max(turns)],
        "own_is_said": all(one.said <= 2 * one.turns and one.said > 0 for one in group),
    }


def likelihood(model, one):
    ids, mask, own, _ = llm_learn.padded([(one, 0.0)], "cpu")
    with torch.no_grad():
        log_p, _ = llm_learn.log_probabilities(model, ids, mask)
    return (log_p * own).sum().item()


CALLS = [
    '{"name": "go", "arguments": {}}',
    'Well: <tool_call>\n{"name": "go", "arguments": {}}\n</tool_call>',
    '[TOOL_CALLS][{"name": "go", "arguments": {}}]',
    '{"type": "function", "function": {"name": "go", "parameters": {}}}',
    '{"name": "go", "arguments": "{}"}',
    "{x} {\"name\": \"go\"}",
]
NO_CALLS = ["go", "{", '{"name": 1}', '{"name": "go", "arguments": [1]}',
            '{"name": "go", "arguments": "x"}', "{" * 1000]

if __name__ == "__main__":
    base, bare, folder = sys.argv[1:]
    print(json.dumps({
        "calls": [call_in(text) == MOVE for text in CALLS],
        "no_calls": [call_in(text) is None for text in NO_CALLS],
        "own_template": rendered(base), "our_template": rendered(bare),
        "learned": learned(base, folder),
    }))
