"""Reading a running registry that speaks Confluent's wire API, whoever made it. Only by GET, only through the guarded way out."""

import base64
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

from django.conf import settings

from access.outbound import Outbound, check_target
from compat import compile_validator
from registry import contexts
from registry.config_members import MEMBERS
from registry.import_errors import RegistryUnusable
from registry.lookup import MAX_NUMBER

Json = dict[str, Any]


_OBJECT = {"type": ["object", "null"]}
_FLAG = {"type": ["boolean", "null"]}
_TEXT = {"type": ["string", "null"]}
# As far as it is read; what registries say beside it is left aside.
_VERSION: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["schema", "id"],
    "properties": {
        "subject": {"type": "string"},
        "schema": {"type": "string"},
        "schemaType": _TEXT,
        "id": {"type": "integer", "minimum": 0, "maximum": MAX_NUMBER},
        "references": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "required": ["name", "subject", "version"],
                "properties": {
                    "name": {"type": "string"},
                    "subject": {"type": "string"},
                    "version": {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER},
                },
            },
        },
        "metadata": _OBJECT,
        "ruleSet": _OBJECT,
        "deleted": _FLAG,
        "semver": _TEXT,
        "state": _TEXT,
        "sunset": {"type": ["string", "null"], "format": "date"},
        "deprecationNote": _TEXT,
    },
}
_CONFIG: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "compatibilityLevel": _TEXT,
        **{name: {str: _TEXT, bool: _FLAG, dict: _OBJECT}[kind] for name, (_, kind) in MEMBERS.items()},
    },
}


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What the other registry wants to see; never shown. Empty = it lets everybody read."""

    user: str = ""
    password: str = ""
    token: str = ""

    def headers(self) -> dict[str, str]:
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.user or self.password:
            plain = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            return {"Authorization": f"Basic {plain}"}
        return {}


class RemoteRegistry:
    """A context manager. Everything raises RegistryUnusable, TargetRefused, TargetUnreachable."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self._base = str(check_target(url).url.copy_with(query=None, fragment=None)).rstrip("/")
        # Our own answers tell more with it; others do not know it.
        self._headers = {"Accept": "application/json", **credentials.headers()}
        self._outbound = Outbound()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, stack: TracebackType | None
    ) -> None:
        self._outbound.__exit__(kind, value, stack)

    def subjects(self, prefix: str) -> list[str]:
        """Those that begin so, of every context when it is empty, with those of which all is soft-deleted."""
        asked = {"subjectPrefix": prefix or contexts.ALL, "deleted": "true"}
        found = self._list("/subjects", str, **asked)
        names = {contexts.normal(name) for name in found}
        # Some registries know no prefixes and answer with everything.
        return sorted(name for name in names if name.startswith(prefix))

    def numbers(self, subject: str, *, deleted: bool) -> list[int]:
        asked = {"deleted": "true"} if deleted else {}
        path = f"/subjects/{_part(subject)}/versions"
        found = self._list(path, int, **asked)
        if any(not 1 <= number <= MAX_NUMBER for number in found):
            raise RegistryUnusable(f"Its answer to {path} holds numbers that number no version.")
        return found

    def version(self, subject: str, number: int) -> Json:
        found = self._get(f"/subjects/{_part(subject)}/versions/{number}", deleted="true")
        place = f"What it says about version {number} of '{subject}'"
        return _fitting(place, found, _VERSION)

    def config(self, subject: str) -> Json:
        """What is set for the subject, or context, itself."""
        path = f"/config/{_part(subject)}" if subject else "/config"
        return _fitting(f"Its answer to {path}", self._object(path), _CONFIG)

    def mode(self, subject: str) -> str | None:
        found = self._object(f"/mode/{_part(subject)}" if subject else "/mode").get("mode")
        return found if isinstance(found, str) else None

    def _object(self, path: str) -> Json:
        """Empty where nothing is set."""
        found = self._get(path, missing={})
        if not isinstance(found, dict):
            raise RegistryUnusable(f"Its answer to {path} is no JSON object.")
        return found

    def _list(self, path: str, kind: type, **query: str) -> list[Any]:
        found = self._get(path, missing=[], **query)
        if not isinstance(found, list) or not all(type(item) is kind for item in found):
            raise RegistryUnusable(
                f"Its answer to {path} is no list: is this the address of a schema registry? Its base URL is what "
                "clients are given, of this product with /api/v1 at the end."
            )
        return found

    def _get(self, path: str, *, missing: Any = None, **query: str) -> Any:
        url = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        answer = self._outbound.get(url, headers=self._headers, most=settings.IMPORT_MAX_ANSWER_BYTES)
        if answer.cut:
            raise RegistryUnusable(
                f"Its answer to {path} is longer than {settings.IMPORT_MAX_ANSWER_BYTES:,} bytes, the limit that "
                "IMPORT_MAX_ANSWER_BYTES sets.",
                setting="IMPORT_MAX_ANSWER_BYTES",
            )
        problem = _problem_of(answer.status, answer.headers)
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError) as bad:
            kind = answer.headers.get("content-type", "no content type")
            told = problem or f"it answers with {kind[:60]} that is not JSON"
            raise RegistryUnusable(f"{path}: {told}.", status=answer.status) from bad
        if answer.status == 404 and missing is not None and isinstance(found, dict) and "error_code" in found:
            return missing
        if problem:
            said = str(found.get("message", "")) if isinstance(found, dict) else ""
            raise RegistryUnusable(
                f"{path}: {problem}" + (f", and says: {said[:300]}" if said else "."), status=answer.status
            )
        return found


def _fitting(place: str, found: Any, schema: Json) -> Json:
    if wrong := compile_validator(schema, formats=True).errors(found):
        raise RegistryUnusable(
            f"{place} is not as it should be at {wrong[0].pointer or '/'}: {wrong[0].message}"
        )
    told: Json = found
    return told


def _part(name: str) -> str:
    return quote(name, safe="")


def _problem_of(status: int, headers: Any) -> str:
    if status == 200:
        return ""
    if status in {401, 403}:
        return f"it does not let this user read (status {status}); check user and password, or the token"
    if 300 <= status < 400:
        where = headers.get("location", "another address")
        return (
            f"it redirects to {where[:200]}, which is not followed; give that address itself if you trust it"
        )
    return f"it answers with status {status}"
