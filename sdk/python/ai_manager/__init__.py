"""The name under which the AI Manager API documents its Python client."""

from hearth import HearthError, Run
from hearth.manager import AIManager

__all__ = ["AIManager", "HearthError", "Run"]
