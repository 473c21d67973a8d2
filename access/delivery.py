"""The outbox: messages written in the transaction that decided to send them, sent afterwards by workers.

    due ──2xx──▶ delivered            A worker claims a due row by a lease and sends outside any transaction.
     │ ▲                              A row whose lease ran out belongs to a worker that was killed: it is
     │ └──redeliver── dead            claimed again, so a message may arrive twice, with the same webhook-id.
     └──410, or no delay left──▶ dead

Several workers may run `deliver_due` at once; none of them waits for a slow address alone.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from access import transport
from access.delivery_health import keep_health
from access.errors import ProductError
from access.models import Delivery, DeliveryAttempt
from access.outbound import Answer
from access.signals import deliveries_due

AS_JSON = {"content-type": "application/json"}
# Seconds before each further attempt: after half an hour somebody has to look, an alert is no newsletter.
ALERT_SCHEDULE = (5.0, 30.0, 120.0, 600.0, 1800.0)
JITTER = 0.2
# A receiver may ask for patience, not for silence until next year.
RETRY_AFTER_LIMIT = timedelta(hours=1)
# What is kept of an answer: enough to recognise an error page.
ANSWER_KEPT = 1000
LEASE_MARGIN = timedelta(seconds=15)

Clock = Callable[[], datetime]
log = logging.getLogger(__name__)


def enqueue_delivery(
    *,
    message_id: str,
    about: str,
    about_id: object,
    url: str,
    secret: str,
    payload: Mapping[str, object] | bytes,
    headers: Mapping[str, str] = AS_JSON,
    schedule: Sequence[float] = ALERT_SCHEDULE,
    target: str = "",
    by: Delivery.Transport = Delivery.Transport.WEBHOOK,
    held_until: datetime | None = None,
) -> Delivery:
    """Writes the message down. Call it inside the transaction of what it tells about; a worker sends it.

    `message_id` is the receiver's idempotency key: enqueuing the same one again changes nothing and returns
    the row that is there. A payload of bytes is sent as it is. What is held waits until then (`withdraw_held`).
    """
    assert connection.in_atomic_block, "a delivery belongs into the transaction of what it tells about"
    Delivery.objects.bulk_create(
        [
            Delivery(
                message_id=message_id,
                about=about,
                about_id=str(about_id),
                url=url,
                secret=secret,
                body=payload if isinstance(payload, bytes) else orjson.dumps(payload),
                headers=dict(headers),
                schedule=list(schedule),
                target=target,
                transport=by,
                held_until=held_until,
                next_attempt_at=held_until or Now(),
            )
        ],
        ignore_conflicts=True,
    )
    transaction.on_commit(lambda: deliveries_due.send(sender=Delivery))
    return Delivery.objects.get(message_id=message_id)


def withdraw_held(*, about: str, about_id: object, target: str) -> int:
    """Takes back what is held and was never tried, in the transaction of what makes it needless; how many it was.

    The database decides against a worker that takes a message at the same moment: only one of the two gets it.
    """
    rows = _held().filter(about=about, about_id=str(about_id), target=target)
    return rows.update(state=Delivery.State.CANCELLED, finished_at=timezone.now())


def held_of(about: str) -> list[tuple[str, str]]:
    """What is held and was never tried: `about_id` and target of each."""
    return list(_held().filter(about=about).values_list("about_id", "target"))


def hold_again(*, about: str, about_id: object, target: str, until: datetime | None) -> None:
    """What is held and was never tried waits until then instead, or no longer."""
    rows = _held().filter(about=about, about_id=str(about_id), target=target)
    rows.update(held_until=until, next_attempt_at=until or Now())
    transaction.on_commit(lambda: deliveries_due.send(sender=Delivery))


def _held() -> QuerySet[Delivery]:
    return Delivery.objects.filter(state=Delivery.State.DUE, held_until__isnull=False, attempts=0)


def deliver_due(
    *,
    limit: int = 1000,
    clock: Clock = timezone.now,
    jitter: Callable[[], float] = random.random,
) -> int:
    """Sends up to `limit` messages that are due, several at a time; how many attempts it made."""
    made = 0
    under_way: set[Future[Outcome]] = set()
    with ThreadPoolExecutor(settings.DELIVERY_PARALLEL, thread_name_prefix="deliver") as senders:
        while True:
            room = min(settings.DELIVERY_PARALLEL, limit - made) - len(under_way)
            # The oldest rows may all wait for one busy address: ask again until there is none for the others.
            while claimed := _claim(room, clock()):
                under_way |= {senders.submit(_send, delivery, clock) for delivery in claimed}
                room -= len(claimed)
            if not under_way:
                return made
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                _write_down(future.result(), clock(), jitter())
            made += len(done)


def _claim(count: int, now: datetime) -> list[Delivery]:
    """Takes the oldest due rows, leaving those that another worker looks at, and addresses that are busy."""
    if count <= 0:
        return []
    with transaction.atomic():
        _end_leases(now)
        busy = Counter(
            dict(
                Delivery.objects.filter(state=Delivery.State.DUE, leased_until__gt=now)
                .values_list("url")
                .annotate(Count("id"))
            )
        )
        most = settings.DELIVERY_PARALLEL_PER_TARGET
        due = (
            Delivery.objects.select_for_update(skip_locked=True)
            .filter(state=Delivery.State.DUE, leased_until=None, next_attempt_at__lte=now)
            .exclude(url__in=[url for url, number in busy.items() if number >= most])
            # What is told about one thing arrives in the order in which it happened.
            .exclude(
                Exists(
                    Delivery.objects.filter(
                        about=OuterRef("about"),
                        about_id=OuterRef("about_id"),
                        target=OuterRef("target"),
                        url=OuterRef("url"),
                        id__lt=OuterRef("id"),
                        state=Delivery.State.DUE,
                    )
                )
            )
            .order_by("next_attempt_at", "id")[:count]
        )
        return [_take(delivery, now) for delivery in _at_most(due, busy, most)]


def _at_most(due: Iterable[Delivery], busy: Counter[str], most: int) -> Iterator[Delivery]:
    for delivery in due:
        busy[delivery.url] += 1
        if busy[delivery.url] <= most:
            yield delivery


def _end_leases(now: datetime) -> None:
    """Counts the attempts of killed workers as failed: a row that kills every worker comes to its end, too."""
    for delivery in Delivery.objects.select_for_update(skip_locked=True).filter(
        state=Delivery.State.DUE, leased_until__lte=now
    ):
        DeliveryAttempt.objects.create(
            delivery=delivery,
            number=delivery.attempts,
            duration_ms=0,
            problem="The worker was killed before it could write down the answer; it may have arrived.",
        )
        delivery.leased_until = None
        if delivery.schedule:
            delivery.schedule = delivery.schedule[1:]
        else:
            delivery.state, delivery.finished_at = Delivery.State.DEAD, now
        delivery.save(update_fields=["leased_until", "schedule", "state", "finished_at"])


def _take(delivery: Delivery, now: datetime) -> Delivery:
    delivery.attempts += 1
    delivery.leased_until = now + timedelta(seconds=settings.OUTBOUND_TIMEOUT_SECONDS) + LEASE_MARGIN
    delivery.save(update_fields=["attempts", "leased_until"])
    return delivery


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt, before it is written down: an answer, or the sentence that says why there is none."""

    delivery: Delivery
    duration_ms: float
    address: str = ""
    answer: Answer | None = None
    problem: str = ""

    @property
    def delivered(self) -> bool:
        return self.answer is not None and 200 <= self.answer.status < 300

    @property
    def given_up(self) -> bool:
        """410, or 5xx of a mail server: the receiver says that trying again is of no use."""
        if self.answer is None:
            return False
        if self.delivery.transport == Delivery.Transport.EMAIL:
            return 500 <= self.answer.status < 600
        return self.answer.status == 410


