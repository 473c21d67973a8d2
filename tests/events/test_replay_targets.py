"""Where a replay can go beside a webhook: a candidate schema, this registry again, a file, and whoever watches."""

import json

import orjson
import pytest

from access.errors import Forbidden
from access.models import AuditEntry
from alerts.matches import read
from events import replay_stream
from events.errors import ReplayInvalid, TooManyStreams
from events.figures import of_all
from events.models import Event, QuarantinedEvent, Replay
from events.replay_outcomes import causes_of, counts_of
from events.replay_scope import Scope
from events.replay_stream import open_stream
from events.steer_replay import cancel_replay, seek_replay, step_replay
from registry.errors import InvalidSchema, VersionNotFound
from tests.events.replays import BEGAN, begin, play, store

pytestmark = pytest.mark.django_db
STRICTER = {
    "type": "object",
    "properties": {
        "lines": {"type": "array", "items": {"type": "object", "required": ["sku"]}},
        "n": {"type": "integer"},
    },
    "required": ["lines"],
}


@pytest.fixture
def sent(send, publish):
    """Four orders as a producer sends them, and an event of another type, all of one correlation."""
    publish("team.order", {"type": "object"}, "1.0.0")
    publish("team.note", {"type": "object"}, "1.0.0")
    bodies = [
        {"lines": [{"sku": "a"}]},
        {"lines": [{"sku": "a"}, {}]},
        {"lines": [{}]},
        {"n": "many"},
    ]
    events = [event(number, "team.order", body) for number, body in enumerate(bodies)]
    send(*events, event(9, "team.note", {}))
    return Event.objects.order_by("position")


def event(number, event_type, metadata):
    return {
        "event_id": f"e{number}",
        "event_type": event_type,
        "node_id": "node-1",
        "timestamp": BEGAN.replace(second=number).isoformat(),
        "correlation_id": "order-1",
        "metadata": metadata,
    }


def judged(actor, **candidate):
    return play(begin(actor, kind="schema", subject="team.order", speed=0, **candidate))


def test_which_of_these_would_a_candidate_schema_refuse(actor, sent):
    replay = judged(actor, schema=json.dumps(STRICTER))
    assert (replay.state, replay.target, replay.failed) == ("completed", "a candidate for team.order", 3)
    items = {item.event_id: item for item in replay.items.all()}
    assert {name: item.outcome for name, item in items.items()} == {
        "e0": "valid",
        "e1": "invalid",
        "e2": "invalid",
        "e3": "invalid",
        "e9": "other_type",
    }
    assert {(one["pointer"], one["keyword"]) for one in items["e3"].details["violations"]} == {
        ("/metadata", "required"),
        ("/metadata/n", "type"),
    }
    assert counts_of(replay) == {"invalid": 3, "other_type": 1, "valid": 1}
    assert [(one.place, one.keyword, one.count, one.event_id) for one in causes_of(replay)] == [
        ("/metadata/lines/*", "required", 2, "e1"),
        ("/metadata", "required", 1, "e3"),
        ("/metadata/n", "type", 1, "e3"),
    ]
    # Nothing of it happened: neither stored, nor quarantined.
    assert Event.everything.count() == 5
    assert QuarantinedEvent.objects.count() == 0


def test_a_version_that_is_registered_is_a_candidate_too(actor, sent, publish):
    publish("team.order", STRICTER, "2.0.0")
    replay = judged(actor, version="latest")
    assert (replay.target, replay.failed) == ("team.order 2.0.0", 3)
    assert judged(actor, version="1").failed == 0


def test_judging_again_forgets_what_was_said_before(actor, sent):
    replay = begin(actor, kind="schema", subject="team.order", speed=0, schema=json.dumps(STRICTER))
    step_replay(actor=actor, replay_id=replay.pk, count=4)
    assert play(replay).failed == 3
    assert seek_replay(actor=actor, replay_id=replay.pk, position=2).failed == 0
    assert counts_of(replay) == {"valid": 1}


@pytest.mark.parametrize(
    ("candidate", "error"),
    [
        ({"subject": ""}, ReplayInvalid),
        ({"subject": "team.order"}, ReplayInvalid),
        ({"subject": "team.order", "version": "1", "schema": "{}"}, ReplayInvalid),
        ({"subject": "team.order", "version": "7"}, VersionNotFound),
        ({"subject": "team.order", "schema": '{"type": 7}'}, InvalidSchema),
        ({"subject": "team.other", "schema": "{}"}, ReplayInvalid),
    ],
)
def test_a_candidate_that_is_none_starts_nothing(actor, sent, candidate, error):
    with pytest.raises(error) as refused:
        begin(actor, kind="schema", **candidate)
    if error is InvalidSchema:
        assert refused.value.facts["pointer"] == "/schema/type"
    assert Replay.objects.count() == 0


