"""Settles what a run is when it begins: whether it logs, its names, and its folder in the spool."""

import datetime
import hashlib
import json
import os
import re
import tempfile
import uuid
from pathlib import Path

from . import credentials
from .columns import CONTROL
from .plain import plain, text
from .spool import write_json

MODES = ("online", "offline", "disabled")
RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
LONGEST_NAME = 120


def mode_of(mode):
    """HEARTH_MODE; of a distributed training only rank 0 logs, unless the code says otherwise."""
    if mode is None:
        rank = next((os.environ[name] for name in RANKS if os.environ.get(name)), "0")
        mode = "disabled" if rank != "0" else os.environ.get("HEARTH_MODE") or "online"
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}; got {mode!r}")
    return mode


def describe(url, project, name, config, tags, notes, run_key):
    """What the server is told when the run is created there, in the form kept in `run.json`."""
    if not isinstance(project, str) or not project.strip() or len(project) > LONGEST_NAME:
        raise ValueError(f"a project has a name of 1 to {LONGEST_NAME} characters; got {project!r}")
    if run_key is not None and not 0 < len(run_key) <= 64:
        raise ValueError("a run key has 1 to 64 characters")
    began = now()
    unique = (
        f"{began[:19].replace('-', '').replace(':', '').replace('T', '-')}-{uuid.uuid4().hex[:12]}"
    )
    config = config if isinstance(config, dict) else vars(config) if config is not None else {}
    name = CONTROL.sub(" ", text(str(name)))[:LONGEST_NAME] if name else f"run-{unique[:-7]}"
    return {
        "project": project,
        "url": url,
        "folder": folder_name(project, run_key) if run_key else unique,
        "run": {
            "name": name,
            "config": plain(config),
            "tags": [text(str(tag))[:LONGEST_NAME] for tag in tags or [] if str(tag)],
            "notes": notes and text(str(notes)),
            "run_key": run_key or unique,
            "started_at": began,
        },
    }


def make_folder(description, complain):
    """The run's folder, elsewhere when the usual place cannot be written."""
    for root in (credentials.home(), Path(tempfile.gettempdir()) / f"hearth-{os.getpid()}"):
        folder = root / "spool" / description["folder"]
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / "run.json", description)
            return folder
        except OSError as error:
            complain(("folder", str(root)), f"{folder} cannot be written: {error}")
    return folder


def folder_name(project, run_key):
    """The same key leads to the same folder, and to what an earlier process left there."""
    digest = hashlib.sha256(json.dumps([project, run_key]).encode()).hexdigest()[:12]
    return re.sub(r"\W", "_", run_key)[:60] + "-" + digest


def now():
    """The time as the server writes it: UTC without a zone."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None).isoformat()
