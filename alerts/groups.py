"""What a rule counts apart: the values of its group-by fields."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

# Bytes: keys stand in an index.
_KEY_MAX = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """The values of the group-by fields; events that lack one form a group of their own (null)."""

    key: str
    values: tuple[Any, ...] = field(compare=False)

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> "Group":
        key = json.dumps(values, ensure_ascii=False, sort_keys=True, default=_as_json, separators=(",", ":"))
        if len(key.encode()) > _KEY_MAX:
            key = f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"
        return cls(key, values)

    def readable(self, group_by: Sequence[str]) -> dict[str, Any]:
        """Field → value as JSON can hold it."""
        return dict(zip(group_by, json.loads(self.as_json()), strict=True))

    def as_json(self) -> str:
        """The values, in the order of the group-by fields."""
        return json.dumps(self.values, default=_as_json)


def _as_json(number: object) -> object:
    """Decimals as the numbers they are: 1.0 and 1 name the same group."""
    assert isinstance(number, Decimal)
    if number == number.to_integral_value() and abs(number.adjusted()) < 300:
        return int(number)
    return float(number) if abs(number.adjusted()) < 300 else str(number)
