"""What evaluation has read is held against what is stored, so that a reader that skips events is found out."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from alerts.auditor import audit_reading
from alerts.models import ReadSpan
from tests.alerts.log import NOON, Sent, head, store
from tests.kill import killed_when_it_writes

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def fail(*seconds, **said):
    return store(Sent(occurred_at=at(second), **said) for second in seconds)


def test_passes_that_follow_each_other_share_a_stretch_and_nothing_was_missed(make_rule, evaluate):
    make_rule()
    for second in range(5):
        fail(second)
        store([Sent(event_type="OTHER", occurred_at=at(second))])
        evaluate(at=second)
    [span] = ReadSpan.objects.all()
    assert (span.after, span.until, span.types, span.seen) == (0, head(), ["NODE_FAILURE"], 5)
    found = audit_reading(LATER)
    assert (found.spans, found.events, found.missed) == (1, 5, 0)
    assert audit_reading(LATER).spans == 0


def test_what_was_read_a_moment_ago_is_left_for_the_next_audit(make_rule, evaluate):
    make_rule()
    fail(0)
    evaluate(at=0)
    assert audit_reading(at(30)).spans == 0
    assert audit_reading(at(61)).spans == 1


def test_after_an_audit_a_new_stretch_begins(make_rule, evaluate):
    make_rule()
    fail(0)
    evaluate(at=0)
    audit_reading(at(70))
    fail(71, 72)
    evaluate(at=72)
    assert [(one.after, one.until, one.seen) for one in ReadSpan.objects.all()] == [(0, 1, 1), (1, 3, 2)]
    assert audit_reading(LATER).missed == 0


def test_an_event_that_appears_behind_the_reader_is_missed_and_the_rule_says_so(make_rule, evaluate):
    rule = make_rule()
    fail(0, 1, 2)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events_event SET position = 1000 WHERE position = 2")
        evaluate(at=2)
        cursor.execute("UPDATE events_event SET position = 2 WHERE position = 1000")
    found = audit_reading(LATER)
    assert found.missed == 1
    rule.refresh_from_db()
    assert "1 events stored between the positions 1 and 3" in rule.trouble
    assert rule.troubled_at == LATER


def test_what_retention_has_removed_was_not_missed(make_rule, evaluate):
    make_rule()
    fail(0, 1)
    evaluate(at=1)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM events_event WHERE position = 1")
    assert audit_reading(LATER).missed == 0


def test_rules_of_any_type_are_audited_over_all_events(make_rule, evaluate):
    make_rule(selector={"field": "error_code", "op": "exists"})
    fail(0, error_code="E")
    store([Sent(event_type="OTHER", occurred_at=at(1))])
    evaluate(at=1)
    [span] = ReadSpan.objects.all()
    assert (span.types, span.seen) == (None, 2)
    assert audit_reading(LATER).missed == 0


@pytest.mark.django_db(transaction=True)
def test_a_pass_that_was_killed_has_read_nothing(make_rule, evaluate):
    make_rule()
    fail(0)
    with pytest.raises(OperationalError):
        killed_when_it_writes("alerts_episode", lambda: evaluate(at=0))
    evaluate(at=1)
    [span] = ReadSpan.objects.all()
    assert span.seen == 1
    assert audit_reading(LATER).missed == 0


def test_the_command_says_what_it_found(make_rule, evaluate, capsys):
    make_rule()
    fail(0)
    evaluate(at=0)
    call_command("audit_alerts")
    assert capsys.readouterr().out == "1 events read in 1 stretches of the log; none was missed.\n"
    ReadSpan.objects.update(audited_at=None, seen=0)
    with pytest.raises(CommandError, match="1 that were stored there were missed"):
        call_command("audit_alerts")


def test_the_metrics_count_what_was_missed(make_rule, evaluate, owner):
    make_rule()
    fail(0)
    evaluate(at=0)
    ReadSpan.objects.update(seen=0)
    audit_reading(timezone.now())
    assert "onex_alert_events_missed 1.0" in owner.api.get("/metrics").content.decode()