def _send(delivery: Delivery, clock: Clock) -> Outcome:
    """Runs in a thread of its own, never touches the database and never raises."""
    began = clock()
    try:
        answer = transport.send(delivery, at=began)
    except ProductError as problem:
        took = (clock() - began).total_seconds() * 1000
        return Outcome(delivery, took, str(problem.facts.get("address", "")), problem=problem.message)
    except Exception:
        # One row that cannot be sent must run out of attempts like any other, and not take its neighbours along.
        log.exception("delivery %s could not be sent", delivery.pk)
        return Outcome(
            delivery, 0, problem="It could not be sent because of an error of this server; see its log."
        )
    said = _problem_of(answer, by_mail=delivery.transport == Delivery.Transport.EMAIL)
    return Outcome(delivery, answer.duration_ms, answer.address, answer, said)


def _problem_of(answer: Answer, *, by_mail: bool) -> str:
    if 200 <= answer.status < 300:
        return ""
    if by_mail:
        return f"The mail server answered {answer.status}: {_readable(answer.body)}"
    if 300 <= answer.status < 400:
        return f"It answered {answer.status}: redirects are not followed, enter the final address."
    if answer.status == 410:
        return "It answered 410: the receiver is gone for good."
    return f"It answered {answer.status} instead of 2xx."


