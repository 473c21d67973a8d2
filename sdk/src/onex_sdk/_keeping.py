"""A client's stage `keep`: the rules that hold for an event's tree decide, and the event says its rate."""

from __future__ import annotations

from typing import Any

from onex_sdk._correlation import of_event
from onex_sdk._sampling_source import SamplingSource


class Keeper:
    def __init__(self, source: SamplingSource) -> None:
        self._source = source

    def __call__(self, event: dict[str, Any]) -> bool:
        """What the host has sampled itself, and says so, is kept."""
        if "sample_rate" in event:
            return True
        correlation = of_event(event)
        rules = self._source.current
        root = None
        if correlation is not None:
            # A tree that began under rules ends under them, whatever the registry says meanwhile.
            rules = correlation.sampling or rules
            root = correlation.top
        decision = rules.decide(event, root=root)
        if decision.keep and decision.rule is not None:
            event["sample_rate"] = decision.sample_rate
        return decision.keep
