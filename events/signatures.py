"""Whether an event is what its producer signed: a detached JWS (RFC 7515, appendix F) over its exact bytes.

The signature is the event's last member, written as `,"signature":"HEADER..SIGNATURE"}` without any blank; what is signed
are the bytes before that and the closing brace. So every byte of a signed event is signed, or can be only what it is.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from access.models import SigningKey
from access.signing_keys import ALGORITHM, as_jwk
from registry.models import SignaturePolicy

VERIFIED = "verified"
UNSIGNED = "unsigned"
#: What a verdict says, in a sentence about the event.
SENTENCES = {
    VERIFIED: "Its bytes are what the holder of the key signed.",
    UNSIGNED: "It is not signed.",
    "signature_malformed": "Its signature is no detached JWS of Ed25519 at the very end of the event.",
    "signature_altered": "Its bytes are not those that were signed.",
    "unknown_key": "It is signed with a key that is not registered here.",
    "foreign_key": "It is signed with a key that is registered for other event types.",
    "expired_key": "It is signed with a key that had expired, or was rotated away, when it was received.",
    "revoked_key": "It is signed with a key that was revoked when it was received.",
}
_MARK = b',"signature":"'
_TOKEN = re.compile(rb'([A-Za-z0-9_-]+)\.\.([A-Za-z0-9_-]{86})"\}')
# A header names two things.
_MAX_SIGNATURE = 1_000


class Verdict(NamedTuple):
    """`state` is one of SENTENCES; `kid` "" where no key is named."""

    state: str
    kid: str = ""

    @property
    def sentence(self) -> str:
        return SENTENCES[self.state]

    @property
    def holds(self) -> bool:
        return self.state == VERIFIED


class Checked(NamedTuple):
    """What the policy of a subject makes of an event's signature."""

    # What is kept with the event; None where nobody asked.
    state: str | None = None
    lints: tuple[str, ...] = ()
    # Why it is held back.
    problem: dict[str, str] | None = None


NOT_ASKED = Checked()


class _Signed(NamedTuple):
    header: str
    signature: str
    kid: str
    payload: bytes


KeyOf = Callable[[str], SigningKey | None]


def verdict_on(
    raw: bytes, *, event_type: str, signature: object, at: datetime | None, key_of: KeyOf
) -> Verdict:
    """About an event of these bytes, whose member `signature` is as given; by its key as that was at a time.

    Without a time it counts alone whether the key signed it.
    """
    if signature is None:
        return Verdict(UNSIGNED)
    signed = _read(raw) if isinstance(signature, str) else None
    if signed is None:
        return Verdict("signature_malformed")
    key = key_of(signed.kid)
    if key is None:
        return Verdict("unknown_key", signed.kid)
    if not _signed_by(key, signed):
        return Verdict("signature_altered", key.kid)
    if not event_type.startswith(key.subject_prefix):
        return Verdict("foreign_key", key.kid)
    ended = {"expired": "expired_key", "revoked": "revoked_key"}
    return Verdict(ended.get(key.state(at), VERIFIED) if at is not None else VERIFIED, key.kid)


def check(
    raw: bytes,
    document: Mapping[str, Any],
    *,
    event_type: str,
    policy: str,
    at: datetime | None,
    key_of: KeyOf,
) -> Checked:
    """By a policy that is not off: whether the signature holds, and what is to be told where it does not."""
    found = verdict_on(raw, event_type=event_type, signature=document.get("signature"), at=at, key_of=key_of)
    if found.holds:
        return Checked(found.state)
    problem = {"code": found.state, "pointer": "/signature", "keyword": "", "message": found.sentence}
    return Checked(found.state, (found.state,), problem if policy == SignaturePolicy.REQUIRE else None)


def _read(raw: bytes) -> _Signed | None:
    """The parts, or None unless the event ends in a signature written in the one way there is."""
    start = raw.rfind(_MARK, -_MAX_SIGNATURE)
    found = _TOKEN.fullmatch(raw, start + len(_MARK)) if start > 0 else None
    if found is None:
        return None
    header, signature = found[1], found[2]
    try:
        told = orjson.loads(urlsafe_b64decode(header + b"=" * (-len(header) % 4)))
        # Four bits of the last character stand for nothing: only one of its sixteen spellings is the signature.
        canonical = urlsafe_b64encode(urlsafe_b64decode(signature + b"==")).rstrip(b"=") == signature
    except ValueError:
        return None
    if (
        not canonical
        or not isinstance(told, dict)
        or told.keys() != {"alg", "kid"}
        or told["alg"] != ALGORITHM
    ):
        return None
    if not isinstance(told["kid"], str):
        return None
    return _Signed(header.decode(), signature.decode(), told["kid"], raw[:start] + b"}")


def _signed_by(key: SigningKey, signed: _Signed) -> bool:
    try:
        jws.deserialize_compact(
            f"{signed.header}..{signed.signature}",
            _loaded(key.public_key, key.kid),
            algorithms=[ALGORITHM],
            payload=signed.payload,
        )
    except JoseError:
        return False
    return True


@lru_cache(maxsize=1_000)
def _loaded(public_key: str, kid: str) -> OKPKey:
    return OKPKey.import_key(dict(as_jwk(SigningKey(public_key=public_key, kid=kid)).items()))
