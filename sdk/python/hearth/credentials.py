"""Keeps the key that `python -m hearth login` obtained, readable by its owner only."""

import json
import os
from pathlib import Path


def home():
    """The folder of spool and credentials: HEARTH_DIR, or ~/.hearth."""
    return Path(os.environ.get("HEARTH_DIR") or Path.home() / ".hearth")


def load(url):
    """The token for a server, or None. Read anew each time: logging in mends a running training."""
    try:
        return json.loads((home() / "credentials.json").read_text()).get(url)
    except (OSError, ValueError):
        return None


def save(url, token):
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "credentials.json"
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}
    known[url] = token
    partial = path.with_name(f"credentials.json.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(known, file)
    os.replace(partial, path)
    return path
