"""The registry's REST API as the demo uses it: what any program could do with a token."""

import json
import urllib.parse
from typing import Any

import httpx


class Refused(Exception):
    """The registry answered with an error: its body says why."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.body: dict[str, Any] = response.json() if response.content else {}
        super().__init__(f"{self.status}: {self.body.get('message', '')}")

    @property
    def details(self) -> dict[str, Any]:
        details: dict[str, Any] = self.body.get("details") or {}
        return details


class Api:
    """Every method raises Refused for an error answer."""

    def __init__(self, root: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=root, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )

    def register(self, subject: str, schema: dict[str, object], **more: object) -> dict[str, Any]:
        body = {"schemaType": "JSON", "schema": json.dumps(schema), **more}
        return self.post(f"subjects/{urllib.parse.quote(subject, safe='')}/versions", body)

    def get(self, path: str, **query: object) -> Any:
        return self._answer(self._http.get(path, params={k: str(v) for k, v in query.items()}))

    def post(self, path: str, body: object = None) -> Any:
        return self._answer(self._http.post(path, json=body))

    def _answer(self, response: httpx.Response) -> Any:
        if response.status_code >= 400:
            raise Refused(response)
        return response.json() if response.content else None
