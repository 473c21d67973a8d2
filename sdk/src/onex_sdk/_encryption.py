"""Encrypting the fields that a schema marks as sensitive, and decrypting them for who holds the keys."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

from joserfc import jwe
from joserfc.errors import JoseError

from onex_sdk._errors import NotFound
from onex_sdk._keys import DataKey, KeyGone
from onex_sdk._schemas import SchemaVersion
from onex_sdk._sealed import is_sealed, key_id
from onex_sdk._sensitive import Marks

_ALGORITHMS = ["dir", "A256GCM"]
_UNKNOWN_FOR = 60.0
_MANY = 10_000
_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode


class Schemas(Protocol):
    """Where schemas come from: a RegistryClient."""

    def schema(self, subject: str, version: str | int = "latest") -> SchemaVersion: ...
    def texts_of(self, version: SchemaVersion) -> Mapping[str, str]: ...


class KeysThatEncrypt(Protocol):
    def active(self, subject: str) -> DataKey: ...


class KeysThatDecrypt(Protocol):
    def find(self, kid: str) -> DataKey: ...


@dataclass(frozen=True)
class Prepared:
    """How events of one type are encrypted: what their schema marks, and with which key. `encrypt` asks nobody."""

    marks: Marks | None
    key: DataKey | None

    def encrypt(self, event: dict[str, Any]) -> dict[str, Any]:
        """As `Encryptor.encrypt` does. Raises Unresolved."""
        if self.key is None or self.marks is None:
            return event
        key = self.key

        def seal(value: Any) -> Any:
            return value if is_sealed(value) else sealed(value, key)

        return {**event, "metadata": self.marks.replace(event.get("metadata"), seal)}


class Encryptor:
    """Encrypts marked fields of events by the schemas of a registry. Safe to share between threads."""

    def __init__(
        self, schemas: Schemas, keys: KeysThatEncrypt, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._schemas = schemas
        self._keys = keys
        self._clock = clock
        self._lock = Lock()
        self._marks: dict[int, Marks] = {}
        # Until when a type that the registry does not know is taken to be unknown.
        self._unknown: dict[tuple[str, str], float] = {}

    def encrypt(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event with its marked fields encrypted, in a copy; the very same where its schema marks nothing.

        Raises RegistryError, KeyGone or Unresolved where it cannot be told what is marked, or no key is to be had: then
        the event must not leave. A type that the registry does not know marks nothing.
        """
        marks = self._marks_for(event["event_type"], event.get("schema_version") or "latest")
        if marks is None or not marks.any:
            return event
        key: DataKey | None = None

        def seal(value: Any) -> Any:
            nonlocal key
            if is_sealed(value):
                return value
            key = key or self._keys.active(event["event_type"])
            return sealed(value, key)

        return {**event, "metadata": marks.replace(event.get("metadata"), seal)}

    def prepared(self, subject: str, wanted: str) -> Prepared:
        """All that encrypting events of this type and version takes, asked for now. Raises as `encrypt`."""
        marks = self._marks_for(subject, wanted)
        if marks is None or not marks.any:
            return Prepared(None, None)
        return Prepared(marks, self._keys.active(subject))

    def _marks_for(self, subject: str, wanted: str) -> Marks | None:
        if self._clock() < self._unknown.get((subject, wanted), 0.0):
            return None
        version = self._version(subject, wanted)
        if version is None:
            with self._lock:
                if len(self._unknown) > _MANY:
                    self._unknown.clear()
                self._unknown[subject, wanted] = self._clock() + _UNKNOWN_FOR
            return None
        with self._lock:
            known = self._marks.get(version.schema.id)
        if known is None:
            known = Marks(version.schema.text, self._schemas.texts_of(version))
            with self._lock:
                self._marks[version.schema.id] = known
        return known

    def _version(self, subject: str, wanted: str) -> SchemaVersion | None:
        """As the server judges: exactly this version, else the highest of its major."""
        found = self._found(subject, wanted)
        major = wanted.partition(".")[0]
        if found is None and major.isdecimal() and "." in wanted:
            return self._found(subject, f"^{major}")
        return found

    def _found(self, subject: str, version: str) -> SchemaVersion | None:
        try:
            return self._schemas.schema(subject, version)
        except NotFound:
            return None


def sealed(value: Any, key: DataKey) -> str:
    """A value as the compact JWE that travels in its place."""
    header = {"alg": "dir", "enc": "A256GCM", "kid": key.kid, "cty": "json"}
    return jwe.encrypt_compact(header, _encode(value).encode(), key.key, algorithms=_ALGORITHMS)


@dataclass(frozen=True)
class Undecryptable:
    """An encrypted value that stays as it is. `reason` is destroyed, revoked, unknown, unusable or altered."""

    pointer: str
    kid: str
    reason: str


@dataclass(frozen=True)
class Decrypted:
    """An event with its encrypted values in the clear, as far as there are keys for them."""

    event: Any
    undecryptable: tuple[Undecryptable, ...]


def decrypt(event: Any, keys: KeysThatDecrypt) -> Decrypted:
    """A copy of the event in the clear. What cannot be decrypted stays, and is told. Raises RegistryError.

    Signatures are over the encrypted event: verify its bytes before.
    """
    missing: list[Undecryptable] = []
    return Decrypted(_opened(event, "", keys, missing), tuple(missing))


def decrypt_lines(lines: Iterable[bytes | str], keys: KeysThatDecrypt) -> Iterator[Decrypted]:
    """Of NDJSON, as exports and replays to a file answer it: one after the other, whatever cannot be decrypted."""
    for line in lines:
        if line.strip():
            yield decrypt(json.loads(line), keys)


def _opened(value: Any, pointer: str, keys: KeysThatDecrypt, missing: list[Undecryptable]) -> Any:
    if isinstance(value, dict):
        return {
            name: _opened(item, f"{pointer}/{_escaped(name)}", keys, missing) for name, item in value.items()
        }
    if isinstance(value, list):
        return [_opened(item, f"{pointer}/{at}", keys, missing) for at, item in enumerate(value)]
    kid = key_id(value) if is_sealed(value) else None
    if kid is None:
        return value
    try:
        return _in_the_clear(value, keys.find(kid))
    except KeyGone as gone:
        missing.append(Undecryptable(pointer, kid, gone.state))
    except (JoseError, ValueError):
        missing.append(Undecryptable(pointer, kid, "altered"))
    return value


def _in_the_clear(value: str, key: DataKey) -> Any:
    plaintext = jwe.decrypt_compact(value, key.key, algorithms=_ALGORITHMS).plaintext
    return json.loads(plaintext or b"")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
