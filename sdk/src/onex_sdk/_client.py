"""The one class that callers hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any

from onex_sdk._codes import bindings_of
from onex_sdk._events import SendResult, body_of, result_of
from onex_sdk._http import Api
from onex_sdk._schemas import Schema, Schemas, SchemaVersion
from onex_sdk._taxonomies import Taxonomies
from onex_sdk._validation import Validator, Violation

if TYPE_CHECKING:
    from onex_sdk._keys import DataKeys, KeyEncryption


class RegistryClient:
    """A registry at an address. Hold one per process: it keeps connections, schemas and compiled validators.

    `timeout` is in seconds, per request. `latest_ttl` is how many seconds `latest` (or a range) may lag behind the
    server; when the server is away after that, the last known schema goes on being used. Safe to share between
    threads; not across a fork.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 10.0,
        latest_ttl: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        #: The server's API, for what this class has no method for.
        self.api = Api(url, token, timeout=timeout)
        self._schemas = Schemas(self.api, ttl=latest_ttl, clock=clock)
        self._taxonomies = Taxonomies(self.api, ttl=latest_ttl, clock=clock)
        self._validators: dict[tuple[Any, ...], Validator] = {}
        # What `x-taxonomy` says in a schema and those it refers to, by id.
        self._bindings: dict[int, tuple[str, ...]] = {}
        self._lock = Lock()

    def __enter__(self) -> RegistryClient:  # noqa: PYI034 - typing.Self needs Python 3.11
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connections back; the client is not used afterwards."""
        self.api.close()

    def schema(self, subject: str, version: str | int = "latest") -> SchemaVersion:
        """The version called `latest`, by number, by SemVer, or the newest of a range such as `^1.2`.

        Raises NotFound, Denied, Unreachable, Unavailable, BadAnswer.
        """
        return self._schemas.version(subject, version)

    def schema_by_id(self, schema_id: int) -> Schema:
        """The schema with this id; asked of the server once. Raises as `schema` does."""
        return self._schemas.by_id(schema_id)

    def validate(self, subject: str, instance: Any, version: str | int = "latest") -> list[Violation]:
        """What the server would say against `instance` under this subject; empty when it is valid.

        Whether formats are asserted is what the server said with the version: for a number, when that was first asked.
        Asks the network only for schemas that are not here yet. Raises as `schema` does, and SchemaUnusable.
        """
        return self.validator_of(self.schema(subject, version)).violations(instance)

    def send(self, events: Iterable[Mapping[str, Any]]) -> SendResult:
        """Sends the events in one request; each has its own result, and one bad event fails no other.

        An event with an `event_id` may be sent again safely: the server stores it once. Raises UnsendableEvent
        before anything is sent, and Denied, TooLarge, Unreachable, Unavailable, Refused, BadAnswer.
        """
        return result_of(self.api.post("/events", body_of(events)))

    def send_lines(self, lines: Sequence[bytes]) -> SendResult:
        """As `send`, of events that are bytes already, exactly as they are."""
        return result_of(self.api.post("/events", b"[" + b",".join(lines) + b"]"))

    def texts_of(self, version: SchemaVersion) -> dict[str, str]:
        """The schemas that this one refers to, also by way of others, under the names `$ref` uses. Raises as `schema` does."""
        return self._store(version.schema)

    def data_keys(self, encryption: KeyEncryption, *, ttl: float = 300.0) -> DataKeys:
        """The keys of sensitive fields, opened by this key-encryption key: for `decrypt`, rotation and rewrapping."""
        from onex_sdk.crypto import DataKeys

        return DataKeys(self.api, encryption, ttl=ttl)

    def sampling(self, etag: str | None = None) -> tuple[Any, str | None]:
        """The sampling rules for this token and their ETag; `(None, etag)` when they are as they were.

        Raises Denied, Unreachable, Unavailable, BadAnswer.
        """
        return self.api.get("/sampling/resolved", etag=etag)

    def validator_of(self, version: SchemaVersion) -> Validator:
        """What judges as the server does; compiled once. Raises as `schema` does, and SchemaUnusable."""
        schema = version.schema
        with self._lock:
            bindings = self._bindings.get(schema.id)
        store = self._store(schema) if bindings is None else None
        if bindings is None:
            bindings = bindings_of(schema.text, *(store or {}).values())
            with self._lock:
                self._bindings[schema.id] = bindings
        codes = {binding: found for binding in bindings if (found := self._taxonomies.codes(binding))}
        editions = tuple((binding, found.version) for binding, found in codes.items())
        key = (schema.id, version.dialect, version.asserts_formats, editions)
        with self._lock:
            known = self._validators.get(key)
        if known is not None:
            return known
        made = Validator(
            schema.text,
            self._store(schema) if store is None else store,
            dialect=version.dialect,
            formats=version.asserts_formats,
            codes=codes,
        )
        with self._lock:
            return self._validators.setdefault(key, made)

    def _store(self, schema: Schema) -> dict[str, str]:
        """Every schema that this one refers to, also by way of others, under the name `$ref` uses."""
        found: dict[str, str] = {}
        waiting = [schema]
        while waiting:
            for reference in waiting.pop().references:
                if reference.name not in found:
                    target = self.schema(reference.subject, reference.version).schema
                    found[reference.name] = target.text
                    waiting.append(target)
        return found
