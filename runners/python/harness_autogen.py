"""The AutoGen harness: an AssistantAgent of autogen-agentchat plays what a gateway hands out.

The whole loop is AutoGen's: it puts the messages together, asks the model, calls the tools it
asks for, and asks again until the model answers in words.
"""

import asyncio

import autogen_agentchat
from autogen_agentchat.agents import AssistantAgent
from autogen_core.tools import BaseTool
from autogen_core.utils import schema_to_pydantic_model
from autogen_ext.models.openai import OpenAIChatCompletionClient
from pydantic import BaseModel

from hearth_harness import main

# Episodes are cut off by the gateway; this only keeps an agent from talking for ever.
MAX_TURNS = 1000

MODEL_INFO = {
    "vision": False,
    "function_calling": True,
    "json_output": False,
    "structured_output": False,
    "family": "unknown",
}


class GatewayTool(BaseTool[BaseModel, str]):
    """A tool whose doing is the gateway's."""

    def __init__(self, rollout, name, description, parameters):
        arguments = schema_to_pydantic_model(parameters, f"{name}_arguments")
        super().__init__(arguments, str, name, description)
        self.rollout = rollout

    async def run(self, args, cancellation_token):
        return self.rollout.call(self.name, args.model_dump(exclude_none=True))


async def play(rollout):
    client = OpenAIChatCompletionClient(
        model=rollout.model,
        base_url=rollout.base_url,
        api_key="none",
        max_retries=0,
        model_info=MODEL_INFO,
        parallel_tool_calls=False,
    )
    agent = AssistantAgent(
        "agent",
        model_client=client,
        tools=[
            GatewayTool(rollout, one["name"], one["description"], one["parameters"])
            for one in (tool["function"] for tool in rollout.tools)
        ],
        system_message=rollout.system,
        max_tool_iterations=MAX_TURNS,
    )
    try:
        await agent.run(task=rollout.user)
    finally:
        await client.close()


if __name__ == "__main__":
    main(autogen_agentchat.__version__, lambda rollout: asyncio.run(play(rollout)))
