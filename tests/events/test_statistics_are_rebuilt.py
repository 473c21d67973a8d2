"""Counting anew gives what counting as events arrive gave, and loses nothing that only the statistics still know."""

import random
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from access.actor import SYSTEM
from access.errors import Forbidden
from access.models import AuditEntry
from events import partitions
from events.fold import fold_statistics, lag
from events.models import Event, QuarantinedEvent, Statistic
from events.recount import forget_old, rebuild_statistics
from events.retention import apply_retention
from tests.events.conftest import ORDER, event
from tests.events.counted import append_rows

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def everything():
    rows = Statistic.objects.filter(events__gt=0).order_by(
        "step", "bucket", "event_type", "version", "producer"
    )
    return [tuple(row.values()) for row in rows.order_by("pk").values()]


def some_events(count, seed=1):
    chance = random.Random(seed)
    return [
        {
            "occurred_at": NOW - timedelta(minutes=chance.randrange(100_000)),
            "received_at": NOW - timedelta(days=chance.randrange(4)),
            "event_type": chance.choice(["order.placed", "order.paid"]),
            "producer": chance.choice(["a", "b"]),
            "sample_rate": chance.choice([1.0, 0.3]),
            "bad": chance.random() < 0.2,
            "size": chance.randrange(100, 2_000),
            "took": chance.random() * 1_000,
        }
        for _ in range(count)
    ]


def test_a_rebuild_gives_what_was_counted_on_arrival(publish, send):
    publish("strict.order", ORDER, "1.0.0", strict=True)
    for day in range(5):
        partitions.prepare((NOW - timedelta(days=day)).date(), days=1)
    for seed in range(6):
        append_rows(some_events(50, seed))
        fold_statistics(batch=17)
    send(
        event("strict.order", metadata={"amount": "many"}), event("strict.order", metadata={"amount": "few"})
    )
    QuarantinedEvent.objects.filter(pk=QuarantinedEvent.objects.last().pk).update(released_at=NOW)
    fold_statistics()
    before = everything()
    Statistic.objects.update(events=77, size_bins=[], size_weights=[])
    steps = []
    found = rebuild_statistics(actor=SYSTEM, told=lambda done, total: steps.append((done, total)))
    assert everything() == before
    assert found.events == 300
    assert steps[-1] == (300, 300)
    assert lag().waiting == 0


def test_what_is_not_counted_yet_is_left_to_the_workers():
    append_rows(some_events(10))
    fold_statistics(batch=10)
    append_rows(some_events(5, seed=2))
    assert rebuild_statistics(actor=SYSTEM).events == 10
    assert lag().waiting == 5
    fold_statistics()
    total = sum(Statistic.objects.filter(step=86400).values_list("events", flat=True))
    assert total == 15


def test_statistics_outlive_their_events(settings):
    gone, there = NOW - settings.EVENT_RETENTION - timedelta(days=3), NOW
    partitions.prepare(gone.date(), days=1)
    append_rows([{"occurred_at": at, "received_at": at} for at in (gone, gone, there)])
    # Nobody has counted them: that comes before they go.
    assert apply_retention().partitions == (partitions.name_of(gone.date()),)
    assert Event.objects.count() == 1
    before = everything()
    assert sum(Statistic.objects.filter(step=86400).values_list("events", flat=True)) == 3
    rebuild_statistics(actor=SYSTEM)
    assert [row[:-1] for row in everything()] == [row[:-1] for row in before]


def test_a_day_of_which_one_subject_s_events_are_gone_keeps_what_it_counted_of_them(publish, settings):
    settings.EVENT_RETENTION = timedelta(days=10)
    publish("short", {}, "1.0.0", retention_days=2)
    old = NOW - timedelta(days=5)
    append_rows([{"event_type": name, "occurred_at": old, "received_at": old} for name in ("short", "usual")])
    assert apply_retention().events == 1
    found = rebuild_statistics(actor=SYSTEM)
    assert (found.events, found.kept) == (1, 1)
    totals = dict(Statistic.objects.filter(step=86400).values_list("event_type", "events"))
    assert totals == {"short": 1, "usual": 1}


def test_each_kind_of_stretch_is_forgotten_after_its_own_time(settings):
    append_rows([{"occurred_at": NOW}])
    fold_statistics()
    assert forget_old(today=NOW.date()) == 0
    steps = lambda: set(Statistic.objects.values_list("step", flat=True))  # noqa: E731
    forget_old(today=NOW.date() + settings.STATISTICS_5_MINUTES_KEPT + timedelta(days=1))
    assert steps() == {3600, 86400}
    forget_old(today=NOW.date() + settings.STATISTICS_HOURS_KEPT + timedelta(days=1))
    assert steps() == {86400}
    forget_old(today=NOW.date() + settings.STATISTICS_DAYS_KEPT + timedelta(days=1))
    assert steps() == set()


def test_the_command_says_what_it_did(capsys):
    append_rows(some_events(10))
    fold_statistics()
    call_command("rebuild_statistics")
    assert "10 events of" in capsys.readouterr().out
    entry = AuditEntry.objects.get(action="statistics.rebuilt")
    assert entry.details["events"] == 10


def test_only_who_may_administer_everything_counts_anew(teammate):
    with pytest.raises(Forbidden):
        rebuild_statistics(actor=teammate.actor)
