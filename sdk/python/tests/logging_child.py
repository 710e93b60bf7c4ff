"""What a worker process does with a run; a module, because spawned processes import it."""


def log_range(run, first, last):
    for step in range(first, last):
        run.log({"child": float(step)}, step=step)
