"""A replay that plays events as another version of their subject; what cannot be read so says why, and the run goes on."""

import json

import pytest

from access.models import AuditEntry
from events.models import Event, Replay
from events.replay_outcomes import counts_of
from events.steer_replay import loop_replay
from tests.events.conftest import event
from tests.events.replays import begin, play
from tests.events.test_reading_as import versions  # noqa: F401 -- a fixture
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(versions, publish, send):  # noqa: F811
    """An order of each version, one that no step can bring to 2.0.0, and an event of a subject that has no 2.0.0."""
    publish("other", {"type": "object"}, "1.0.0")
    members = {"correlation_id": "order-1"}
    bodies = [
        ("order.placed", "1.0.0", {"amount": 7}),
        ("order.placed", "2.0.0", {"total": 8, "currency": "USD"}),
        ("order.placed", "1.0.0", {"amount": 9, "total": 1}),
        ("other", "1.0.0", {}),
    ]
    send(
        *[
            event(kind, event_id=f"e{n}", schema_version=semver, metadata=body, **members)
            for n, (kind, semver, body) in enumerate(bodies)
        ]
    )
    return list(Event.objects.order_by("position"))


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


def played(actor, *, read_as="^2", **options):
    replay = play(begin(actor, speed=0, read_as=read_as, **options))
    assert replay.state == "completed", replay.problem
    return replay


def problems(replay):
    return {
        item.event_id: item.details["not_migrated"]["code"]
        for item in replay.items.filter(outcome="not_migrated")
    }


def test_a_webhook_gets_what_events_are_now_and_hears_what_they_were(actor, sent, receiver):
    replay = played(actor, target=receiver.url)
    assert [json.loads(request.body)["metadata"] for request in receiver.received] == [
        {"total": 7, "currency": "EUR"},
        {"total": 8, "currency": "USD"},
    ]
    assert [
        (request.headers["onex-replay-as"], request.headers["onex-replay-migrated-from"])
        for request in receiver.received
    ] == [("2.0.0", "1.0.0"), ("2.0.0", "2.0.0")]
    # Nothing to be done: the producer's bytes.
    assert receiver.received[1].body == bytes(sent[1].raw)
    assert (replay.done, replay.failed) == (4, 2)
    assert counts_of(replay) == {"delivered": 2, "not_migrated": 2}
    assert problems(replay) == {"e2": "step_failed", "e3": "no_such_version"}


def test_a_candidate_schema_judges_what_they_are_now(actor, sent):
    schema = json.dumps({"required": ["currency"]})
    as_sent = play(begin(actor, kind="schema", subject="order.placed", schema=schema, speed=0))
    assert counts_of(as_sent) == {"invalid": 2, "other_type": 1, "valid": 1}
    replay = played(actor, kind="schema", subject="order.placed", schema=schema)
    assert counts_of(replay) == {"not_migrated": 2, "valid": 2}
    assert replay.items.get(event_id="e0").details == {"as": "2.0.0", "migrated_from": "1.0.0"}


def test_a_candidate_rule_sees_fields_that_only_the_new_version_has(actor, sent):
    rule = {
        "name": "euro",
        "selector": {
            "all": [
                {"field": "metadata.price.currency", "op": "eq", "value": "EUR"},
                {"field": "schema_version", "op": "eq", "value": "3.0.0"},
            ]
        },
        "threshold": 1,
        "window_seconds": 60,
    }
    Event.objects.update(occurred_at=sent[0].received_at)
    assert counts_of(play(begin(actor, kind="rule", rule=rule, speed=0))) == {"no_match": 4}
    replay = played(actor, kind="rule", rule=rule, read_as="^3")
    assert counts_of(replay) == {"match": 1, "no_match": 1, "not_migrated": 2}


