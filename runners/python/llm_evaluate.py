"""How well a model does on episodes of a split, greedily: for each task, with an interval."""

import math
import time

AT_ONCE = 32


def evaluate(player, tasks, split, count, until=None):
    """Of the first `count` episodes, as many as there is time for; the same words as elsewhere."""
    by_task = {name: {"episodes": 0, "successes": 0} for name in tasks}
    ends = []
    for first in range(0, count, AT_ONCE):
        if until is not None and time.monotonic() > until:
            break
        numbers = list(range(first, min(count, first + AT_ONCE)))
        ends += [one.end for one in player.play(split, numbers, greedy=True)]
    for end in ends:
        of_task = by_task.setdefault(end["task"], {"episodes": 0, "successes": 0})
        of_task["episodes"] += 1
        of_task["successes"] += end["success"]
    n = max(1, len(ends))
    return {
        "episodes": len(ends),
        "successes": sum(end["success"] for end in ends),
        "meanReward": sum(end["reward"] for end in ends) / n,
        "meanLength": sum(end["steps"] for end in ends) / n,
        "tasks": by_task,
    }


def evaluation_metrics(found):
    low, high = wilson(found["successes"], found["episodes"])
    return {
        "accuracy": percent(found["successes"], found["episodes"]),
        "accuracy_n": found["episodes"],
        "accuracy_low": 100 * low,
        "accuracy_high": 100 * high,
        **{f"accuracy/{name}": percent(one["successes"], one["episodes"])
           for name, one in found["tasks"].items() if one["episodes"] > 0},
    }


def percent(part, whole):
    return 100 * part / whole if whole else 0.0


def wilson(successes, count):
    """95 % interval of a share (Wilson 1927), from 0 to 1."""
    if count == 0:
        return 0.0, 1.0
    z = 1.959964
    share = successes / count
    middle = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    whole = 1 + z * z / count
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)
