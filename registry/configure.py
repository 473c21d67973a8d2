"""The rules of evolution: level, policy and mode, of one subject or of the whole instance, and where they come from."""

from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings
from django.db import transaction

from access import audit
from access.actor import Actor
from registry.errors import (
    InvalidLevel,
    InvalidMode,
    InvalidPolicy,
    LevelNotConfigured,
    ModeNotConfigured,
    ReadOnly,
)
from registry.models import Configuration, Level, Mode, Policy
from registry.names import check_subject_name

#: The name under which the instance's own configuration is kept.
INSTANCE = ""

Origin = Literal["subject", "instance", "default"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a subject now."""

    level: Level
    level_from: Origin
    policy: Policy
    policy_from: Origin
    mode: Mode
    mode_from: Origin
    normalize: bool
    # The level was set through the wire API: transitive levels then mean all live versions, not the current major's.
    confluent_levels: bool

    def require_writable(self, subject: str) -> None:
        """Raises ReadOnly."""
        if self.mode == Mode.READONLY:
            raise ReadOnly(subject)


def rules_of(subject: str) -> Rules:
    """The rules in force for a subject, whether it exists or not; of INSTANCE, the instance's."""
    rows = {row.subject: row for row in Configuration.objects.filter(subject__in={INSTANCE, subject})}
    own, instance = rows.get(subject) if subject else None, rows.get(INSTANCE)
    level, level_from, level_row = _first("level", own, instance, settings.DEFAULT_COMPATIBILITY)
    policy, policy_from, _ = _first("policy", own, instance, settings.DEFAULT_POLICY)
    mode, mode_from, _ = _first("mode", own, instance, Mode.READWRITE)
    normalize, _, _ = _first("normalize", own, instance, default=False)
    return Rules(
        level=Level(level),
        level_from=level_from,
        policy=Policy(policy),
        policy_from=policy_from,
        mode=Mode(mode),
        mode_from=mode_from,
        normalize=normalize,
        confluent_levels=level_row is not None and level_row.by_wire_api,
    )


def _first(
    field: str, own: Configuration | None, instance: Configuration | None, default: Any
) -> tuple[Any, Origin, Configuration | None]:
    for row, origin in ((own, "subject"), (instance, "instance")):
        value = getattr(row, field, None)
        if value is not None:
            return value, origin, row  # type: ignore[return-value]
    return default, "default", None


def configuration_of(subject: str) -> Configuration | None:
    """What is set at this very place."""
    return Configuration.objects.filter(subject=subject).first()


def set_rules(
    *,
    actor: Actor,
    subject: str,
    level: str | None = None,
    policy: str | None = None,
    normalize: bool | None = None,
    by_wire_api: bool = False,
) -> Configuration:
    """Sets what is given and leaves the rest; "" takes a level or policy back to what is inherited.

    Raises InvalidLevel, InvalidPolicy, InvalidSubject, Forbidden.
    """
    _require(actor, subject)
    with transaction.atomic():
        row = _locked(subject)
        if level is not None:
            row.level = _chosen(Level, level, InvalidLevel)
            row.by_wire_api = by_wire_api
        if policy is not None:
            row.policy = _chosen(Policy, policy, InvalidPolicy)
        if normalize is not None:
            row.normalize = normalize
        row.save()
        _note(actor, "rules.set", subject, level=row.level, policy=row.policy, normalize=row.normalize)
    return row


def unset_rules(*, actor: Actor, subject: str) -> Rules:
    """Back to what is inherited; the rules that held before. Raises LevelNotConfigured for a subject without own."""
    _require(actor, subject)
    with transaction.atomic():
        before = rules_of(subject)
        row = _locked(subject)
        if subject and row.level is None and row.policy is None and row.normalize is None:
            raise LevelNotConfigured(subject)
        row.level = row.policy = row.normalize = None
        row.by_wire_api = False
        _save_or_delete(row)
        _note(actor, "rules.unset", subject)
    return before


def set_mode(*, actor: Actor, subject: str, mode: str) -> Configuration:
    """Raises InvalidMode, InvalidSubject, Forbidden."""
    _require(actor, subject)
    # Importing explicit ids is an operation of its own; without it the mode would promise what nobody keeps.
    if str(mode).upper() not in {Mode.READWRITE, Mode.READONLY}:
        raise InvalidMode(mode)
    with transaction.atomic():
        row = _locked(subject)
        row.mode = Mode(str(mode).upper())
        row.save()
        _note(actor, "mode.set", subject, mode=row.mode)
    return row


def unset_mode(*, actor: Actor, subject: str) -> Mode:
    """Back to the inherited mode; the one that held before. Raises ModeNotConfigured."""
    _require(actor, subject)
    with transaction.atomic():
        before = rules_of(subject).mode
        row = _locked(subject)
        if subject and row.mode is None:
            raise ModeNotConfigured(subject)
        row.mode = None
        _save_or_delete(row)
        _note(actor, "mode.unset", subject)
    return before


def _require(actor: Actor, subject: str) -> None:
    if subject == INSTANCE:
        actor.require_everywhere("admin")
    else:
        actor.require("write", subject)
        check_subject_name(subject)


def _locked(subject: str) -> Configuration:
    Configuration.objects.bulk_create([Configuration(subject=subject)], ignore_conflicts=True)
    return Configuration.objects.select_for_update().get(subject=subject)


def _save_or_delete(row: Configuration) -> None:
    if (row.level, row.policy, row.normalize, row.mode) == (None, None, None, None):
        row.delete()
    else:
        row.save()


def _chosen(
    choices: type[Level | Policy], given: str, refusal: type[InvalidLevel | InvalidPolicy]
) -> str | None:
    if given == "":
        return None
    name = str(given).upper()
    if name not in choices.values:
        raise refusal(given)
    return name


def _note(actor: Actor, action: str, subject: str, **details: object) -> None:
    audit.record(
        actor=actor, action=action, target=f"subject/{subject}" if subject else "instance", details=details
    )
