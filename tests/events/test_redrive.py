"""A selection of the quarantine is judged again, once the catalogue accepts it: never lost, never stored twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from access.models import AuditEntry, Role
from events import redrive as work
from events.models import Event, QuarantinedEvent, Redrive
from events.redrive import work_on_next
from registry.models import Subject
from tests.conftest import MakePerson, Person
from tests.events.conftest import Publish, Send, event

pytestmark = pytest.mark.django_db

NEEDS_X = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}
REDRIVES = "/api/v1/quarantine/redrives"


@pytest.fixture
def held(publish: Publish, send: Send) -> list[dict[str, Any]]:
    """Six quarantined events: four of `shop.t` without `x`, one whose `x` is a text, and one of an unknown type."""
    publish("shop.t", NEEDS_X, "1.0.0", strict=True)
    sent = [event("shop.t", metadata={}) for _ in range(4)]
    sent += [event("shop.t", metadata={"x": "no"}), event("nobody")]
    assert send(*sent).counts == {"quarantined": 6}
    return sent


@pytest.fixture
def in_background(settings: Any) -> None:
    settings.REDRIVE_AT_ONCE = 0


def accept_missing_x(publish: Publish) -> None:
    publish("shop.t", {**NEEDS_X, "required": []}, "1.1.0")


def start(person: Person, **filters: str) -> dict[str, Any]:
    answer: dict[str, Any] = person.api.post(REDRIVES, filters, format="json").json()
    return answer


def waiting() -> int:
    return QuarantinedEvent.objects.filter(released_at=None).count()


def test_a_page_of_events_is_done_when_it_is_answered(
    held: list[dict[str, Any]], publish: Publish, owner: Person
) -> None:
    accept_missing_x(publish)
    answer = owner.api.post(REDRIVES, {"type": "shop.*"}, format="json")
    done = answer.json()
    assert (answer.status_code, done["state"], done["total"], done["stored"], done["held"]) == (
        200,
        "completed",
        5,
        4,
        1,
    )
    assert {e.event_id for e in Event.objects.all()} == {one["event_id"] for one in held[:4]}
    assert Event.objects.first().producer == "system"
    assert waiting() == 2
    assert AuditEntry.objects.filter(action="quarantine.redriven").count() == 1


@pytest.mark.usefixtures("held")
def test_a_group_is_judged_again_by_its_filters(publish: Publish, owner: Person) -> None:
    Subject.objects.update(strict=False)
    (group,) = [
        g for g in owner.api.get("/api/v1/quarantine/groups").json()["groups"] if g["keyword"] == "type"
    ]
    assert start(owner, **group["filters"])["stored"] == 1
    assert waiting() == 5


@pytest.mark.usefixtures("held")
def test_what_still_may_not_be_stored_stays_with_the_reasons_of_today(
    publish: Publish, owner: Person
) -> None:
    publish("nobody", NEEDS_X, "1.0.0", strict=True)
    done = start(owner, type="nobody")
    assert (done["stored"], done["held"]) == (0, 1)
    row = QuarantinedEvent.objects.get(event_type="nobody")
    assert (row.reason, row.errors[0]["keyword"], row.released_at) == ("violates_schema", "required", None)


@pytest.mark.usefixtures("held")
def test_an_event_over_a_limit_that_was_lowered_stays(owner: Person, settings: Any) -> None:
    settings.EVENT_MAX_BYTES = 10
    assert start(owner)["held"] == 6
    assert set(QuarantinedEvent.objects.values_list("reason", flat=True)) == {"event_too_large"}


@pytest.mark.usefixtures("held", "in_background")
def test_more_than_a_page_goes_on_in_the_background_with_progress(
    publish: Publish, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_missing_x(publish)
    answer = owner.api.post(REDRIVES, {}, format="json")
    assert (answer.status_code, answer.json()["state"], answer.json()["done"]) == (202, "running", 0)
    number = answer.json()["id"]
    monkeypatch.setattr(work, "_BATCH", 2)
    assert work_on_next(stopping=lambda: True)
    assert owner.api.get(f"{REDRIVES}/{number}").json()["done"] == 2
    assert "2 of 6" in owner.browser.get(f"/violations/quarantine/redrives/{number}").content.decode()
    while work_on_next():
        pass
    done = owner.api.get(f"{REDRIVES}/{number}").json()
    assert (done["state"], done["stored"], done["held"]) == ("completed", 4, 2)
    assert owner.api.get(REDRIVES).json()["items"] == [done]


@pytest.mark.usefixtures("held", "in_background")
def test_starting_the_same_again_goes_on_with_the_one_that_runs(owner: Person) -> None:
    assert start(owner)["id"] == start(owner)["id"] != start(owner, type="shop.t")["id"]


@pytest.mark.usefixtures("held", "in_background")
def test_what_comes_in_later_is_not_judged_again(publish: Publish, owner: Person, send: Send) -> None:
    start(owner)
    send(event("shop.t", metadata={}))
    accept_missing_x(publish)
    while work_on_next():
        pass
    assert Redrive.objects.get().stored == 4
    assert waiting() == 3


@pytest.mark.usefixtures("held", "in_background")
def test_a_worker_that_was_thought_dead_stores_nothing_more(
    publish: Publish, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is overtaken between taking the run and storing its batch."""
    accept_missing_x(publish)
    start(owner)
    judged = work._judge_again

    def overtaken(rows: Any) -> list[int]:
        Redrive.objects.update(epoch=F("epoch") + 1)
        return judged(rows)

    monkeypatch.setattr(work, "_judge_again", overtaken)
    work_on_next()
    assert Event.objects.count() == 0
    assert waiting() == 6


