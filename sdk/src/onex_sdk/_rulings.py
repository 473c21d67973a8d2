"""Which schema judges the events of a type: chosen as the registry chooses, from a file of schemas or the registry.

To ask waits for nothing: what is not known yet is wanted, and the sending thread finds it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from onex_sdk._bundle import Bundle
from onex_sdk._client import RegistryClient
from onex_sdk._codes import Codes, bindings_of
from onex_sdk._errors import Denied, NotFound, RegistryError, SchemaUnusable
from onex_sdk._schemas import SchemaVersion
from onex_sdk._validation import Validator

Reason = Literal[
    "", "unknown_event_type", "unknown_schema_version", "unusable_schema", "profile", "aliases", "denied"
]

#: Seconds for which a registry that did not answer is not asked again.
_PAUSE = 5.0
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)
_NO_SUBJECT = 40401
ENVELOPE = "onex.envelope"
# Event types come from the host; a flood of invented ones must not fill its memory.
_MOST_KNOWN = 4_096


@dataclass(frozen=True)
class Ruling:
    """What judges the events of one type that carry one `schema_version`; `reason` is why nothing here does."""

    validator: Validator | None
    reason: Reason = ""


@dataclass
class _Kept:
    ruling: Ruling
    # None: from the file, and not yet asked of the registry.
    asked_at: float | None


Key = tuple[str, str]


class Rulings:
    """Of a client. `of` is for every thread, `keep_up` for the sending one."""

    def __init__(
        self,
        registry: RegistryClient | None,
        bundle: Bundle | None = None,
        *,
        ttl: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._bundle = bundle
        self._ttl = ttl
        self._clock = clock
        self._asking = Lock()
        self._not_before = 0.0
        self._kept: dict[Key, _Kept] = {}
        self._wanted: set[Key] = set()
        #: Why the registry could not be asked last; None when it could.
        self.problem: str | None = None

    def of(self, event_type: str, label: str) -> Ruling | None:
        """None: not known yet."""
        key = event_type, label
        kept = self._kept.get(key)
        if kept is not None:
            if kept.asked_at is None or self._clock() - kept.asked_at > self._ttl:
                self._want(key)
            return kept.ruling
        ruling = self._from_bundle(*key)
        if ruling is not None:
            self._keep(key, _Kept(ruling, None))
        self._want(key)
        return ruling

    def keep_up(self) -> None:
        """Asks the registry for what is wanted, unless it did not answer just now."""
        if self._wanted and self._clock() >= self._not_before and not self.refresh():
            self._not_before = self._clock() + _PAUSE

    def prepare(self, event_type: str, label: str = "") -> bool:
        """Asks now for what judges such events and their envelope; whether there is something."""
        self.of(event_type, label)
        self.of(ENVELOPE, label)
        self.refresh()
        ruling = self.of(event_type, label)
        return ruling is not None and ruling.validator is not None

    def take_over(self, before: Rulings) -> None:
        """What another one was told."""
        self._kept = dict(before._kept)

    def refresh(self) -> bool:
        """Asks the registry for what is wanted; whether it answered. Never raises: `problem` says what went wrong."""
        with self._asking:
            return self._refresh()

    def _refresh(self) -> bool:
        while self._wanted:
            key = self._wanted.pop()
            known = self._kept.get(key)
            try:
                ruling = self._from_registry(*key)
            except RegistryError as error:
                self.problem = str(error)
                if known is not None:
                    # Not asked for again at once, for every event.
                    known.asked_at = self._clock()
                return False
            self._keep(key, _Kept(ruling, self._clock()))
        self.problem = None
        return True

    def _want(self, key: Key) -> None:
        if self._registry is not None and len(self._wanted) < _MOST_KNOWN:
            self._wanted.add(key)

    def _keep(self, key: Key, kept: _Kept) -> None:
        if len(self._kept) >= _MOST_KNOWN:
            self._kept = {}
        self._kept[key] = kept

    def _from_registry(self, subject: str, label: str) -> Ruling:
        assert self._registry is not None
        try:
            version = _chosen(self._registry, subject, label)
        except Denied:
            return Ruling(None, "denied")
        except NotFound as error:
            return Ruling(
                None, "unknown_event_type" if error.error_code == _NO_SUBJECT else "unknown_schema_version"
            )
        if version is None:
            return Ruling(None, "unknown_schema_version")
        return _ruling(version, self._registry.validator_of)

    def _from_bundle(self, subject: str, label: str) -> Ruling | None:
        if self._bundle is None or subject not in self._bundle.subjects:
            return None
        version = _chosen_of(self._bundle.subjects[subject], label)
        if version is None:
            return Ruling(None, "unknown_schema_version")
        return _ruling(version, self._validator_from_bundle)

    def _validator_from_bundle(self, version: SchemaVersion) -> Validator:
        assert self._bundle is not None
        store: dict[str, str] = {}
        waiting = [version.schema]
        while waiting:
            for reference in waiting.pop().references:
                if reference.name in store:
                    continue
                held = self._bundle.subjects.get(reference.subject, ())
                target = next((one for one in held if one.number == reference.version), None)
                if target is None:
                    raise SchemaUnusable(f"The bundle lacks {reference.subject} {reference.version}.")
                store[reference.name] = target.schema.text
                waiting.append(target.schema)
        # A binding without an edition asserts nothing, as at the registry.
        bindings = bindings_of(version.schema.text, *store.values())
        codes = {binding: found for binding in bindings if (found := self._codes_from_bundle(binding))}
        return Validator(
            version.schema.text, store, dialect=version.dialect, formats=version.asserts_formats, codes=codes
        )

    def _codes_from_bundle(self, binding: str) -> Codes | None:
        assert self._bundle is not None
        document = self._bundle.taxonomies.get(binding)
        try:
            return Codes(document) if document is not None else None
        except (KeyError, TypeError, AttributeError) as error:
            raise SchemaUnusable(f"The bundle has no taxonomy under {binding}.") from error


def _ruling(version: SchemaVersion, compiled: Callable[[SchemaVersion], Validator]) -> Ruling:
    if version.event_profile:
        return Ruling(None, "profile")
    if version.renames_aliases:
        return Ruling(None, "aliases")
    try:
        return Ruling(compiled(version))
    except (SchemaUnusable, NotFound, Denied):
        return Ruling(None, "unusable_schema")


def _chosen(registry: RegistryClient, subject: str, label: str) -> SchemaVersion | None:
    """The version of exactly this SemVer, else the highest live one of its major; None for what is no version.

    Raises what `RegistryClient.schema` does.
    """
    if not label:
        latest = registry.schema(subject)
        label = latest.version_when_absent
        if label == "latest":
            return latest
    if label == "latest":
        return registry.schema(subject)
    wanted = _SEMVER.fullmatch(label)
    if wanted is None:
        return None
    try:
        return registry.schema(subject, label)
    except NotFound as missing:
        if missing.error_code == _NO_SUBJECT:
            raise
        return registry.schema(subject, f"{wanted[1]}.x")


def _chosen_of(versions: tuple[SchemaVersion, ...], label: str) -> SchemaVersion | None:
    """The same, of the versions in a file."""
    if not versions:
        return None
    label = label or versions[-1].version_when_absent
    if label == "latest":
        return versions[-1]
    wanted = _precedence(label)
    if wanted is None:
        return None
    named = [(found, one) for one in versions if (found := _precedence(one.semver or ""))]
    # A label given twice means its later content.
    exact = [one for found, one in named if found == wanted]
    if exact:
        return exact[-1]
    same_major = [(found, one.number, one) for found, one in named if found[0] == wanted[0]]
    return max(same_major)[2] if same_major else None


def _precedence(label: str) -> tuple[int, int, int, bool, tuple[tuple[int, int, str], ...]] | None:
    """A SemVer as what its precedence is decided by; None for what is none."""
    found = _SEMVER.fullmatch(label)
    if found is None:
        return None
    parts = (found[4] or "").split(".") if found[4] else []
    ranked = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
    return int(found[1]), int(found[2]), int(found[3]), not ranked, ranked
