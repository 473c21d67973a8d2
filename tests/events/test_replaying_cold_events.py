"""Replays, judges of uploads and what else reads stored events say of compressed ones what they said before."""

import json
from typing import Any

import pytest

from access.actor import SYSTEM
from events import search
from events.cold import compress_partition
from events.errors import ReplayInvalid
from events.fold import fold_statistics
from events.replay_scope import Scope
from registry.publish import publish_version
from tests.conftest import Person
from tests.events.conftest import ORDER, Publish, Send, event
from tests.events.days import days_ago, move_all_to
from tests.events.replays import begin, plan, play

pytestmark = pytest.mark.django_db
MANY = 1_200
SMALL = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": {"type": "integer", "maximum": 900}},
}
FEW = {"where": "metadata.amount < 8"}
PAGES = [
    "/api/v1/profiles?since=2020-01-01",
    "/api/v1/profiles/frames?since=2020-01-01",
    "/api/v1/statistics",
    "/api/v1/statistics/order.placed",
    "/api/v1/correlations/order-1",
]


@pytest.fixture
def old(publish: Publish, send: Send) -> Any:
    """Orders of a month ago and two of today, and a function that compresses the old ones."""
    publish("order.placed", ORDER, "1.0.0")
    lines = [
        json.dumps(
            event(
                event_id=f"old-{n}",
                correlation_id=f"order-{n % 40}",
                metadata={"amount": n, "note": "räksmörgås", "execution_time_ms": n / 10},
            ),
            indent=1,
        ).replace("\n", " \t")
        for n in range(MANY)
    ]
    assert send(raw="\n".join(lines).encode(), content_type="application/x-ndjson").counts == {"stored": MANY}
    name = move_all_to(days_ago(30))
    send(*[event(event_id=f"new-{n}", metadata={"amount": n}) for n in range(2)])
    return lambda: compress_partition(actor=SYSTEM, name=name)


def played(owner: Person, scope: Scope) -> tuple[list[str], bytes]:
    replay = play(begin(owner.actor, kind="file", scope=scope, speed=0))
    assert (replay.state, replay.failed) == ("completed", 0)
    lines = b"".join(owner.api.get(f"/api/v1/replays/{replay.pk}/events"))
    return [item.event_id for item in replay.items.all()], lines


@pytest.mark.parametrize(
    "scope",
    [
        Scope(query=FEW),
        Scope(query={**FEW, "type": "order.*"}),
        Scope(query={"where": 'metadata.note ~ "räk" and metadata.amount >= 1190'}),
        Scope("order-3"),
    ],
    ids=["fields", "fields and type", "text", "correlation"],
)
def test_a_replay_plays_the_same_events_with_the_same_bytes(owner: Person, old: Any, scope: Scope) -> None:
    before = played(owner, scope)
    assert "old-3" in before[0] or "old-1199" in before[0]
    old()
    assert played(owner, scope) == before


def test_what_a_plan_did_not_look_into_is_told_and_not_left_out_silently(
    owner: Person, old: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_CHUNK", 100)
    settings.EVENT_COLD_SEARCH = 300
    old()
    found = plan(owner.actor, scope=Scope(query={"where": "metadata.amount >= 0"}))
    assert len(found.steps) == 302
    [told] = [one for one in found.missing if one["reason"] == "not_searched"]
    assert "before position 901 were not looked into" in str(told["sentence"])
    # Nothing fits so far is not that nothing fits.
    with pytest.raises(ReplayInvalid, match="Nothing fits so far"):
        plan(owner.actor, scope=Scope(query={"where": "metadata.amount = 3"}))
    # A narrower question has its answer.
    narrow = {"where": "metadata.amount = 3", "correlation_id": "order-3"}
    assert [step.event_id for step in plan(owner.actor, scope=Scope(query=narrow)).steps] == ["old-3"]


def impact(settings: Any) -> list[Any]:
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    seen = publish_version(
        actor=SYSTEM, subject="order.placed", schema=json.dumps(SMALL), semver="2.0.0", dry_run=True
    )
    assert seen.judgement is not None
    return [(one.sentence, one.facts) for one in seen.judgement.findings]


def test_an_upload_is_told_the_same_about_stored_events(old: Any, settings: Any) -> None:
    before = impact(settings)
    assert "would refuse 299 of the last 1,202" in before[0][0]
    old()
    assert impact(settings) == before


@pytest.mark.parametrize("address", PAGES)
def test_numbers_and_trees_are_the_same(owner: Person, old: Any, address: str) -> None:
    fold_statistics()
    before = owner.api.get(address)
    assert before.status_code == 200, before.content
    old()
    assert owner.api.get(address).json() == before.json()
