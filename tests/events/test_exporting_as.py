"""Exports, and who follows the log, read events as another version of their subject."""

import csv
import io
import json
from typing import Any

import pytest

from tests.conftest import Person
from tests.events.conftest import Send, event
from tests.events.test_export import exported
from tests.events.test_reading_as import versions  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(versions: None, send: Send) -> None:  # noqa: F811
    """An order that can be read as 2.0.0, and one that no step brings there."""
    send(
        event(event_id="e0", schema_version="1.0.0", metadata={"amount": 7}),
        event(event_id="e1", schema_version="1.0.0", metadata={"amount": 9, "total": 1}),
    )


@pytest.mark.parametrize("at_once", [True, False])
def test_lines_are_those_of_the_list_read_so(owner: Person, sent: None, at_once: bool) -> None:
    query = {"as": "^2"}
    text = owner.api.get("/api/v1/events/export", query).content if at_once else exported(owner, **query)
    told = [json.loads(line) for line in text.splitlines()]
    assert [(one["as"], one["migrated_from"], one["not_migrated"] is None) for one in told] == [
        ("2.0.0", "1.0.0", True),
        (None, "1.0.0", False),
    ]
    assert told[0]["event"]["metadata"] == {"total": 7, "currency": "EUR"}
    assert told[1]["event"]["metadata"] == {"amount": 9, "total": 1}
    listed = owner.api.get("/api/v1/events", query, HTTP_ACCEPT="application/x-ndjson").content
    assert sorted(listed.splitlines()) == sorted(text.splitlines())


def test_a_csv_says_it_in_columns_of_its_own(owner: Person, sent: None) -> None:
    text = exported(owner, "csv", **{"as": "^2"}).decode()
    first, second = csv.DictReader(io.StringIO(text))
    assert (first["as"], first["migrated_from"], first["not_migrated"]) == ("2.0.0", "1.0.0", "")
    assert json.loads(first["event"])["metadata"] == {"total": 7, "currency": "EUR"}
    assert (second["as"], second["not_migrated"][:10]) == ("", "From 1.0.0")
    assert "not_migrated" not in exported(owner, "csv").decode().splitlines()[0]


def test_who_follows_the_log_reads_so(owner: Person, sent: None) -> None:
    told = owner.api.get("/api/v1/events/tail?from=0&as=^2").json()["items"]
    assert [one["event"]["metadata"].get("total") for one in told] == [7, 1]
    assert [one["as"] for one in told] == ["2.0.0", None]
    stream: Any = owner.api.get("/api/v1/events/tail?from=0&as=^2", headers={"accept": "text/event-stream"})
    part = next(iter(stream.streaming_content)).decode()
    stream._iterator.close()
    assert '"migrated_from":"1.0.0"' in part
    assert '"currency": "EUR"' in part


@pytest.mark.parametrize("address", ["/api/v1/events/export?as=newest!", "/api/v1/events/tail?as=newest!"])
def test_what_means_no_version_is_refused_at_once(owner: Person, sent: None, address: str) -> None:
    assert owner.api.get(address).status_code == 422
    refused = owner.api.post("/api/v1/exports", {"query": {"as": "newest!"}}, format="json")
    assert refused.status_code == 422
