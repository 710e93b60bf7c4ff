"""Ten lines of plain Python that are a training: fit y = 3x by gradient descent, log the loss."""

import random

import hearth

with hearth.init(project="examples", name="plain", config={"lr": 0.1}, tags=["plain"]) as run:
    weight = 0.0
    for step in range(100):
        x = random.random()
        error = weight * x - 3 * x
        weight -= run.config["lr"] * 2 * error * x
        run.log({"loss": error**2, "weight": weight}, step=step)