def test_copies_are_of_what_they_are_now_and_say_what_they_were(actor, sent):
    replay = played(actor, kind="ingest")
    assert counts_of(replay) == {"not_migrated": 2, "stored": 2}
    first, second = Event.everything.filter(replay_id=replay.pk).order_by("position")
    assert json.loads(bytes(first.raw))["metadata"] == {"total": 7, "currency": "EUR"}
    assert (first.schema_version, first.violations) == ("2.0.0", None)
    assert (first.replay["of"], first.replay["as"], first.replay["migrated_from"]) == ("e0", "2.0.0", "1.0.0")
    assert bytes(second.raw) == bytes(sent[1].raw)
    # What was sent stays as it was.
    assert [bytes(one.raw) for one in Event.objects.order_by("position")] == [bytes(one.raw) for one in sent]


def test_a_file_and_a_stream_hold_what_they_are_now(actor, owner, sent):
    replay = played(actor, kind="file")
    lines = b"".join(owner.api.get(f"/api/v1/replays/{replay.pk}/events")).splitlines()
    assert [json.loads(line)["metadata"] for line in lines] == [
        {"total": 7, "currency": "EUR"},
        {"total": 8, "currency": "USD"},
    ]
    shown = played(actor, kind="browser")
    stream = b"".join(owner.api.get(f"/api/v1/replays/{shown.pk}/stream")).decode()
    told = [
        json.loads(block.split("data: ", 1)[1]) for block in stream.split("\n\n") if "event: played" in block
    ]
    assert [(one["outcome"], one["as"], one["migrated_from"]) for one in told] == [
        ("shown", "2.0.0", "1.0.0"),
        ("shown", "2.0.0", "2.0.0"),
        ("not_migrated", None, "1.0.0"),
        ("not_migrated", None, "1.0.0"),
    ]
    assert told[0]["event"]["metadata"] == {"total": 7, "currency": "EUR"}
    assert told[2]["event"] is None
    assert told[2]["problem"]


def test_what_no_migration_leads_to_is_told_before_the_start(owner, sent):
    answer = owner.api.post("/api/v1/replays/plan", {"correlation_id": "order-1", "as": "^2"}).json()
    [told] = [one for one in answer["missing"] if one["reason"] == "not_migrated"]
    assert (answer["total"], told["count"]) == (4, 1)
    assert "'other' has no live version that '^2' means" in told["sentence"]
    page = owner.browser.get("/replays/new?correlation_id=order-1&read_as=^2").content.decode()
    assert "1 of its events cannot be read as ^2 and are not played" in page


def test_over_rest_it_is_named_as_and_what_means_no_version_is_refused_at_its_place(owner, sent):
    body = {"correlation_id": "order-1", "to": "file", "speed": "max", "as": "^2"}
    started = owner.api.post("/api/v1/replays", body)
    assert (started.status_code, started.json()["as"]) == (201, "^2")
    assert AuditEntry.objects.get(action="replay.started").details["as"] == "^2"
    for address in ("/api/v1/replays", "/api/v1/replays/plan"):
        refused = owner.api.post(address, {**body, "as": "newest!"})
        assert (refused.status_code, refused.json()["details"]["pointer"]) == (422, "/as")
    assert Replay.objects.count() == 1


def test_the_form_takes_it_and_the_page_of_the_run_tells_it(owner, actor, sent):
    given = {"correlation_id": "order-1", "to": "file", "speed": "0", "read_as": "^2"}
    refused = owner.browser.post("/replays/new", {**given, "read_as": "newest!"})
    assert "is not a valid version id" in refused.content.decode()
    owner.browser.post("/replays/new", given)
    replay = play(Replay.objects.get())
    page = owner.browser.get(f"/replays/{replay.pk}").content.decode()
    assert "version <code>^2</code> of their subjects" in page
    assert "1.0.0 as 2.0.0" in page
    assert "not_migrated 2" in page
    assert "read_as=%5E2" in page


def test_the_next_pass_plays_them_as_the_same_version(actor, sent):
    replay = begin(actor, kind="file", speed=0, read_as="^2")
    loop_replay(actor=actor, replay_id=replay.pk, passes=1)
    play(replay)
    assert counts_of(play(replay.next)) == {"not_migrated": 2, "written": 2}
