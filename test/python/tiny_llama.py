"""Writes a Llama of two layers with random weights, and a tokenizer of whole words.

    python tiny_llama.py FOLDER [--bare]     --bare: without a chat template
"""

import sys

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

MOVES = ["halt", "go", "turn", "wait"]
WORDS = [
    "<unk>", "<pad>", "<end>", "system:", "user:", "tool:", "assistant:", "Obey", "every",
    "signal.", "Signal", "red", "green", "blue", "white", "Call", "one", "of", "the", "tools.",
    *(f'{{"name":"{move}","arguments":{{}}}}' for move in MOVES),
]
TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: "
    "{% if m.tool_calls %}{\"name\":\"{{ m.tool_calls[0].function.name }}\",\"arguments\":{}}"
    "{% else %}{{ m.content }}{% endif %}{% if m.role == 'assistant' %} <end>{% endif %} "
    "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)


def main(folder, bare=False):
    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words(), unk_token="<unk>", pad_token="<pad>", eos_token="<end>",
        chat_template=None if bare else TEMPLATE)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(WORDS), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=1024,
        eos_token_id=2, pad_token_id=1, bos_token_id=None, initializer_range=0.1,
        tie_word_embeddings=False))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def words():
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return tokenizer


if __name__ == "__main__":
    main(sys.argv[1], bare="--bare" in sys.argv)
