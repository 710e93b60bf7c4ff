"""Finds or creates, on the server, the project and the run that a spool folder belongs to."""

import threading
from pathlib import Path

from .client import HearthError
from .spool import read_json, write_json

PAGE = 1000


class Link:
    """Shared by the threads that send records of one run; asks the server once."""

    def __init__(self, client, folder, resume=False):
        self.client = client
        self.folder = Path(folder)
        self.id = None
        self._resume = resume
        self._lock = threading.Lock()

    def run_id(self):
        """What the server calls this run; raises HearthError while it cannot be asked."""
        with self._lock:
            if self.id is None:
                self.id = self._known() or self._create()
            return self.id

    def mark_finished(self):
        """Notes that the server knows how the run ended."""
        self._save(self.id, finished=True)

    @property
    def finished(self):
        return bool(self._state().get("finished"))

    def _known(self):
        return None if self._resume else self._state().get("run_id")

    def _state(self):
        state = read_json(self.folder / "state.json")
        return state if state.get("url") == self.client.url else {}

    def _create(self):
        run = read_json(self.folder / "run.json")
        body = {key: value for key, value in run["run"].items() if value is not None}
        project_id = find_or_create_project(self.client, run["project"])
        created = self.client.post(f"/runs/?project_id={project_id}", body)
        if self._resume and created["status"] not in ("running", "crashed"):
            self.client.post(f"/runs/{created['id']}/resume", {})
        self._save(created["id"], finished=False)
        return created["id"]

    def _save(self, run_id, finished):
        state = {"url": self.client.url, "run_id": run_id, "finished": finished}
        try:
            write_json(self.folder / "state.json", state)
        except OSError:
            pass  # the run key finds the run again


def find_or_create_project(client, name):
    """The id of the caller's project of this name."""
    owner_id = client.get("/auth/me")["id"]
    found = _projects(client, name, owner_id)
    if found:
        return min(found)
    try:
        created = client.post("/projects/", {"name": name})["id"]
    except HearthError as error:
        if error.status not in (400, 409):
            raise
        found = _projects(client, name, owner_id)
        if not found:
            raise
        return min(found)
    # Several trainings may start at once on a new project: the oldest one counts for all of them.
    oldest = min(_projects(client, name, owner_id) + [created])
    if oldest != created:
        try:
            client.delete(f"/projects/{created}", permanent="true")
        except HearthError:
            pass  # an empty project stays behind, and nothing else is wrong
    return oldest


def _projects(client, name, owner_id):
    found, skip = [], 0
    while True:
        page = client.get("/projects/", skip=skip, limit=PAGE)
        found += [
            item["id"] for item in page if item["name"] == name and item["owner_id"] == owner_id
        ]
        if len(page) < PAGE:
            return found
        skip += PAGE
