"""What a worker writes about the run that it holds; all of it does nothing when the run is another worker's by now."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from events.models import Replay, ReplayItem
from events.replay_targets import Due, Sent
from events.signals import replay_wanted

# What commands change.
_ASKED = ("state", "speed", "anchored_at", "anchor_virtual", "step_until", "segment")


def lease() -> timedelta:
    return timedelta(seconds=settings.REPLAY_LEASE_SECONDS)


def asked_since(replay: Replay) -> bool:
    """Prolongs the lease and reads the commands; a lost epoch reads as a run that is no longer ours to play: False."""
    mine = Replay.objects.filter(pk=replay.pk, epoch=replay.epoch)
    if not mine.update(leased_until=Now() + lease()):
        replay.state = Replay.State.PAUSED
        return False
    replay.refresh_from_db(fields=[*_ASKED, "done"])
    return True


def still_at(replay: Replay, index: int) -> bool:
    """Whether the run is ours and stands at this item; holds it there until the end of the transaction."""
    here = Replay.objects.filter(pk=replay.pk, epoch=replay.epoch, segment=replay.segment, done=index)
    return bool(here.select_for_update().values_list("done", flat=True))


# One round trip instead of four: at 1,000 events a second these are most of the work. A run in single steps that took the
# last of them pauses there; at its end there is nothing to pause before.
_CHECKPOINT = """
WITH stepped AS (
    SELECT id, step_until IS NOT NULL AND state = 'running' AND step_until <= %(done)s AND %(done)s < total AS yes
    FROM events_replay WHERE id = %(id)s
), run AS (
    UPDATE events_replay AS r SET done = %(done)s, failed = failed + %(failed)s, leased_until = now() + %(lease)s,
        state = CASE WHEN stepped.yes THEN 'paused' ELSE state END,
        anchored_at = CASE WHEN stepped.yes THEN NULL ELSE anchored_at END,
        anchor_virtual = CASE WHEN stepped.yes THEN %(virtual)s ELSE anchor_virtual END,
        step_until = CASE WHEN stepped.yes THEN NULL ELSE step_until END
    FROM stepped
    WHERE r.id = stepped.id AND epoch = %(epoch)s AND segment = %(segment)s AND done = %(index)s
    RETURNING state, speed, anchored_at, anchor_virtual, step_until, segment
), item AS (
    UPDATE events_replayitem AS i SET planned_at = s.planned_at, sent_at = s.sent_at, status = s.status,
        problem = s.problem, outcome = s.outcome, details = s.details::jsonb
    FROM unnest(%(indexes)s::int[], %(planned_at)s::timestamptz[], %(sent_at)s::timestamptz[], %(status)s::int[],
        %(problem)s::text[], %(outcome)s::text[], %(details)s::text[])
        AS s(index, planned_at, sent_at, status, problem, outcome, details)
    WHERE i.replay_id = %(id)s AND i.index >= %(index)s AND i.index < %(done)s AND i.index = s.index
        AND EXISTS (SELECT FROM run)
)
SELECT state, speed, anchored_at, anchor_virtual, step_until, segment,
    CASE WHEN NOT %(durable)s THEN set_config('synchronous_commit', 'off', true) END
FROM run
"""


def checkpoint(replay: Replay, due: Sequence[Due], sent: Sequence[Sent], *, durable: bool = True) -> bool:
    """Whether the run is still ours and where it was; if so, it is behind these now, with the commands that came meanwhile.

    Not `durable`: its commit waits for no disk.
    """
    first, last = due[0].item, due[len(sent) - 1].item
    values: dict[str, Any] = {
        "id": replay.pk,
        "epoch": replay.epoch,
        "segment": replay.segment,
        "index": first.index,
        "done": last.index + 1,
        "virtual": last.virtual,
        "failed": sum(bool(one.problem) for one in sent),
        "lease": lease(),
        "durable": durable,
        "indexes": [one.item.index for one in due[: len(sent)]],
        "planned_at": [one.planned_at for one in due[: len(sent)]],
        "sent_at": [one.at for one in sent],
        "status": [one.status for one in sent],
        "problem": [one.problem.replace("\0", "\ufffd") for one in sent],
        "outcome": [one.outcome for one in sent],
        "details": [None if one.details is None else _text(one.details) for one in sent],
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHECKPOINT, values)
        row = cursor.fetchone()
    if row is None:
        return False
    for name, value in zip(_ASKED, row[:-1], strict=True):
        setattr(replay, name, value)
    replay.done = last.index + 1
    return True


def _text(details: dict[str, Any]) -> str:
    """jsonb holds no NUL character, which messages quote from the event."""
    return orjson.dumps(details).decode().replace("\\u0000", "\\ufffd")


def finish(replay: Replay, problem: str) -> bool:
    """The end of the run, and the beginning of the next pass of one that loops. False when a command sent it back from
    its end in this very moment; one that ended it first stays."""
    with transaction.atomic():
        mine = Replay.objects.select_for_update().filter(pk=replay.pk, epoch=replay.epoch)
        found = mine.first()
        if found is None:
            return True
        if not problem and found.done < found.total and not found.ended:
            asked_since(replay)
            return False
        mine.update(leased_until=None)
        if found.ended:
            return True
        state = Replay.State.FAILED if problem else Replay.State.COMPLETED
        mine.update(state=state, problem=problem, finished_at=Now(), step_until=None)
        if found.passes_left and not problem:
            _begin_next_pass(found)
    return True


_COPY_ITEMS = """
INSERT INTO events_replayitem
    (replay_id, index, event_id, event_type, position, received_at, virtual, occurred_at, problem, outcome)
SELECT %s, index, event_id, event_type, position, received_at, virtual, occurred_at, '', ''
FROM events_replayitem WHERE replay_id = %s
"""
# What a pass has in common with the one before it.
_KEPT = (
    "scope",
    "correlation_id",
    "event_types",
    "kind",
    "target",
    "options",
    "side_effects",
    "secret",
    "read_as",
    "speed",
    "max_gap",
    "order",
    "late_policy",
    "missing",
    "total",
    "length",
    "skipped",
    "created_by",
)


def _begin_next_pass(before: Replay) -> None:
    """A run of its own, so that each pass has its id, its outcomes and its times. There is one after each at most."""
    following = Replay.objects.create(
        previous=before,
        passes_left=before.passes_left - 1,
        pass_number=before.pass_number + 1,
        **{name: getattr(before, name) for name in _KEPT},
    )
    with connection.cursor() as cursor:
        cursor.execute(_COPY_ITEMS, [following.pk, before.pk])
    transaction.on_commit(lambda: replay_wanted.send(sender=Replay, replay_id=following.pk))


def forget_outcomes(replay: Replay, *, since: int) -> int:
    """What is to be played again has no outcome; how many of those before it failed. Within the caller's transaction."""
    ReplayItem.objects.filter(replay=replay, index__gte=since).exclude(sent_at=None).update(
        planned_at=None, sent_at=None, status=None, problem="", outcome="", details=None
    )
    return ReplayItem.objects.filter(replay=replay, index__lt=since).exclude(problem="").count()
