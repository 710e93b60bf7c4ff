"""An agent of CrewAI whose model is a policy that Hearth trained.

    pip install {{packages}}
    OPENAI_BASE_URL={{origin}}/v1 python {{file}} --episode 7

`--episode` plays a test episode in Hearth's simulator and prints the verdict. In a program of
your own import `agent_of`, and give it a function that really calls your tools.
"""

import json
import os
import sys
import urllib.request
from typing import Any

os.environ.setdefault("CREWAI_DISABLE_TELEMETRY", "true")
os.environ.setdefault("CREWAI_TRACING_ENABLED", "false")
os.environ.setdefault("OTEL_SDK_DISABLED", "true")

from crewai import LLM, Agent, Crew, Task
from crewai.tools import BaseTool
from crewai.utilities.pydantic_schema_utils import create_model_from_schema

MODEL = "{{model}}"
SCENARIO = "{{scenario}}"
SYSTEM = "{{system}}"
TOOLS = "{{tools}}"

BASE_URL = os.environ.get("OPENAI_BASE_URL", "{{baseURL}}")
API_KEY = os.environ.get("OPENAI_API_KEY", "none")


class CallTool(BaseTool):
    """Hands what it is asked for to `call(name, arguments)`, which answers in words."""

    call: Any

    def _run(self, **arguments):
        return self.call(self.name, arguments)


def agent_of(call, base_url=BASE_URL):
    tools = [
        CallTool(
            name=tool["name"],
            description=tool["description"],
            args_schema=create_model_from_schema(tool["parameters"]),
            call=call,
        )
        for tool in TOOLS
    ]
    return Agent(
        role="Agent",
        goal="Bring the case to its right end.",
        backstory=SYSTEM,
        tools=tools,
        llm=LLM(
            model=MODEL, provider="openai", base_url=base_url, api_key=API_KEY, max_retries=0
        ),
        max_iter=1000,
        max_retry_limit=0,
        cache=False,
    )


def ask(agent, text):
    task = Task(description=text, expected_output="What was done, in a sentence.", agent=agent)
    return Crew(agents=[agent], tasks=[task], cache=False, tracing=False).kickoff()


def play_episode(episode):
    """Plays an episode of the test split; answers whether it succeeded, and how it was judged."""
    gateway = f"{BASE_URL.rstrip('/').removesuffix('/v1')}/api/agents/rollouts"
    wish = {"scenario_id": SCENARIO, "split": "test", "episode": episode, "model": MODEL}
    begun = post(gateway, wish)
    rollout = f"{gateway}/{begun['rollout_id']}"

    def call(name, arguments):
        return post(f"{rollout}/tools/{name}", arguments)["content"]

    ask(agent_of(call, begun["base_url"]), begun["user"])
    return post(f"{rollout}/end", {})


def post(url, body):
    headers = {"content-type": "application/json", "authorization": f"Bearer {API_KEY}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "--episode":
        sys.exit(f"usage: {sys.argv[0]} --episode N")
    print(json.dumps(play_episode(int(sys.argv[2]))))
