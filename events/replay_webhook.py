"""The target `webhook`: every event as a POST with the producer's own bytes, one after the other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import quote

from django.conf import settings

from access.actor import Actor
from access.errors import TargetRefused, TargetUnreachable
from access.outbound import Outbound, check_target
from access.signing import key_of, signed_headers
from events.models import Replay
from events.replay_targets import (
    GONE,
    Due,
    Item,
    Now,
    Prepared,
    Sent,
    Sink,
    Stored,
    Target,
    Wanted,
    marks_of,
)

# So many events in a row that found nobody end the run.
FAILURES_IN_A_ROW = 10


def _prepare(_: Actor, wanted: Wanted) -> Prepared:
    """Raises TargetRefused, SecretInvalid."""
    checked = check_target(wanted.address)
    if wanted.secret:
        key_of(wanted.secret)
    return Prepared(wanted.address, place=checked.place)


@contextmanager
def _open(replay: Replay, now: Now) -> Iterator[Sink]:
    with Outbound(timeout=_timeout()) as outbound:
        yield _Webhook(replay, now, outbound)


TARGET = Target(_prepare, _open)


def _timeout() -> float:
    """Under the lease with room to spare: a request must never outlive the right to make it."""
    seconds: float = min(settings.REPLAY_TIMEOUT_SECONDS, settings.REPLAY_LEASE_SECONDS / 2)
    return seconds


class _Webhook:
    batch, inside, pure, reads = 1, False, False, True

    def __init__(self, replay: Replay, now: Now, outbound: Outbound) -> None:
        self._replay = replay
        self._now = now
        self._outbound = outbound
        self._unanswered = 0

    def send(self, due: Sequence[Due]) -> list[Sent]:
        return [self._post(one) for one in due]

    def _post(self, due: Due) -> Sent:
        at = self._now()
        if due.event is None:
            return Sent(at, "missing", problem=GONE)
        replay, body = self._replay, due.event.raw
        headers = _headers(replay, due.item, due.event) | signed_headers(
            secret=replay.secret, message_id=_message_id(replay, due.item), at=at, body=body
        )
        try:
            status = self._outbound.post(replay.target, body=body, headers=headers).status
        except TargetRefused as refused:
            return Sent(at, "failed", problem=refused.message, fatal=refused.message)
        except TargetUnreachable as unreachable:
            self._unanswered += 1
            return Sent(at, "failed", problem=unreachable.message, fatal=self._fatal(unreachable.message))
        self._unanswered = 0
        return _answered(at, status)

    def _fatal(self, message: str) -> str:
        if self._unanswered < FAILURES_IN_A_ROW:
            return ""
        return f"{FAILURES_IN_A_ROW} events in a row found nobody. The last: {message}"


def _answered(at: datetime, status: int) -> Sent:
    if 200 <= status < 300:
        return Sent(at, "delivered", status)
    gone = "The target answered 410: it is gone for good." if status == 410 else ""
    return Sent(at, "failed", status, f"The target answered {status} instead of 2xx.", fatal=gone)


def _message_id(replay: Replay, item: Item) -> str:
    """The receiver's idempotency key: the same again after a kill, another one on another pass or run."""
    return f"{replay.pk}:{replay.segment}:{_ascii(item.event_id)}"


def _headers(replay: Replay, item: Item, event: Stored) -> dict[str, str]:
    """That this is no new event, and what was made of it, stands here: the body is the event."""
    marks = marks_of(event)
    read = (
        {"onex-replay-as": marks["as"], "onex-replay-migrated-from": marks["migrated_from"]}
        if "as" in marks
        else {}
    )
    if gone := marks.get("undecryptable"):
        read["onex-replay-undecryptable"] = ",".join(one["kid"] for one in gone)
    return {
        "content-type": "application/json",
        "onex-replay-id": str(replay.pk),
        "onex-replay-of": _ascii(item.event_id),
        "onex-replay-occurred-at": event.occurred_at.isoformat(),
        "onex-replay-speed": f"{replay.speed:g}" if replay.speed else "max",
        "onex-replay-segment": str(replay.segment),
        "onex-replay-index": f"{item.index + 1}/{replay.total}",
        **read,
    }


def _ascii(text: str) -> str:
    """Percent-encoded, dots too: the signature separates its parts by dots."""
    return quote(text, safe="").replace(".", "%2E")
