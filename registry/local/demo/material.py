"""What a story is told on: schemas in two editions, and events that were really sent or generated."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Upload:
    """A schema for a subject."""

    subject: str
    schema: dict[str, object]


@dataclass(frozen=True, slots=True)
class Material:
    """`older` is registered first, `newer` on top of it; `events` are sent then.

    `expected_violations` is counted with a validator of our own, so that the registry's count can be
    checked against it. `alert` is the selector of a rule that these events fire, `replayed` a correlation
    in them with several events.
    """

    name: str
    older: list[Upload]
    newer: list[Upload]
    events: list[dict[str, object]]
    expected_violations: int
    alert_name: str
    alert: dict[str, object]
    alert_threshold: int
    replayed: str
