"""What the schemas say about an event that they judge: everything that is wrong with it, as problems that can be told."""

from events import onex_v1
from events.envelope import Envelope
from events.judging import Problem, Ruling
from registry.opaque_codes import KEYWORD
from registry.sensitive import KEYWORD as SENSITIVE
from registry.taxonomy_bindings import deprecated_codes

MAX_VIOLATIONS = 50
_MAX_MESSAGE = 500
IN_THE_CLEAR = "sensitive_in_clear"
_CODES = {KEYWORD: "violates_taxonomy", SENSITIVE: IN_THE_CLEAR}


def judge(event: Envelope, ruling: Ruling, envelope: Ruling | None) -> tuple[list[Problem], tuple[str, ...]]:
    """What the schemas or the profile refuse, and what they accept but want told."""
    if ruling.intake.profile:
        return onex_v1.problems(event)[:MAX_VIOLATIONS], ()
    if not (ruling.bound or (envelope is not None and envelope.bound)):
        return _as_asked(violations(event, ruling, envelope), ruling, ())
    with deprecated_codes() as deprecated:
        found = violations(event, ruling, envelope)
    return _as_asked(found, ruling, ("deprecated_code",) if deprecated else ())


def _as_asked(
    found: list[Problem], ruling: Ruling, lints: tuple[str, ...]
) -> tuple[list[Problem], tuple[str, ...]]:
    """Sensitive fields in the clear are told only, where the subject warns of them."""
    if not found or ruling.intake.sensitive_in_clear != "warn":
        return found, lints
    rest = [problem for problem in found if problem["code"] != IN_THE_CLEAR]
    return rest, lints if len(rest) == len(found) else (*lints, IN_THE_CLEAR)


def violations(event: Envelope, ruling: Ruling, envelope: Ruling | None) -> list[Problem]:
    """Everything that the envelope's schema and the event type's schema refuse, at most MAX_VIOLATIONS."""
    found: list[Problem] = []
    if envelope is None:
        found += _minimal(event)
    elif envelope.validator is not None and not envelope.validator.is_valid(event.document):
        found += _problems(envelope, event.document, "violates_envelope", "")
    if ruling.validator is not None:
        # null and absent mean the same to producers of the original envelope: nothing to tell.
        metadata = event.document.get("metadata")
        metadata = {} if metadata is None else metadata
        if not ruling.validator.is_valid(metadata):
            found += _problems(ruling, metadata, "violates_schema", "/metadata")
    if ruling.intake.sensitive_in_clear:
        # However much else there is: by these an event is rejected.
        found.sort(key=lambda problem: problem["code"] != IN_THE_CLEAR)
    return found[:MAX_VIOLATIONS]


def _problems(ruling: Ruling, instance: object, code: str, prefix: str) -> list[Problem]:
    assert ruling.validator is not None
    found = ruling.validator.errors(instance)
    # In a branch of anyOf a foreign code only shows as "no branch accepts"; it is told by its own name, too.
    for keyword in (
        *([KEYWORD] if ruling.bound else []),
        *([SENSITIVE] if ruling.intake.sensitive_in_clear else []),
    ):
        found += [v for v in ruling.validator.errors_of(keyword, instance) if v not in found]
    if ruling.intake.sensitive_in_clear:
        found.sort(key=lambda violation: violation.keyword != SENSITIVE)
    return [
        {
            "code": _CODES.get(violation.keyword, code),
            "pointer": prefix + violation.pointer,
            "keyword": violation.keyword,
            "message": _shortened(violation.message),
        }
        for violation in found[:MAX_VIOLATIONS]
    ]


def _shortened(message: str) -> str:
    """Validators quote the offending value, which may be the whole event."""
    return message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}…"


def _minimal(event: Envelope) -> list[Problem]:
    """What no event can do without, for a catalogue that has no envelope of its own."""
    return [
        {
            "code": "violates_envelope",
            "pointer": "",
            "keyword": "required",
            "message": f'"{name}" is a required property with text in it',
        }
        for name in ("node_id", "event_type", "timestamp")
        if not event.document.get(name)
    ]
