"""When batches leave, how they travel, and what becomes of what the server says about each event."""

import gzip
import json
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from onex_sdk import _compress
from onex_sdk._breaker import Breaker

NEVER = 3_600_000


def _sizes(registry):
    return [len(json.loads(asked.plain)) for asked in registry.asked if asked.path == "/api/v1/events"]


def _result(index, status, **more):
    return {
        "index": index,
        "event_id": f"e-{index}",
        "status": status,
        "schema_version": None,
        "errors": [],
        **more,
    }


def test_a_full_batch_leaves_without_waiting_for_its_time(emitting, registry):
    client = emitting(batch_age_ms=NEVER)
    for _ in range(250):
        client.emit("t")
    assert client.flush()
    assert _sizes(registry) == [100, 100, 50]


def test_where_ten_batches_wait_they_leave_together(emitting, registry):
    client = emitting(batch_events=10, batch_age_ms=NEVER)
    registry.may_answer.clear()
    for _ in range(10):
        client.emit("t")
    assert registry.arrived.wait(10)
    for _ in range(205):
        client.emit("t")
    registry.may_answer.set()
    assert client.flush()
    assert _sizes(registry) == [10, 100, 100, 5]


def test_a_single_event_leaves_when_its_time_has_come(emitting, registry):
    emitting(batch_age_ms=1).emit("t")
    assert registry.arrived.wait(10)


def test_a_batch_leaves_when_it_has_enough_bytes(emitting, registry):
    client = emitting(batch_age_ms=NEVER, batch_bytes=1_000)
    for _ in range(4):
        client.emit("t", {"text": "x" * 400})
    assert registry.arrived.wait(10)
    assert client.flush()
    assert sum(_sizes(registry)) == 4
    assert max(_sizes(registry)) == 1


def test_large_bodies_are_compressed_and_small_ones_are_not(emitting, registry):
    client = emitting()
    client.emit("t")
    assert client.flush()
    client.emit("t", {"text": "x" * 2_000})
    assert client.flush()
    small, large = registry.asked
    assert "content-encoding" not in small.headers
    assert large.headers["content-encoding"] in ("zstd", "gzip")
    assert len(large.body) < 500
    stats = client.stats()
    assert stats["bytes_sent"] < stats["bytes"]


def test_gzip_is_used_where_there_is_no_zstd(emitting, registry, monkeypatch):
    monkeypatch.setattr(_compress, "_zstd", lambda: None)
    client = emitting()
    client.emit("t", {"text": "x" * 2_000})
    assert client.flush()
    (asked,) = registry.asked
    assert asked.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(asked.body))[0]["metadata"]["text"] == "x" * 2_000


def test_an_encoding_that_the_server_does_not_take_is_not_used_again(emitting, registry, canned):
    client = emitting()
    refusal = canned(415, {"error_code": 41501, "message": "No such encoding.", "details": {}})
    registry.next_answers += [refusal] * len(_compress.encodings())
    for _ in range(2):
        client.emit("t", {"text": "x" * 2_000})
        assert client.flush()
    assert "content-encoding" not in registry.asked[-1].headers
    assert client.stats()["stored"] == 2


def test_the_fate_of_every_event_is_counted_logged_and_called_back(
    emitting, registry, canned, caplog, tmp_path
):
    told = []
    letters = tmp_path / "letters"
    client = emitting(
        batch_age_ms=NEVER,
        dead_letter_file=str(letters),
        on_result=lambda kind, result: told.append((kind, result.status)),
    )
    problem = {"code": "violates_schema", "pointer": "/metadata", "keyword": "required", "message": "no a"}
    statuses = ["stored", "stored_with_violations", "duplicate", "quarantined", "rejected", "conflict"]
    results = [
        _result(i, status, errors=[problem] if status in statuses[1:2] + statuses[3:5] else [])
        for i, status in enumerate(statuses)
    ]
    registry.next_answers.append(canned(body={"results": results, "counts": {}}))
    for n in range(6):
        client.emit(f"t{n}", event_id=f"e-{n}")
    assert client.flush()
    stats = client.stats()
    assert {name: stats[name] for name in statuses} == dict.fromkeys(statuses, 1)
    assert stats["violations"] == 3
    assert told == [(f"t{n}", status) for n, status in enumerate(statuses)]
    # What is nowhere but here is kept here, with the reasons.
    kept = [json.loads(line) for line in letters.read_text().splitlines()]
    assert [(letter["event"]["event_id"], letter["reason"]) for letter in kept] == [
        ("e-4", "rejected"),
        ("e-5", "conflict"),
    ]
    assert kept[0]["errors"] == [problem]
    assert "t1 was stored_with_violations: /metadata no a" in caplog.text


def test_a_callback_that_raises_stops_nothing(emitting, caplog):
    def fail(_type, _result):
        raise RuntimeError("the host's own mistake")

    client = emitting(on_result=fail)
    client.emit("t")
    client.emit("t")
    assert client.flush()
    assert client.stats()["on_result_failed"] == client.stats()["stored"] == 2


