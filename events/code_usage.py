"""Which error codes the stored events carry, and how often: what the catalogue asks about a taxonomy's codes."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Count, FloatField, QuerySet, Sum, Value
from django.db.models.functions import Cast
from django.utils import timezone

from access.actor import Actor
from events.models import Event
from events.query import visible_to
from registry.judge import Finding
from registry.taxonomy_judge import TaxonomyProposal
from registry.taxonomy_usage import TextUse, contents_bound_elsewhere

JUDGE = "events.code_usage.stored_events"
DAYS = 30
#: Different spellings that are counted, the most frequent first: codes come from outside, and any text may be one.
MOST_TEXTS = 10_000


def code_usage(
    *, actor: Actor, since: datetime, until: datetime, without: Sequence[int], seconds: float
) -> list[TextUse] | None:
    """How many events carried each text as their error code between two moments of their producers' clocks.

    Of those whose type the actor may read, and that were not judged by one of the contents `without`. None when
    counting was not finished in time.
    """
    found = _carrying(since, until, without).filter(visible_to(actor))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))])
            rows = list(_counted(found))
            # An outer transaction gets its own settings back.
            transaction.set_rollback(True)
    except OperationalError as late:
        if "statement timeout" not in str(late):
            raise
        return None
    return [TextUse(text, events, weighted) for text, events, weighted in rows]


def stored_events(proposal: TaxonomyProposal) -> list[Finding]:
    """A finding for every code that the edition takes back, changes or deprecates, and that events carry."""
    touched = [
        change
        for change in proposal.changes
        if change.rule or change.kind in {"CODE_DEPRECATED", "CODE_REVIVED"}
    ]
    if not touched or proposal.old is None:
        return []
    until = timezone.now()
    since = until - timedelta(days=DAYS)
    found = _counted(_carrying(since, until, contents_bound_elsewhere(proposal.taxonomy)))
    counts: Counter[str] = Counter()
    for text, events, _ in found:
        if code := proposal.old.find(text):
            counts[code.short] += events
    return [
        _finding(about, counts[about])
        for about in dict.fromkeys(change.about for change in touched)
        if counts[about]
    ]


def _finding(code: str, events: int) -> Finding:
    carry = "event carries" if events == 1 else "events carry"
    sentence = f"{events:,} stored {carry} {code}, of the last {DAYS} days."
    return Finding(JUDGE, "warning", sentence, {"code": code, "events": events, "days": DAYS})


def _carrying(since: datetime, until: datetime, without: Sequence[int]) -> QuerySet[Event]:
    found = Event.objects.filter(error_code__isnull=False, occurred_at__gte=since, occurred_at__lt=until)
    return found.exclude(content_id__in=without) if without else found


def _counted(found: QuerySet[Event]) -> QuerySet[Event, tuple[Any, ...]]:
    """Each text, its events, and how many events they stand for: one kept with probability 0.1 is ten."""
    weight = Value(1.0) / Cast("sample_rate", FloatField())
    counted = found.values("error_code").annotate(events=Count("*"), weighted=Sum(weight))
    return counted.order_by("-events", "error_code").values_list("error_code", "events", "weighted")[
        :MOST_TEXTS
    ]
