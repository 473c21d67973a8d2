"""Large events: warned about, moved out of the way, or refused, and always told."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from onex_sdk._s3 import Keys, signed_put
from onex_sdk._size import depth_of


def _nested(depth):
    value = {}
    for _ in range(depth - 1):
        value = {"d": value}
    return value


def test_an_event_over_a_limit_is_dropped_and_kept_as_a_dead_letter(emitting, registry, tmp_path):
    client = emitting(dead_letter_file=str(tmp_path / "letters"), max_event_bytes=5_000)
    assert client.emit("large", {"text": "x" * 5_000}) is None
    # The event itself is one level, and its metadata the second.
    assert client.emit("deep", _nested(64)) is None
    assert client.emit("just", _nested(63))
    assert client.flush()
    stats = client.stats()
    assert (stats["dropped_too_large"], stats["dropped_too_deep"], stats["stored"]) == (1, 1, 1)
    letters = [json.loads(line) for line in (tmp_path / "letters").read_text().splitlines()]
    assert [letter["reason"].split(";")[1] for letter in letters] == [" 5000 are allowed", " 64 are allowed"]
    assert letters[0]["event"]["metadata"] == {"text": "x" * 5_000}


def test_events_that_are_merely_large_or_deep_are_sent_and_counted(emitting, registry):
    client = emitting()
    client.emit("large", {"text": "x" * 101 * 1024})
    client.emit("deep", _nested(10))
    client.emit("wide", {str(n): [] for n in range(100)})
    assert client.flush()
    stats = client.stats()
    assert (stats["warned_large"], stats["warned_deep"], stats["stored"]) == (1, 1, 3)


@pytest.mark.parametrize(
    ("text", "depth"), [("{}", 1), ('{"a":[1,{"b":"]}}{{["}]}', 3), (r'{"a":"\\","b":"\"[[["}', 1), ("1", 0)]
)
def test_brackets_in_texts_are_no_depth(text, depth):
    json.loads(text)
    assert depth_of(text.encode()) == depth


def test_a_value_of_50_megabytes_becomes_a_reference_to_a_file(emitting, registry, tmp_path):
    client = emitting(value_store=str(tmp_path))
    text = "x" * 50 * 1024 * 1024
    assert client.emit("state", {"input_state": {"content": text}, "small": 1})
    assert client.flush()
    (event,) = registry.events
    data = json.dumps({"content": text}, separators=(",", ":")).encode()
    reference = event["metadata"].pop("input_state")
    assert event["metadata"] == {"small": 1}
    assert reference["data_size"] == len(data)
    assert reference["data_checksum"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert Path(unquote(urlsplit(reference["data_location"]).path)).read_bytes() == data
    assert client.stats()["by_reference"] == 1


def test_without_a_store_such_a_value_is_refused_and_the_next_event_goes_on(emitting, registry, tmp_path):
    client = emitting(dead_letter_file=str(tmp_path / "letters"))
    assert client.emit("state", {"content": "x" * 50 * 1024 * 1024}) is None
    assert client.emit("state", {"content": "small"})
    assert client.flush()
    assert client.stats()["dropped_too_large"] == 1
    # Of what is kept of it there is only the beginning.
    assert (tmp_path / "letters").stat().st_size < 2 * 1024 * 1024


def test_a_store_on_disk_that_fails_drops_that_event_and_says_so(emitting, tmp_path):
    tmp_path.joinpath("file").write_text("")
    client = emitting(value_store=str(tmp_path / "file"), reference_bytes=1_000)
    assert client.emit("state", {"content": "x" * 2_000}) is None
    assert client.stats()["dropped_store_failed"] == 1


class Store:
    """Somebody's own."""

    def __init__(self, failures=0):
        self.kept = {}
        self.failures = failures

    def location(self, name):
        return f"vault://{name}"

    def put(self, name, data):
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the vault is closed")
        self.kept[name] = data


def test_values_are_in_their_store_before_their_event_is_sent(emitting, registry, server):
    store = Store(failures=2)
    client = emitting(value_store=store, reference_bytes=1_000)
    client.emit("state", {"content": "x" * 2_000, "list": [1] * 2_000})
    assert client.flush()
    metadata = registry.events[0]["metadata"]
    for name, value in (("content", "x" * 2_000), ("list", [1] * 2_000)):
        stored = store.kept[metadata[name]["data_location"].removeprefix("vault://")]
        assert json.loads(stored) == value
    assert client.stats()["store_failed"] == 2


def test_a_store_that_goes_on_failing_costs_its_events_and_no_others(emitting, registry, tmp_path):
    client = emitting(
        value_store=Store(failures=99),
        reference_bytes=1_000,
        batch_age_ms=3_600_000,
        dead_letter_file=str(tmp_path / "letters"),
    )
    client.emit("t", event_id="before")
    client.emit("t", {"content": "x" * 2_000}, event_id="large")
    client.emit("t", event_id="after")
    assert client.flush()
    assert [event["event_id"] for event in registry.events] == ["before", "after"]
    assert client.stats()["dropped_store_failed"] == 1
    assert json.loads((tmp_path / "letters").read_text())["event"]["event_id"] == "large"


def test_a_bucket_is_written_to_with_a_put(emitting, registry, server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = emitting(value_store=f"s3+{server.url}/bucket/values", reference_bytes=1_000)
    client.emit("state", {"content": "x" * 2_000})
    assert client.flush()
    put, posted = registry.asked
    location = json.loads(posted.plain)[0]["metadata"]["content"]["data_location"]
    assert (put.method, f"{server.url}{put.path}") == ("PUT", location)
    assert json.loads(put.body) == "x" * 2_000
    assert put.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")


@pytest.mark.parametrize(
    ("token", "signature"),
    [
        (None, "1cde177212a6e2299b88fdc6fb1bef74d21693e3030e45582df16845c184c9ec"),
        ("sess/ion==", "adeb2835c8dd0f0d55ab953cb253ffada97df4a063724f1b6cb89f44f0d22695"),
    ],
)
def test_the_signature_is_the_one_that_botocore_makes(token, signature):
    url = "https://minio.local:9000/bucket/some%20prefix/ab.json"
    keys = Keys("AKID", "secret/key", "eu-central-1", token)
    headers = signed_put(url, b'{"a":1}', keys, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert headers["Authorization"].endswith(f"Signature={signature}")
