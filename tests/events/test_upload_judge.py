"""Before a schema is published, it is held against the events that are stored."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from access.actor import SYSTEM, Actor
from events.judge import stored_events
from registry.judge import Finding, Proposal
from registry.publish import publish_version
from tests.conftest import MakePerson
from tests.events.conftest import ORDER, Publish, Send, event

pytestmark = pytest.mark.django_db
SMALL_AMOUNTS = {**ORDER, "properties": {"amount": {"type": "integer", "maximum": 5}}}


def findings_of(schema: Any, settings: Any, actor: Actor = SYSTEM) -> list[Finding]:
    """What the judge says about a dry run for `order.placed`."""
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    seen = publish_version(
        actor=actor, subject="order.placed", schema=json.dumps(schema), semver="2.0.0", dry_run=True
    )
    assert seen.judgement is not None
    return list(seen.judgement.findings)


def test_nothing_is_said_without_events(orders: Any, settings: Any) -> None:
    assert findings_of(SMALL_AMOUNTS, settings) == []


def test_a_subject_without_events_costs_the_same_however_many_others_are_stored(
    orders: Any, send: Send, settings: Any
) -> None:
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    send(*(event() for _ in range(1_000)))
    with connection.cursor() as cursor:
        # Statistics that tell of one type only, and the plan that a busy connection has come to.
        cursor.execute("ANALYZE events_event")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        before = events_read_one_by_one(cursor)
        publish_version(actor=SYSTEM, subject="nobody.sends", schema="{}")
        assert events_read_one_by_one(cursor) == before


def events_read_one_by_one(cursor: Any) -> int:
    """By this transaction, in scans of whole partitions."""
    cursor.execute(
        "SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname LIKE 'events_event_%'"
    )
    return int(cursor.fetchone()[0])


def test_it_counts_the_events_that_the_new_schema_would_refuse(
    orders: Any, send: Send, settings: Any
) -> None:
    refused = [event(metadata={"amount": 9}) for _ in range(4)]
    send(*refused, event(metadata={"amount": 2}), event(metadata={"amount": "invalid already"}))
    (finding,) = findings_of(SMALL_AMOUNTS, settings)
    assert finding.severity == "warning"
    assert finding.sentence == (
        "The new schema would refuse 5 of the last 6 stored events of 'order.placed', 4 of which are valid today."
    )
    assert len(finding.facts["examples"]) == 3
    example = finding.facts["examples"][0]
    assert example["event_id"] in {sent["event_id"] for sent in refused}
    assert (example["pointer"], example["keyword"]) == ("/metadata/amount", "maximum")


def test_it_shows_no_event_to_those_who_may_not_read(
    orders: Any, send: Send, settings: Any, make_person: MakePerson
) -> None:
    writer = make_person("writer", role="developer", scopes=["write"])
    send(event(metadata={"amount": 9}))
    (finding,) = findings_of(SMALL_AMOUNTS, settings, writer.token_actor)
    assert (finding.facts["valid_today"], finding.facts["examples"]) == (1, [])
    assert finding.sentence.endswith("1 of which is valid today.")


def test_it_judges_as_events_will_be_judged(publish: Publish, send: Send, settings: Any) -> None:
    """By the default dialect, where a schema names none, and with `format` asserted where the subject says so."""
    settings.DEFAULT_DIALECT = "https://json-schema.org/draft/2020-12/schema"
    publish("order.placed", {"properties": {"at": {"type": "string"}}}, "1.0.0", assert_formats=True)
    send(event(metadata={"at": "tomorrow"}), event(metadata={"at": "2026-11-01", "pair": ["x"]}))
    pair = {"prefixItems": [{"type": "integer"}]}
    dated = {"properties": {"at": {"type": "string", "format": "date"}, "pair": pair}}
    finding, *_ = findings_of(dated, settings)
    assert finding.facts["valid_today"] == 2


def test_it_says_when_all_stored_events_are_accepted(orders: Any, send: Send, settings: Any) -> None:
    send(event(), event())
    (finding,) = findings_of({**ORDER, "title": "Orders"}, settings)
    assert (finding.severity, finding.facts["refused"]) == ("info", 0)


def test_it_looks_up_the_open_world_risk(orders: Any, send: Send, settings: Any) -> None:
    send(event(metadata={"amount": 1, "coupon": "x"}), event(), event())
    wider = {**ORDER, "properties": {**ORDER["properties"], "coupon": {"type": "integer"}}}
    refusals, risk = findings_of(wider, settings)
    assert refusals.facts["valid_today"] == 1
    assert (risk.facts["property"], risk.facts["carrying"], risk.facts["seen"]) == ("coupon", 1, 3)
    assert risk.sentence.startswith("1 of 3 stored events carry an undeclared `coupon`")


def test_it_looks_up_every_field_that_is_new(orders: Any, send: Send, settings: Any) -> None:
    send(event(metadata={"amount": 1, "b": 1}), event(metadata={"amount": 1, "b": 1}), event())
    new = {"b": {"type": "integer"}, "c/d": {"type": "integer"}}
    _, *risks = findings_of({**ORDER, "properties": {**ORDER["properties"], **new}}, settings)
    assert [(risk.facts["property"], risk.facts["carrying"]) for risk in risks] == [("b", 2), ("c/d", 0)]
    assert risks[1].sentence.startswith("0 of 3 stored events carry an undeclared `c/d`")


def test_a_new_field_is_looked_up_where_something_else_breaks_too(
    orders: Any, send: Send, settings: Any
) -> None:
    send(event(metadata={"amount": 1, "coupon": "x"}))
    both = {**SMALL_AMOUNTS, "properties": {**SMALL_AMOUNTS["properties"], "coupon": {"type": "integer"}}}
    _, risk = findings_of(both, settings)
    assert (risk.facts["property"], risk.facts["carrying"]) == ("coupon", 1)


def test_out_of_time_it_says_so(orders: Any, send: Send, settings: Any) -> None:
    send(event())
    settings.UPLOAD_JUDGES = [f"{__name__}.remember"]
    publish_version(
        actor=SYSTEM, subject="order.placed", schema=json.dumps(SMALL_AMOUNTS), semver="2.0.0", dry_run=True
    )
    (finding,) = stored_events(replace(_asked.pop(), deadline=time.monotonic() - 1))
    assert (finding.severity, finding.facts) == ("info", {"finished": False})


_asked: list[Proposal] = []


def remember(proposal: Proposal) -> list[Finding]:
    """A judge that only keeps what it was asked."""
    _asked.append(proposal)
    return []
