"""An agent of AutoGen whose model is a policy that Hearth trained.

    pip install {{packages}}
    OPENAI_BASE_URL={{origin}}/v1 python {{file}} --episode 7

`--episode` plays a test episode in Hearth's simulator and prints the verdict. In a program of
your own import `agent_of`, and give it a function that really calls your tools.
"""

import asyncio
import json
import os
import sys
import urllib.request

from autogen_agentchat.agents import AssistantAgent
from autogen_core.tools import BaseTool
from autogen_core.utils import schema_to_pydantic_model
from autogen_ext.models.openai import OpenAIChatCompletionClient
from pydantic import BaseModel

MODEL = "{{model}}"
SCENARIO = "{{scenario}}"
SYSTEM = "{{system}}"
TOOLS = "{{tools}}"

BASE_URL = os.environ.get("OPENAI_BASE_URL", "{{baseURL}}")
API_KEY = os.environ.get("OPENAI_API_KEY", "none")


class CallTool(BaseTool[BaseModel, str]):
    """Hands what it is asked for to `call(name, arguments)`, which answers in words."""

    def __init__(self, call, name, description, parameters):
        arguments = schema_to_pydantic_model(parameters, f"{name}_arguments")
        super().__init__(arguments, str, name, description)
        self.call = call

    async def run(self, args, cancellation_token):
        return self.call(self.name, args.model_dump(exclude_none=True))


def agent_of(call, base_url=BASE_URL):
    client = OpenAIChatCompletionClient(
        model=MODEL,
        base_url=base_url,
        api_key=API_KEY,
        max_retries=0,
        parallel_tool_calls=False,
        model_info={
            "vision": False,
            "function_calling": True,
            "json_output": False,
            "structured_output": False,
            "family": "unknown",
        },
    )
    tools = [CallTool(call, **tool) for tool in TOOLS]
    return AssistantAgent(
        "agent", client, tools=tools, system_message=SYSTEM, max_tool_iterations=1000
    )


def ask(agent, text):
    return asyncio.run(agent.run(task=text))


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