def test_events_are_stored_again_under_new_ids_with_their_bytes_and_where_they_came_from(actor, sent):
    originals = list(sent)
    replay = play(begin(actor, kind="ingest", speed=0))
    assert (replay.state, replay.failed) == ("completed", 0)
    copies = list(Event.everything.filter(replay_id=replay.pk).order_by("position"))
    assert [bytes(copy.raw) for copy in copies] == [bytes(event.raw) for event in originals]
    assert not {copy.event_id for copy in copies} & {event.event_id for event in originals}
    for copy, original in zip(copies, originals, strict=True):
        assert copy.replay == {
            "of": original.event_id,
            "occurred_at": original.occurred_at.isoformat(),
            "speed": "max",
            "segment": 1,
            "index": copy.position - copies[0].position,
            "side_effects": False,
        }
        assert copy.occurred_at > original.occurred_at
    assert [item.details["event_id"] for item in replay.items.all()] == [copy.event_id for copy in copies]


def test_copies_are_not_counted_listed_replayed_or_seen_by_alerts(actor, owner, sent):
    before = of_all(BEGAN)
    play(begin(actor, kind="ingest", speed=0))
    last = Event.everything.order_by("-position").values_list("position", flat=True)[0]
    assert last == 10
    assert of_all(BEGAN) == before
    assert Event.objects.count() == 5
    assert len(owner.api.get("/api/v1/events").json()["items"]) == 5
    assert begin(actor, kind="browser").total == 5
    assert read(after=5, until=last, types=None, documents=True) == []
    copy = Event.everything.get(position=last)
    # Who knows its id finds it.
    assert owner.api.get(f"/api/v1/events/{copy.event_id}").status_code == 200


def test_side_effects_have_a_scope_of_their_own_are_audited_and_let_alerts_see_the_copies(make_person, sent):
    operator = make_person("op", role="operator")
    operator.user.roles.create(name="producer")
    with pytest.raises(Forbidden, match="effects"):
        begin(operator.actor, kind="ingest", side_effects=True)
    admin = make_person("boss", role="admin")
    replay = play(begin(admin.actor, kind="ingest", side_effects=True, speed=0))
    entry = AuditEntry.objects.get(action="replay.effects_allowed")
    assert (entry.target, entry.details["events"]) == (f"replay/{replay.pk}", 5)
    assert len(read(after=5, until=10, types=None, documents=True)) == 5
    assert Event.objects.count() == 5
    with pytest.raises(ReplayInvalid, match="Only events that are stored again"):
        begin(admin.actor, kind="browser", side_effects=True)


def test_storing_again_takes_the_right_to_send(make_person, sent):
    operator = make_person("op", role="operator")
    with pytest.raises(Forbidden, match="ingest"):
        begin(operator.actor, kind="ingest")
    assert begin(operator.actor, kind="browser").total == 5


def test_copies_are_judged_by_the_rules_of_today_and_what_they_refuse_is_only_told(actor, sent, publish):
    publish("team.order", STRICTER, "2.0.0", strict=True)
    replay = play(begin(actor, kind="ingest", speed=0))
    assert counts_of(replay) == {"quarantined": 3, "stored": 2}
    assert Event.everything.filter(replay_id=replay.pk).count() == 2
    assert QuarantinedEvent.objects.count() == 0
    assert causes_of(replay)[0].place == "/metadata/lines/*"


def test_another_segment_stores_other_copies(actor, sent):
    replay = begin(actor, kind="ingest", speed=0)
    step_replay(actor=actor, replay_id=replay.pk, count=2)
    play(replay)
    seek_replay(actor=actor, replay_id=replay.pk, position=1)
    step_replay(actor=actor, replay_id=replay.pk, count=2)
    play(replay)
    copies = Event.everything.filter(replay_id=replay.pk).order_by("position")
    assert [(copy.replay["segment"], copy.replay["of"]) for copy in copies] == [
        (1, "e0"),
        (1, "e1"),
        (2, "e0"),
        (2, "e1"),
    ]


def test_a_file_holds_the_bytes_of_what_was_played_one_event_a_line(actor, owner):
    store(0.0, 1.0)
    store(2.0, raw=b'{"a":\n 1.10}')
    gone = store(3.0)[0]
    replay = begin(actor, kind="file", speed=0)
    Event.objects.filter(position=gone.position).delete()
    address = f"/api/v1/replays/{replay.pk}/events"
    assert b"".join(owner.api.get(address)) == b""
    replay = play(replay)
    assert counts_of(replay) == {"missing": 1, "written": 3}
    answer = owner.api.get(address)
    assert answer["Content-Disposition"] == f'attachment; filename="replay-{replay.pk}.ndjson"'
    assert b"".join(answer).split(b"\n") == [
        b'{ "event_id":"e1",  "n": 1.0 }',
        b'{ "event_id":"e2",  "n": 2.0 }',
        b'{"a":  1.10}',
        b"",
    ]


