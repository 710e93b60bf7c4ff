"""Loads the adapter beside this file onto its base model, and lets it say something.

    python load.py [--base PATH_OR_NAME] [--say TEXT]
"""

import argparse
import json
from pathlib import Path

from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = Path(__file__).resolve().parent


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--base", default=config()["base_model_name_or_path"])
    options.add_argument("--say", default="Hello")
    options.add_argument("--tokens", type=int, default=64)
    asked = options.parse_args()
    model, tokenizer = load(asked.base)
    ids = tokenizer(asked.say, return_tensors="pt")
    out = model.generate(**ids, max_new_tokens=asked.tokens, do_sample=False)
    print(tokenizer.decode(out[0, ids["input_ids"].shape[1]:], skip_special_tokens=True))


def config():
    return json.loads((folder / "adapter_config.json").read_text())


def load(base):
    """The base with the adapter on it, and its tokenizer."""
    model = AutoModelForCausalLM.from_pretrained(base)
    return PeftModel.from_pretrained(model, folder), AutoTokenizer.from_pretrained(base)


if __name__ == "__main__":
    main()
