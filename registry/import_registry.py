"""Another registry, brought in: subjects with their versions, ids, references, rules and modes.

Everything is fetched first, onto the disk of this machine. Each subject then comes in wholly or not at all, with those
that it needs before it; what is here already is left as it is, so an import that was interrupted is simply repeated.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from access.actor import Actor
from registry import contexts
from registry.import_catalogue import attempt, taken_back
from registry.import_errors import NotRestored
from registry.import_order import in_order
from registry.import_report import Report, joined
from registry.names import check_subject_name
from registry.remote_registry import Credentials, RemoteRegistry
from registry.take_over import Foreign, ForeignVersion, take_over, take_over_rules

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Where:
    """What is wanted of the other registry, and where it goes."""

    url: str
    # Names that begin so; `:.berlin:` is all of a context.
    subject_prefix: str = ""
    # The context that subjects of its default one come into; those of other contexts keep theirs.
    into: str = contexts.DEFAULT

    def name_here(self, name: str) -> str:
        context, within = contexts.split(name)
        return contexts.qualifier(self.into if context == contexts.DEFAULT else context) + within


@dataclass(slots=True)
class Fetched:
    """What was fetched: on disk, a file for each subject."""

    folder: Path
    where: Where
    # Name here → its file, the names that it refers to, how many versions.
    files: dict[str, Path] = field(default_factory=dict)
    needs: dict[str, set[str]] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)
    # Name here → the versions that it refers to, and the numbers of its own that are deleted or archived.
    uses: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    hidden: dict[str, set[int]] = field(default_factory=dict)
    # What is set for everything and for contexts, by the name it has here.
    rules: dict[str, Json] = field(default_factory=dict)
    modes: dict[str, str | None] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def uses_of_hidden(self) -> Iterator[tuple[str, str]]:
        """Each name that refers to a version that is deleted or archived, with the subject of that one."""
        return (
            (name, subject)
            for name, uses in self.uses.items()
            for subject, number in uses
            if number in self.hidden.get(subject, ())
        )

    def subject(self, name: str) -> Foreign:
        told = json.loads(self.files[name].read_text(encoding="utf-8"))
        versions = tuple(ForeignVersion(**version) for version in told["versions"])
        return Foreign(name, versions, told["rules"], told["mode"])


def import_registry(
    *,
    actor: Actor,
    where: Where,
    credentials: Credentials,
    dry_run: bool = False,
    progress: Progress = lambda _what, _done, _total: None,
) -> Report:
    """Needs the scope admin everywhere. Raises Forbidden, RegistryUnusable, TargetRefused, TargetUnreachable."""
    actor.require_everywhere("admin")
    check_subject_name(f"{contexts.qualifier(where.into)}any")
    with tempfile.TemporaryDirectory(prefix="onex-import-") as folder:
        fetched = fetch_registry(where, credentials, Path(folder), progress)
        return bring_in(actor=actor, fetched=fetched, dry_run=dry_run, progress=progress)


def fetch_registry(where: Where, credentials: Credentials, folder: Path, progress: Progress) -> Fetched:
    fetched = Fetched(folder, where)
    with RemoteRegistry(where.url, credentials) as remote:
        wanted = {name: remote.numbers(name, deleted=True) for name in remote.subjects(where.subject_prefix)}
        total, done = sum(map(len, wanted.values())), 0
        for subject, numbers in wanted.items():
            _fetch_subject(remote, fetched, subject, numbers)
            done += len(numbers)
            progress("Versions fetched", done, total)
        _fetch_shared_rules(remote, fetched, sorted(wanted))
    for name, uses in fetched.uses_of_hidden():
        # What refers to a version that nobody can refer to any more comes in with it, before it is hidden.
        fetched.needs[uses].add(name)
    return fetched


def _fetch_subject(remote: RemoteRegistry, fetched: Fetched, subject: str, numbers: list[int]) -> None:
    rules = remote.config(subject)
    if not numbers and rules.get("alias"):
        # Every address of it is about that one.
        fetched.skipped.append(
            f"'{subject}' is an alias of '{rules['alias']}' there; its own versions cannot be read."
        )
        return
    live = set(remote.numbers(subject, deleted=False))
    versions: list[ForeignVersion] = []
    for number in sorted(numbers):
        told = remote.version(subject, number)
        kind = told.get("schemaType") or "AVRO"
        if kind != "JSON":
            fetched.skipped.append(
                f"'{subject}' version {number}: its type is {kind}; only JSON is kept here."
            )
        elif told.get("state") == "draft":
            fetched.skipped.append(f"'{subject}' version {number} is a draft, which nobody may rely on yet.")
        else:
            versions.append(
                ForeignVersion.read(told, number, where=fetched.where.name_here, live=number in live)
            )
    if not versions:
        return
    name = fetched.where.name_here(subject)
    file = fetched.folder / f"{len(fetched.files)}.json"
    told_all = {
        "versions": [version.as_dict() for version in versions],
        "rules": rules,
        "mode": remote.mode(subject),
    }
    file.write_text(json.dumps(told_all), encoding="utf-8")
    fetched.files[name], fetched.total[name] = file, len(versions)
    uses = {(use["subject"], use["version"]) for version in versions for use in version.references}
    fetched.uses[name], fetched.needs[name] = uses, {subject for subject, _ in uses}
    fetched.hidden[name] = {version.number for version in versions if version.hidden}


def _fetch_shared_rules(remote: RemoteRegistry, fetched: Fetched, subjects: list[str]) -> None:
    """What holds for all subjects of a context, or of the whole registry when all of it is wanted."""
    where = fetched.where
    seen = {contexts.qualifier(contexts.context_of(name)) for name in subjects}
    for place in sorted(seen if not where.subject_prefix else set()):
        here = place or contexts.qualifier(where.into)
        fetched.rules[here], fetched.modes[here] = remote.config(place), remote.mode(place)


def bring_in(*, actor: Actor, fetched: Fetched, dry_run: bool, progress: Progress) -> Report:
    """What was fetched comes in; what is refused is listed, and so is what was left out."""
    report = Report(dry_run=dry_run, skipped=list(fetched.skipped))
    done, total = 0, sum(fetched.total.values())
    refused: set[str] = set()
    with taken_back() if dry_run else nullcontext():
        for names in in_order(fetched.needs):
            unit = partial(_take_over, actor, fetched, names, refused, report)
            if not attempt(report, joined(names), unit):
                refused.update(names)
            done += sum(fetched.total[name] for name in names)
            progress("Versions looked at", done, total)
        for place, rules in fetched.rules.items():
            unit = partial(take_over_rules, actor=actor, subject=place, rules=rules, report=report)
            attempt(report, f"The rules of '{place}'", unit)
            mode = fetched.modes[place]
            if mode not in {None, "READWRITE"}:
                report.kept.append(
                    f"The mode of '{place or 'everything'}' is {mode} there, and stays as it is here."
                )
    return report


def _take_over(
    actor: Actor, fetched: Fetched, names: tuple[str, ...], refused: set[str], report: Report
) -> None:
    """What refers to something that was refused would mean another schema here, or none."""
    lost = {(name, needed) for name in names for needed in fetched.needs[name] & refused}
    if lost:
        raise NotRestored(
            [f"'{name}' refers to '{needed}', which was refused." for name, needed in sorted(lost)]
        )
    take_over(actor=actor, subjects=[fetched.subject(name) for name in names], report=report)
