from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actor import SYSTEM
from events.verify import Check, verify_events

_TOLD_EVERY = 10_000


class Command(BaseCommand):
    help = (
        "Holds stored events against their signatures and digests. Exit code 1 when one is not what it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--type", default="", help="only events of this type")
        parser.add_argument(
            "--since", metavar="DAY", help="only events received from this day on: 2026-11-25"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._told = 0
        check = verify_events(
            actor=SYSTEM, event_type=options["type"], since=_day(options["since"]), seen=self._progress
        )
        for one in check.tampered:
            self.stdout.write(f"{one.position} {one.event_id} ({one.event_type}): {one.problem}")
        found = f"{check.checked:,} events looked at, {check.signed:,} of them signed, {check.verified:,} verified."
        if check.tampered:
            raise CommandError(f"{found} {len(check.tampered):,} are not what they were.")
        self.stdout.write(f"{found} All are as they came.")

    def _progress(self, check: Check) -> None:
        if check.checked - self._told >= _TOLD_EVERY:
            self._told = check.checked
            self.stderr.write(f"{check.checked:,} events looked at …")


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        day = datetime.fromisoformat(text)
    except ValueError as bad:
        raise CommandError(f"'{text}' is no day such as 2026-11-25.") from bad
    return day if day.tzinfo else day.replace(tzinfo=UTC)
