"""The events of a query as a file: complete, byte for byte, within rights and limits, and resumed whoever is killed."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.actor import SYSTEM
from access.models import AuditEntry, Role
from events import walk
from events.cold import compress_partition
from events.export import forget_expired, start_export, work_on_next
from events.models import Event, Export, ExportPart
from tests.conftest import MakePerson, Person
from tests.events.conftest import Send, event
from tests.events.days import days_ago, move_all_to

pytestmark = pytest.mark.django_db
ODD = b'{ "event_id":"odd",\r\n "event_type":"a", "node_id":"n","metadata":{"x": 1.10, "big":18446744073709551616}}'


@pytest.fixture(autouse=True)
def stored(send: Send, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """25 events and an odd one, looked at ten positions at a time."""
    settings.UNKNOWN_EVENT_TYPE = "accept"
    monkeypatch.setattr(walk, "STRETCH", 10)
    send(*[event("ab"[n % 2], event_id=f"e{n}", metadata={"n": n}) for n in range(25)])
    send(raw=ODD)


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def exported(person: Person, form: str = "ndjson", **query: str) -> bytes:
    """Through the API, written by a worker."""
    started = person.api.post("/api/v1/exports", {"query": query, "format": form}, format="json")
    assert started.status_code == 202, started.content
    while work_on_next():
        pass
    address = f"/api/v1/exports/{started.json()['id']}"
    assert person.api.get(address).json()["state"] == "completed"
    answer = person.api.get(f"{address}/content")
    text = content(answer)
    assert answer["Content-Length"] == str(len(text))
    return text


def test_ndjson_has_every_event_as_it_was_sent_the_oldest_first(owner: Person) -> None:
    lines = exported(owner).splitlines()
    assert [json.loads(line)["event_id"] for line in lines] == [*[f"e{n}" for n in range(25)], "odd"]
    sent = Event.objects.order_by("position").values_list("raw", flat=True)
    assert lines[:25] == [bytes(raw) for raw in sent][:25]
    # Only what no line can hold: breaks between tokens.
    assert lines[25] == ODD.replace(b"\r\n", b"  ")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"type": "b", "where": "metadata.n > 20"}, ["e21", "e23"]),
        ({"where": "metadata.n <= 1"}, ["e0", "e1"]),
        ({"node": "nowhere"}, []),
        ({"type": "b", "limit": "1", "after": "3"}, [f"e{n}" for n in range(1, 25, 2)]),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_filters_are_those_of_the_list(
    owner: Person, query: dict[str, str], ids: list[str], at_once: bool
) -> None:
    text = owner.api.get("/api/v1/events/export", query).content if at_once else exported(owner, **query)
    assert [json.loads(line)["event_id"] for line in text.splitlines()] == ids


def test_csv_has_columns_and_no_formulas(owner: Person, send: Send) -> None:
    send(event("a", event_id="=1+1", node_id="@SUM(A1)", correlation_id="-2", metadata={"n": 99}))
    rows = list(csv.DictReader(io.StringIO(exported(owner, "csv", where="metadata.n >= 24").decode())))
    assert [row["event_id"] for row in rows] == ["e24", "'=1+1"]
    assert (rows[1]["node_id"], rows[1]["correlation_id"]) == ("'@SUM(A1)", "'-2")
    assert json.loads(rows[0]["event"])["event_id"] == "e24"
    assert rows[0]["valid"] == "true"
    empty = exported(owner, "csv", type="nothing").decode()
    assert empty.startswith("position,received_at,occurred_at,event_id,event_type")
    assert len(empty.splitlines()) == 1


def test_compressed_events_are_part_of_it(owner: Person, send: Send) -> None:
    send(*[event("c", event_id=f"c{n}", metadata={"n": n}) for n in range(1_000)])
    name = move_all_to(days_ago(30))
    before = exported(owner), exported(owner, where="metadata.n >= 20")
    compress_partition(actor=SYSTEM, name=name)
    assert (exported(owner), exported(owner, where="metadata.n >= 20")) == before
    assert len(before[1].splitlines()) == 5 + 980


def test_a_large_result_is_for_a_worker(owner: Person, settings: Any) -> None:
    settings.EXPORT_AT_ONCE = 20
    refused = owner.api.get("/api/v1/events/export")
    assert refused.status_code == 422
    assert "POST /api/v1/exports" in refused.json()["message"]


def test_what_comes_in_later_is_not_part_of_it(owner: Person, send: Send) -> None:
    export = start_export(actor=owner.actor, query={}, form="ndjson")
    send(event("a", event_id="later"))
    work_on_next()
    export.refresh_from_db()
    assert (export.events, export.state) == (26, "completed")


def test_another_worker_goes_on_where_a_killed_one_was(owner: Person, settings: Any) -> None:
    settings.EXPORT_SLICE_SECONDS = 0
    export = start_export(actor=owner.actor, query={}, form="ndjson")
    work_on_next()
    # It is killed: its lease ends.
    Export.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    while work_on_next():
        pass
    text = content(owner.api.get(f"/api/v1/exports/{export.pk}/content"))
    assert len({json.loads(line)["event_id"] for line in text.splitlines()}) == len(text.splitlines()) == 26


def test_one_that_holds_a_lease_is_left_alone(owner: Person) -> None:
    export = start_export(actor=owner.actor, query={}, form="ndjson")
    Export.objects.update(leased_until=timezone.now() + timedelta(seconds=30))
    assert not work_on_next()
    export.refresh_from_db()
    assert export.events == 0


def test_cancelling_deletes_what_was_written(owner: Person, settings: Any) -> None:
    settings.EXPORT_SLICE_SECONDS = 0
    export = start_export(actor=owner.actor, query={}, form="ndjson")
    work_on_next()
    assert ExportPart.objects.count() == 1
    answer = owner.api.post(f"/api/v1/exports/{export.pk}/cancel")
    assert answer.json()["state"] == "cancelled"
    assert ExportPart.objects.count() == 0
    assert not work_on_next()
    assert owner.api.get(f"/api/v1/exports/{export.pk}/content").status_code == 409


def test_it_goes_when_its_time_has_passed(owner: Person) -> None:
    exported(owner)
    assert forget_expired() == 0
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert forget_expired() == 1
    assert (Export.objects.count(), ExportPart.objects.count()) == (0, 0)


def test_one_export_takes_so_many_events_and_says_where_it_ended(owner: Person, settings: Any) -> None:
    settings.EXPORT_MAX_EVENTS = 12
    text = exported(owner)
    export = Export.objects.get()
    assert len(text.splitlines()) == export.events == 12
    last = Event.objects.get(event_id="e11").position
    assert f"ends at position {last:,}" in export.problem


def test_so_many_at_once(owner: Person, settings: Any) -> None:
    settings.EXPORTS_AT_ONCE = 2
    for status in (202, 202, 422):
        assert owner.api.post("/api/v1/exports", {}, format="json").status_code == status


@pytest.mark.parametrize(("query", "form"), [({"where": "((("}, "ndjson"), ({"since": "x"}, "ndjson")])
def test_what_cannot_be_asked_is_told_at_once(owner: Person, query: dict[str, str], form: str) -> None:
    assert (
        owner.api.post("/api/v1/exports", {"query": query, "format": form}, format="json").status_code == 422
    )
    assert owner.api.get("/api/v1/events/export", {"format": "xml"}).status_code in {404, 422}


def test_an_unknown_filter_exports_not_everything_but_nothing(owner: Person) -> None:
    refused = owner.api.post("/api/v1/exports", {"query": {"subject": "a"}}, format="json")
    assert refused.status_code == 422
    assert refused.json()["details"]["pointer"] == "/query/subject"
    assert "type, node" in refused.json()["message"]
    assert not Export.objects.exists()


@pytest.mark.parametrize("name", ["actor", "action", "target", "form", "events", "nope"])
def test_what_is_no_filter_in_an_address_changes_nothing(owner: Person, name: str) -> None:
    told = owner.api.get("/api/v1/events/export", {"type": "b", name: "1"})
    assert (told.status_code, len(content(told).splitlines())) == (200, 12)
    started = owner.browser.post(f"/exports/start?type=b&{name}=1", {"format": "csv"})
    assert started["Location"] == f"/exports/{Export.objects.get(query={'type': 'b'}).pk}"


def test_only_what_may_be_read_is_in_it(make_person: MakePerson) -> None:
    reader = make_person("reader", role="developer", prefix="b")
    ids = [json.loads(line)["event_id"] for line in exported(reader).splitlines()]
    assert ids == [f"e{n}" for n in range(1, 25, 2)]


def test_rights_are_looked_at_again_while_it_is_written_and_when_it_is_fetched(
    make_person: MakePerson,
) -> None:
    reader = make_person("reader", role="developer", prefix="")
    export = start_export(actor=reader.actor, query={}, form="ndjson")
    Role.objects.update(subject_prefix="b")
    work_on_next()
    export.refresh_from_db()
    assert export.event_types == ["b"]
    address = f"/api/v1/exports/{export.pk}/content"
    assert reader.api.get(address).status_code == 200
    Role.objects.update(subject_prefix="c")
    assert reader.api.get(address).status_code == 404


def test_it_is_its_starters_and_the_administrators(owner: Person, make_person: MakePerson) -> None:
    reader = make_person("reader", role="viewer")
    other = make_person("other", role="viewer")
    export = start_export(actor=reader.actor, query={}, form="ndjson")
    address = f"/api/v1/exports/{export.pk}"
    assert [person.api.get(address).status_code for person in (reader, owner, other)] == [200, 200, 404]
    assert other.api.get("/api/v1/exports").json()["items"] == []


def test_who_exported_what_is_audited(owner: Person) -> None:
    exported(owner, type="b")
    owner.api.get("/api/v1/events/export", {"type": "b"})
    entries = AuditEntry.objects.filter(action__contains="export").order_by("id")
    assert list(entries.values_list("action", flat=True)) == [
        "export.started",
        "export.fetched",
        "events.exported",
    ]
    assert all(entry.details.get("type", "b") == "b" for entry in entries)


def test_the_pages(owner: Person) -> None:
    browser = owner.browser
    explorer = browser.get("/events", {"type": "b", "where": "metadata.n > 20"}).content.decode()
    assert 'action="/exports/start?type=b&amp;where=metadata.n+%3E+20"' in explorer
    started = browser.post("/exports/start?type=b&where=metadata.n+%3E+20", {"format": "csv"})
    export = Export.objects.get()
    assert started["Location"] == f"/exports/{export.pk}"
    page = browser.get(started["Location"]).content.decode()
    assert "type: b" in page
    assert 'data-behaviour="live"' in page
    assert "Download" not in page
    assert browser.get(f"/exports/{export.pk}/content")["Location"] == f"/exports/{export.pk}"
    work_on_next()
    page = browser.get(started["Location"]).content.decode()
    assert "2 events written" in page
    assert "data-behaviour" not in browser.get(f"/exports/{export.pk}?part=yes").content.decode()
    assert len(content(browser.get(f"/exports/{export.pk}/content")).splitlines()) == 3
    assert f"/exports/{export.pk}" in browser.get("/exports").content.decode()