def test_what_is_too_large_at_once_is_split_until_it_passes(emitting, registry, canned):
    client = emitting(batch_age_ms=NEVER)
    too_large = canned(413, {"error_code": 41301, "message": "Too much at once.", "details": {}})
    registry.next_answers += [too_large, too_large]
    for n in range(8):
        client.emit("t", event_id=f"e-{n}")
    assert client.flush()
    assert _sizes(registry) == [8, 4, 2, 2, 4]
    assert [event["event_id"] for event in registry.events[12:]] == [f"e-{n}" for n in range(8)]
    assert (client.stats()["split"], client.stats()["stored"]) == (2, 8)


def test_one_event_that_spoils_its_batch_is_found_and_put_aside(emitting, registry, canned, tmp_path):
    client = emitting(batch_age_ms=NEVER, dead_letter_file=str(tmp_path / "letters"))
    refused = canned(400, {"error_code": 40001, "message": "Not JSON.", "details": {}})
    # Both, and then the first alone; the second alone is taken.
    registry.next_answers += [refused, refused]
    client.emit("t", event_id="bad")
    client.emit("t", event_id="good")
    assert client.flush()
    assert (client.stats()["rejected"], client.stats()["stored"]) == (1, 1)
    assert json.loads((tmp_path / "letters").read_text())["event"]["event_id"] == "bad"


def _wait(status, header):
    headers = {"Retry-After": header} if header else {}
    return lambda canned: canned(
        status, {"error_code": status * 100, "message": "Wait.", "details": {}}, headers
    )


FAILURES = {
    "429": _wait(429, "0"),
    "503 without saying when": _wait(503, None),
    "500": lambda canned: canned(500, raw=b"oops"),
    "a page instead of an answer": lambda canned: canned(200, raw=b"<html>sign in to the network</html>"),
    "an answer without results": lambda canned: canned(200, {"counts": {}}),
    "fewer results than events": lambda canned: canned(200, {"results": [], "counts": {}}),
    "results that are none": lambda canned: canned(200, {"results": [None], "counts": {}}),
    "a wrong token": lambda canned: canned(401, {"error_code": 40101, "message": "Unknown.", "details": {}}),
    "no such address": lambda canned: canned(404, raw=b"not found"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_after_a_failure_the_very_same_bytes_are_sent_again(emitting, registry, canned, failure):
    client = emitting(breaker_seconds=0)
    registry.next_answers.append(failure(canned))
    client.emit("t", {"n": 1})
    assert client.flush(30)
    first, second = registry.asked
    assert first.body == second.body
    stats = client.stats()
    assert (stats["emitted"], stats["retried"], stats["stored"]) == (1, 1, 1)


class TestBreaker:
    """It decides when the server is asked again."""

    @pytest.fixture
    def breaker(self, clock):
        return Breaker(failures=5, seconds=60, clock=clock, draw=lambda _low, high: high)

    def test_pauses_grow_and_the_fifth_failure_in_a_row_opens_it_for_a_minute(self, breaker, clock):
        waits = []
        for _ in range(5):
            opened = breaker.failed()
            waits.append(breaker.wait())
            clock.now += breaker.wait()
        assert waits == [0.5, 1.0, 2.0, 4.0, 60.0]
        assert opened
        assert breaker.state == "half_open"
        assert not breaker.failed()
        assert (breaker.state, breaker.wait()) == ("open", 60.0)

    def test_a_success_closes_it(self, breaker):
        for _ in range(5):
            breaker.failed()
        breaker.succeeded()
        assert (breaker.state, breaker.wait()) == ("closed", 0.0)

    def test_the_jitter_is_drawn_from_nothing_to_the_whole_pause(self, clock):
        asked = []
        breaker = Breaker(
            failures=9, seconds=60, clock=clock, draw=lambda *limits: asked.append(limits) or 0.0
        )
        for _ in range(8):
            breaker.failed()
        assert asked == [(0.0, pause) for pause in (0.5, 1, 2, 4, 8, 16, 30, 30)]

    def test_a_server_that_says_when_is_not_asked_before_and_is_no_failure(self, breaker, clock):
        early = Breaker(failures=5, seconds=60, clock=clock, draw=lambda low, _high: low)
        for asked in (breaker, early):
            asked.asked_to_wait(7)
        assert (early.wait(), breaker.wait()) == (7, 14)
        assert breaker.state == "closed"

    def test_nobody_is_made_to_wait_for_ever(self, breaker):
        breaker.asked_to_wait(10**9)
        assert breaker.wait() <= 600


def test_a_date_to_come_again_is_understood(emitting, registry, canned, caplog):
    caplog.set_level(logging.WARNING)
    at = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    registry.next_answers.append(
        canned(503, {"error_code": 50301, "message": "Later.", "details": {}}, {"Retry-After": at})
    )
    client = emitting()
    client.emit("t")
    assert client.flush(30)
    assert client.stats()["failed_unavailable"] == 1
    assert "Events wait to be sent again: Later." in caplog.text