@pytest.mark.usefixtures("held", "in_background")
def test_a_run_whose_worker_died_is_taken_up_when_its_lease_ends(publish: Publish, owner: Person) -> None:
    accept_missing_x(publish)
    start(owner)
    assert Redrive.objects.get().take(timedelta(seconds=20))
    assert work_on_next() is False
    Redrive.objects.update(leased_until="2026-01-01T00:00Z")
    while work_on_next():
        pass
    assert Redrive.objects.get().stored == 4


@pytest.mark.usefixtures("held", "in_background")
def test_a_cancelled_one_stores_no_more_and_loses_nothing(publish: Publish, owner: Person) -> None:
    accept_missing_x(publish)
    number = start(owner)["id"]
    assert owner.api.post(f"{REDRIVES}/{number}/cancel").json()["state"] == "cancelled"
    assert owner.api.post(f"{REDRIVES}/{number}/cancel").status_code == 200
    assert work_on_next() is False
    assert (Event.objects.count(), waiting()) == (0, 6)
    assert AuditEntry.objects.filter(action="quarantine.redrive_cancelled").count() == 1


@pytest.mark.usefixtures("held")
def test_a_second_redrive_finds_nothing_left_to_store(publish: Publish, owner: Person) -> None:
    accept_missing_x(publish)
    assert start(owner)["stored"] == 4
    assert start(owner)["stored"] == 0
    assert Event.objects.count() == 4


def test_two_events_under_one_id_become_one(publish: Publish, send: Send, owner: Person) -> None:
    first, second = event("later", event_id="same"), event("later", event_id="same", metadata={"amount": 4})
    send(first)
    send(second)
    publish("later", {}, "1.0.0")
    done = start(owner)
    assert (done["stored"], done["held"]) == (1, 1)
    assert QuarantinedEvent.objects.get(released_at=None).reason == "conflict"


@pytest.mark.usefixtures("held")
def test_only_what_one_may_ingest_is_judged_again(publish: Publish, make_person: MakePerson) -> None:
    accept_missing_x(publish)
    publish("nobody", {}, "1.0.0")
    ann = make_person("ann", role="developer", prefix="shop.", scopes=["read", "ingest"])
    assert start(ann)["total"] == 5
    assert QuarantinedEvent.objects.get(event_type="nobody").released_at is None
    ben = make_person("ben", role="viewer", scopes=["read"])
    assert ben.api.post(REDRIVES, {}, format="json").status_code == 403


