"""What every harness in Python shares: episodes out of a gateway, and hands to act in them.

A harness is a program that lets agents of some framework play. It knows nothing of scenarios:
the gateway named in HEARTH_GATEWAY hands out one rollout after the other, each with the address
of a model that speaks OpenAI's API, the instructions, the first words of the user, and tools.
"""

import ctypes
import json
import os
import signal
import sys
import traceback
import urllib.request
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1
LOOPBACK_ONLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Rollout:
    url: str
    base_url: str
    model: str
    system: str
    user: str
    tools: list  # of {"type": "function", "function": {"name", "description", "parameters"}}

    def call(self, name, arguments):
        """Does something in the episode; answers what it brought to light, in words."""
        return post(f"{self.url}/tools/{name}", arguments)[1]["content"]

    def end(self):
        """Says that the agent has done what it wanted to; answers the verdict."""
        return post(f"{self.url}/end", {})[1]


def rollouts(gateway=None):
    """One after the other, until the gateway says that there are no more."""
    gateway = gateway or os.environ["HEARTH_GATEWAY"]
    while True:
        status, given = post(f"{gateway}/next", {})
        if status == 204:
            return
        if status == 202:  # None yet: the gateway has kept us waiting, and asks us to ask again.
            continue
        yield Rollout(
            url=f"{gateway}/rollouts/{given['rollout_id']}",
            base_url=given["base_url"],
            model=given.get("model") or "hearth",
            system=given["system"],
            user=given["user"],
            tools=given["tools"],
        )


def post(url, body):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with LOOPBACK_ONLY.open(request) as reply:
        text = reply.read()
        return reply.status, json.loads(text) if text else None


def main(version, play):
    """What a harness does when it is run: plays, or with --probe PATH tells that it could."""
    if sys.argv[1:2] == ["--probe"]:
        with open(sys.argv[2], "w") as file:
            json.dump({"version": version}, file)
        return
    die_with_parent()
    for rollout in rollouts():
        try:
            play(rollout)
        except Exception:
            # An agent that breaks off has failed its episode; why is in the log of the job.
            traceback.print_exc()
        rollout.end()


def die_with_parent():
    """Nobody would read what a harness does once the training that began it is gone."""
    parent = os.getppid()
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (AttributeError, OSError):
        return
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
