"""What a model is shown of an episode, token by token, and what its words mean.

A conversation grows by what the model itself said, never by a second rendering of it: tokens that
are learned from are the very ones that were drawn.
"""

import json

TEMPLATE = (
    "{% for m in messages %}"
    "{% if m.role == 'system' %}{{ m.content }}\n"
    "{% for t in tools or [] %}{{ t.function | tojson }}\n{% endfor %}"
    'Answer with one call and nothing else: {"name": ..., "arguments": {...}}\n'
    "{% elif m.role == 'assistant' %}assistant: "
    "{% if m.tool_calls %}{{ m.tool_calls[0].function | tojson(separators=(',', ':')) }}"
    "{% else %}{{ m.content }}{% endif %}{{ eos_token }}\n"
    "{% else %}{{ m.role }}: {{ m.content }}\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)
"""For models whose tokenizer has no template of its own."""

_CALL_ID = "call00001"  # nine letters and digits: some templates insist


class Words:
    """The words of one scenario, `hello` as `hearth converse` says it, for one tokenizer."""

    def __init__(self, tokenizer, hello):
        self.tokenizer = tokenizer
        self.system = hello["system"]
        self.tools = hello["tools"]
        if tokenizer.chat_template is None:
            tokenizer.chat_template = TEMPLATE

    def opening(self, user):
        """Tokens from the beginning up to where the model speaks."""
        return self._tokens(self._render(self._begin(user), prompt=True))

    def reply(self, user, said, call, content):
        """Tokens after what the model said, up to where it speaks again.

        `said` are its tokens, `call` what they mean (None: nothing), `content` what it is told.
        """
        begin = self._begin(user)
        if call is None:
            text = self.tokenizer.decode(said, skip_special_tokens=True)
            spoken = {"role": "assistant", "content": text}
            told = {"role": "user", "content": content}
        else:
            asked = {"id": _CALL_ID, "type": "function", "function": call}
            spoken = {"role": "assistant", "content": "", "tool_calls": [asked]}
            told = {"role": "tool", "name": call["name"], "tool_call_id": _CALL_ID,
                    "content": content}
        before = self._render([*begin, spoken], prompt=False)
        after = self._render([*begin, spoken, told], prompt=True)
        if not after.startswith(before):
            raise ValueError("The chat template changes what was said before: it cannot be used")
        end = self.tokenizer.eos_token or ""
        cut = before.rfind(end) if end else -1
        # After its last word the template may go on: `<|im_end|>` is the model's, `\n` is not.
        if cut < 0 or cut < len(before) - len(end) - 8:
            return self._tokens(after[len(before):])
        is_ended = bool(said) and said[-1] == self.tokenizer.eos_token_id
        return self._tokens(after[cut + (len(end) if is_ended else 0):])

    def call(self, said):
        """The tool call in what the model said, as {name, arguments}; None: there is none."""
        return call_in(self.tokenizer.decode(said, skip_special_tokens=True))

    def _begin(self, user):
        return [{"role": "system", "content": self.system}, {"role": "user", "content": user}]

    def _render(self, messages, prompt):
        return self.tokenizer.apply_chat_template(
            messages, tools=self.tools, add_generation_prompt=prompt, tokenize=False)

    def _tokens(self, text):
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]


def call_in(text):
    """The first call that a text holds, in any of the usual clothes: bare, in tags, in a list."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            found, _ = decoder.raw_decode(text, at)
        except ValueError:
            found = None
        call = _call_of(found)
        if call is not None:
            return call
        at = text.find("{", at + 1)
    return None


def _call_of(found):
    if not isinstance(found, dict):
        return None
    found = found.get("function", found) if isinstance(found.get("function"), dict) else found
    name = found.get("name")
    given = found.get("arguments", found.get("parameters", {}))
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return None
    if not isinstance(name, str) or not isinstance(given, dict):
        return None
    return {"name": name[:200], "arguments": given}
