"""Envelope keys: each subject has a data key, which encrypts its sensitive fields and travels only wrapped.

A key-encryption key wraps data keys. It is here (from the environment or a file) or in a key management service behind
`KeyEncryption`; the registry never has it, so it keeps data keys that it cannot open.
"""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Protocol
from urllib.parse import quote, urlencode

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from onex_sdk._errors import NotFound, Refused
from onex_sdk._http import Api
from onex_sdk._signing import UnusableKey

_WRAPPING = ["A256KW", "A256GCM"]
_BYTES = 32
_CONFLICT = 409


class KeyEncryption(Protocol):
    """What wraps data keys: an implementation of it asks AWS KMS, Vault or the like."""

    @property
    def name(self) -> str:
        """By which people recognise it; kept beside each key that it wrapped."""

    def wrap(self, key: bytes) -> str:
        """A compact JWE. Whatever it raises means: not now."""

    def unwrap(self, wrapped: str) -> bytes:
        """Raises UnusableKey for what it cannot open."""


class LocalKey:
    """A key-encryption key of 256 bits in this process's memory. Safe to share between threads."""

    def __init__(self, secret: str, *older: str) -> None:
        """Each 32 bytes in base64 (`openssl rand -base64 32`); `older` ones only unwrap. Raises UnusableKey."""
        self._keys = [_of_base64(text) for text in (secret, *older)]

    @classmethod
    def read(cls, text: str) -> LocalKey:
        """Of one secret, or several separated by commas or lines, the one that wraps first. Raises UnusableKey."""
        secrets_ = text.replace(",", "\n").split()
        if not secrets_:
            raise UnusableKey("There is no key-encryption key.")
        return cls(*secrets_)

    @classmethod
    def from_file(cls, path: str) -> LocalKey:
        try:
            return cls.read(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UnusableKey(f"The key-encryption key cannot be read: {error}") from error

    @property
    def name(self) -> str:
        return _name(self._keys[0])

    def wrap(self, key: bytes) -> str:
        header = {"alg": "A256KW", "enc": "A256GCM", "kid": self.name}
        return jwe.encrypt_compact(header, key, OctKey.import_key(self._keys[0]), algorithms=_WRAPPING)

    def unwrap(self, wrapped: str) -> bytes:
        for key in self._keys:
            try:
                opened = jwe.decrypt_compact(wrapped, OctKey.import_key(key), algorithms=_WRAPPING)
            except (JoseError, ValueError):
                continue
            if opened.plaintext is not None and len(opened.plaintext) == _BYTES:
                return opened.plaintext
        raise UnusableKey(
            f"None of the key-encryption keys here wrapped this one ({self.name} is the newest)."
        )


def new_encryption_key() -> str:
    """A secret for LocalKey."""
    return urlsafe_b64encode(secrets.token_bytes(_BYTES)).decode()


def _of_base64(text: str) -> bytes:
    try:
        key = b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise UnusableKey("A key-encryption key is 32 bytes in base64.") from error
    if len(key) != _BYTES:
        raise UnusableKey(f"A key-encryption key has 32 bytes, and this one {len(key)}.")
    return key


def _name(key: bytes) -> str:
    return f"local:{sha256(b'onex key-encryption key' + key).hexdigest()[:16]}"


@dataclass(frozen=True)
class DataKey:
    """A key as it encrypts and decrypts: `kid` stands in every value that it encrypted."""

    kid: str
    key: OctKey


class KeyGone(Exception):
    """A data key that nobody gets: `state` is destroyed, revoked or unknown, or unusable where it cannot be unwrapped here."""

    def __init__(self, kid: str, state: str) -> None:
        super().__init__(f"Data key {kid} is {state}.")
        self.kid = kid
        self.state = state


@dataclass
class _Kept:
    found: DataKey | KeyGone
    until: float


class DataKeys:
    """The data keys of a registry, opened by a key-encryption key. Safe to share between threads.

    What was asked is kept for `ttl` seconds: a key that is revoked or destroyed is used no longer than that.
    """

    def __init__(
        self,
        api: Api,
        encryption: KeyEncryption,
        *,
        ttl: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._encryption = encryption
        self._ttl = ttl
        self._clock = clock
        self._lock = Lock()
        self._by_id: dict[str, _Kept] = {}
        self._active: dict[str, _Kept] = {}

    def active(self, subject: str) -> DataKey:
        """The key that encrypts for this subject; made and registered when there is none.

        Raises KeyGone when it was wrapped by a key that is not here, RegistryError when the registry is needed and away.
        """
        with self._lock:
            kept = self._active.get(subject)
        if kept is not None and self._clock() < kept.until and isinstance(kept.found, DataKey):
            return kept.found
        found = self._asked_for(subject) or self._made(subject)
        with self._lock:
            self._active[subject] = _Kept(found, self._clock() + self._ttl)
        return found

    def find(self, kid: str) -> DataKey:
        """The key with this id. Raises KeyGone, RegistryError."""
        with self._lock:
            kept = self._by_id.get(kid)
        if kept is None or self._clock() >= kept.until:
            kept = _Kept(self._looked_up(kid), self._clock() + self._ttl)
            with self._lock:
                self._by_id[kid] = kept
        if isinstance(kept.found, KeyGone):
            raise KeyGone(kept.found.kid, kept.found.state)
        return kept.found

    def rotate(self, subject: str) -> DataKey:
        """A new key encrypts from now on; the one before goes on decrypting. Raises RegistryError."""
        made = self._made(subject, replaces=self.active(subject).kid)
        with self._lock:
            self._active[subject] = _Kept(made, self._clock() + self._ttl)
        return made

    def rewrap(self, subject: str, to: KeyEncryption) -> int:
        """Wraps every key of the subject that can be opened here anew; how many. For rotating the key that wraps."""
        count, after = 0, ""
        while after is not None:
            page, _ = self._api.get(f"/keys/data?{urlencode({'subject': subject, 'after': after})}")
            for told in page["items"]:
                if told["wrapped"]:
                    key = self._encryption.unwrap(told["wrapped"])
                    body = {"wrapped": to.wrap(key), "wrapped_by": to.name}
                    self._api.put(f"/keys/data/{quote(told['kid'], safe='')}", json.dumps(body).encode())
                    count += 1
            after = page["next"]
        return count

    def _asked_for(self, subject: str) -> DataKey | None:
        page, _ = self._api.get(f"/keys/data?{urlencode({'subject': subject, 'state': 'active'})}")
        for told in page["items"]:
            return self._opened(told["kid"], told["wrapped"])
        return None

    def _made(self, subject: str, *, replaces: str = "") -> DataKey:
        key, kid = secrets.token_bytes(_BYTES), secrets.token_urlsafe(12)
        body = {
            "subject": subject,
            "kid": kid,
            "wrapped": self._encryption.wrap(key),
            "wrapped_by": self._encryption.name,
            "replaces": replaces,
        }
        try:
            self._api.post("/keys/data", json.dumps(body).encode())
        except Refused as refused:
            # Somebody else made one in the same moment.
            found = self._asked_for(subject) if refused.status == _CONFLICT else None
            if found is None:
                raise
            return found
        return DataKey(kid, OctKey.import_key(key))

    def _looked_up(self, kid: str) -> DataKey | KeyGone:
        try:
            told, _ = self._api.get(f"/keys/data/{quote(kid, safe='')}")
        except NotFound:
            return KeyGone(kid, "unknown")
        if not told["wrapped"]:
            return KeyGone(kid, told["state"])
        try:
            return self._opened(kid, told["wrapped"])
        except KeyGone as gone:
            return gone

    def _opened(self, kid: str, wrapped: str) -> DataKey:
        try:
            return DataKey(kid, OctKey.import_key(self._encryption.unwrap(wrapped)))
        except UnusableKey as unusable:
            raise KeyGone(kid, "unusable") from unusable
