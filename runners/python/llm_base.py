"""Where a base model is. Without torch: what is not there is to be refused at once."""

import os
from pathlib import Path


class Refused(Exception):
    """Why it cannot be, in words for whoever asked."""


def base_folder(name):
    """The folder of a base model: a path, or a name that this machine can load."""
    if os.path.isdir(name):
        return Path(name)
    if name.startswith(("/", ".", "~")):
        raise Refused(f"There is no base model at {name} on this node")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.model",
                                                            "*.txt", "*.jinja"]))
    except Exception as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Refused(f"The base model {name} is not on this node and cannot be fetched: {why}") \
            from None
