"""Confluent's rules for one registry in plain Python: what every answer has to be, in status and substance.

Schemas are the integers up to some bound, so that compatibility is a comparison of two numbers: a reader of the one
understands every writer of the other exactly when its bound is not lower.
"""

from dataclasses import dataclass, field
from typing import Any

OK = 0
Answer = tuple[int, Any]


@dataclass
class Version:
    bound: int
    schema_id: int
    deleted: bool = False


@dataclass
class Subject:
    versions: dict[int, Version] = field(default_factory=dict)
    level: str | None = None
    mode: str | None = None

    @property
    def live(self) -> dict[int, Version]:
        return {number: version for number, version in self.versions.items() if not version.deleted}

    @property
    def next_number(self) -> int:
        return max(self.versions, default=0) + 1


def context_of(name: str) -> str:
    return name[: name.index(":", 1) + 1] if name.startswith(":.") else ""


@dataclass
class Registry:
    subjects: dict[str, Subject] = field(default_factory=dict)
    # Per context, every id that was ever given, with what it means; and the ids of a schema, the first given first.
    meanings: dict[tuple[str, int], int] = field(default_factory=dict)
    given: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    imported: set[tuple[str, int]] = field(default_factory=set)
    level: str | None = None
    mode: str | None = None
    # (subject, number) of a referring version → what it refers to.
    references: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)

    def at(self, name: str) -> Subject:
        return self.subjects.setdefault(name, Subject())

    def level_of(self, name: str) -> str:
        return self.at(name).level or (None if context_of(name) else self.level) or "BACKWARD"

    def mode_of(self, name: str) -> str:
        return self.at(name).mode or (None if context_of(name) else self.mode) or "READWRITE"

    # --- registration -----------------------------------------------------------------------------

    def register(self, name: str, bound: int) -> Answer:
        """(OK, (id or None when it has to be a new one, number)), or (code, None)."""
        subject = self.at(name)
        for number, version in sorted(subject.live.items(), reverse=True):
            if version.bound == bound:
                return OK, (version.schema_id, number)
        mode = self.mode_of(name)
        if mode != "READWRITE":
            return 42205, None
        if not self.is_compatible(name, bound):
            return 40901, None
        return OK, (self.id_of(name, bound), subject.next_number)

    def id_of(self, name: str, bound: int) -> int | None:
        """One that the registry gave by itself comes before one that an import brought."""
        context = context_of(name)
        ids = self.given.get((context, bound), [])
        return min(ids, key=lambda one: (context, one) in self.imported, default=None)

    def import_(self, name: str, bound: int, schema_id: int, number: int) -> Answer:
        subject, context = self.at(name), context_of(name)
        there = subject.versions.get(number)
        if there and not there.deleted and (there.bound, there.schema_id) == (bound, schema_id):
            return OK, (schema_id, number)
        if self.mode_of(name) != "IMPORT":
            return 42205, None
        if there and not there.deleted:
            return 42205, None
        if self.meanings.get((context, schema_id), bound) != bound:
            return 42207, None
        return OK, (schema_id, number)

    def store(self, name: str, number: int, bound: int, schema_id: int, *, imported: bool = False) -> None:
        context = context_of(name)
        ids = self.given.setdefault((context, bound), [])
        if schema_id not in ids:
            assert (context, schema_id) not in self.meanings, "an id was given twice"
            ids.append(schema_id)
            self.meanings[context, schema_id] = bound
            if imported:
                self.imported.add((context, schema_id))
        self.at(name).versions[number] = Version(bound, schema_id)

    def lookup(self, name: str, bound: int, *, deleted: bool) -> Answer:
        subject = self.at(name)
        versions = subject.versions if deleted else subject.live
        if not versions:
            return 40401, None
        found = [number for number, version in versions.items() if version.bound == bound]
        return (OK, max(found)) if found else (40403, None)

    # --- compatibility ----------------------------------------------------------------------------

    def is_compatible(self, name: str, bound: int, number: int | None = None) -> bool:
        level = self.level_of(name)
        live = sorted(self.at(name).live.items())
        if not level.endswith("_TRANSITIVE"):
            live = live[-1:]
        if number is not None:
            live = [(number, self.at(name).versions[number])]
        return level == "NONE" or all(_holds(level, bound, version.bound) for _, version in live)

    def check(self, name: str, bound: int, wanted: str) -> Answer:
        """`wanted`: "", "latest" or a number."""
        live = self.at(name).live
        if not wanted:
            return OK, self.is_compatible(name, bound)
        if wanted == "latest":
            return OK, not live or self.is_compatible(name, bound, max(live))
        if int(wanted) not in live:
            return 40402, None
        return OK, self.is_compatible(name, bound, int(wanted))

    # --- deletion ---------------------------------------------------------------------------------

    def delete_subject(self, name: str, *, permanent: bool) -> Answer:
        subject = self.at(name)
        if not subject.versions:
            return 40401, None
        if self.mode_of(name) == "READONLY":
            return 42205, None
        going = sorted(subject.versions if permanent else subject.live)
        if self._referred(name, going, permanent=permanent):
            return 42206, None
        if permanent and subject.live:
            return 40405, None
        if not permanent and not subject.live:
            return 40404, None
        self._remove(name, going, permanent=permanent)
        return OK, going

    def delete_version(self, name: str, number: int, *, permanent: bool) -> Answer:
        subject = self.at(name)
        if not subject.versions:
            return 40401, None
        if self.mode_of(name) == "READONLY":
            return 42205, None
        if number not in subject.versions:
            return 40402, None
        if self._referred(name, [number], permanent=permanent):
            return 42206, None
        if subject.versions[number].deleted != permanent:
            return (40407 if permanent else 40406), None
        self._remove(name, [number], permanent=permanent)
        return OK, number

    def _referred(self, name: str, numbers: list[int], *, permanent: bool) -> bool:
        return any(
            target in {(name, number) for number in numbers}
            and (permanent or not self.at(referrer[0]).versions[referrer[1]].deleted)
            for referrer, target in self.references.items()
        )

    def _remove(self, name: str, numbers: list[int], *, permanent: bool) -> None:
        subject = self.at(name)
        for number in numbers:
            if permanent:
                del subject.versions[number]
                self.references.pop((name, number), None)
            else:
                subject.versions[number].deleted = True
        if not subject.versions:
            subject.level = subject.mode = None

    # --- modes ------------------------------------------------------------------------------------

    def set_mode(self, name: str, mode: str, *, force: bool) -> Answer:
        if mode == "IMPORT" and self.mode_of(name) != "IMPORT" and not force and self.at(name).live:
            return 42205, None
        self.at(name).mode = mode
        return OK, mode

    def set_level(self, name: str, level: str) -> Answer:
        if self.mode_of(name) == "READONLY":
            return 42205, None
        self.at(name).level = level
        return OK, level

    def unset_level(self, name: str) -> Answer:
        if self.mode_of(name) == "READONLY":
            return 42205, None
        before, self.at(name).level = self.at(name).level, None
        return (OK, before) if before else (40408, None)

    def unset_mode(self, name: str) -> Answer:
        before, self.at(name).mode = self.at(name).mode, None
        return (OK, before) if before else (40409, None)


def _holds(level: str, new: int, old: int) -> bool:
    plain = level.removesuffix("_TRANSITIVE")
    return (plain == "FORWARD" or new >= old) and (plain == "BACKWARD" or new <= old)
