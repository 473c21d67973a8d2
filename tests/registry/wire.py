"""Shared by the tests of the wire API: one way to ask, schemas that differ, errors compared as clients read them."""

import json
from typing import Any

from rest_framework.test import APIClient

BASE = "/api/v1"
V1 = "application/vnd.schemaregistry.v1+json"
ONE_FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_FIELDS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
THREE_FIELDS = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {"type": "null"}},
}
A_REQUIRED = {**ONE_FIELD, "required": ["a"]}
OTHER_TYPE = {"type": "object", "properties": {"a": {"type": "integer"}}}


def text(schema: Any, **more: Any) -> dict[str, Any]:
    return {"schema": json.dumps(schema), "schemaType": "JSON", **more}


def register(api: APIClient, subject: str, schema: Any, *, query: str = "", **more: Any) -> Any:
    """The answer's body; the registration has to succeed."""
    answer = api.post(f"{BASE}/subjects/{subject}/versions{query}", text(schema, **more))
    assert answer.status_code == 200, answer.json()
    return answer.json()


def assert_error(answer: Any, code: int, message: str | None = None) -> None:
    assert (answer.status_code, answer.json()["error_code"]) == (code // 100, code), answer.json()
    assert message is None or answer.json()["message"] == message
