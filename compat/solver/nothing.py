"""The absence of an instance, as null is one."""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias


class _Nothing(Enum):
    NOTHING = "nothing"


NOTHING: Final = _Nothing.NOTHING
Nothing: TypeAlias = _Nothing
