"""Says each thing that goes wrong once, on the `hearth` logger, and never raises."""

import logging

logger = logging.getLogger("hearth")


class Complaints:
    """Call it with a key and a text: the text is logged the first time only."""

    def __init__(self):
        self._said = set()

    def __call__(self, key, text):
        if key not in self._said:
            self._said.add(key)
            logger.warning("hearth: %s", text)
