"""Events as they were stored on an earlier day, sent through the front door and then moved there."""

from datetime import UTC, date, datetime, timedelta

from django.db import connection

from events import partitions
from events.fold import fold_statistics

TODAY = datetime.now(UTC).date()


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def move_all_to(day: date) -> str:
    """Everything that was received today, counted as what is older has been; the name of the partition it is in then."""
    partitions.prepare(day, days=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE events_event SET received_at = received_at - %s * interval '1 day' WHERE received_at >= %s",
            [(TODAY - day).days, datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)],
        )
    while fold_statistics():
        pass
    return partitions.name_of(day)
