"""Logs machine-learning runs to a Hearth server, without ever getting in the training's way.

import hearth

with hearth.init(project="digits", config={"lr": 0.01}) as run:
    for step in range(100):
        run.log({"loss": 1 / (step + 1)}, step=step)
"""

from .cli import login
from .client import Client, HearthError
from .run import Run, init

__all__ = ["Client", "HearthError", "Run", "init", "login"]
__version__ = "0.1.0"
