"""pytest plugin: events are captured instead of sent, and judged as the registry would judge them.

    def test_an_order_is_told(onex_events):
        place_order(amount=3)
        assert onex_events.one("order.created").metadata["amount"] == 3

The test fails when one of the events would be refused: it breaks its schema, or nobody knows its type.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from onex_sdk._cli.exits import Stopped
from onex_sdk._cli.project import Project
from onex_sdk._cli.schema_text import BadSchemaText
from onex_sdk._errors import UnusableBundle
from onex_sdk._pipeline import Pipeline
from onex_sdk._producer import Client
from onex_sdk._rehearsal import NothingToJudgeBy, Rehearsal, by_files, by_registry
from onex_sdk._serialise import serialise
from onex_sdk._stats import Stats

_FIXTURE = "onex_events"


@dataclass(frozen=True)
class CapturedEvent:
    """An event as it would have travelled. `objections` are what the registry would say against it."""

    event: Mapping[str, Any]
    objections: tuple[str, ...] = ()

    @property
    def event_type(self) -> str:
        return str(self.event["event_type"])

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self.event["metadata"] or {}

    def __str__(self) -> str:
        return f"{self.event_type} {json.dumps(self.metadata, ensure_ascii=False)}"


@dataclass
class CapturedEvents:
    """What the test emitted so far, in order. Sampling, signing and encryption are left out."""

    _rehearsal: Rehearsal | None
    all: list[CapturedEvent] = field(default_factory=list)
    _refusals_meant: bool = False

    def of(self, event_type: str) -> list[CapturedEvent]:
        """Those of this type."""
        return [captured for captured in self.all if captured.event_type == event_type]

    def one(self, event_type: str, **metadata: Any) -> CapturedEvent:
        """The only event of this type whose metadata has these members. AssertionError, with what there was instead."""
        found = [
            captured
            for captured in self.of(event_type)
            if all(
                name in captured.metadata and captured.metadata[name] == value
                for name, value in metadata.items()
            )
        ]
        if len(found) != 1:
            wanted = f"{event_type} with {metadata}" if metadata else event_type
            raise AssertionError(f"{len(found)} events are {wanted}; emitted were: {self._listed(self.all)}")
        return found[0]

    def none(self, event_type: str | None = None) -> None:
        """AssertionError when there was an event (of this type)."""
        found = self.all if event_type is None else self.of(event_type)
        if found:
            raise AssertionError(f"No event was to be emitted, and there were: {self._listed(found)}")

    def clear(self) -> None:
        """Forgets what was emitted so far, refused or not."""
        self.all.clear()

    def allow_refused(self) -> None:
        """The test means to emit what the registry would refuse; `refused` says what that was."""
        self._refusals_meant = True

    @property
    def refused(self) -> list[CapturedEvent]:
        """Events that the registry would have something to say against."""
        return [captured for captured in self.all if captured.objections]

    def capture(self, event: Mapping[str, Any]) -> None:
        objections = self._rehearsal.objections(event) if self._rehearsal else []
        self.all.append(CapturedEvent(event, tuple(objections)))

    def complaint(self) -> str | None:
        """Why the test fails although its own assertions passed."""
        if self._refusals_meant or not self.refused:
            return None
        lines = [
            f"  {captured}\n" + "".join(f"    {o}\n" for o in captured.objections)
            for captured in self.refused
        ]
        return "The registry would refuse events of this test:\n" + "".join(lines)

    @staticmethod
    def _listed(events: list[CapturedEvent]) -> str:
        return "".join(f"\n  {captured}" for captured in events) or "none"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("onex_schemas", "The bundle that judges events (onex-schemas.json of the project)")
    parser.addini(
        "onex_registry", "Judge by the registry that ONEX_URL names, instead", type="bool", default=False
    )
    parser.addini("onex_judge", "Whether captured events are judged", type="bool", default=True)


@pytest.fixture
def onex_events(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> CapturedEvents:
    """Every event that is emitted while the test runs, instead of being sent."""
    captured = CapturedEvents(_rehearsal_of(request.config))

    def run(pipeline: Pipeline, event: dict[str, Any]) -> str | None:
        if pipeline.fill_context is not None:
            pipeline.fill_context(event)
        captured.capture(json.loads(serialise(event, Stats())))
        return str(event["event_id"])

    monkeypatch.setattr(Pipeline, "run", run)
    # No client needs an address here, and none begins a thread that sends.
    monkeypatch.setattr(Client, "_start", lambda client: client.options.enabled)
    return captured


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """In the test itself, so that it fails and not what comes after it."""
    result = yield
    captured = getattr(item, "funcargs", {}).get(_FIXTURE)
    if isinstance(captured, CapturedEvents) and (complaint := captured.complaint()):
        pytest.fail(complaint, pytrace=False)
    return result


_known = pytest.StashKey["Rehearsal | None"]()


def _rehearsal_of(config: pytest.Config) -> Rehearsal | None:
    """Made once for a run."""
    if _known not in config.stash:
        config.stash[_known] = _made(config)
    return config.stash[_known]


def _made(config: pytest.Config) -> Rehearsal | None:
    if not config.getini("onex_judge"):
        return None
    said = config.getini("onex_schemas")
    try:
        if config.getini("onex_registry"):
            return by_registry()
        return by_files(Project.at(config.rootpath), Path(config.rootpath, said) if said else None)
    except (NothingToJudgeBy, Stopped, UnusableBundle, BadSchemaText) as problem:
        raise pytest.UsageError(str(problem)) from problem
