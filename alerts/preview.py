"""What a rule would have done with the newest stored events: the live evaluator, writing nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from access.actor import Actor
from alerts.compiled import Compiled
from alerts.engine import Episode
from alerts.history import episodes_of, matched
from alerts.matches import read
from alerts.models import RuleVersion
from alerts.novelty import seen_before
from alerts.rule_spec import RuleSpec
from alerts.rules import check_spec
from events.models import LogHead

NEWEST = 10_000
EPISODES_SHOWN = 20
STATEMENT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class WouldFire:
    """An episode that the rule would have opened, and for which group."""

    group: dict[str, object]
    episode: Episode


@dataclass(frozen=True, slots=True)
class Preview:
    """`looked_at` newest events of the log, of which `matched` match; `late` of those came too late to count."""

    looked_at: int
    matched: int
    late: int
    groups: int
    episodes: int
    first: datetime | None
    last: datetime | None
    # The newest episodes.
    shown: tuple[WouldFire, ...]
    warnings: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """For a person."""
        if not self.looked_at:
            return "There are no stored events yet to try it on."
        return (
            f"Would have matched {self.matched:,} of the last {self.looked_at:,} events, "
            f"and opened {self.episodes:,} episode{'' if self.episodes == 1 else 's'}."
        )


def preview(*, actor: Actor, spec: RuleSpec) -> Preview:
    """Tries a rule on the newest stored events. Raises what saving it would raise."""
    warnings = check_spec(actor=actor, spec=spec)
    rule = Compiled.of(RuleVersion(**spec.edition()))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{STATEMENT_SECONDS}s"])
        head = LogHead.objects.get().position
        after = max(0, head - NEWEST)
        events = read(after=after, until=head, types=rule.event_types, documents=rule.reads_documents)
        known = seen_before(rule, until=after, now=timezone.now()) if rule.remember else {}
    found = [event for event in events if rule.matches(event.fields)]
    counted = matched(rule, found)
    fired = episodes_of(rule, counted, known=known, now=timezone.now())
    fired.reverse()
    instants = [event.match.at for event in found]
    return Preview(
        looked_at=head - after,
        matched=len(found),
        late=sum(event.late for event in found),
        groups=len({one.group for one in counted}),
        episodes=len(fired),
        first=min(instants, default=None),
        last=max(instants, default=None),
        shown=tuple(
            WouldFire(group.readable(rule.group_by), episode) for group, episode in fired[:EPISODES_SHOWN]
        ),
        warnings=warnings,
    )
