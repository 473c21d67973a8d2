"""The rules of evolution: level, policy, mode and what goes with them, and where they come from.

A subject takes what it does not set itself from its context, and that from what holds in every context.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Unpack

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from access import audit, prepared
from access.actor import Actor
from registry import contexts
from registry.errors import (
    ForwardEverywhereOnly,
    InvalidLevel,
    InvalidMode,
    InvalidPolicy,
    InvalidSettings,
    LevelNotConfigured,
    ModeNotConfigured,
    NotPermitted,
    ReadOnly,
)
from registry.metadata import Extras, check_metadata, check_rule_set
from registry.models import Configuration, Level, Mode, Policy, Version
from registry.names import check_subject_name

#: The name under which the default context's own configuration is kept.
INSTANCE = ""

Origin = Literal["subject", "context", "instance", "global", "default"]
#: Modes that take ids and numbers as they were elsewhere, and ask for no compatibility.
IMPORTING = frozenset({Mode.IMPORT, Mode.FORWARD})


class RuleChanges(TypedDict, total=False):
    """What is to be set; None (or "") takes back to what is inherited."""

    level: str | None
    policy: str | None
    normalize: bool | None
    alias: str | None
    compatibility_group: str | None
    validate_fields: bool | None
    validate_rules: bool | None
    default_metadata: dict[str, Any] | None
    override_metadata: dict[str, Any] | None
    default_rule_set: dict[str, Any] | None
    override_rule_set: dict[str, Any] | None


_FIELDS = tuple(RuleChanges.__annotations__)


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
    compatibility_group: str | None
    validate_fields: bool | None
    validate_rules: bool | None
    default: Extras
    override: Extras
    # Never inherited.
    alias: str | None

    @property
    def importing(self) -> bool:
        return self.mode in IMPORTING

    def require_writable(self, subject: str) -> None:
        """Raises ReadOnly."""
        if self.mode == Mode.READONLY:
            raise ReadOnly(subject)

    def require_numbering(self, subject: str, number: int | None) -> None:
        """Ids are given by an import and by nobody else. Raises ReadOnly, NotPermitted."""
        self.require_writable(subject)
        if self.importing != (number is not None):
            wanted = "read-write" if self.importing else "import"
            raise NotPermitted.not_in(wanted, subject, contexts.context_of(subject))


_FIND_ALIAS = "SELECT alias FROM registry_configuration WHERE subject = %s AND alias IS NOT NULL"


def rules_of(subject: str) -> Rules:
    """The rules in force for a subject, whether it exists or not, or for what a context sets for all of its own."""
    return rules_from(subject, Configuration.objects.filter(subject__in=scope_of(subject)))


def rules_from(subject: str, configured: Iterable[Configuration]) -> Rules:
    """The rules that these rows make for the subject: those of every name that `scope_of` lists."""
    found = {row.subject: row for row in configured}
    rows = [found[key] for key in scope_of(subject) if key in found]
    level, level_row = _first("level", rows, settings.DEFAULT_COMPATIBILITY)
    policy, policy_row = _first("policy", rows, settings.DEFAULT_POLICY)
    mode, mode_row = _first("mode", rows, Mode.READWRITE)
    return Rules(
        level=Level(level),
        level_from=_origin(level_row),
        policy=Policy(policy),
        policy_from=_origin(policy_row),
        mode=Mode(mode),
        mode_from=_origin(mode_row),
        normalize=_first("normalize", rows, default=False)[0],
        confluent_levels=level_row is not None and level_row.by_wire_api,
        compatibility_group=_first("compatibility_group", rows, None)[0],
        validate_fields=_first("validate_fields", rows, None)[0],
        validate_rules=_first("validate_rules", rows, None)[0],
        default=Extras(*(_first(name, rows, None)[0] for name in ("default_metadata", "default_rule_set"))),
        override=Extras(
            *(_first(name, rows, None)[0] for name in ("override_metadata", "override_rule_set"))
        ),
        alias=found[subject].alias if subject in found else None,
    )


def scope_of(subject: str) -> list[str]:
    """Where a subject's rules are looked for, the nearest first."""
    context = contexts.qualifier(contexts.context_of(subject))
    return list(dict.fromkeys([subject, context, contexts.GLOBAL]))


def _first(field: str, rows: list[Configuration], default: Any) -> tuple[Any, Configuration | None]:
    for row in rows:
        value = getattr(row, field)
        if value is not None:
            return value, row
    return default, None


def _origin(row: Configuration | None) -> Origin:
    if row is None:
        return "default"
    if row.subject == contexts.GLOBAL:
        return "global"
    if row.subject == INSTANCE:
        return "instance"
    return "context" if contexts.is_context(row.subject) else "subject"


def configuration_of(subject: str) -> Configuration | None:
    """What is set at this very place."""
    return Configuration.objects.filter(subject=subject).first()


def aliased(subject: str) -> str:
    """The subject that requests about this one mean; an alias of an alias is not followed."""
    with prepared.cursor() as cursor:
        cursor.execute(_FIND_ALIAS, [subject])
        alias = next((found for (found,) in cursor.fetchall()), None)
    return contexts.within(contexts.context_of(subject), alias) if alias else subject


