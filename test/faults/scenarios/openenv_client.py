"""Plays episodes on a server of OpenEnv's protocol with OpenEnv's own client; tells what it saw."""

import asyncio
import json
import sys

from openenv.core.env_server.types import (
    EnvironmentMetadata,
    HealthResponse,
    ResetResponse,
    SchemaResponse,
    State,
    StepResponse,
)
from openenv.core.generic_client import GenericEnvClient
import requests

base = sys.argv[1]


def read(path, kind, body=None):
    reply = requests.get(base + path) if body is None else requests.post(base + path, json=body)
    reply.raise_for_status()
    return kind.model_validate(reply.json()).model_dump()


async def play(seed):
    told = []
    async with GenericEnvClient(base_url=base) as env:
        result = await env.reset(seed=seed, episode_id=f"episode {seed}")
        told.append([result.observation["vector"], result.reward, result.done])
        while not result.done:
            result = await env.step({"action": (seed + len(told)) % 3})
            told.append([result.observation["vector"], result.reward, result.done])
        state = await env.state()
        refused = None
        try:
            await env.step({"action": 0})
        except RuntimeError as error:
            refused = str(error)
    return {"told": told, "state": state, "refused": refused}


async def main():
    print(
        json.dumps(
            {
                "episodes": await asyncio.gather(*[play(seed) for seed in range(8)]),
                "health": read("/health", HealthResponse),
                "metadata": read("/metadata", EnvironmentMetadata),
                "schema": read("/schema", SchemaResponse),
                "state": read("/state", State),
                "reset": read("/reset", ResetResponse, {"seed": 3}),
                "step": read("/step", StepResponse, {"action": {"action": 1}}),
            }
        )
    )


asyncio.run(main())
