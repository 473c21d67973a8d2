"""Emitting: an event is queued at once, travels in a batch, and whatever is wrong with it is the SDK's problem."""

import datetime as dt
import enum
import math
import os
import random
import threading
import uuid
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath

import pytest

import onex_sdk
from onex_sdk import InvalidOption
from onex_sdk._ids import new_id
from onex_sdk._options import Options


def test_an_event_gets_an_envelope_and_is_sent(server, registry, token):
    client = onex_sdk.init(server.url, token, "shop", node_id="shop-1")
    event_id = onex_sdk.emit("order.created", {"amount": 3}, correlation_id="c-1")
    assert onex_sdk.client() is client
    assert client.flush()
    (event,) = registry.events
    assert event.pop("timestamp").endswith("+00:00")
    assert event == {
        "event_id": event_id,
        "node_id": "shop-1",
        "event_type": "order.created",
        "correlation_id": "c-1",
        "metadata": {"amount": 3},
    }
    assert client.close()


def test_what_is_changed_after_emit_changes_nothing(emitting, registry):
    client = emitting()
    metadata = {"state": ["new"]}
    client.emit("order.created", metadata)
    metadata["state"].append("changed")
    assert client.flush()
    assert registry.events[0]["metadata"] == {"state": ["new"]}


def test_every_member_of_the_envelope_can_be_given(emitting, registry):
    client = emitting()
    given = {
        "event_id": "e-1",
        "node_id": "other",
        "correlation_id": "c",
        "parent_correlation_id": "p",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
        "schema_version": "1.1.0",
        "sample_rate": 0.5,
    }
    at = dt.datetime(2025, 5, 25, 14, 30, tzinfo=dt.UTC)
    assert client.emit("order.created", timestamp=at, **given) == "e-1"
    assert client.flush()
    assert registry.events == [
        {**given, "event_type": "order.created", "metadata": None, "timestamp": "2025-05-25T14:30:00+00:00"}
    ]


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int


class Hostile:
    def __str__(self):
        raise RuntimeError("no")


def _circular():
    value = {"name": "loop"}
    value["self"] = value
    return value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2025-01-02T03:04:05+00:00"),
        (dt.date(2025, 1, 2), "2025-01-02"),
        (dt.timedelta(seconds=1.5), 1.5),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (Decimal("19.90"), 19.9),
        (Decimal(7), 7),
        (Decimal("0.1234567890123456789012345"), "0.1234567890123456789012345"),
        (b"\x00\xff", "AP8="),
        ((1, 2), [1, 2]),
        ({7}, [7]),
        (deque([1]), [1]),
        (Colour.RED, "red"),
        (Point(1, 2), {"x": 1, "y": 2}),
        (PurePosixPath("a/b"), "a/b"),
        (ValueError("bad"), "ValueError: bad"),
        (math.nan, None),
        (math.inf, None),
        ("\ud800", "?"),
        ({1: "a", None: "b", Colour.RED: "c"}, {"1": "a", "None": "b", "red": "c"}),
        (_circular(), {"name": "loop", "self": "<circular>"}),
        (Hostile(), "<Hostile>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_json_does_not_know_are_written_as_readers_expect_them(
    emitting, registry, value, written
):
    client = emitting()
    client.emit("odd", {"value": {"inner": value, "nan": math.nan}})
    assert client.flush()
    assert registry.events[0]["metadata"] == {"value": {"inner": written, "nan": None}}
    assert client.stats()["converted"] == 1


@pytest.mark.parametrize("bad", [None, 7, object(), "\ud800"])
def test_nothing_that_is_given_raises(emitting, bad):
    client = emitting()
    client.emit(bad, bad, node_id=bad, timestamp=bad, event_id=bad, sample_rate=bad, correlation_id=bad)
    assert client.flush()
    assert client.stats()["emitted"] == client.stats()["stored"] == 1


def test_an_event_deeper_than_any_limit_is_dropped_and_counted(emitting, registry):
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"d": deep}
    client = emitting()
    assert client.emit("deep", deep) is None
    assert client.stats()["dropped_too_deep"] == 1
    while deep:
        deep = deep.pop("d")  # taken apart by hand: freeing it in one go would recurse


def test_threads_emit_at_the_same_time_and_nothing_is_lost(emitting, registry):
    client = emitting()

    def work(name):
        for n in range(200):
            client.emit("work", {"n": n}, node_id=name)

    threads = [threading.Thread(target=work, args=[f"t-{i}"]) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.flush(30)
    assert len({event["event_id"] for event in registry.events}) == len(registry.events) == 1600


def test_a_client_without_an_address_drops_and_says_so(caplog):
    client = onex_sdk.Client(Options())
    assert client.emit("order.created") is None
    assert client.stats()["dropped_not_configured"] == 1
    assert "ONEX_URL" in caplog.text
    assert client.close()


def test_a_disabled_client_does_nothing(server, registry, token):
    client = onex_sdk.Client(Options(url=server.url, token=token, enabled=False))
    assert client.emit("order.created") is None
    assert client.flush()
    assert client.close()
    assert registry.asked == []


def test_what_is_emitted_after_the_end_is_dropped_and_counted(emitting):
    client = emitting()
    client.emit("order.created")
    assert client.close()
    assert client.emit("order.created") is None
    assert client.stats()["dropped_closed"] == 1


def test_options_come_from_the_environment_where_nothing_is_given(caplog):
    said = {
        "ONEX_URL": "http://one",
        "ONEX_BATCH_EVENTS": "7",
        "ONEX_COMPRESS": "no",
        "ONEX_OVERFLOW": "sideways",
        "ONEX_QUEUE_EVENTS": "many",
    }
    options = Options.read({"url": "http://two", "token": None}, said)
    assert (options.url, options.batch_events, options.compress) == ("http://two", 7, False)
    # What the environment says wrongly must not stop a program.
    assert (options.overflow, options.queue_events) == ("drop_oldest", 10_000)
    assert "ONEX_OVERFLOW is not used: overflow is one of drop_oldest" in caplog.text


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"overflow": "drop_everything"}, "overflow is one of drop_oldest"),
        ({"batchsize": 3}, "There is no option 'batchsize'"),
        ({"queue_events": -1}, "queue_events is a number from 0 on"),
        ({"value_store": "ftp://x"}, "value_store: values are stored in a directory or at"),
        ({"on_result": 3}, "on_result is called with"),
    ],
)
def test_an_option_that_cannot_be_is_told_at_once(given, sentence):
    with pytest.raises(InvalidOption, match=sentence):
        onex_sdk.init("http://x", "t", "shop", **given)


def test_ids_are_uuids_that_neither_a_seed_nor_a_fork_repeats(emitting, registry):
    client = emitting()
    seen = []
    for _ in range(2):
        random.seed(7)
        seen += [client.emit("t") for _ in range(100)]
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, new_id().encode())
        os._exit(0)
    os.close(write)
    seen += [new_id(), os.read(read, 100).decode()]
    os.close(read)
    os.wait()
    assert len(set(seen)) == 202
    for one in seen:
        read_back = uuid.UUID(one)
        assert (str(read_back), read_back.version, read_back.variant) == (one, 4, uuid.RFC_4122)
