"""What an edition of a rule says otherwise than another one, for people who read its history."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from access.errors import ProductError
from alerts.condition import parse
from alerts.models import Compare, Function, Kind, RuleVersion
from alerts.words import duration, plain, say

# Of an edition: what says nothing of its own, and what follows from the rest.
_SILENT = frozenset({"id", "rule", "number", "created_by", "created_at", "event_types"})
_LABELS = {
    "selector": "Condition",
    "hits": "Hits",
    "percent": "More than per cent",
    "remember_days": "Remembered for days",
    "function": "What the field amounts to",
    "compare": "Fires when it is",
    "factor": "How many times",
    "baseline_windows": "Windows before",
    "then": "What follows",
    "within_seconds": "In which time",
    "pair_by": "With the same",
    "threshold": "At least",
    "window_seconds": "Window",
    "group_by": "Counted apart by",
    "for_seconds": "Has to last for",
    "keep_firing_seconds": "Keeps firing for",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two editions say differently. `field` is its name in the API; `before` and `after` are in words."""

    field: str
    before: str
    after: str

    @property
    def label(self) -> str:
        """For people."""
        return label_of(self.field)


def label_of(field: str) -> str:
    """What the pages call a field of an edition."""
    return _LABELS.get(field, field.replace("_", " ").capitalize())


def differences(older: RuleVersion, newer: RuleVersion) -> list[Difference]:
    """Everything that the newer edition says otherwise, in the order of its fields."""
    found = []
    for field in RuleVersion._meta.concrete_fields:
        if field.name in _SILENT:
            continue
        before, after = getattr(older, field.name), getattr(newer, field.name)
        if before != after:
            found.append(Difference(field.name, in_words(field.name, before), in_words(field.name, after)))
    return found


def with_differences(editions: Sequence[RuleVersion]) -> list[tuple[RuleVersion, list[Difference] | None]]:
    """Each edition, the newest first, with what it changed; None where the one before it is not among them."""
    before = {one.number + 1: one for one in editions}
    return [(one, differences(before[one.number], one) if one.number in before else None) for one in editions]


def in_words(field: str, value: Any) -> str:
    """One value of an edition as people say it."""
    if value is None or value == "":
        return "nothing"
    if field.endswith("_seconds"):
        return duration(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "nothing"
    return _SAYS.get(field, str)(value)


def _condition(tree: Any) -> str:
    try:
        return say(parse(tree))
    except ProductError as error:
        return error.message


_SAYS: Mapping[str, Callable[[Any], str]] = {
    "selector": _condition,
    "hits": _condition,
    "then": _condition,
    "percent": lambda value: f"{plain(value)} %",
    "limit": plain,
    "factor": plain,
    "function": lambda value: str(Function(value).label),
    "compare": lambda value: str(Compare(value).label),
    "kind": lambda value: str(Kind(value).label),
}
