"""Which events a producer keeps: rules, which of them counts, and the draw. Pure; docs/reference/sampling.md is its twin.

Any client that decides as this module does keeps the same events. docs/reference/sampling-vectors.json has cases.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

ALGORITHM = "onex-consistent-56/1"
LOWEST_RATE = 0.0001
_SPACE = 1 << 56
_TRACE = re.compile(r"[0-9a-f]{32}")
_PARTS = re.compile(r"[_.\-/]")
_FAILED = {"FAILURE", "FAILED", "ERROR"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Of the events whose type and node fit its patterns, in which `*` is any text, the share `rate` is kept."""

    id: int
    event_type: str
    node: str = "*"
    rate: float = 1.0
    # Failures are kept whatever the draw says.
    keep_failures: bool = True
    enabled: bool = True
    note: str = ""
    changed_by: str = ""
    changed_at: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Rule":
        return cls(**stored)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def prefix(self) -> str:
        """What every event type that it can fit begins with."""
        return self.event_type.partition("*")[0]

    def fits(self, event_type: str, node_id: str, node_type: str = "") -> bool:
        """A node is known by its id and by its type."""
        kind = node_type or type_of_node(node_id)
        return fits(self.event_type, event_type) and (fits(self.node, node_id) or fits(self.node, kind))

    def specificity(self) -> tuple[bool, int, int, bool, int, int, int]:
        """The highest wins. The event type decides before the node, then the rule that is older."""
        return (*_weight(self.event_type), *_weight(self.node), -self.id)


def _weight(pattern: str) -> tuple[bool, int, int]:
    """Without `*` before any with one; then more literal characters; then fewer `*`."""
    stars = pattern.count("*")
    return stars == 0, len(pattern) - stars, -stars


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text is the pattern with `*` standing for any text. Linear: nothing is tried twice."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    *middle, last = rest
    end = len(text) - len(last)
    if end < len(first) or not text.startswith(first) or not text.endswith(last):
        return False
    at = len(first)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def type_of_node(node_id: str) -> str:
    """The id without its instance suffix: a last part after `-` that has a digit (`stamper_node-001`)."""
    kind, dash, instance = node_id.rpartition("-")
    return kind if kind and dash and any("0" <= one <= "9" for one in instance) else node_id


def effective(
    rules: Iterable[Rule], event_type: str, node_id: str = "", node_type: str = ""
) -> tuple[Rule, ...]:
    """The enabled rules that fit, the one that counts first; none: all is kept."""
    found = [rule for rule in rules if rule.enabled and rule.fits(event_type, node_id, node_type)]
    return tuple(sorted(found, key=Rule.specificity, reverse=True))


def is_failure(event_type: str, metadata: Mapping[str, Any] | None = None) -> bool:
    """By the last word of its type, a `success` that is false, or an error code."""
    if _PARTS.split(event_type)[-1].upper() in _FAILED:
        return True
    told = metadata or {}
    code = told.get("error_code")
    return told.get("success") is False or (isinstance(code, str) and code != "")


def draw(*, trace_id: str | None = None, root: str | None = None, event_id: str = "") -> int:
    """The 56 bits that decide, the same for every event of a tree.

    The last 56 bits of a W3C trace id, as OpenTelemetry has it; else the first 56 of the SHA-256 of the correlation
    that the tree began with; an event that belongs to none is drawn by its own id.
    """
    if trace_id and _TRACE.fullmatch(trace_id) and trace_id.strip("0"):
        return int(trace_id[-14:], 16)
    return int.from_bytes(hashlib.sha256((root or event_id).encode()).digest()[:7], "big")


def threshold(rate: float) -> int:
    """Draws from here on are kept."""
    return _SPACE - int(rate * _SPACE)


@dataclass(frozen=True, slots=True)
class Decision:
    """`sample_rate` is what a kept event says: the probability with which it was kept."""

    keep: bool
    sample_rate: float
    rule: Rule | None
    reason: str


def decide(rules: Iterable[Rule], event: Mapping[str, Any], *, root: str | None = None) -> Decision:
    """`root` is the correlation that the event's tree began with; its own `correlation_id` when none is given."""
    metadata = event.get("metadata")
    told = metadata if isinstance(metadata, dict) else {}
    event_type = event.get("event_type", "")
    found = effective(rules, event_type, event.get("node_id", ""), told.get("node_type") or "")
    if not found:
        return Decision(True, 1.0, None, "no_rule")
    rule = found[0]
    if rule.keep_failures and is_failure(event_type, told):
        return Decision(True, 1.0, rule, "failure")
    drawn = draw(
        trace_id=event.get("trace_id"),
        root=root or event.get("correlation_id"),
        event_id=event.get("event_id", ""),
    )
    return Decision(drawn >= threshold(rule.rate), rule.rate, rule, "drawn")
