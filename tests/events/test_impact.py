"""Upload impact on stored events: the share of each live version that would break, and the ways to fail."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from access.actor import SYSTEM
from events import judge
from registry import study
from registry.models import Study
from registry.publish import Published, publish_version
from tests.conftest import Person
from tests.events.conftest import ORDER, Publish, Send, event

pytestmark = pytest.mark.django_db
NOTED = {
    **ORDER,
    "properties": {**ORDER["properties"], "lines": {"type": "array", "items": {"type": "object"}}},
}
SMALL = {
    **NOTED,
    "required": ["amount", "note"],
    "properties": {
        "amount": {"type": "integer", "maximum": 5},
        "note": {"type": "string"},
        "lines": {"items": {"properties": {"n": {"type": "integer"}}}},
    },
}


def ask(settings: Any, schema: Any = SMALL, **more: Any) -> Published:
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    more.setdefault("dry_run", True)
    return publish_version(
        actor=more.pop("actor", SYSTEM),
        subject="order.placed",
        schema=json.dumps(schema),
        semver="2.0.0",
        **more,
    )


def facts_of(published: Published) -> dict[str, Any]:
    assert published.judgement is not None
    return published.judgement.findings[0].facts


@pytest.fixture
def stored(publish: Publish, send: Send) -> None:
    """Six events of 1.0.0, four of 1.1.0."""
    publish("order.placed", ORDER, "1.0.0")
    publish("order.placed", NOTED, "1.1.0")
    old = [{"amount": 9, "note": "x"}] * 3 + [{"amount": 2}] * 2 + [{"amount": "invalid already"}]
    new = [
        {"amount": 1, "note": "x", "lines": [{}, {"n": "1"}]},
        {"amount": 1, "note": "x", "lines": [{"n": "2"}]},
    ]
    new += [{"amount": 1, "note": "x"}, {"amount": 1, "note": "y"}]
    send(*(event(metadata=metadata, schema_version="1.0.0") for metadata in old))
    send(*(event(metadata=metadata, schema_version="1.1.0") for metadata in new))


def test_the_share_of_each_live_version(stored: None, settings: Any) -> None:
    facts = facts_of(ask(settings))
    assert [
        (row["semver"], row["seen"], row["refused"], row["valid_today"]) for row in facts["versions"]
    ] == [
        ("1.1.0", 4, 2, 2),
        ("1.0.0", 6, 6, 5),
    ]
    assert [row["share"] for row in facts["versions"]] == [0.5, 0.833333]
    assert facts["mode"] == "sample"


def test_the_ways_to_fail_are_told_apart_with_an_example_each(stored: None, settings: Any) -> None:
    shapes = facts_of(ask(settings))["shapes"]
    assert [(shape["pointer"], shape["keyword"], shape["count"]) for shape in shapes] == [
        ("/metadata/amount", "maximum", 3),
        ("/metadata", "required", 2),
        ("/metadata/lines/*/n", "type", 2),
    ]
    assert all(shape["event_id"] for shape in shapes)


def test_events_of_versions_that_are_not_live_are_counted_apart(stored: None, settings: Any) -> None:
    from registry.delete import delete_version

    delete_version(actor=SYSTEM, subject="order.placed", version="1")
    rows = facts_of(ask(settings))["versions"]
    assert [(row["semver"], row["seen"]) for row in rows] == [("1.1.0", 4), (None, 6)]


def test_too_many_ways_to_fail_are_counted_together(stored: None, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("events.impact.MOST_SHAPES", 1)
    shapes = facts_of(ask(settings))["shapes"]
    assert {shape["keyword"] for shape in shapes} >= {"other"}
    assert (len(shapes), sum(shape["count"] for shape in shapes)) == (2, 7)


# --- all of them, in the background -----------------------------------------------------------


def exact(settings: Any, **more: Any) -> Study:
    ask(settings, exact=True, **more)
    return Study.objects.order_by("-pk")[0]


def finish(found: Study, turns: int = 50) -> Study:
    while turns and study.work_on_next():
        turns -= 1
    found.refresh_from_db()
    return found


def test_exact_it_looks_at_all_events(stored: None, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(judge, "LOOKED_AT", 3)
    published = ask(settings, exact=True)
    assert facts_of(published)["seen"] == 3
    assert published.judgement is not None
    running = Study.objects.get(pk=published.judgement.findings[-1].facts["study"])
    assert (running.state, running.total) == ("running", None)
    done = finish(running)
    assert (done.state, done.done, done.total) == ("completed", 10, 10)
    facts = done.findings[0]["facts"]
    assert (facts["mode"], facts["seen"], facts["refused"], facts["valid_today"]) == ("exact", 10, 8, 7)
    assert done.findings[0]["sentence"].startswith("The new schema would refuse 8 of all 10 stored events")


def test_it_goes_on_where_it_stopped(stored: None, settings: Any, monkeypatch: Any) -> None:
    """One event per step and one step per turn: ten turns, each from what the row remembers."""
    monkeypatch.setattr(judge, "_CHUNK", 1)
    monkeypatch.setattr(study, "_STEP_SECONDS", 0.0)
    settings.STUDY_SLICE_SECONDS = 0.0
    running = exact(settings)
    seen = []
    while study.work_on_next():
        running.refresh_from_db()
        seen.append(running.done)
    assert seen == [*range(1, 11), 10]
    assert running.state == "completed"


def test_a_step_looks_at_each_event_once(stored: None, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(judge, "_CHUNK", 3)
    facts = finish(exact(settings)).findings[0]["facts"]
    whole = facts_of(ask(settings))
    assert {name: facts[name] for name in ("seen", "versions", "shapes")} == {
        name: whole[name] for name in ("seen", "versions", "shapes")
    }


def test_what_arrives_later_is_not_looked_at(
    stored: None, settings: Any, send: Send, monkeypatch: Any
) -> None:
    monkeypatch.setattr(judge, "_CHUNK", 4)
    settings.STUDY_SLICE_SECONDS = 0.0
    monkeypatch.setattr(study, "_STEP_SECONDS", 0.0)
    running = exact(settings)
    study.work_on_next()
    running.refresh_from_db()
    assert running.done == 4
    send(event(metadata={"amount": 99}))
    monkeypatch.setattr(study, "_STEP_SECONDS", 5.0)
    assert finish(running).done == 10


def test_a_worker_that_was_thought_dead_is_fenced_out(stored: None, settings: Any) -> None:
    running = exact(settings)
    first = Study.objects.take_next(timedelta(minutes=1))
    assert Study.objects.take_next(timedelta(minutes=1)) is None
    Study.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    second = Study.objects.take_next(timedelta(minutes=1))
    assert (first.pk, second.epoch) == (running.pk, first.epoch + 1)
    late = study.Progress([], {}, 1, 1, finished=True)
    assert study._checkpoint(first, late) is False
    Study.objects.update(leased_until=None)
    assert finish(running).done == 10


def test_asked_twice_it_is_one_study(stored: None, settings: Any) -> None:
    assert exact(settings).pk == exact(settings).pk
    finish(Study.objects.get())
    exact(settings)
    assert Study.objects.count() == 2


def test_a_judge_that_had_no_time_goes_on_by_itself(stored: None, settings: Any) -> None:
    settings.UPLOAD_JUDGE_SECONDS = 0.0
    published = ask(settings)
    assert published.judgement is not None
    told = [finding.as_dict() for finding in published.judgement.findings]
    assert told[-1]["sentence"].startswith("events.judge.stored_events goes on in the background: study ")
    assert finish(Study.objects.get()).done == 10


def test_a_judge_that_cannot_be_stopped_is_asked_again_with_more_time(stored: None, settings: Any) -> None:
    settings.UPLOAD_JUDGES = ["alerts.judge.rules_reading"]
    upload_judges = settings.UPLOAD_JUDGES
    found = study.start_studies(actor=SYSTEM, upload=_upload(), judges=upload_judges)[0]
    done = finish(found)
    assert (done.state, done.findings, done.done) == ("completed", [], 1)


def _upload() -> Any:
    from registry.upload import read_upload

    return read_upload(actor=SYSTEM, subject="order.placed", schema=json.dumps(SMALL))


def test_what_cannot_be_finished_says_why(stored: None, settings: Any, owner: Person) -> None:
    settings.UPLOAD_JUDGES = []
    running = exact(settings, actor=owner.actor)
    owner.user.is_active = False
    owner.user.save()
    failed = finish(running)
    assert failed.state == "failed"
    assert "read" in failed.problem


def test_over_rest(stored: None, settings: Any, owner: Person, stranger: Person) -> None:
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    address = "/api/v1/subjects/order.placed/versions?dryRun=true&impact=exact"
    body = {"schema": json.dumps(SMALL), "semver": "2.0.0"}
    told = owner.api.post(address, body).json()["verdict"]["findings"]
    number = told[-1]["facts"]["study"]
    assert owner.api.get(f"/api/v1/studies/{number}").json()["state"] == "running"
    assert stranger.api.get(f"/api/v1/studies/{number}").json()["error_code"] == 40422
    finish(Study.objects.get())
    [listed] = owner.api.get("/api/v1/studies?subject=order.placed&state=completed").json()["items"]
    assert (listed["done"], listed["findings"][0]["facts"]["refused"]) == (10, 8)
    assert owner.api.post(f"/api/v1/studies/{number}/cancel").json()["state"] == "completed"
    again = owner.api.post(address, body).json()["verdict"]["findings"][-1]["facts"]["study"]
    assert owner.api.post(f"/api/v1/studies/{again}/cancel").json()["state"] == "cancelled"
    assert study.work_on_next() is False


def test_on_the_pages(stored: None, settings: Any, owner: Person) -> None:
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    sent = {
        "subject": "order.placed",
        "schema": json.dumps(SMALL),
        "semver": "2.0.0",
        "exact": "on",
        "check": "y",
    }
    shown = owner.browser.post("/upload", sent).content.decode()
    for part in ("83.33 %", "50.00 %", "/metadata/lines/*/n", "See how far it is"):
        assert part in shown
    found = Study.objects.get()
    assert 'data-behaviour="live"' in owner.browser.get(f"/studies/{found.pk}").content.decode()
    finish(found)
    shown = owner.browser.get(f"/studies/{found.pk}?part=yes").content.decode()
    assert "10 of 10" in shown
    assert 'data-behaviour="live"' not in shown
    assert "<html" not in shown


def test_a_step_cannot_write(stored: None, settings: Any, monkeypatch: Any) -> None:
    running = exact(settings)
    monkeypatch.setitem(settings.UPLOAD_STUDIES, running.judge, f"{__name__}.meddle")
    with pytest.raises(DatabaseError, match="read-only transaction"):
        study.work_on_next()
    running.refresh_from_db()
    assert (running.state, running.problem) == ("failed", "The judge failed; the server's log says how.")


def meddle(_proposal: Any, _memory: Any) -> None:
    Study.objects.update(problem="made by a step")
