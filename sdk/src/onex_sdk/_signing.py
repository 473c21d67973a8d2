"""Signing events: a detached JWS (RFC 7515, appendix F) over the exact bytes that travel.

The signature becomes the last member of the event, written without blanks: `,"signature":"HEADER..SIGNATURE"}` takes the
place of the closing brace. What was signed is the event as it was before. docs/reference/signatures.md has an example to
the byte.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

ALGORITHM = "Ed25519"
_SIGNED = re.compile(rb',"signature":"([A-Za-z0-9_-]+)\.\.([A-Za-z0-9_-]{86})"\}\Z')


class UnusableKey(ValueError):
    """A key that cannot do what it is for: not of Ed25519, not private, not 256 bits, not readable."""


class Signer:
    """Signs events with one private key. Safe to share between threads."""

    def __init__(self, private_key: str) -> None:
        """Of a PEM (BEGIN PRIVATE KEY) or a JWK. Raises UnusableKey."""
        self._key = _ed25519(private_key)
        if not self._key.is_private:
            raise UnusableKey("Signing takes the private key; this is its public half.")
        #: By which the registry knows the public key: its JWK thumbprint (RFC 7638).
        self.kid: str = self._key.thumbprint()
        self._header = {"alg": ALGORITHM, "kid": self.kid}

    @classmethod
    def from_file(cls, path: str) -> Signer:
        """Raises UnusableKey, also when the file cannot be read."""
        try:
            return cls(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UnusableKey(f"The signing key cannot be read: {error}") from error

    @property
    def public_key(self) -> str:
        """As PEM: what is registered at the registry."""
        return self._key.as_pem(private=False).decode()

    def sign(self, line: bytes) -> bytes:
        """The event with its signature as the last member. `line` is a JSON object without a member `signature`."""
        token = jws.serialize_compact(self._header, line, self._key, algorithms=[ALGORITHM])
        header, _, signature = token.split(".")
        # An object without members needs no comma, but no event is one.
        return b'%b,"signature":"%b..%b"}' % (line[:-1], header.encode(), signature.encode())


class Verifier:
    """Verifies events by public keys that the caller trusts: JWKs or PEMs by key id."""

    def __init__(self, keys: Mapping[str, str | Mapping[str, Any]]) -> None:
        """Raises UnusableKey."""
        self._keys = {kid: _ed25519(key) for kid, key in keys.items()}

    def holds(self, line: bytes) -> bool:
        """Whether one of the keys signed exactly these bytes."""
        found = _SIGNED.search(line)
        if found is None or not _canonical(found[2]):
            return False
        try:
            told = json.loads(_decoded(found[1]))
            key = self._keys.get(told["kid"])
            if key is None or told != {"alg": ALGORITHM, "kid": told["kid"]}:
                return False
            token = f"{found[1].decode()}..{found[2].decode()}"
            jws.deserialize_compact(token, key, algorithms=[ALGORITHM], payload=line[: found.start()] + b"}")
        except (JoseError, ValueError, TypeError, KeyError):
            return False
        return True


def new_signing_key() -> str:
    """A private key as PEM. Keep it where the producer runs, and give it to nobody."""
    return OKPKey.generate_key("Ed25519").as_pem(private=True).decode()


def _ed25519(text: str | Mapping[str, Any]) -> OKPKey:
    try:
        written = text.strip() if isinstance(text, str) else json.dumps(dict(text))
        key = OKPKey.import_key(json.loads(written) if written.startswith("{") else written)
        curve = key.curve_name
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnusableKey(
            "This is no Ed25519 key: give a PEM, or a JWK with kty OKP and crv Ed25519."
        ) from error
    if curve != ALGORITHM:
        raise UnusableKey(f"This is a key of curve {curve}; Ed25519 is needed.")
    return key


def _decoded(text: bytes) -> bytes:
    return urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def _canonical(text: bytes) -> bool:
    """Four bits of the last character stand for nothing: only one of its spellings counts."""
    return urlsafe_b64encode(_decoded(text)).rstrip(b"=") == text