def test_what_quotes_events_takes_the_right_to_read_them(make_person, owner):
    store(0.0)
    replay = begin(owner.actor, kind="file")
    only_replay = make_person("rob", role="operator", scopes=["replay"])
    assert only_replay.api.get(f"/api/v1/replays/{replay.pk}").status_code == 200
    for address in ("events", "stream", "outcomes"):
        assert only_replay.api.get(f"/api/v1/replays/{replay.pk}/{address}").status_code == 403


def test_an_unknown_target_is_answered_with_those_there_are(owner):
    store(0.0)
    answer = owner.api.post("/api/v1/replays", {"correlation_id": "order-1", "to": "fax"})
    assert answer.status_code == 422
    assert "There are: webhook, browser" in answer.json()["message"]


def test_a_target_that_is_not_there_any_more_ends_the_run_and_says_so(actor, settings):
    store(0.0)
    replay = begin(actor, kind="file")
    settings.REPLAY_TARGETS = {"webhook": settings.REPLAY_TARGETS["webhook"]}
    replay = play(replay)
    assert (replay.state, "'file' is no target" in replay.problem) == ("failed", True)


def watch(replay, **options):
    """All that a watcher gets, as pairs of event and data; each look is followed by a slice of the worker."""
    parts = b"".join(open_stream(replay, sleep=lambda _: play(replay), **options))
    told = []
    for block in parts.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in lines:
            told.append((lines["event"], lines.get("id"), orjson.loads(lines["data"])))
    return told


def test_whoever_watches_gets_every_event_with_its_bytes_and_the_end(actor):
    store(0.0, 0.0, 0.0)
    told = watch(begin(actor, kind="browser", speed=0))
    played = [(name, data) for kind, name, data in told if kind == "played"]
    assert [name for name, _ in played] == ["1-0", "1-1", "1-2"]
    assert [data["event"] for _, data in played] == [{"event_id": f"e{n}", "n": n} for n in (1, 2, 3)]
    assert [data["outcome"] for _, data in played] == ["shown"] * 3
    assert told[-1][::2] == ("end", {"state": "completed"})
    states = [data["state"] for kind, _, data in told if kind == "state"]
    assert states[0] == "pending"
    assert states[-1] == "completed"


def test_a_watcher_goes_on_behind_the_last_event_it_saw(actor):
    store(0.0, 0.0, 0.0)
    replay = play(begin(actor, kind="browser", speed=0))
    assert [name for kind, name, _ in watch(replay, after="1-1") if kind == "played"] == ["1-2"]
    # Whatever else somebody says is the beginning of the segment.
    assert len([1 for kind, *_ in watch(replay, after="x-y") if kind == "played"]) == 3


def test_there_are_few_streams_and_a_place_is_free_again_when_one_ends(actor, owner, settings):
    settings.REPLAY_STREAMS = 1
    store(0.0)
    replay = begin(actor, kind="browser")
    first = open_stream(replay)
    with pytest.raises(TooManyStreams, match="REPLAY_STREAMS"):
        open_stream(replay)
    refused = owner.api.get(f"/api/v1/replays/{replay.pk}/stream")
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    # Thrown away before it was read, and twice.
    first.close()
    first.close()
    cancel_replay(actor=actor, replay_id=replay.pk)
    answer = owner.api.get(f"/api/v1/replays/{replay.pk}/stream")
    assert answer["Content-Type"] == "text/event-stream"
    assert b"event: end" in b"".join(answer)
    assert replay_stream._open == 0


def test_a_stream_ends_after_a_while_so_that_it_is_asked_again_who_watches(actor, settings):
    settings.REPLAY_STREAM_SECONDS = 10.0
    store(0.0)
    ticks = iter(range(1000))
    parts = list(open_stream(begin(actor, kind="browser"), sleep=lambda _: None, steady=lambda: next(ticks)))
    assert len(parts) > 1
    assert b"event: end" not in b"".join(parts)


def test_the_page_of_a_run_shows_its_outcomes_and_why(owner, actor, sent):
    replay = judged(actor, schema=json.dumps(STRICTER))
    page = owner.browser.get(f"/replays/{replay.pk}").content.decode()
    assert "Why events fail" in page
    assert "invalid 3" in page
    assert "/metadata/lines/*" in page
    answer = owner.api.get(f"/api/v1/replays/{replay.pk}/outcomes").json()
    assert answer["counts"] == {"invalid": 3, "other_type": 1, "valid": 1}
    assert answer["causes"][0]["count"] == 2


def test_a_run_of_a_query_is_named_by_it_on_the_pages(owner, actor):
    store(0.0)
    replay = begin(actor, kind="browser", scope=Scope(query={"type": "team.*"}))
    assert "type team.*" in owner.browser.get("/replays?to=browser").content.decode()
    page = owner.browser.get(f"/replays/{replay.pk}").content.decode()
    assert "/events?type=team.%2A" in page
    assert "/replays/new?type=team.%2A&amp;to=browser" in page
