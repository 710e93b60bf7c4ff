"""Delivers what earlier processes left in the spool; doing so twice changes nothing."""

import datetime
import random
import time
from pathlib import Path

from . import credentials
from .client import Client, HearthError
from .complaints import Complaints
from .link import Link
from .sender import FIRST_PAUSE_S, deliver_abandoned
from .spool import read_json, remove_finished, writers

ATTEMPTS = 6


def run_folders(path=None):
    """A run's folder itself, or those in a folder of runs (the whole spool when none is named)."""
    path = Path(path) if path else credentials.home() / "spool"
    if (path / "run.json").exists():
        return [path]
    return sorted(found.parent for found in path.glob("*/run.json"))


def sync(path=None, url=None, token=None, say=print):
    """Delivers each run found; answers how many could not be delivered."""
    failed = 0
    folders = run_folders(path)
    for folder in folders:
        try:
            say(f"{folder.name}: {sync_run(folder, url, token)}")
        except FileNotFoundError:
            say(f"{folder.name}: its own process delivers it meanwhile")
        except HearthError as error:
            failed += 1
            say(f"{folder.name}: {error}")
    if not folders:
        say("nothing to deliver")
    return failed


def sync_run(folder, url=None, token=None):
    """Delivers one run and says in words what became of it."""
    description = read_json(folder / "run.json")
    client = Client(url or description.get("url"), token)
    try:
        return deliver(Link(client, folder))
    finally:
        client.close()


def deliver(link):
    """Each writer's records, and the end of a run whose process could not tell it."""
    folder = link.folder
    ended_at = last_change(folder)
    run_id = patiently(link.run_id)
    alive = False
    for writer in writers(folder):
        delivered = patiently(deliver_abandoned, folder, writer, link, Complaints())
        alive = alive or not delivered
    if alive:
        return f"run {run_id} is still being written; the rest is delivered by its own process"
    if not link.finished:
        ending = {"status": "crashed", "ended_at": ended_at}
        patiently(link.client.put, f"/runs/{run_id}", ending)
        link.mark_finished()
    remove_finished(folder)
    if (folder / "rejected.jsonl").exists():
        return f"run {run_id} is delivered, but for what was refused: {folder}/rejected.jsonl"
    return f"run {run_id} is delivered"


def patiently(action, *arguments):
    """Tries again a few times when the server is away or busy."""
    for attempt in range(ATTEMPTS):
        try:
            return action(*arguments)
        except HearthError as error:
            if not error.temporary or error.status == 401 or attempt == ATTEMPTS - 1:
                raise
            pause_s = FIRST_PAUSE_S * 2**attempt * random.random()
            time.sleep(max(error.retry_after_s or 0.0, pause_s))


def last_change(folder):
    """When something was last logged: the end of a run that did not tell its end."""
    changed = max(path.stat().st_mtime for path in folder.iterdir())
    moment = datetime.datetime.fromtimestamp(changed, datetime.timezone.utc)
    return moment.replace(tzinfo=None).isoformat()
