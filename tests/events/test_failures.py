"""Failures are grouped by code and by what they say: in the log, in the sums over it, on the page, and for rules."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from access.actor import SYSTEM
from events.error_pattern import LONGEST, normalised, pattern_of
from events.fold import fold_statistics
from events.models import Event, Failure
from events.note_failures import OTHER
from events.recount import forget_old, rebuild_statistics
from tests.events.conftest import event
from tests.events.days import days_ago, move_all_to

ANY = {"type": "object"}


def failed(message="Timeout after 30 s", code=None, **members):
    metadata = {"input_state": {}, "error": message}
    if code:
        metadata["error_code"] = code
    return event("NODE_FAILURE", **{"metadata": metadata, **members})


@pytest.fixture
def failures(publish):
    return [
        publish(name, ANY, "1.0.0") for name in ("NODE_FAILURE", "NODE_START", "TELEMETRY_OPERATION_ERROR")
    ]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Timeout after 30 s", "Timeout after <number> s"),
        ("took 1.5e-3 of 12.25", "took <number> of <number>"),
        # The original replaced digits first, so that its rule for UUIDs never fired.
        ("no node 3f2504e0-4f89-11d3-9a0c-0305e82c3301.", "no node <uuid>."),
        # And paths before addresses.
        ("GET https://api.shop.example/v1/orders/17?full=1 failed", "GET <url> failed"),
        ("see http://x.example/a/b.", "see <url>."),
        ("mail to jane.doe+7@mail.shop.example bounced", "mail to <email> bounced"),
        ("cannot open /var/lib/onex/17.json: denied", "cannot open <path>: denied"),
        (r"cannot open C:\data\17.json", "cannot open <path>"),
        ("read and/or write", "read and/or write"),
        ("expired at 2026-11-26T10:00:00.123Z", "expired at <time>"),
        ("peer 10.0.0.17:5432 refused", "peer <ip>:<number> refused"),
        ("commit deadbeef17 and 0xFF", "commit <hex> and <hex>"),
        ("worker3 uses sha256 and utf8", "worker3 uses sha256 and utf8"),
        ("node-17 is down", "node-<number> is down"),
        ("two\n  lines\tand 1", "two lines and <number>"),
        ("ключ 17 не найден", "ключ <number> не найден"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_differs_from_failure_to_failure_is_left_out(message, said):
    assert normalised(message) == said


@hypothesis_settings(deadline=None)
@given(
    st.uuids(),
    st.integers(0, 10**12),
    st.from_regex(r"/[a-z]{1,8}(/[a-z0-9]{1,8}){1,4}", fullmatch=True),
)
def test_other_ids_numbers_and_paths_make_no_other_pattern(one, number, path):
    text = f"order {one} of {number} at {path} is gone, see https://shop.example/{number}"
    assert normalised(text) == "order <uuid> of <number> at <path> is gone, see <url>"


@hypothesis_settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400))
def test_a_pattern_is_short_and_stays_what_it_is(text):
    said = normalised(text)
    assert len(said) <= LONGEST
    if len(said) < LONGEST - 20:
        assert normalised(said) == said


@pytest.mark.parametrize(
    "text",
    [
        "a" * 2_000,
        "1." * 1_000,
        "/" * 2_000,
        "@" * 2_000,
        "0123456789abcdef" * 125,
        "a.a@" * 500,
        "http://" * 280,
    ],
)
def test_no_message_takes_long_to_read(text):
    # Would not come back where trying took exponential time.
    for _ in range(20):
        normalised(text)


@pytest.mark.parametrize(
    ("event_type", "metadata", "pattern"),
    [
        ("NODE_FAILURE", {"error": "no 7"}, "no <number>"),
        ("TELEMETRY_OPERATION_ERROR", {"error_message": "no 7", "error": "other"}, "no <number>"),
        ("order.placed", {"error": {"message": "no 7", "code": 3}}, "no <number>"),
        ("order.placed", {"error_code": "E_7"}, ""),
        ("NODE_FAILURE", {}, ""),
        ("NODE_FAILURE", {"error": {"ciphertext": "x"}}, ""),
        ("order.failure", {"error": "  "}, ""),
        ("order.placed", {"amount": 3}, None),
        ("order.placed", {"error": 17}, None),
    ],
)
def test_what_tells_of_a_failure(event_type, metadata, pattern):
    assert pattern_of(event_type, metadata) == pattern


def test_failures_that_say_the_same_are_one(owner, failures, send):
    send(
        *[failed(f"Timeout after {n} s", "ONEX_CORE_001", node_id=f"n{n % 2}") for n in range(5)],
        failed("Timeout after 9 s"),
        event(
            "TELEMETRY_OPERATION_ERROR",
            metadata={"error_message": "Timeout after 3 s", "error_code": "ONEX_CORE_001"},
        ),
        event("NODE_START"),
    )
    fold_statistics()
    answer = owner.api.get("/api/v1/failures").data
    first, second = answer["items"]
    assert (first["pattern"], first["error_code"], first["counted"], first["nodes"]) == (
        "Timeout after <number> s", "ONEX_CORE_001", 6, 3,
    )  # fmt: skip
    assert first["event_types"] == ["NODE_FAILURE", "TELEMETRY_OPERATION_ERROR"]
    assert (second["error_code"], second["counted"], second["new"]) == ("", 1, True)
    assert (answer["total"], answer["events"], answer["not_counted_yet"]) == (2, 7, 0)
    assert [(one["node_id"], one["events"], one["patterns"]) for one in answer["hotspots"]] == [
        ("n0", 3, 1), ("n1", 2, 1), ("shop-1", 2, 2),
    ]  # fmt: skip
    detail = owner.api.get(f"/api/v1/failures/{first['group']}").data
    assert (detail["pattern"], detail["days"][-1]["events"], len(detail["days"])) == (first["pattern"], 6, 7)
    assert [(one["event_type"], one["events"]) for one in detail["types"]] == [
        ("NODE_FAILURE", 5), ("TELEMETRY_OPERATION_ERROR", 1),
    ]  # fmt: skip
    newest = Event.objects.filter(node_id="n0").order_by("-position").first()
    assert detail["hotspots"][0]["last_event_id"] == newest.event_id


def test_what_was_sampled_counts_for_what_it_stands_for(owner, failures, send):
    send(failed("a", sample_rate=0.1), failed("b"))
    fold_statistics()
    items = owner.api.get("/api/v1/failures").data["items"]
    assert [(one["pattern"], one["events"], one["counted"]) for one in items] == [
        ("a", 10.0, 1),
        ("b", 1.0, 1),
    ]


def test_failures_are_chosen_by_type_node_code_text_and_days(owner, failures, send):
    send(failed("disk is full", "E_1", node_id="store-1"), failed("no route", "E_2", node_id="edge-1"))
    fold_statistics()

    def said(**asked):
        return [one["pattern"] for one in owner.api.get("/api/v1/failures", asked).data["items"]]

    assert said(text="DISK") == said(node="store") == said(error_code="E_1") == ["disk is full"]
    assert sorted(said(type="NODE_*", days=1)) == ["disk is full", "no route"]
    assert said(type="order.*") == []
    for asked in ({"days": "0"}, {"days": "91"}, {"days": "x"}, {"after": "-1"}):
        assert owner.api.get("/api/v1/failures", asked).data["details"]["code"] == "invalid_query"
    assert owner.api.get(f"/api/v1/failures/{uuid.uuid4()}").data["details"]["code"] == "failure_not_found"


def test_first_seen_goes_back_before_the_days_asked_for(owner, failures, send):
    send(failed("old"))
    move_all_to(days_ago(3))
    send(failed("old"), failed("young"))
    fold_statistics()
    items = owner.api.get("/api/v1/failures", {"days": 1}).data["items"]
    assert {one["pattern"]: (one["counted"], one["new"]) for one in items} == {
        "old": (1, False),
        "young": (1, True),
    }


def test_counting_anew_gives_the_same(failures, send):
    send(*[failed(f"{word} {n}", node_id=f"n{n}") for word in ("a", "b") for n in range(3)])
    move_all_to(days_ago(2))
    send(failed("a 7", "E_1", sample_rate=0.3), failed("a 8", "E_1"))
    fold_statistics()
    kept = (
        "received_on",
        "key",
        "group",
        "events",
        "weight",
        "first_seen",
        "last_seen",
        "last_event_id",
        "pattern",
    )
    before = sorted(Failure.objects.values_list(*kept))
    assert len(before) == 7
    rebuild_statistics(actor=SYSTEM)
    assert sorted(Failure.objects.values_list(*kept)) == before


def test_batches_add_up_whatever_their_size(failures, send):
    send(*[failed(f"{word} {n}") for word in ("a", "b") for n in range(4)])
    fold_statistics(batch=3)
    assert sorted(Failure.objects.values_list("pattern", "events")) == [("a <number>", 4), ("b <number>", 4)]


def test_messages_that_are_all_different_fill_no_table(failures, send, settings):
    settings.FAILURES_MAX = 3
    words = ["alpha", "beta", "gamma", "delta", "epsilon"]
    send(*[failed(word) for word in words[:2]])
    fold_statistics()
    send(*[failed(word, "E_1", node_id=f"n-{word}") for word in words[2:]], failed("alpha"))
    fold_statistics()
    assert dict(Failure.objects.values_list("pattern", "events")) == {
        "alpha": 2,
        "beta": 1,
        "gamma": 1,
        OTHER: 2,
    }
    send(failed("zeta"))
    fold_statistics()
    assert Failure.objects.get(pattern=OTHER).events == 3


def test_old_days_are_forgotten(failures, send, settings):
    send(failed("a"))
    fold_statistics()
    today = datetime.now(UTC).date()
    forget_old(today=today + settings.FAILURES_KEPT)
    assert Failure.objects.count() == 1
    forget_old(today=today + settings.FAILURES_KEPT + timedelta(days=1))
    assert Failure.objects.count() == 0


def test_who_may_not_read_a_type_sees_none_of_its_failures(teammate, stranger, failures, publish, send):
    publish("team.order_failure", ANY, "1.0.0")
    send(failed("a"), event("team.order_failure", metadata={"error": "b"}))
    fold_statistics()
    found = teammate.api.get("/api/v1/failures").data
    assert ([one["pattern"] for one in found["items"]], found["total"], found["events"]) == (["b"], 1, 1)
    hidden = Failure.objects.get(pattern="a").group
    assert teammate.api.get(f"/api/v1/failures/{hidden}").status_code == 404
    assert stranger.api.get("/api/v1/failures").status_code == 403


def test_pages_lead_from_the_list_to_the_events(owner, failures, send):
    send(failed("Timeout <b>after</b> 30 s", "E_1"), failed("", None))
    fold_statistics()
    page = owner.browser.get("/failures").content.decode()
    assert "Timeout &lt;b&gt;after&lt;/b&gt; &lt;number&gt; s" in page
    assert "no message" in page
    groups = re.findall(r'href="/failures/([0-9a-f-]{36})', page)
    detail = owner.browser.get(f"/failures/{groups[0]}").content.decode()
    events = re.search(r'href="(/events\?error_pattern=[^"]*)"', detail)
    found = owner.browser.get(events[1].replace("&amp;", "&")).content.decode()
    assert json.loads(bytes(Event.objects.get(error_code="E_1").raw))["event_id"] in found
    assert owner.browser.get("/failures?days=x").status_code == 422
    assert "No failures in this time" in owner.browser.get("/failures?text=nothing").content.decode()
