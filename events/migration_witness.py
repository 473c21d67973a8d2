"""What a migration does to events that are stored: one of settings.MIGRATION_WITNESSES."""

import time

from events import scan
from events.aliases import read_as_stored
from events.models import Event
from registry.migration_trial import Trial, Tried

# The newest events of the version that a migration is tried on.
LOOKED_AT = 10_000
_CHUNK = 500


def stored_events(trial: Trial) -> Tried:
    """The newest valid events that the source judged, as far as there is time. Violations promise nothing to a migration."""
    tried = Tried("stored events", trial.direction)
    rows = (
        Event.objects.filter(
            event_type=trial.source.subject.name, content_id=trial.source.content_id, violations__isnull=True
        )
        .order_by("-occurred_at", "-position")
        .values_list("event_id", "raw", "lints")
    )
    for event_id, raw, lints in rows[: LOOKED_AT + 1].iterator(chunk_size=_CHUNK):
        if tried.tried == LOOKED_AT or time.monotonic() > trial.deadline:
            tried.finished = False
            break
        metadata = read_as_stored(scan.parse(bytes(raw)), lints or ()).get("metadata")
        trial.note(tried, f"event {event_id}", {} if metadata is None else metadata)
    return tried
