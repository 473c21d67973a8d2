"""Waiting for what should happen, instead of for a time."""

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], seconds: float = 20.0, *, pause: float = 0.02) -> Any:
    """What the condition gives as soon as it is true; fails when that does not happen in time.

    Between two looks it rests for `pause` seconds. Many that wait at once rest longer, or what they wait for finds no
    processor free.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(pause)
    return found
