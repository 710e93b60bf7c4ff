"""Turns what a training script logs into names and floats, and many such calls into columns."""

import json
import math
import re

BATCH_POINTS = 10_000
NAME_CHARS = 250
LARGEST_STEP = 2**53
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
        elif not name or len(name) > NAME_CHARS or CONTROL.search(name):
            complain(name, f"{name[:80]!r} cannot name a metric; it is not logged")
        else:
            flat[name] = number
    return flat


def as_float(value):
    """A float for numbers and for one-element arrays and tensors (anything with `.item()`)."""
    try:
        if isinstance(value, (str, bytes)):
            return None
        if not isinstance(value, (int, float)) and hasattr(value, "item"):
            value = value.item()
        return float(value)
    except Exception:  # whatever a foreign object raises must not end a training
        return None


def as_step(value):
    """A whole number the server can keep, or None."""
    number = as_float(value)
    if number is None or not math.isfinite(number) or number != int(number):
        return None
    return int(number) if abs(number) <= LARGEST_STEP else None


def batches(logged):
    """Columns of at most BATCH_POINTS points from items (time in microseconds, step, {name: value})."""
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
    """The body of one batch. NaN and the infinities travel as strings: JSON has no numbers for them."""
    body = {"series": series, "batch_id": batch_id}
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        for column in series:
            column["values"] = [plain(value) for value in column["values"]]
        return json.dumps(body, separators=(",", ":")).encode()


def plain(value, depth=0):
    """Any object as JSON values, for configs: what JSON does not know becomes text."""
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if depth < 20:
        if isinstance(value, dict):
            return {str(key): plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [plain(item, depth + 1) for item in value]
        if hasattr(value, "item") and hasattr(value, "dtype") and as_float(value) is not None:
            return plain(value.item(), depth + 1)
        if type(value).__name__ == "Namespace" or hasattr(value, "__dataclass_fields__"):
            return plain(dict(vars(value)), depth + 1)
    try:
        return str(value)[:1000]
    except Exception:  # a foreign __str__ may raise anything
        return f"<{type(value).__name__}>"
