"""Which events are kept: the registry's rules, the one that counts, and the draw. Pure; the registry decides alike.

The algorithm is `onex-consistent-56/1` of the registry's reference, docs/reference/sampling.md: OpenTelemetry's
consistent probability sampling by the last 56 bits of a W3C trace id, and by the correlation that a tree began with
where there is no trace. All events of a tree that have one rate are kept or dropped together.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from onex_sdk._errors import BadAnswer

ALGORITHM = "onex-consistent-56/1"
_SPACE = 1 << 56
_TRACE = re.compile(r"[0-9a-f]{32}")
_PARTS = re.compile(r"[_.\-/]")
_FAILED = frozenset({"FAILURE", "FAILED", "ERROR"})
# Event types and nodes come from the host; a flood of invented ones must not fill its memory.
_MOST_KNOWN = 4_096

Reason = Literal["no_rule", "failure", "drawn"]


@dataclass(frozen=True)
class SamplingRule:
    """Of the events whose type and node fit its patterns, in which `*` is any text, the share `rate` is kept."""

    id: int
    event_type: str
    node: str = "*"
    rate: float = 1.0
    #: Failures are kept whatever the draw says.
    keep_failures: bool = True

    def fits(self, event_type: str, node_id: str, node_type: str = "") -> bool:
        """A node is known by its id and by its type."""
        kind = node_type or type_of_node(node_id)
        return fits(self.event_type, event_type) and (fits(self.node, node_id) or fits(self.node, kind))


class Decision(NamedTuple):
    """`sample_rate` is what a kept event says: the probability with which it was kept."""

    keep: bool
    sample_rate: float
    rule: SamplingRule | None
    reason: Reason


_NO_RULE = Decision(True, 1.0, None, "no_rule")


class SamplingRules:
    """The rules that held at one moment, in the order in which they count. Never changed; safe to share."""

    def __init__(self, rules: Iterable[SamplingRule] = (), *, revision: int = 0) -> None:
        self.revision = revision
        self.rules = tuple(rules)
        # What is found for a type and node, with whether the type alone says that something failed.
        self._known: dict[tuple[str, str, str], tuple[SamplingRule | None, bool]] = {}

    def decide(self, event: Mapping[str, Any], *, root: str | None = None) -> Decision:
        """`root` is the correlation that the event's tree began with; its own `correlation_id` when none is given."""
        if not self.rules:
            return _NO_RULE
        metadata = event.get("metadata")
        told = metadata if isinstance(metadata, Mapping) else {}
        rule, failed = self._found(
            _text(event.get("event_type")), _text(event.get("node_id")), _text(told.get("node_type"))
        )
        if rule is None:
            return _NO_RULE
        if rule.keep_failures and (failed or _says_failure(told)):
            return Decision(True, 1.0, rule, "failure")
        drawn = draw(
            trace_id=_text(event.get("trace_id")),
            root=root or _text(event.get("correlation_id")),
            event_id=_text(event.get("event_id")),
        )
        return Decision(drawn >= threshold(rule.rate), rule.rate, rule, "drawn")

    def _found(self, event_type: str, node_id: str, node_type: str) -> tuple[SamplingRule | None, bool]:
        key = (event_type, node_id, node_type)
        known = self._known.get(key)
        if known is None:
            rule = next((rule for rule in self.rules if rule.fits(*key)), None)
            known = rule, _PARTS.split(event_type)[-1].upper() in _FAILED
            if len(self._known) >= _MOST_KNOWN:
                self._known = {}
            self._known[key] = known
        return known


#: Without rules, everything is kept.
EVERYTHING = SamplingRules()


def rules_of(document: Any) -> SamplingRules:
    """What `GET /sampling/resolved` answers. One of an algorithm that is not known here keeps everything.

    Raises BadAnswer when it is no such document.
    """
    try:
        revision = int(document["revision"])
        if document["algorithm"] != ALGORITHM:
            return SamplingRules(revision=revision)
        return SamplingRules(map(_rule, document["rules"]), revision=revision)
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer("The server's answer holds no sampling rules.") from error


def _rule(told: Mapping[str, Any]) -> SamplingRule:
    rate = float(told["rate"])
    if not 0 < rate <= 1:
        raise ValueError(f"{rate} is no rate")
    return SamplingRule(
        int(told["id"]), str(told["event_type"]), str(told["node"]), rate, told["keep_failures"] is True
    )


def draw(*, trace_id: str = "", root: str = "", event_id: str = "") -> int:
    """The 56 bits that decide, the same for every event of a tree."""
    if _TRACE.fullmatch(trace_id) and trace_id.strip("0"):
        return int(trace_id[-14:], 16)
    told = (root or event_id).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(told).digest()[:7], "big")


def threshold(rate: float) -> int:
    """Draws from here on are kept."""
    return _SPACE - int(rate * _SPACE)


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


def _says_failure(metadata: Mapping[str, Any]) -> bool:
    code = metadata.get("error_code")
    return metadata.get("success") is False or (isinstance(code, str) and code != "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
