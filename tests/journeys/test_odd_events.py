"""What producers send when something is wrong with them: one row for each oddity, its answer, and what is kept of it."""

import gzip
import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from registry.local.connection import Connection
from tests.journeys.conftest import client_of
from tests.onex import ok

pytestmark = [pytest.mark.journey, pytest.mark.timeout(200)]
SUBJECT = "odd.events"
SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}}
NDJSON = {"Content-Type": "application/x-ndjson"}


def text(members: str = "", **changed: Any) -> bytes:
    """A valid event, with members changed, and further ones as they are written."""
    whole = {
        "event_id": str(uuid.uuid4()),
        "timestamp": "2026-11-01T12:00:00Z",
        "node_id": "odd",
        "event_type": SUBJECT,
        "metadata": {"amount": 1},
        **changed,
    }
    return (json.dumps(whole)[:-1] + members + "}").encode()


@dataclass(frozen=True)
class Odd:
    """A body, and what becomes of it: of the whole, or of every event in it."""

    what: str
    body: bytes
    statuses: tuple[str, ...] = ()
    # A lint of an event that was stored, or words of the sentence why one was not, or the whole body.
    says: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def array(*events: bytes) -> bytes:
    return b"[" + b",".join(events) + b"]"


SAME = text()
A, B = str(uuid.uuid4()), str(uuid.uuid4())
UNREADABLE = ("rejected",)
ODD = [
    Odd("truncated gzip", gzip.compress(text())[:-9], says="cut off", status=400, headers={"Content-Encoding": "gzip"}),
    Odd("truncated zstd", b"\x28\xb5\x2f\xfd\x04", says="zstd", status=400, headers={"Content-Encoding": "zstd"}),
    Odd("NDJSON with a bad line in the middle", b"\n".join([text(), b'{"event_id": ', text()]), ("stored", "rejected", "stored"), "line 2 of the body", headers=NDJSON),
    Odd("NaN", text(', "a": NaN'), UNREADABLE, "near"),
    Odd("NaN among others", array(text(), text(', "a": NaN'), text()), ("stored", "rejected", "stored"), "near"),
    Odd("an infinite number", text(', "a": -Infinity'), UNREADABLE, "near"),
    Odd("an integer beyond 2^53", text(metadata={"amount": 2**53 + 1}), ("stored",), "integer_beyond_2_53"),
    Odd("an integer beyond 2^64", text(metadata={"amount": 2**64}), ("stored",), "integer_beyond_2_53"),
    Odd("half a surrogate pair", text(', "a": "\\ud800"'), UNREADABLE, "surrogate"),
    Odd("NUL in a text", text(metadata={"amount": 1, "note": "a\0b"}), ("stored",), "nul_character"),
    Odd("NUL in an id", text(event_id="a\0b"), ("stored",), "event_id_assigned"),
    Odd("duplicate keys", text(', "node_id": "another"'), UNREADABLE, "duplicate key"),
    Odd("duplicate keys inside", text(', "a": {"b": 1, "b": 2}'), UNREADABLE, "duplicate key"),
    Odd("a timestamp without zone", text(timestamp="2026-11-01T12:00:00.125"), ("stored",), "naive_timestamp"),
    Odd("in 1970", text(timestamp="1970-01-01T00:00:00Z"), ("stored",), "clock_out_of_range"),
    Odd("in 2262", text(timestamp="2262-04-11T23:47:16Z"), ("stored",), "clock_out_of_range"),
    Odd("5,001 events", array(*[b"{}"] * 5_001), says="5000", status=413),
    Odd("5,001 lines", b"{}\n" * 5_001, says="5000", status=413, headers=NDJSON),
    Odd("a batch that is all duplicates", array(SAME, SAME, SAME), ("stored", "duplicate", "duplicate")),
    Odd("the same batch again", array(SAME, SAME, SAME), ("duplicate",) * 3),
    Odd("another event under a known id", SAME[:-1] + b', "more": 1}', ("conflict",), "stored already"),
    Odd("no event_id", text(event_id=None), ("stored",), "event_id_assigned"),
    Odd("parents that form a cycle", array(text(correlation_id=A, parent_correlation_id=B), text(correlation_id=B, parent_correlation_id=A)), ("stored", "stored")),
    Odd("its own parent", text(correlation_id=A + "x", parent_correlation_id=A + "x"), ("stored",)),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _subject(api):
    ok(api.post(f"subjects/{SUBJECT}/versions", json={"schema": json.dumps(SCHEMA)}))


def send(client, body, headers=None):
    return client.post(
        "events", content=body, headers={"Content-Type": "application/json", **(headers or {})}
    )


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.what)
def test_it_is_answered_as_documented_and_kept_byte_for_byte(api, odd):
    head = newest(api)
    answer = send(api, odd.body, odd.headers)

    assert answer.status_code == odd.status, answer.text
    if odd.status != 200:
        assert odd.says in answer.json()["message"]
        assert newest(api) == head
        return
    results = answer.json()["results"]
    assert [one["index"] for one in results] == list(range(len(odd.statuses)))
    assert tuple(one["status"] for one in results) == odd.statuses
    told = [str(one["lints"]) + str(one["errors"]) for one in results]
    assert any(odd.says in one for one in told), told
    for one in results:
        if one["status"].startswith("stored"):
            kept = api.get(f"events/{one['event_id']}")
            assert kept.content in odd.body


def newest(api):
    return [one["position"] for one in ok(api.get("events", params={"limit": 1, "type": SUBJECT}))["items"]]


def test_a_cycle_of_parents_is_cut_and_shown(api, pages):
    found = ok(api.get(f"correlations/{A}"))

    assert set(found["cycles"]) == {A, B}
    assert {one["correlation_id"] for one in found["operations"]} == {A, B}
    assert pages.get(f"/events/correlation/{A}").status_code == 200


def test_a_subject_deleted_in_mid_flight_loses_no_event(registry: Connection, api):
    """What was judged by it is stored, what comes later is of an unknown type: quarantined, and nothing is lost."""
    subject, clients, batches = "odd.shortlived", 3, 12
    ok(api.post(f"subjects/{subject}/versions", json={"schema": json.dumps(SCHEMA)}))
    begun, deleted = threading.Semaphore(0), threading.Event()
    told: list[dict[str, Any]] = []

    def produce() -> None:
        with client_of(registry) as client:
            for batch in range(batches):
                if batch == batches // 2:
                    begun.release()
                if batch == batches - 1:
                    assert deleted.wait(60)
                body = array(*(text(event_type=subject) for _ in range(20)))
                told.extend(ok(send(client, body))["results"])

    threads = [threading.Thread(target=produce) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert begun.acquire(timeout=60)
    ok(api.delete(f"subjects/{subject}"))
    deleted.set()
    for thread in threads:
        thread.join(60)

    assert len(told) == clients * batches * 20
    stored = {one["event_id"] for one in told if one["status"] == "stored"}
    held = {one["event_id"] for one in told if one["status"] == "quarantined"}
    assert len(stored) + len(held) == len(told)
    assert len(stored) >= clients * batches // 2 * 20
    assert len(held) >= clients * 20
    assert {problem["code"] for one in told for problem in one["errors"]} == {"unknown_event_type"}
    found = ok(api.get("events", params={"limit": 1_000, "type": subject}))["items"]
    assert {one["event_id"] for one in found} == stored
