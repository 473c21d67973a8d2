"""What people say about a subject, and how its events are taken: everything about it that is no rule of evolution."""

from dataclasses import asdict, dataclass, fields

from django.db import transaction

from access import audit
from access.actor import Actor
from registry.configure import rules_of
from registry.errors import InvalidSettings, SubjectNotFound
from registry.index import index_subject
from registry.models import ClearPolicy, EventProfile, EvolutionRules, SignaturePolicy, Subject, UnknownPolicy
from registry.ranges import parse_semver

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class SubjectSettings:
    """None for `retention_days` and `accept_undecided` is what holds for the whole instance."""

    owner: str
    description: str
    strict: bool
    version_when_absent: str
    retention_days: int | None
    accept_undecided: bool | None
    # Events: `format` is asserted instead of being an annotation.
    assert_formats: bool = False
    # Uploads that the rules refuse, and new majors, wait for a second person.
    needs_approval: bool = False
    # "ONEX", or "" for none on top of the policy.
    evolution_rules: str = ""
    # Of an event whose schema_version the subject does not have; "" is what holds for the whole instance.
    unknown_schema_version: str = ""
    # Tighter limits than the instance's, or None.
    max_event_bytes: int | None = None
    max_event_depth: int | None = None
    # "onex-v1", or "" for the registered schema.
    event_profile: str = ""
    rename_aliases: bool = False
    # "warn" or "require"; "" does not look at signatures.
    signatures: str = ""
    # "warn" or "reject"; "" takes sensitive fields in the clear.
    sensitive_in_clear: str = ""

    @classmethod
    def of(cls, row: Subject) -> "SubjectSettings":
        """What holds for a subject now."""
        return cls(**{field.name: getattr(row, field.name) for field in fields(cls)})


def edit_subject(*, actor: Actor, subject: str, settings: SubjectSettings) -> Subject:
    """Raises Forbidden, SubjectNotFound, ReadOnly, InvalidSettings."""
    actor.require("write", subject)
    if settings.version_when_absent != LATEST and parse_semver(settings.version_when_absent) is None:
        raise InvalidSettings(
            "What an event without schema_version means is 'latest' or one exact version such as 1.0.0.",
            pointer="/version_when_absent",
        )
    _require_known(settings)
    with transaction.atomic():
        row = Subject.objects.select_for_update().filter(name=subject).first()
        if row is None:
            raise SubjectNotFound(subject)
        rules_of(subject).require_writable(subject)
        before = {name: getattr(row, name) for name in asdict(settings)}
        changed = {name: value for name, value in asdict(settings).items() if before[name] != value}
        if changed:
            for name, value in changed.items():
                setattr(row, name, value)
            row.save(update_fields=list(changed))
            if not changed.keys().isdisjoint({"owner", "description"}):
                index_subject(row)
            audit.record(actor=actor, action="subject.edited", target=f"subject/{subject}", details=changed)
    return row


def _require_known(settings: SubjectSettings) -> None:
    """Raises InvalidSettings for a word that is none of those its setting knows."""
    if settings.evolution_rules not in {"", *EvolutionRules.values}:
        raise InvalidSettings("The rules of evolution are ONEX, or none.", pointer="/evolution_rules")
    if settings.unknown_schema_version not in {"", *UnknownPolicy.values}:
        raise InvalidSettings(
            "An event of a version that is not there is for quarantine, reject or accept.",
            pointer="/unknown_schema_version",
        )
    if settings.signatures not in {"", *SignaturePolicy.values}:
        raise InvalidSettings(
            "Signatures are for warn or require, or none: then nobody looks at them.", pointer="/signatures"
        )
    if settings.sensitive_in_clear not in {"", *ClearPolicy.values}:
        raise InvalidSettings(
            "Sensitive fields in the clear are for warn or reject, or none: then they are taken.",
            pointer="/sensitive_in_clear",
        )
    if settings.event_profile not in {"", *EventProfile.values}:
        raise InvalidSettings(
            "The profile is onex-v1, or none: then the registered schema judges.", pointer="/event_profile"
        )
