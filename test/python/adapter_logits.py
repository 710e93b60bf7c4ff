"""Prints logits of a base model with an adapter, and without, of one line of tokens.

    python adapter_logits.py BASE ADAPTER
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained(sys.argv[1])
ids = torch.tensor([[4, 10, 11, 6]])
with torch.no_grad():
    plain = base(ids).logits[0, -1].tolist()
    adapted = PeftModel.from_pretrained(base, sys.argv[2])(ids).logits[0, -1].tolist()
print(json.dumps({"plain": plain, "adapted": adapted}))
