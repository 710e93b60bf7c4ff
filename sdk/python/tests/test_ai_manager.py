"""The client that the AI Manager API documents, used as documented."""

import logging
import os

import hearth
from ai_manager import AIManager

from .support import SpoolTest

QUIET = {"console": False, "system": False}


class Documented(SpoolTest):
    def setUp(self):
        super().setUp()
        del os.environ["HEARTH_TOKEN"]

    def example(self):
        manager = AIManager(
            project_name="my_project", api_url=self.server.url, username="user", password="pass"
        )
        with manager.run(name="training_run") as run:
            for epoch in range(100):
                run.log({"loss": 0.5, "accuracy": 0.85}, step=epoch)

    def test_example_of_the_api_document(self):
        self.example()
        self.assertEqual(self.server.values("loss"), [0.5] * 100)
        self.assertEqual(self.server.values("accuracy"), [0.85] * 100)
        self.assertEqual([project["name"] for project in self.server.projects], ["my_project"])
        run = self.server.runs[0]
        self.assertEqual(
            (run["name"], run["status"], run["project_id"]), ("training_run", "completed", 1)
        )

    def test_wrong_password_is_said_at_once(self):
        with self.assertRaises(hearth.HearthError) as caught:
            AIManager("p", self.server.url, "user", "wrong")
        self.assertEqual(caught.exception.status, 401)

    def test_token_of_the_environment_comes_first(self):
        os.environ["HEARTH_TOKEN"] = "token-0"
        AIManager("p", self.server.url, "user", "wrong").run("r", **QUIET).finish()
        self.assertEqual(self.server.runs[0]["name"], "r")

    def test_server_away_is_no_reason_to_stop(self):
        self.server.stop()
        manager = AIManager("p", self.server.url, "user", "pass")
        manager.run("r", exit_timeout_s=0.1, **QUIET).finish()
        self.assertTrue(all(r.levelno <= logging.WARNING for r in self.records.list))
        self.assertEqual(len(self.spool()), 1)
