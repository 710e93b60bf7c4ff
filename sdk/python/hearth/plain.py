"""Turns what a script hands over (configs, foreign numbers, odd text) into plain JSON values."""

import math

EXACT_INTEGERS = 2**53  # larger ones are kept exactly as text
ARRAY_BYTES = 8192  # larger arrays are data rather than settings


def plain(value, depth=0):
    """Any object as JSON values: what JSON does not know becomes text."""
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str):
        return text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < EXACT_INTEGERS:
        return int(value)
    if depth < 20:
        if isinstance(value, dict):
            return {text(str(key)): plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [plain(item, depth + 1) for item in value]
        if hasattr(value, "dtype") and as_float(value) is not None:
            return plain(value.item(), depth + 1)
        if hasattr(value, "dtype") and getattr(value, "nbytes", ARRAY_BYTES) < ARRAY_BYTES:
            return plain(value.tolist(), depth + 1)
        if type(value).__name__ == "Namespace" or hasattr(value, "__dataclass_fields__"):
            return plain(dict(vars(value)), depth + 1)
    try:
        return text(str(value))[:1000]
    except Exception:  # a foreign __str__ may raise anything
        return f"<{type(value).__name__}>"


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


def text(value):
    """Text that any server can store: no NUL, no halves of characters (as odd file names have)."""
    if value.isascii() and "\x00" not in value:
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode()