def set_rules(
    *, actor: Actor, subject: str, by_wire_api: bool = False, **changes: Unpack[RuleChanges]
) -> Configuration:
    """Sets what is named and leaves the rest.

    Raises InvalidLevel, InvalidPolicy, InvalidSettings, InvalidSchema, InvalidRuleSet, InvalidSubject, Forbidden,
    NotPermitted.
    """
    _require(actor, subject)
    checked = {name: _checked(name, value) for name, value in changes.items()}
    with transaction.atomic():
        rules_of(subject).require_writable(subject)
        row = _locked(subject)
        for name, value in checked.items():
            setattr(row, name, value)
        if "level" in checked:
            row.by_wire_api = by_wire_api
        row.save()
        _note(actor, "rules.set", subject, **checked)
    return row


def _checked(name: str, value: Any) -> Any:
    if value in (None, ""):
        return None
    if name in {"level", "policy"}:
        return (
            _chosen(Level, value, InvalidLevel) if name == "level" else _chosen(Policy, value, InvalidPolicy)
        )
    if name == "alias":
        check_subject_name(value)
    elif name == "compatibility_group" and (len(value) > 255 or "\0" in value):
        raise InvalidSettings("A compatibility group is the name of a property, up to 255 characters.")
    elif name.endswith("_metadata"):
        check_metadata(name, value)
    elif name.endswith("_rule_set"):
        check_rule_set(name, value)
    return value


def unset_rules(*, actor: Actor, subject: str) -> Rules:
    """Back to what is inherited; the rules that held before. Raises LevelNotConfigured where nothing is set."""
    _require(actor, subject)
    with transaction.atomic():
        before = rules_of(subject)
        before.require_writable(subject)
        row = _locked(subject)
        if subject and not _has_rules(row):
            raise LevelNotConfigured(subject)
        for name in _FIELDS:
            setattr(row, name, None)
        row.by_wire_api = False
        _save_or_delete(row)
        _note(actor, "rules.unset", subject)
    return before


def set_mode(*, actor: Actor, subject: str, mode: str, force: bool = False) -> Configuration:
    """An import begins where there is nothing yet, unless it is forced; it needs the scope admin.

    Raises InvalidMode, ForwardEverywhereOnly, InvalidSubject, NotPermitted, Forbidden.
    """
    _require(actor, subject)
    if str(mode).upper() not in Mode.values:
        raise InvalidMode(mode)
    wanted = Mode(str(mode).upper())
    if wanted in IMPORTING:
        actor.require("admin", subject)
    if wanted == Mode.FORWARD and subject not in {INSTANCE, contexts.GLOBAL}:
        raise ForwardEverywhereOnly(subject)
    with transaction.atomic():
        row = _locked(subject)
        begins = wanted == Mode.IMPORT and rules_of(subject).mode != Mode.IMPORT and not force
        if begins and Version.objects.live().filter(_governed(subject, "subject__name")).exists():
            raise NotPermitted.found_subjects(subject)
        row.mode = wanted
        row.save()
        _note(actor, "mode.set", subject, mode=row.mode)
    return row


def _governed(subject: str, field: str) -> Q:
    """The subjects for which a rule set at this place may hold."""
    if subject == contexts.GLOBAL:
        return Q()
    if subject == INSTANCE:
        return ~Q(**{f"{field}__startswith": ":."})
    return Q(**{f"{field}__startswith" if contexts.is_context(subject) else field: subject})


def unset_mode(*, actor: Actor, subject: str, recursive: bool = False) -> Mode | None:
    """Back to the inherited mode, with `recursive` of all subjects of a context, too; the one that was set here.

    Of the default context, the mode that held. Raises ModeNotConfigured where none was set.
    """
    _require(actor, subject)
    with transaction.atomic():
        row = _locked(subject)
        before = row.mode if subject else rules_of(subject).mode
        if before is None and not recursive:
            raise ModeNotConfigured(subject)
        governed = _governed(subject, "subject") if recursive else Q(subject=subject)
        rows = Configuration.objects.filter(governed | Q(subject=subject)).exclude(mode=None)
        for one in rows.select_for_update().order_by("subject"):
            one.mode = None
            _save_or_delete(one)
        if row.mode is None:
            _save_or_delete(row)
        _note(actor, "mode.unset", subject, recursive=recursive)
    return Mode(before) if before else None


def _require(actor: Actor, subject: str) -> None:
    if subject in {INSTANCE, contexts.GLOBAL}:
        actor.require_everywhere("admin")
    elif contexts.is_context(subject):
        actor.require("admin", subject)
        check_subject_name(f"{subject}any")
    else:
        actor.require("write", subject)
        check_subject_name(subject)


def _locked(subject: str) -> Configuration:
    Configuration.objects.bulk_create([Configuration(subject=subject)], ignore_conflicts=True)
    return Configuration.objects.select_for_update().get(subject=subject)


def _has_rules(row: Configuration) -> bool:
    return any(getattr(row, name) is not None for name in _FIELDS)


def _save_or_delete(row: Configuration) -> None:
    if row.mode is None and not _has_rules(row):
        row.delete()
    else:
        row.save()


def _chosen(choices: type[Level | Policy], given: object, refusal: type[InvalidLevel | InvalidPolicy]) -> str:
    name = str(given).upper()
    if name not in choices.values:
        raise refusal(given)
    return name


def _note(actor: Actor, action: str, subject: str, **details: object) -> None:
    audit.record(
        actor=actor, action=action, target=f"subject/{subject}" if subject else "instance", details=details
    )
