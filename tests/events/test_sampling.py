"""Sampling rules: who may change them, what clients are told, what they would save, and the way back."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from access.actor import SYSTEM
from access.models import AuditEntry
from events.models import Event, SamplingRevision
from events.sampling import RuleSpec, create_sampling_rule, current_sampling, rules_of
from registry.load_catalogue import FOLDER
from tests.events.conftest import ORDER, event

RULE = {"event_type": "order.*", "rate": 0.1, "note": "too many"}
FORM = {"event_type": "order.*", "node": "*", "rate": "0.1", "keep_failures": "on", "enabled": "on"}


@pytest.fixture
def viewer(make_person):
    return make_person("viewer", role="viewer")


def test_a_rule_is_made_changed_and_deleted(owner):
    api = owner.api
    made = api.post("/api/v1/sampling", RULE)
    assert made.status_code == 201
    address = f"/api/v1/sampling/{made.data['id']}"
    assert made.data["keep_failures"]
    assert api.put(address, {**RULE, "rate": 0.2}).data["rate"] == 0.2
    listed = api.get("/api/v1/sampling").data
    assert (listed["revision"], [rule["rate"] for rule in listed["items"]]) == (2, [0.2])
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404
    written = AuditEntry.objects.filter(action__startswith="sampling.").order_by("pk")
    assert [entry.action for entry in written] == ["sampling.create", "sampling.edit", "sampling.delete"]
    assert written[1].details["before"]["rate"] == 0.1


def test_saving_what_is_there_changes_nothing(owner):
    made = owner.api.post("/api/v1/sampling", RULE).data
    owner.api.put(f"/api/v1/sampling/{made['id']}", RULE)
    assert SamplingRevision.objects.count() == 2


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"rate": 0}, "/rate"),
        ({"rate": 0.00009}, "/rate"),
        ({"rate": 1.01}, "/rate"),
        ({"event_type": "a" * 256}, "/event_type"),
        ({"node": "a" * 256}, "/node"),
        ({"note": "a" * 1001}, "/note"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_at_its_place(owner, changed, pointer):
    answer = owner.api.post("/api/v1/sampling", {**RULE, **changed})
    assert answer.status_code == 422
    assert answer.data["details"]["pointer"] == pointer


def test_two_rules_for_the_same_events_are_refused(owner):
    made = owner.api.post("/api/v1/sampling", RULE).data
    answer = owner.api.post("/api/v1/sampling", {**RULE, "rate": 0.5})
    assert answer.status_code == 409
    assert answer.data["details"]["rule"] == made["id"]


def test_more_rules_than_may_be_are_refused(owner, settings):
    settings.SAMPLING_MAX_RULES = 1
    owner.api.post("/api/v1/sampling", RULE)
    assert owner.api.post("/api/v1/sampling", {**RULE, "node": "x"}).status_code == 422


def test_an_administrator_of_a_prefix_changes_its_rules_alone(make_person, owner):
    local = make_person("local", role="admin", prefix="order.")
    assert local.api.post("/api/v1/sampling", RULE).status_code == 201
    for event_type in ("*", "ord*", "shop.*"):
        assert local.api.post("/api/v1/sampling", {**RULE, "event_type": event_type}).status_code == 403
    owner.api.post("/api/v1/sampling", {**RULE, "event_type": "shop.*"})
    owner.api.post("/api/v1/sampling", {**RULE, "event_type": "*"})
    # What cannot fit their events they do not see; what holds for all events holds for theirs.
    listed = local.api.get("/api/v1/sampling").data["items"]
    assert [rule["event_type"] for rule in listed] == ["order.*", "*"]
    assert local.api.post("/api/v1/sampling/history/0/restore").status_code == 403


def test_a_viewer_reads_and_cannot_change(owner, viewer):
    made = owner.api.post("/api/v1/sampling", RULE).data
    assert viewer.api.get("/api/v1/sampling").status_code == 200
    assert viewer.api.post("/api/v1/sampling", {**RULE, "node": "x"}).status_code == 403
    assert viewer.api.delete(f"/api/v1/sampling/{made['id']}").status_code == 403
    page = viewer.browser.get("/sampling").content.decode()
    assert "order." in page
    assert "New rule" not in page
    assert "Go back to" not in page


def test_clients_are_answered_from_what_they_know(owner):
    owner.api.post("/api/v1/sampling", RULE)
    owner.api.post("/api/v1/sampling", {**RULE, "event_type": "order.placed", "rate": 0.5})
    owner.api.post("/api/v1/sampling", {**RULE, "event_type": "off", "enabled": False})
    first = owner.api.get("/api/v1/sampling/resolved")
    assert first.data["revision"] == 3
    # In the order in which they count, without those that do not.
    assert [rule["event_type"] for rule in first.data["rules"]] == ["order.placed", "order.*"]
    assert "max-age" in first["Cache-Control"]
    assert first["ETag"].startswith('W/"3-')
    for known in (first["ETag"], first["ETag"].removeprefix("W/"), f'"other", {first["ETag"]}'):
        again = owner.api.get("/api/v1/sampling/resolved", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
    owner.api.post("/api/v1/sampling", {**RULE, "event_type": "new"})
    stale = owner.api.get("/api/v1/sampling/resolved", headers={"If-None-Match": first["ETag"]})
    assert (stale.status_code, stale.data["revision"]) == (200, 4)


def test_the_rule_that_counts_is_told_with_those_it_beat(owner):
    general = owner.api.post("/api/v1/sampling", RULE).data
    special = owner.api.post("/api/v1/sampling", {**RULE, "node": "shop", "rate": 0.5}).data
    found = owner.api.get("/api/v1/sampling/effective", {"event_type": "order.placed", "node": "shop-1"}).data
    assert (found["rate"], found["rule"]["id"]) == (0.5, special["id"])
    assert [rule["id"] for rule in found["others"]] == [general["id"]]
    none = owner.api.get("/api/v1/sampling/effective", {"event_type": "other"}).data
    assert (none["rate"], none["rule"]) == (1.0, None)
    page = owner.browser.get("/sampling?type=order.placed&node=shop-1").content.decode()
    assert f"Rule {special['id']}" in page


def test_going_back_makes_the_rules_what_they_were(owner):
    made = owner.api.post("/api/v1/sampling", RULE).data
    owner.api.delete(f"/api/v1/sampling/{made['id']}")
    back = owner.api.post("/api/v1/sampling/history/1/restore").data
    assert back["number"] == 3
    assert owner.api.get("/api/v1/sampling").data["items"] == [made]
    # The id of a deleted rule is never given again.
    owner.api.post("/api/v1/sampling/history/0/restore")
    assert owner.api.post("/api/v1/sampling", RULE).data["id"] == made["id"] + 1
    assert owner.api.post("/api/v1/sampling/history/99/restore").status_code == 404
    numbers = [row["number"] for row in owner.api.get("/api/v1/sampling/history").data["items"]]
    assert numbers == [5, 4, 3, 2, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_changes_at_the_same_time_lose_none():
    def make(number):
        try:
            return create_sampling_rule(actor=SYSTEM, spec=RuleSpec(event_type=f"type-{number}")).id
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as people:
        ids = list(people.map(make, range(12)))
    assert sorted(ids) == list(range(1, 13))
    assert sorted(rule.id for rule in rules_of(current_sampling())) == sorted(ids)
    assert current_sampling().number == 12


def test_a_prediction_weights_what_is_stored_by_its_rate(owner, publish, send):
    publish("order.placed", ORDER, "1.0.0")
    send(*(event(sample_rate=0.5) for _ in range(14)))
    send(*(event(metadata={"amount": 1, "error_code": "ONEX_SYS_903"}) for _ in range(7)))
    bytes_ = sum(len(row.raw) for row in Event.objects.filter(error_code=None))
    answer = owner.api.get("/api/v1/sampling/prediction", {"event_type": "order.*", "rate": 0.25}).data
    total = answer["total"]
    # Of 7 days: 28 plain ones happened, of which 14 are stored, and 7 failures, which stay.
    assert total["happened"] == pytest.approx(35 / 7)
    assert total["now"] == pytest.approx(21 / 7)
    assert total["after"] == pytest.approx((28 * 0.25 + 7) / 7)
    assert total["bytes_now"] - total["bytes_after"] == pytest.approx(bytes_ / 2 / 7)
    assert total["error"] == pytest.approx(1.96 * (28 / 7 * 0.75 / 0.25) ** 0.5)
    sampled_too = {"event_type": "order.*", "rate": 0.25, "keep_failures": False}
    assert owner.api.get("/api/v1/sampling/prediction", sampled_too).data["total"]["after"] == pytest.approx(
        35 * 0.25 / 7
    )


@pytest.mark.parametrize("rate", [0, 0.00009, 1.0001, -1, "0.5"])
def test_a_rate_that_cannot_be_is_a_violation_and_weighs_nothing(publish, send, rate):
    publish("onex.envelope", json.loads((FOLDER / "envelope-1.1.0.json").read_text()), "1.1.0")
    publish("order.placed", ORDER, "1.1.0")
    (result,) = send(event(schema_version="1.1.0", sample_rate=rate)).results
    assert (result.status, [problem["pointer"] for problem in result.errors]) == (
        "stored_with_violations",
        ["/sample_rate"],
    )
    assert Event.objects.get().sample_rate == 1.0


def test_the_page_shows_what_a_rule_would_do_before_it_saves(owner, orders, send):
    send(event(), event())
    shown = owner.browser.post("/sampling/new", {**FORM, "preview": "1"}).content.decode()
    assert "What it would do" in shown
    assert "Saved/day" in shown
    # Two events, 1.96 × √(2/7 × 0.9 / 0.1) more or less.
    assert "0 … 3" in shown
    assert SamplingRevision.objects.count() == 1
    nothing = owner.browser.post("/sampling/new", {**FORM, "event_type": "x", "preview": "1"})
    assert "nothing can be predicted" in nothing.content.decode()


def test_what_is_being_chosen_is_predicted_at_once_and_not_saved(owner, orders, send):
    send(event(), event())
    live = {"HTTP_HX_REQUEST": "true"}
    shown = owner.browser.post("/sampling/new", FORM, **live).content.decode()
    assert "Estimated between" in shown
    assert "<form" not in shown
    wrong = owner.browser.post("/sampling/new", {**FORM, "rate": "7"}, **live)
    assert "have to be right first" in wrong.content.decode()
    assert SamplingRevision.objects.count() == 1
    page = owner.browser.get("/sampling/new").content.decode()
    assert 'data-behaviour="rate"' in page
    assert 'hx-post="/sampling/new"' in page


def test_a_rule_is_made_changed_deleted_and_brought_back_on_the_pages(owner):
    browser = owner.browser
    assert "Everything is kept" in browser.get("/sampling").content.decode()
    assert browser.post("/sampling/new", FORM).status_code == 302
    assert "is for the same events" in browser.post("/sampling/new", FORM).content.decode()
    assert browser.post("/sampling/1", {**FORM, "rate": "0.3"}).status_code == 302
    assert "30.00" in browser.get("/sampling").content.decode()
    assert browser.post("/sampling/1/delete").status_code == 302
    assert "Everything is kept" in browser.get("/sampling").content.decode()
    browser.post("/sampling/history/2/restore")
    assert "30.00" in browser.get("/sampling").content.decode()
    assert (
        "greater than or equal to 0.0001"
        in browser.post("/sampling/new", {**FORM, "rate": "0"}).content.decode()
    )
