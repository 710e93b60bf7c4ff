"""The program of a job that teaches a language model: refuses what cannot be, then trains."""

import json
import os

from llm_base import Refused, base_folder


def main():
    try:
        # Before torch is loaded, which takes longer than to say no.
        base_folder(json.loads(os.environ["HEARTH_TRAINING"])["language"]["baseModel"])
        from llm_grpo import train

        train()
    except Refused as refusal:
        raise SystemExit(str(refusal)) from None


if __name__ == "__main__":
    main()
