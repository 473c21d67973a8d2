"""What rules know of groups, and rules about something new, live: a group of which no event was selected in the days before.

What is known is kept per edition and begins with what is stored when the edition is written, so that a rule does not fire for
everything that it meets first. Events are judged in the order of the log: whoever is heard of first is new, whichever
occurred first. An event that lacks one of the group's fields names nothing, so nothing new.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction

from alerts.compiled import Compiled
from alerts.condition_sql import Sql, as_read, exact_sql, where
from alerts.engine import Match
from alerts.errors import InvalidRule
from alerts.groups import Group
from alerts.matches import COUNTED_AT, SEEN
from alerts.models import Kind, KnownGroup, RuleVersion

LEARN_SECONDS = 15
Fresh = Mapping[Group, Sequence[Match]]


def news(rule: Compiled, fresh: Fresh, known: dict[Group, datetime]) -> dict[Group, list[Match]]:
    """The matches that are new, by group. `known`, when each group was seen last, learns all of them."""
    assert rule.remember is not None
    found: dict[Group, list[Match]] = {}
    for group, matches in fresh.items():
        if None in group.values:
            continue
        for match in sorted(matches, key=lambda match: match.position):
            last = known.get(group)
            if last is None or last < match.at - rule.remember:
                found.setdefault(group, []).append(match)
            known[group] = max(last or match.at, match.at)
    return found


def take_note(edition: RuleVersion, rule: Compiled, fresh: Fresh) -> dict[Group, list[Match]]:
    """The matches that are new, after which they are known. Raises InvalidRule when too many groups are."""
    by_key = {group.key: group for group in fresh if None not in group.values}
    rows = KnownGroup.objects.filter(edition=edition, group_key__in=list(by_key))
    known = {by_key[key]: last for key, last in rows.values_list("group_key", "last_at")}
    before = len(known)
    found = news(rule, fresh, known)
    if len(known) > before:
        require_few(KnownGroup.objects.filter(edition=edition).count() + len(known) - before)
    remember(edition, known)
    return found


def forget_groups(now: datetime) -> int:
    """Removes what was seen too long ago to be anything but new; how many groups. Silent ones forget by themselves."""
    removed = 0
    for edition in RuleVersion.objects.filter(kind=Kind.NEW, known_groups__isnull=False).distinct():
        assert edition.remember_days is not None
        since = now - timedelta(days=edition.remember_days) - settings.ALERT_LATENESS
        removed += KnownGroup.objects.filter(edition=edition, last_at__lt=since).delete()[0]
    return removed


def learn(edition: RuleVersion, *, until: int, now: datetime) -> None:
    """Makes known what the stored events up to a position name already. Raises InvalidRule."""
    remember(edition, seen_before(Compiled.of(edition), until=until, now=now))


def begin_silence(edition: RuleVersion, now: datetime) -> None:
    """Of an edition about absence without groups, of which no event is known: it is waited for from now on."""
    KnownGroup.objects.get_or_create(
        edition=edition, group_key=Group.of(()).key, defaults={"values": [], "last_at": now}
    )


def seen_before(rule: Compiled, *, until: int, now: datetime) -> dict[Group, datetime]:
    """The groups of the events up to a position, and when each was seen last. Raises InvalidRule.

    On days that are compressed only typed columns can be asked.
    """
    assert rule.remember is not None
    query = _groups(rule, until, now - rule.remember)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{LEARN_SECONDS}s"])
            cursor.execute(query.text, query.params)
            rows = cursor.fetchall()
    except OperationalError as error:
        raise InvalidRule(
            f"Looking for what is known already took more than {LEARN_SECONDS} s. Remember fewer days, or name the event types.",
            pointer="/remember_days",
        ) from error
    require_few(len(rows))
    names = rule.group_by
    return {
        Group.of(tuple(as_read(name, value) for name, value in zip(names, values, strict=True))): last
        for last, *values in rows
        if last is not None and None not in values
    }


def _groups(rule: Compiled, until: int, since: datetime) -> Sql:
    query = Sql(f"SELECT max({COUNTED_AT})")
    for name in rule.group_by:
        value = exact_sql(name)
        query = query.then(f", {value.text}", *value.params)
    query = query.then(
        f" FROM events_event WHERE position <= %s AND received_at >= %s AND {SEEN} AND ", until, since
    )
    if rule.event_types is not None:
        query = query.then("event_type = ANY(%s) AND ", sorted(rule.event_types))
    condition = where(rule.condition)
    query = query.then(f"{condition.text} IS TRUE", *condition.params)
    if rule.group_by:
        query = query.then(" GROUP BY " + ", ".join(str(index + 2) for index in range(len(rule.group_by))))
    return query.then(" LIMIT %s", settings.ALERT_MAX_KNOWN + 1)


def require_few(count: int) -> None:
    """Raises InvalidRule."""
    if count > settings.ALERT_MAX_KNOWN:
        raise InvalidRule(
            f"It would have to remember more than {settings.ALERT_MAX_KNOWN:,} groups (ALERT_MAX_KNOWN). "
            "Group by a field with fewer values.",
            pointer="/group_by",
        )


def remember(edition: RuleVersion, known: Mapping[Group, datetime]) -> None:
    """Writes down when groups were seen last."""
    KnownGroup.objects.bulk_create(
        _rows(edition, known.items()),
        update_conflicts=True,
        unique_fields=["edition", "group_key"],
        update_fields=["last_at"],
        batch_size=5_000,
    )


def _rows(edition: RuleVersion, known: Iterable[tuple[Group, datetime]]) -> list[KnownGroup]:
    return [
        KnownGroup(edition=edition, group_key=group.key, values=json.loads(group.as_json()), last_at=last)
        for group, last in sorted(known, key=lambda one: one[0].key)
    ]
