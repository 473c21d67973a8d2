"""gzip and zstd: decoded within the limit, refused beyond it while decoding, and told when damaged."""

import gzip
import json
import tracemalloc
from typing import Any

import pytest
import zstandard

from tests.conftest import Person
from tests.events.conftest import event

pytestmark = pytest.mark.django_db

BODY = json.dumps([event("x") for _ in range(20)]).encode()


def streamed(body: bytes) -> bytes:
    """A zstd frame that does not say its size."""
    compressor = zstandard.ZstdCompressor().compressobj()
    return compressor.compress(body) + compressor.flush()


def post(person: Person, body: bytes, encoding: str) -> Any:
    return person.api.generic(
        "POST",
        "/api/v1/events",
        body,
        content_type="application/json",
        headers={"Content-Encoding": encoding},
    )


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY, mtime=0), "gzip"),
        (gzip.compress(BODY[:100], mtime=0) + gzip.compress(BODY[100:], mtime=0), "GZIP"),
        (zstandard.ZstdCompressor().compress(BODY), "zstd"),
        (streamed(BODY), "zstd"),
        (BODY, "identity"),
    ],
    ids=["gzip", "two gzip members", "zstd", "zstd stream", "identity"],
)
def test_a_compressed_body_is_read(owner: Person, body: bytes, encoding: str) -> None:
    answer = post(owner, body, encoding)
    assert answer.json()["counts"] == {"quarantined": 20}


@pytest.mark.parametrize(
    ("body", "encoding", "status", "words"),
    [
        (gzip.compress(BODY, mtime=0)[:-9], "gzip", 400, "cut off"),
        (b"no gzip", "gzip", 400, "damaged"),
        (zstandard.ZstdCompressor().compress(BODY)[:-5], "zstd", 400, "cut off"),
        (streamed(BODY)[:-5], "zstd", 400, "cut off"),
        (b"no zstd", "zstd", 400, "damaged"),
        (BODY, "br", 415, "gzip, zstd"),
    ],
)
def test_a_damaged_body_is_told(owner: Person, body: bytes, encoding: str, status: int, words: str) -> None:
    answer = post(owner, body, encoding)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True)


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress, streamed])
def test_a_bomb_is_refused_before_it_fills_the_memory(owner: Person, compress: Any) -> None:
    bomb = compress(b" " * 300_000_000)
    encoding = "gzip" if compress is gzip.compress else "zstd"
    assert post(owner, bomb, encoding).status_code == 413
    tracemalloc.start()
    post(owner, bomb, encoding)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80_000_000


def test_a_body_of_nothing_but_gzip_members_is_refused(owner: Person) -> None:
    answer = post(owner, gzip.compress(b"") * 50_000, "gzip")
    assert (answer.status_code, "members" in answer.json()["message"]) == (413, True)
    assert post(owner, gzip.compress(b"") * 900 + gzip.compress(BODY), "gzip").status_code == 200


@pytest.mark.parametrize("line", [b"\n", b"1\n", b" \r\n"])
def test_millions_of_lines_cost_no_more_memory_than_the_body(owner: Person, line: bytes) -> None:
    """Lines are cut one after the other, and no further than there may be events."""
    body = line * (16_000_000 // len(line))
    tracemalloc.start()
    answer = owner.api.generic("POST", "/api/v1/events", body, content_type="application/x-ndjson")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == (413 if line.strip() else 200)
    # The body is there, and a copy of it that the test client makes.
    assert peak < 40_000_000


def test_who_may_not_send_events_is_told_before_the_body_is_read(stranger: Person) -> None:
    assert post(stranger, b"no gzip", "gzip").status_code == 403
