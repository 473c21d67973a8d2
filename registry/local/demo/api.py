"""The registry's REST API as the demo uses it: what any program could do with a token."""

import json
from typing import Any, Self
from urllib.parse import quote

import httpx


class Refused(Exception):
    """The registry answered with an error: `message` and `details` say why."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status = status
        self.message = str(body.get("message", ""))
        self.details: dict[str, Any] = body.get("details") or {}
        super().__init__(f"{status}: {self.message}")


class Api:
    """A context manager that closes its connections. Every method raises Refused for an error answer."""

    def __init__(self, root: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=root, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def register(self, subject: str, schema: dict[str, object], **more: object) -> dict[str, Any]:
        body = {"schemaType": "JSON", "schema": json.dumps(schema), **more}
        published: dict[str, Any] = self.post(f"subjects/{quote(subject, safe='')}/versions", body)
        return published

    def check(self, subject: str, version: int, schema: dict[str, object]) -> Any:
        """Whether the schema would be compatible with one version, and why not; publishes nothing."""
        path = f"compatibility/subjects/{quote(subject, safe='')}/versions/{version}?verbose=true"
        return self.post(path, {"schemaType": "JSON", "schema": json.dumps(schema)})

    def get(self, path: str, **query: object) -> Any:
        return self._answer(self._http.get(path, params={k: str(v) for k, v in query.items()}))

    def post(self, path: str, body: object = None) -> Any:
        return self._answer(self._http.post(path, json=body))

    def put(self, path: str, body: object) -> Any:
        return self._answer(self._http.put(path, json=body))

    def _answer(self, response: httpx.Response) -> Any:
        if response.status_code >= 400:
            raise Refused(response.status_code, response.json())
        return response.json() if response.content else None