def _write_down(outcome: Outcome, now: datetime, jitter: float) -> None:
    """Never raises: the other attempts under way must be written down, too; this one ends with its lease."""
    try:
        _record(outcome, now, jitter)
    except Exception:
        log.exception("the attempt of delivery %s could not be written down", outcome.delivery.pk)


def _record(outcome: Outcome, now: datetime, jitter: float) -> None:
    """Writes the attempt down and decides what comes next, unless the row was claimed by somebody else meanwhile."""
    delivery = outcome.delivery
    state, schedule, next_attempt_at = _next(outcome, now, jitter)
    with transaction.atomic():
        # The lease is the fence: a worker that slept past it must not overwrite what its successor did.
        ours = Delivery.objects.filter(
            pk=delivery.pk, state=Delivery.State.DUE, leased_until=delivery.leased_until
        ).update(
            state=state,
            schedule=schedule,
            next_attempt_at=next_attempt_at,
            leased_until=None,
            finished_at=None if state == Delivery.State.DUE else now,
        )
        if ours:
            DeliveryAttempt.objects.create(
                delivery=delivery,
                number=delivery.attempts,
                duration_ms=outcome.duration_ms,
                address=outcome.address,
                status=outcome.answer.status if outcome.answer else None,
                answer=_readable(outcome.answer.body) if outcome.answer else "",
                problem=outcome.problem,
            )
            keep_health(
                delivery.pk,
                now=now,
                problem=outcome.problem,
                gone=outcome.answer is not None and outcome.answer.status == 410,
            )


def _next(outcome: Outcome, now: datetime, jitter: float) -> tuple[str, list[float], datetime]:
    delivery = outcome.delivery
    if outcome.delivered:
        return Delivery.State.DELIVERED, delivery.schedule, now
    if outcome.given_up or not delivery.schedule:
        return Delivery.State.DEAD, delivery.schedule, now
    delay, *later = delivery.schedule
    # Jitter, so that a receiver that comes back is not met by everyone at once.
    planned = timedelta(seconds=delay * (1 + JITTER * jitter))
    asked = _retry_after(outcome.answer, now) if outcome.answer else timedelta(0)
    return Delivery.State.DUE, later, now + max(planned, min(asked, RETRY_AFTER_LIMIT))


def _retry_after(answer: Answer, now: datetime) -> timedelta:
    """Seconds or an HTTP date; whatever else somebody sends there counts as nothing."""
    value = answer.headers.get("retry-after", "").strip()
    try:
        if value.isdecimal():
            return timedelta(seconds=min(int(value), RETRY_AFTER_LIMIT.total_seconds()))
        at = parsedate_to_datetime(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError, TypeError):
        return timedelta(0)


def _readable(body: bytes) -> str:
    """PostgreSQL's text takes no NUL."""
    return body[:ANSWER_KEPT].decode("utf-8", "replace").replace("\x00", "�")
