"""Copies that a replay stored: whoever counts, lists or judges stored events says afterwards what it said before."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from access.actor import SYSTEM
from alerts.compiled import Compiled
from alerts.matches import read, recount
from alerts.models import RuleVersion
from events.code_usage import code_usage
from events.figures import of_all, of_subjects
from events.fold import fold_statistics, lag
from events.grouping import group_violations
from events.models import Event, LogHead
from events.query import Filters
from events.recount import rebuild_statistics
from events.replay_scope import Scope
from events.sampling_volume import predict_volume
from events.storage import storage_used
from events.tail import news_since
from registry.load_catalogue import FOLDER
from registry.publish import publish_version
from tests.conftest import Person
from tests.events.conftest import ORDER, Publish, Send, event
from tests.events.profiles import profiles
from tests.events.replays import begin, plan, play

pytestmark = pytest.mark.django_db
CODE = "SHOP_CART_001_EMPTY"
SMALL = {**ORDER, "properties": {"amount": {"type": "integer", "maximum": 5}}}
SINCE = timezone.now() - timedelta(days=6)


def address(path: str) -> Callable[[Person], Any]:
    def asked(owner: Person) -> Any:
        answer = owner.api.get(path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return asked


def upload_impact(owner: Person) -> Any:
    seen = publish_version(
        actor=SYSTEM, subject="order.placed", schema=json.dumps(SMALL), semver="2.0.0", dry_run=True
    )
    assert seen.judgement is not None
    return [(one.sentence, one.facts) for one in seen.judgement.findings]


def codes(owner: Person) -> Any:
    found = code_usage(actor=SYSTEM, since=SINCE, until=timezone.now(), without=[], seconds=5)
    assert found is not None
    return [(one.text, one.events, one.weighted) for one in found if one.text == CODE]


def rule(owner: Person) -> Any:
    head = LogHead.objects.get().position
    compiled = Compiled.of(
        RuleVersion(selector={"field": "event_type", "op": "eq", "value": "order.placed"}, threshold=1)
    )
    matching = read(after=0, until=head, types=None, documents=True)
    groups = sorted({compiled.group_of(one.fields) for one in matching}, key=lambda group: group.key)
    span = {"first": SINCE, "last": timezone.now(), "after": 0, "until": head}
    return len(matching), [len(found) for found in recount(compiled, groups=groups, **span).values()]


def statistics(owner: Person) -> Any:
    while fold_statistics():
        pass
    assert lag().waiting == 0
    pages = (
        "/api/v1/statistics",
        "/api/v1/statistics/order.placed",
        "/api/v1/statistics/PERFORMANCE_PROFILE",
    )
    return [address(page)(owner) for page in pages]


def counted(path: str) -> Callable[[Person], Any]:
    def read_counted(owner: Person) -> Any:
        while fold_statistics():
            pass
        return address(path)(owner)

    return read_counted


def rebuilt(owner: Person) -> Any:
    while fold_statistics():
        pass
    rebuild_statistics(actor=SYSTEM)
    return address("/api/v1/statistics")(owner)


def sampling(owner: Person) -> Any:
    found = predict_volume(actor=SYSTEM, rules=[])
    assert found.total.now > 0
    return found.total, found.kinds


READERS: dict[str, Callable[[Person], Any]] = {
    "list": address("/api/v1/events?limit=1000"),
    "conditions on fields": address("/api/v1/events?where=metadata.amount+exists"),
    "correlation": address("/api/v1/correlations/order-1"),
    "profiles": counted("/api/v1/profiles"),
    "frames": counted("/api/v1/profiles/frames?service=stamper&operation=process_directory"),
    "quarantine": address("/api/v1/quarantine"),
    "usage": lambda owner: address("/api/v1/subjects/order.placed/versions/1/usage")(owner)["evidence"],
    "sampling": sampling,
    "upload impact": upload_impact,
    "error codes": codes,
    "rules": rule,
    "statistics": statistics,
    "statistics counted anew": rebuilt,
    "figures of subjects": lambda _: of_subjects(["order.placed", "PERFORMANCE_PROFILE"], SINCE),
    "figures of all": lambda _: of_all(SINCE),
    "violations": lambda _: group_violations(actor=SYSTEM),
    "export": lambda owner: owner.api.get("/api/v1/events/export?format=csv").content,
    "live tail": lambda owner: [
        one.position for one in news_since(actor=owner.actor, filters=Filters(), after=1).events
    ],
    "another replay": lambda owner: len(plan(owner.actor, scope=Scope(query={"type": "*"})).steps),
}


@pytest.fixture
def copied(publish: Publish, send: Send, owner: Person, settings: Any) -> Callable[[], None]:
    """Orders, two of them invalid and one with an error code, and profiles; and a function that stores all of them again."""
    publish("order.placed", ORDER, "1.0.0")
    schema = (FOLDER / "performance_profile-1.1.0.json").read_text(encoding="utf-8")
    publish("PERFORMANCE_PROFILE", json.loads(schema), "1.1.0")
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    now = timezone.now().isoformat()
    bodies: list[dict[str, Any]] = [{"amount": n} for n in range(8)]
    bodies += [{"amount": "x"}, {"amount": "y"}, {"amount": 1, "error_code": CODE}]
    send(*[event(timestamp=now, correlation_id="order-1", metadata=body) for body in bodies])
    send(*profiles(1, count=20, release="1.0"))

    def store_again() -> None:
        stored = Event.everything.count()
        replay = play(begin(owner.actor, kind="ingest", scope=Scope(query={"type": "*"}), speed=0))
        assert (replay.state, replay.total) == ("completed", 31)
        assert Event.everything.filter(replay_id=replay.pk).count() == Event.everything.count() - stored == 31

    return store_again


@pytest.mark.parametrize("name", READERS)
def test_it_says_what_it_said_before(owner: Person, copied: Callable[[], None], name: str) -> None:
    before = READERS[name](owner)
    assert before
    copied()
    assert READERS[name](owner) == before


def test_only_the_disk_counts_them(owner: Person, copied: Callable[[], None]) -> None:
    def used() -> int:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE events_event")
        found = {one.name: one.events for one in storage_used(actor=SYSTEM).subjects}
        return found["order.placed"]

    assert used() == 11
    copied()
    assert used() == 22
