"""What a producer sent is what everybody gets back, byte for byte."""

import json
from typing import Any

import pytest
from django.utils.http import urlencode

from tests.conftest import Person
from tests.events.conftest import event

pytestmark = pytest.mark.django_db

ODD = (
    b'{"event_id" :\t"%s", "timestamp":"2025-05-25T14:30:00", "node_id": "caf\\u00e9 \xc3\xa9", "event_type": "order.placed",\n'
    b' "metadata": {"amount": 1.0e0, "note": "\\/ \\u0000 \\ud83d\\ude00", "big": 123456789012345678901234567890}}'
)


def test_one_event_comes_back_as_it_was_sent(orders: Any, owner: Person) -> None:
    raw = ODD % b"odd/1"
    body = b"[ " + raw + b" ,\n" + json.dumps(event()).encode() + b"]"
    sent = owner.api.generic("POST", "/api/v1/events", body, content_type="application/json")
    assert [r["status"] for r in sent.json()["results"]] == ["stored", "stored"]
    answer = owner.api.get("/api/v1/events/odd/1")
    assert answer.content == raw
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Onex-Valid"] == "true"


def test_the_list_holds_the_bytes_inside_its_own_json(orders: Any, owner: Person) -> None:
    owner.api.generic("POST", "/api/v1/events", ODD % b"odd-2", content_type="application/json")
    answer = owner.api.get("/api/v1/events")
    assert b'"event":' + ODD % b"odd-2" + b"}" in answer.content


def test_lines_are_the_events_with_line_breaks_as_spaces(orders: Any, owner: Person) -> None:
    owner.api.generic("POST", "/api/v1/events", ODD % b"odd-3", content_type="application/json")
    query = urlencode({"type": "order.*"})
    answer = owner.api.get(f"/api/v1/events?{query}", headers={"Accept": "application/x-ndjson"})
    assert answer.content == (ODD % b"odd-3").replace(b"\n", b" ") + b"\n"
    assert answer["Content-Type"] == "application/x-ndjson"


def test_the_quarantine_keeps_the_bytes_too(owner: Person) -> None:
    raw = (ODD % b"odd-4").replace(b"order.placed", b"unknown.type")
    owner.api.generic("POST", "/api/v1/events", raw, content_type="application/json")
    assert b'"event":' + raw + b"}" in owner.api.get("/api/v1/quarantine").content
