"""The CrewAI harness: a crew of one agent plays what a gateway hands out.

The whole loop is CrewAI's: it frames the task, asks the model, calls the tools it asks for, and
asks again until the model answers in words.
"""

import logging
import os

# Nothing is told to anybody: a node of a workbench may have no way out, and none is wanted.
os.environ.setdefault("CREWAI_DISABLE_TELEMETRY", "true")
os.environ.setdefault("CREWAI_TRACING_ENABLED", "false")
os.environ.setdefault("OTEL_SDK_DISABLED", "true")

import crewai
from crewai import LLM, Agent, Crew, Task
from crewai.tools import BaseTool
from crewai.utilities.pydantic_schema_utils import create_model_from_schema

from hearth_harness import Rollout, main

# Episodes are cut off by the gateway; this only keeps an agent from talking for ever.
MAX_TURNS = 1000


class GatewayTool(BaseTool):
    """A tool whose doing is the gateway's."""

    rollout: Rollout

    def _run(self, **arguments):
        return self.rollout.call(self.name, arguments)


def play(rollout):
    agent = Agent(
        role="Agent",
        goal="Bring the case to its right end.",
        backstory=rollout.system,
        tools=[
            GatewayTool(
                name=one["name"],
                description=one["description"],
                args_schema=create_model_from_schema(one["parameters"]),
                rollout=rollout,
            )
            for one in (tool["function"] for tool in rollout.tools)
        ],
        llm=LLM(
            model=rollout.model,
            provider="openai",
            base_url=rollout.base_url,
            api_key="none",
            max_retries=0,
        ),
        max_iter=MAX_TURNS,
        max_retry_limit=0,
        cache=False,
        verbose=False,
    )
    task = Task(
        description=rollout.user,
        expected_output="What was done, in a sentence.",
        agent=agent,
    )
    Crew(agents=[agent], tasks=[task], cache=False, tracing=False).kickoff()


if __name__ == "__main__":
    # It warns at every call that it has to guess how many tokens there are.
    logging.getLogger("crewai").setLevel(logging.ERROR)
    main(crewai.__version__, play)
