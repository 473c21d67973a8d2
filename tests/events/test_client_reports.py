"""What producers say of their events: taken from whoever may send, kept for a while, told by event type to whoever may read it."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from events.models import ClientReport
from events.record_client_report import ReportSpec, record_client_report
from events.retention import apply_retention
from onex_sdk import Options
from onex_sdk._report import Reporter
from onex_sdk._stats import Stats
from registry.publish import publish_version

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/client-reports"


@pytest.fixture
def teammate(make_person):
    return make_person("teammate", role="developer", prefix="team.")


def report(number=1, **changed):
    counts = {"emitted": 10, "stored": 6, "sampled_out": 1, "dropped_queue_full": 2}
    return {
        "instance": str(UUID(int=number)),
        "sequence": 1,
        "service": "shop",
        "node_id": f"shop-{number}",
        "sdk": "onex-sdk/0.1.0 python/3.11.7",
        "started_at": "2026-11-23T09:00:00Z",
        "counts": {**counts, "requests": 4},
        "gauges": {"queued": 1, "spool_bytes": 2048},
        "types": {"team.order": counts},
        **changed,
    }


def producers(person, **asked):
    return person.api.get(ADDRESS, asked).data["items"]


def test_what_the_sdk_says_is_understood(owner):
    class Door:
        def post(self, path, body, *, timeout=None):
            answer = owner.api.post("/api/v1" + path, json.loads(body))
            assert answer.status_code == 200, answer.data

    stats = Stats()
    for name in ("emitted", "emitted", "dropped_invalid"):
        stats.settle(name, "team.order")
    stats.add("requests")
    gauges = {"queued": 1, "queued_bytes": 90, "spool_bytes": 0, "circuit_open": 0}
    options = Options(service="shop", node_id="shop-1")
    assert Reporter(Door(), options, stats, lambda: gauges).report()
    (told,) = producers(owner)
    assert told["events"] == {
        "emitted": 2,
        "delivered": 0,
        "quarantined": 0,
        "refused": 0,
        "sampled_out": 0,
        "dropped": {"invalid": 1},
        "lost": 1,
        "waiting": 1,
    }
    (process,) = told["processes"]
    assert (process["node_id"], process["gauges"], process["counters"]) == ("shop-1", gauges, {"requests": 1})
    assert not process["silent"]


def test_the_last_word_of_a_process_counts(owner):
    for sequence, emitted in ((2, 20), (1, 10), (2, 99)):
        types = {"team.order": {"emitted": emitted}}
        answer = owner.api.post(ADDRESS, report(sequence=sequence, types=types))
        assert answer.data == {"recorded": (sequence, emitted) == (2, 20)}
    assert producers(owner)[0]["events"]["emitted"] == 20


def test_processes_of_a_service_are_one_producer_and_those_that_lost_most_come_first(owner, make_person):
    for number in (1, 2):
        owner.api.post(ADDRESS, report(number))
    owner.api.post(ADDRESS, report(3, service="billing", types={"team.order": {"emitted": 5}}))
    make_person("other", role="admin").api.post(ADDRESS, report(1))
    told = producers(owner)
    assert [(one["producer"].split("/")[0], one["service"], one["events"]["lost"]) for one in told] == [
        ("owner", "shop", 4),
        ("other", "shop", 2),
        ("owner", "billing", 0),
    ]


def test_readers_are_told_of_the_types_they_may_read(owner, teammate, stranger):
    types = {"team.order": {"emitted": 3}, "secret.deal": {"emitted": 4, "dropped_too_large": 4}}
    owner.api.post(ADDRESS, report(types=types, counts={"emitted": 7, "dropped_too_large": 4, "requests": 2}))
    owner.api.post(ADDRESS, report(2, service="vault", types={"secret.deal": {"emitted": 1}}))
    (told,) = producers(teammate)
    assert told["types"].keys() == {"team.order"}
    assert told["events"]["emitted"] == 3
    # Nor by the sums of the process.
    assert told["processes"][0]["counters"] == {"requests": 2}
    assert producers(teammate, type="secret.deal") == []
    assert stranger.api.get(ADDRESS).status_code == 403


def test_producers_are_found_by_service_account_and_type(owner):
    owner.api.post(ADDRESS, report(1, types={"a": {"emitted": 1}, "b": {"emitted": 2}}))
    owner.api.post(ADDRESS, report(2, service="billing", types={"b": {"emitted": 4}}))
    account = ClientReport.objects.first().producer
    assert [one["service"] for one in producers(owner, service="billing")] == ["billing"]
    assert [one["events"]["emitted"] for one in producers(owner, producer=account, type="b")] == [4, 2]
    assert producers(owner, producer="nobody") == []


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"counts": {"with space": 1}}, "/counts"),
        ({"counts": {"emitted": -1}}, "/counts"),
        ({"counts": {f"n{i}": 1 for i in range(201)}}, "/counts"),
        ({"types": {"a" * 256: {}}}, "/types"),
        ({"types": {"nul\x00": {}}}, "/types"),
        ({"types": {f"t{i}": {} for i in range(1_002)}}, "/types"),
        ({"service": "a" * 201}, "/service"),
        ({"instance": "one"}, "/instance"),
        ({"sequence": 0}, "/sequence"),
        ({"started_at": "yesterday"}, "/started_at"),
    ],
)
def test_what_cannot_be_a_report_is_refused_at_its_place(owner, changed, pointer):
    answer = owner.api.post(ADDRESS, report(**changed))
    assert answer.status_code == 422
    assert answer.data["details"]["errors"][0]["pointer"].startswith(pointer)
    assert not ClientReport.objects.exists()


def test_who_may_not_send_events_may_not_report(make_person):
    viewer = make_person("viewer", role="viewer")
    assert viewer.api.post(ADDRESS, report()).status_code == 403


def test_of_an_account_that_starts_processes_without_end_the_newest_are_kept(owner, settings):
    settings.CLIENT_REPORTS_PER_ACCOUNT = 3
    for number in range(1, 6):
        owner.api.post(ADDRESS, report(number))
    kept = ClientReport.objects.order_by("pk").values_list("node_id", flat=True)
    assert list(kept) == ["shop-3", "shop-4", "shop-5"]


def test_reports_are_forgotten_after_their_days(owner):
    for number in (1, 2):
        owner.api.post(ADDRESS, report(number))
    long_ago = datetime.now(UTC) - timedelta(days=8)
    ClientReport.objects.filter(node_id="shop-1").update(reported_at=long_ago)
    apply_retention()
    assert [one.node_id for one in ClientReport.objects.all()] == ["shop-2"]


def test_a_process_that_is_not_heard_of_is_silent_and_its_events_still_count(owner):
    owner.api.post(ADDRESS, report())
    ClientReport.objects.update(reported_at=datetime.now(UTC) - timedelta(minutes=6))
    (told,) = producers(owner)
    assert told["processes"][0]["silent"]
    assert told["events"]["lost"] == 2


def test_the_pages_say_what_was_lost_and_why(owner):
    owner.api.post(ADDRESS, report())
    listed = owner.browser.get("/producers").content.decode()
    link = f"/producers/{ClientReport.objects.get().pk}"
    assert link in listed
    page = owner.browser.get(link).content.decode()
    assert "queue_full 2" in page
    assert "shop-<wbr>1" in page
    assert "Requests" in page
    assert "No such producer has reported" in owner.browser.get("/producers?type=other").content.decode()


def test_the_statistics_of_a_type_say_how_many_never_arrived(owner):
    for name in ("team.order", "team.other"):
        publish_version(actor=owner.actor, subject=name, schema="{}")
    spec = report(instance=UUID(int=1), started_at=datetime.now(UTC))
    record_client_report(actor=owner.actor, spec=ReportSpec(**spec))
    page = owner.browser.get("/statistics/team.order").content.decode()
    assert "2 events never arrived" in page
    assert "/producers?type=team.order" in page
    assert "never arrived" not in owner.browser.get("/statistics/team.other").content.decode()


@pytest.mark.parametrize("name", ["service", "producer", "type"])
@pytest.mark.parametrize("value", ["%", "'", "a" * 5_000])
def test_what_nobody_is_called_is_not_found(owner, name, value):
    owner.api.post(ADDRESS, report())
    assert producers(owner, **{name: value}) == []
    assert "No such producer has reported" in owner.browser.get("/producers", {name: value}).content.decode()


def test_a_report_that_is_not_there_is_a_page_that_says_so(owner):
    for number in (0, 2**63):
        assert owner.browser.get(f"/producers/{number}").status_code == 404
