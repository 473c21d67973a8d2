"""What is said about an event that is refused or held back, beside what its schemas say."""

from events import changes
from events.envelope import Envelope
from events.judging import Intake, Problem, Ruling


def over_limit(event: Envelope, intake: Intake) -> Problem | None:
    """By the subject's own limits; the instance's were looked at before the event was parsed."""
    size = len(event.raw)
    if intake.max_bytes is not None and size > intake.max_bytes:
        told = f"The event has {size:,} bytes; '{event.event_type}' allows {intake.max_bytes:,} (max_event_bytes)."
        return problem("event_too_large", "", told)
    if intake.max_depth is not None and event.depth > intake.max_depth:
        told = (
            f"The event is nested {event.depth} levels deep; '{event.event_type}' allows {intake.max_depth} "
            "(max_event_depth)."
        )
        return problem("event_too_deep", "", told)
    return None


def problem(code: str, pointer: str, message: str) -> Problem:
    return {"code": code, "pointer": pointer, "keyword": "", "message": message}


def forbidden(event_type: str) -> Problem:
    why = (
        f"Events of type '{event_type}' are sent by the registry itself, and taken from nobody else."
        if event_type in changes.EVENT_TYPES
        else f"This token may not ingest events of type '{event_type}'; another one may."
    )
    return problem("forbidden", "/event_type", why)


def conflict(event_id: str) -> Problem:
    return problem(
        "conflict",
        "/event_id",
        f"An event with id '{event_id}' and other content is stored already; that one stays, this one was not stored.",
    )


def unknown(event: Envelope, ruling: Ruling) -> Problem:
    if ruling.reason == "unknown_event_type":
        named = (
            f"No schema is registered for event type '{event.event_type}'."
            if event.event_type
            else ("The event does not say its event_type.")
        )
        return problem(ruling.reason, "/event_type", named)
    label = event.schema_version or "none"
    return problem(
        ruling.reason,
        "/schema_version",
        f"Event type '{event.event_type}' has no usable live version for schema_version {label}.",
    )
