"""How much goes on under subjects, as the layers above count it.

They are asked through the settings SUBJECT_FIGURES, dotted names of `(names, since) -> {name: [Hour]}`, each asked once for
all the names of a page, and SUBJECT_TRAFFIC, `(since) -> {name: events}` of all; read-only and bounded in time.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

HOURS = 24
_HEIGHT, _BAR, _GAP = 24, 4, 1


@dataclass(frozen=True, slots=True)
class Hour:
    """What came in during the hour that begins at `at`."""

    at: datetime
    events: int
    violations: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of a sparkline, in units of its picture."""

    x: int
    height: int
    y: int
    bad_height: int
    bad_y: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The last HOURS hours of one subject, oldest first, each of them present."""

    hours: tuple[Hour, ...]

    @property
    def events(self) -> int:
        return sum(hour.events for hour in self.hours)

    @property
    def violations(self) -> int:
        return sum(hour.violations for hour in self.hours)

    def sentence(self) -> str:
        """What the picture shows, for whoever does not see it."""
        if not self.events:
            return f"No events in {HOURS} h"
        busiest = max(self.hours, key=lambda hour: hour.events)
        return (
            f"{self.events:,} events in {HOURS} h, {self.violations:,} with violations; "
            f"most in the hour from {busiest.at:%H:%M} UTC: {busiest.events:,}"
        )

    @property
    def width(self) -> int:
        return len(self.hours) * (_BAR + _GAP)

    def bars(self) -> list[Bar]:
        """Scaled to the busiest hour; what is not nothing is seen."""
        most = max((hour.events for hour in self.hours), default=0) or 1
        return [
            _bar(number, _scaled(hour.events, most), _scaled(min(hour.violations, hour.events), most))
            for number, hour in enumerate(self.hours)
        ]


def figures_of(names: Sequence[str]) -> dict[str, Figures] | None:
    """By name, for all of these; the caller has checked that they may be read. None when counting took too long."""
    since = _since()
    counted: dict[tuple[str, datetime], tuple[int, int]] = {}

    def count() -> None:
        for source in settings.SUBJECT_FIGURES:
            _add(counted, import_string(source)(names, since))

    if not _in_time(count):
        return None
    hours = [since + timedelta(hours=number) for number in range(HOURS)]
    return {
        name: Figures(tuple(Hour(at, *counted.get((name, at), (0, 0))) for at in hours)) for name in names
    }


def traffic() -> dict[str, int] | None:
    """How many events came in under each subject that had any, for ordering; None when counting took too long."""
    counted: Counter[str] = Counter()

    def count() -> None:
        for source in settings.SUBJECT_TRAFFIC:
            counted.update(import_string(source)(_since()))

    return counted if _in_time(count) else None


def _since() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)


def _in_time(count: Callable[[], None]) -> bool:
    """Whether it came to an end in time; it may only read."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            limit = str(max(1, int(settings.SUBJECT_FIGURES_SECONDS * 1000)))
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
            count()
            # Nothing was written; a rollback also gives an outer transaction its own settings back.
            transaction.set_rollback(True)
    except OperationalError as late:
        if "statement timeout" not in str(late):
            raise
        return False
    return True


def _add(counted: dict[tuple[str, datetime], tuple[int, int]], found: dict[str, list[Hour]]) -> None:
    for name, hours in found.items():
        for hour in hours:
            events, violations = counted.get((name, hour.at), (0, 0))
            counted[name, hour.at] = (events + hour.events, violations + hour.violations)


def _scaled(count: int, most: int) -> int:
    return max(1, round(count * _HEIGHT / most)) if count else 0


def _bar(number: int, height: int, bad: int) -> Bar:
    return Bar(number * (_BAR + _GAP), height, _HEIGHT - height, bad, _HEIGHT - bad)
