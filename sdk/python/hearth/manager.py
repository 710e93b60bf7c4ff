"""The `AIManager` client of the AI Manager API: a project, and runs in it."""

import os

from .client import Client, HearthError
from .complaints import Complaints
from .run import Run


class AIManager:
    """Runs of one project. HEARTH_TOKEN, when set, is used in place of user name and password."""

    def __init__(self, project_name, api_url=None, username=None, password=None, token=None):
        self.project_name = project_name
        self.client = Client(api_url, token, username, password)
        if username is not None and not (token or os.environ.get("HEARTH_TOKEN")):
            self._log_in()

    def run(self, name=None, config=None, tags=None, **options):
        """Begins a run; the project is created when there is none of this name."""
        return Run(self.client, self.project_name, name, config, tags, **options)

    def _log_in(self):
        """A wrong password is said now; a server that is away is not a reason to stop."""
        try:
            self.client.log_in()
        except HearthError as error:
            if not error.temporary or error.status == 401:
                raise
            Complaints()("outage", f"{error}; what is logged waits in the spool")
        finally:
            self.client.close()
