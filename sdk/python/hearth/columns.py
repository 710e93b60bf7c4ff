"""Turns what a training script logs into names and floats, and many such calls into columns."""

import json
import math
import re

from .plain import as_float, plain

BATCH_POINTS = 5_000
NAME_CHARS = 250
LARGEST_STEP = 2**53 - 1
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def flatten(values, complain, prefix=""):
    """Numbers by name; nested dictionaries joined by '/'. What is no number is complained about."""
    flat = {}
    for name, value in values.items():
        name = prefix + (name if type(name) is str else str(name))
        if type(value) is dict:
            flat.update(flatten(value, complain, name + "/"))
            continue
        number = as_float(value)
        if number is None:
            complain(name, f"{name!r} is not a number ({type(value).__name__}); it is not logged")
        elif not is_name(name):
            complain(name, f"{name[:80]!r} cannot name a metric; it is not logged")
        else:
            flat[name] = number
    return flat


def is_name(name):
    """Whether the server takes it; it counts characters as JavaScript does."""
    try:
        return 0 < len(name.encode("utf-16-le")) <= 2 * NAME_CHARS and not CONTROL.search(name)
    except UnicodeEncodeError:
        return False


def as_step(value):
    """A whole number the server can keep, or None."""
    number = as_float(value)
    if number is None or not math.isfinite(number) or number != int(number):
        return None
    return int(number) if abs(number) <= LARGEST_STEP else None


def batches(logged):
    """Columns of at most BATCH_POINTS points from (time in microseconds, step, {name: value})."""
    series, count = {}, 0
    for time_us, step, values in logged:
        for name, value in values.items():
            column = series.get(name)
            if column is None:
                column = series[name] = {"name": name, "values": [], "steps": [], "times": []}
            column["values"].append(value)
            column["steps"].append(step)
            column["times"].append(time_us)
            count += 1
            if count == BATCH_POINTS:
                yield list(series.values())
                series, count = {}, 0
    if count:
        yield list(series.values())


def encode(series, batch_id):
    """The body of one batch. NaN and the infinities travel as strings: JSON cannot say them."""
    body = {"series": series, "batch_id": batch_id}
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        for column in series:
            column["values"] = [plain(value) for value in column["values"]]
        return json.dumps(body, separators=(",", ":")).encode()
