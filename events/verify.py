"""Whether stored events are what they were: by their signatures, by what was remembered of their bytes, by their columns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from access.actor import Actor
from access.models import SigningKey
from events import scan
from events.append import digest_of, key_of, stored_digests
from events.models import Event
from events.signatures import UNSIGNED, VERIFIED, Verdict, verdict_on

_BATCH = 1_000
# What a subject that only warns was told when the event came is no news.
_BROKEN = frozenset({"signature_altered", "signature_malformed"})
# Then the derived document may differ from the bytes, and is meant to.
_DERIVED_OTHERWISE = ("renamed:", "number_beyond_double", "event_id_assigned", "epoch_timestamp")


class Tampered(NamedTuple):
    """An event that is not what it was, and how that shows."""

    position: int
    event_id: str
    event_type: str
    problem: str


@dataclass(slots=True)
class Check:
    """What came of looking at all of them."""

    checked: int = 0
    signed: int = 0
    verified: int = 0
    tampered: list[Tampered] = field(default_factory=list)


class Signature(NamedTuple):
    """What there is to say about one event's signature: when it came (None: nobody asked), and now."""

    then: str | None
    now: Verdict
    key: SigningKey | None


def verify_events(
    *,
    actor: Actor,
    event_type: str = "",
    since: datetime | None = None,
    seen: Callable[[Check], None] = lambda _: None,
) -> Check:
    """Looks at every stored event, or at those of a type or received since; `seen` is told after each batch.

    Raises Forbidden without `admin` on everything.
    """
    actor.require_everywhere("admin")
    check, keys = Check(), _Keys()
    for events in _batches(event_type, since):
        digests = stored_digests(key_of(event.event_id) for event in events)
        for event in events:
            _look_at(event, digests.get(key_of(event.event_id)), keys, check)
        seen(check)
    return check


def signature_of(event: Event) -> Signature | None:
    """None for an event that is not signed, of a subject that does not ask for that."""
    keys = _Keys()
    now = _verdict(event, scan.parse(bytes(event.raw)), keys)
    if now.state == UNSIGNED and event.signature_verdict is None:
        return None
    return Signature(event.signature_verdict, now, keys(now.kid) if now.kid else None)


class _Keys:
    """Each asked of the database once."""

    def __init__(self) -> None:
        self._known: dict[str, SigningKey | None] = {}

    def __call__(self, kid: str) -> SigningKey | None:
        if kid not in self._known:
            self._known[kid] = SigningKey.objects.filter(kid=kid).first()
        return self._known[kid]


def _batches(event_type: str, since: datetime | None) -> Iterator[Sequence[Event]]:
    rows = Event.everything.order_by("position")
    if event_type:
        rows = rows.filter(event_type=event_type)
    if since is not None:
        rows = rows.filter(received_at__gte=since)
    last = 0
    while events := list(rows.filter(position__gt=last)[:_BATCH]):
        yield events
        last = events[-1].position


def _look_at(event: Event, digest: bytes | None, keys: _Keys, check: Check) -> None:
    check.checked += 1
    try:
        document = scan.parse(bytes(event.raw))
    except ValueError:
        document = None
    if not isinstance(document, dict):
        _note(check, event, "Its bytes are no JSON object any more.")
        return
    now = _verdict(event, document, keys)
    check.signed += now.state != UNSIGNED
    check.verified += now.holds
    if problem := _broken(event.signature_verdict, now) or _other(event, document, digest):
        _note(check, event, problem)


def _note(check: Check, event: Event, problem: str) -> None:
    check.tampered.append(Tampered(event.position, event.event_id, event.event_type, problem))


def _verdict(event: Event, document: dict[str, Any], keys: _Keys) -> Verdict:
    # A copy was stored when its original's key may have ended already.
    at = event.received_at if event.replay_id is None else None
    return verdict_on(
        bytes(event.raw),
        event_type=event.event_type,
        signature=document.get("signature"),
        at=at,
        key_of=keys,
    )


def _broken(then: str | None, now: Verdict) -> str:
    if then == VERIFIED and not now.holds:
        return f"Its signature was verified when it came, and is not any more. {now.sentence}"
    if now.state in _BROKEN and then is None:
        return f"Nobody verified its signature when it came. {now.sentence}"
    return ""


def _other(event: Event, document: dict[str, Any], digest: bytes | None) -> str:
    if digest is not None and digest != digest_of(bytes(event.raw)):
        return "Its bytes are not those that were acknowledged."
    if event.event_type != (document.get("event_type") or ""):
        return "It is found under another event type than its bytes say."
    if event.document is None or any(lint.startswith(_DERIVED_OTHERWISE) for lint in event.lints or ()):
        return ""
    return "" if event.document == document else "It is searched by other values than its bytes have."
