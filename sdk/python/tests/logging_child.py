"""What a worker process does with a run it was given; importable, because spawned processes import."""


def log_range(run, first, last):
    for step in range(first, last):
        run.log({"child": float(step)}, step=step)