@pytest.mark.usefixtures("held", "in_background")
def test_a_token_never_judges_more_than_it_may_itself(publish: Publish, make_person: MakePerson) -> None:
    """The account may ingest everything; the token that asked, one prefix."""
    accept_missing_x(publish)
    publish("nobody", {}, "1.0.0")
    ann = make_person("ann", role="admin", scopes=["read", "ingest"], subject_prefixes=["shop."])
    start(ann)
    while work_on_next():
        pass
    assert QuarantinedEvent.objects.get(event_type="nobody").released_at is None


@pytest.mark.usefixtures("held", "in_background")
def test_whoever_lost_the_right_meanwhile_stores_nothing(publish: Publish, make_person: MakePerson) -> None:
    accept_missing_x(publish)
    ann = make_person("ann", role="developer", prefix="shop.", scopes=["read", "ingest"])
    start(ann)
    Role.objects.filter(user=ann.user).delete()
    while work_on_next():
        pass
    assert (Redrive.objects.get().state, Event.objects.count()) == ("completed", 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("in_background")
def test_with_workers_and_producers_at_the_same_events_each_is_stored_once(
    publish: Publish, owner: Person, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two re-drives that overlap, two workers for each, and both producers send the same again meanwhile."""
    monkeypatch.setattr(work, "_BATCH", 20)
    publish("shop.t", NEEDS_X, "1.0.0", strict=True)
    people = [owner, make_person("ann", role="admin")]
    sent = [event("shop.t", metadata={}) for _ in range(200)]
    for number, one in enumerate(sent):
        # Both by turns, so that every batch has events of both.
        people[number % 2].api.post("/api/v1/events", one, format="json")
    accept_missing_x(publish)
    start(owner)
    start(owner, type="shop.*")

    def drive(_: int) -> set[str]:
        try:
            while work_on_next(stopping=lambda: True):
                pass
        finally:
            connection.close()
        return set()

    def send_again(number: int) -> set[str]:
        statuses: set[str] = set()
        try:
            for first in range(0, 200, 25):
                answer = people[number % 2].api.post(
                    "/api/v1/events", sent[first : first + 25], format="json"
                )
                assert answer.status_code == 200, answer.content
                statuses |= set(answer.json()["counts"])
        finally:
            connection.close()
        return statuses

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(job, n) for n, job in enumerate([drive] * 4 + [send_again] * 2)]
        statuses = set().union(*(job.result() for job in jobs))
    while work_on_next():
        pass
    assert statuses <= {"stored", "duplicate"}
    assert sorted(Event.objects.values_list("event_id", flat=True)) == sorted(one["event_id"] for one in sent)
    assert set(Redrive.objects.values_list("state", flat=True)) == {"completed"}
    assert waiting() == 0


@pytest.mark.parametrize(
    "body", [{"type": "a\0b"}, {"type": 7.5e300, "place": ["/x"]}, ["type"], {"aside": {"no": "text"}}]
)
def test_a_selection_that_cannot_be_is_refused(owner: Person, body: Any) -> None:
    assert owner.api.post(REDRIVES, body, format="json").status_code in {400, 422}
    assert not Redrive.objects.exists()


@pytest.mark.parametrize("where", ["redrive", "set-aside", "bring-back"])
def test_the_pages_refuse_what_no_name_holds(owner: Person, where: str) -> None:
    answer = owner.browser.post(f"/violations/quarantine/{where}", {"type": "a\0b"})
    assert (answer.status_code, b"U+0000" in answer.content) == (422, True)


@pytest.mark.parametrize("number", [999_999, 2**63])
def test_one_that_is_not_there_is_not_found(owner: Person, number: int) -> None:
    assert owner.api.get(f"{REDRIVES}/{number}").status_code == 404
    assert owner.api.post(f"{REDRIVES}/{number}/cancel").status_code == 404
    assert owner.browser.get(f"/violations/quarantine/redrives/{number}").status_code == 404


@pytest.mark.usefixtures("held")
def test_the_page_starts_one_and_shows_what_it_came_to(publish: Publish, owner: Person) -> None:
    accept_missing_x(publish)
    answer = owner.browser.post("/violations/quarantine/redrive", {"type": "shop.t"}, follow=True)
    page = answer.content.decode()
    assert "5 of 5" in page
    assert "completed" in page
    assert "type: shop.t" in page
    assert "Judged again" in owner.browser.get("/violations/quarantine").content.decode()
