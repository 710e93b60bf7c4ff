"""The model that llm-grpo teaches: a base that never changes, an adapter that does, their files."""

import hashlib
import json
import os
from pathlib import Path

import torch
from llm_base import Refused
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig


def load(folder, rank, seed):
    """The base with a fresh adapter of `rank`, and its tokenizer. Weights of safetensors alone:
    others are programs."""
    torch.manual_seed(seed)
    on_gpu = torch.cuda.is_available()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        base = AutoModelForCausalLM.from_pretrained(
            folder, use_safetensors=True, dtype=torch.bfloat16 if on_gpu else torch.float32)
    except (OSError, ValueError, KeyError) as error:
        why = str(error).splitlines()[0]
        raise Refused(f"The base model in {folder} cannot be loaded: {why}") from None
    ends = base.generation_config.eos_token_id
    # Of what its makers set nothing may bend the draws: they are learned from as they were drawn.
    base.generation_config = GenerationConfig(
        eos_token_id=ends, do_sample=True, temperature=1.0, top_k=0, top_p=1.0)
    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear",
        task_type="CAUSAL_LM")
    model = get_peft_model(base.to("cuda" if on_gpu else "cpu"), config)
    model.eval()  # nothing is dropped at random, in the base neither
    return model, tokenizer


def base_of(name, folder):
    """What tells this base from every other: its name, its revision, a hash of its files."""
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".safetensors", ".json", ".model") and path.is_file():
            whole.update(f"{path.name} {_sha256(path)}\n".encode())
    revision = folder.name if folder.parent.name == "snapshots" else None
    return {"name": name, "revision": revision, "sha256": whole.hexdigest()}


def title(base):
    """In one line: `name@revision sha256:...`."""
    at = f"@{base['revision']}" if base["revision"] else ""
    return f"{base['name']}{at} sha256:{base['sha256']}"


def _sha256(path):
    whole = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            whole.update(block)
    return whole.hexdigest()


def digest(*states):
    """Of tensors by their names, in nested dictionaries and lists."""
    whole = hashlib.sha256()

    def add(value):
        if isinstance(value, torch.Tensor):
            flat = value.detach().cpu().reshape(-1).contiguous()
            whole.update(flat.view(torch.uint8).numpy().tobytes())
        elif isinstance(value, dict):
            for key in sorted(value, key=str):
                whole.update(f"{key}\n".encode())
                add(value[key])
        elif isinstance(value, (list, tuple)):
            for one in value:
                add(one)
        else:
            whole.update(f"{value!r}\n".encode())

    for state in states:
        add(state)
    return whole.hexdigest()


def save_adapter(model, folder, base):
    """`adapter_config.json` and `adapter_model.safetensors`, as peft reads them."""
    os.makedirs(folder, exist_ok=True)
    model.save_pretrained(folder)
    path = Path(folder, "adapter_config.json")
    config = json.loads(path.read_text())
    config |= {"base_model_name_or_path": base["name"], "revision": base["revision"]}
    path.write_text(json.dumps(config, indent=2, sort_keys=True))
    Path(folder, "README.md").unlink(missing_ok=True)  # a form that nobody has filled in


def adapter_state(model):
    return get_peft_model_state_dict(model)


def load_adapter_state(model, state):
    set_peft_model_state_dict(model, state)


def generators():
    """Every random number that torch will draw follows from this."""
    return {"cpu": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def set_generators(state):
    torch.set_rng_state(state["cpu"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
