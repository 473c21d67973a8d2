"""One schema against its older self: from a verdict to findings with lines. Answers of the registry read the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onex_sdk._cli.collection import Collection, SchemaFile, documents_in
from onex_sdk._cli.findings import Finding, Outcome, Place, Severity, written
from onex_sdk._cli.schema_text import BadSchemaText
from onex_sdk._cli.verdicts import Verdicts

_DIRECTIONS = {"backward": ("backward",), "forward": ("forward",), "full": ("backward", "forward")}
_MOST_PLACES = 10


@dataclass(frozen=True)
class Rules:
    level: str
    world: str
    formats: bool
    accept_undecided: bool = False


def compared(file: SchemaFile, new: Collection, old: Collection, verdicts: Verdicts, rules: Rules) -> Outcome:
    """What became of the schema since the older collection."""
    unreadable = unreadable_now(file, new)
    if unreadable:
        return unreadable
    older = old.like(file)
    if older is None:
        return looked_at(file, new, verdicts, status="new")
    try:
        older_value, older_store = older.schema.value, old.store(older)
    except BadSchemaText as bad:
        return _not_compared(
            file, old, f"{older.path} of {old.label} cannot be read: {bad} (line {bad.line})"
        )
    store = new.store(file)
    if older.schema.digest == file.schema.digest and older_store == store:
        return Outcome.of(file, "unchanged")
    answers = [
        verdicts.judge(
            older_value,
            file.schema.value,
            mode=direction,
            world=rules.world,
            old_store=older_store,
            new_store=store,
            formats=rules.formats,
        )
        for direction in _DIRECTIONS[rules.level]
    ]
    return _outcome(file, old, answers, rules)


def unreadable_now(file: SchemaFile, new: Collection) -> Outcome | None:
    """The finding that the file, or one that it refers to, is no JSON or is not there."""
    try:
        new.store(file)
        missing = sorted(_missing(file, new))
    except BadSchemaText as bad:
        culprit = _culprit(file, new)
        where = "" if culprit is file else f"it refers to {culprit.path}, of which line {bad.line} says: "
        line, column = (bad.line, bad.column) if culprit is file else (1, 1)
        place = Place(where + str(bad), line, column)
        return Outcome.of(file, "invalid", [Finding("invalid-json", "error", file.path, file.subject, place)])
    if missing:
        sentence = (
            f"it refers to {', '.join(map(repr, missing))}, which is no schema here: neither a file's path, seen from "
            f"{file.path} or from the project, nor a subject, nor an $id"
        )
        finding = Finding("invalid-schema", "error", file.path, file.subject, Place(sentence))
        return Outcome.of(file, "invalid", [finding])
    return None


def _missing(file: SchemaFile, new: Collection) -> set[str]:
    own = file.schema.value.get("$id") if isinstance(file.schema.value, dict) else None
    named = {
        name for name in documents_in(file.schema.value) if name != own and "json-schema.org/" not in name
    }
    inner = _inner_ids(file.schema.value)
    return named - set(new.references(file)) - inner


def _inner_ids(schema: Any) -> set[str]:
    """`$id`s of the schema's own parts, which a `$ref` may name as well."""
    if isinstance(schema, dict):
        own = {schema["$id"]} if isinstance(schema.get("$id"), str) else set()
        return own.union(*map(_inner_ids, schema.values()))
    return set().union(*map(_inner_ids, schema)) if isinstance(schema, list) else set()


def _culprit(file: SchemaFile, new: Collection) -> SchemaFile:
    """Of the file and what it refers to, the first that cannot be read."""
    seen, waiting = {file.path}, [file]
    while True:
        one = waiting.pop(0)
        try:
            others = new.references(one).values()
        except BadSchemaText:
            return one
        waiting += [other for other in others if other.path not in seen]
        seen |= {other.path for other in others}


def looked_at(file: SchemaFile, new: Collection, verdicts: Verdicts, *, status: str = "valid") -> Outcome:
    """Whether it is a schema by itself, with what its author should know."""
    answer = verdicts.inspect(file.schema.value, store=new.store(file))
    if answer["status"] == "invalid":
        return Outcome.of(file, "invalid", [_invalid(file, answer)])
    notes = [
        Finding(
            "advice", "warning", file.path, file.subject,
            Place.at(file, note["pointer"], f"{note['message']} [{note['code']}]"),
        )
        for note in answer["notes"]
    ]  # fmt: skip
    return Outcome.of(file, status, notes)


def _invalid(file: SchemaFile, answer: Mapping[str, Any]) -> Finding:
    where = answer["pointer"] or "the root"
    place = Place.at(file, answer["pointer"], f"this is no JSON Schema: {answer['message']} (at {where})")
    return Finding("invalid-schema", "error", file.path, file.subject, place)


def _not_compared(file: SchemaFile, old: Collection, sentence: str) -> Outcome:
    return Outcome.of(
        file, "not compared", [Finding("not-compared", "open", file.path, file.subject, Place(sentence))]
    )


def _outcome(
    file: SchemaFile, old: Collection, answers: Iterable[Mapping[str, Any]], rules: Rules
) -> Outcome:
    findings: list[Finding] = []
    for answer in answers:
        if answer["status"] == "invalid" and answer["which"] == "old":
            return _not_compared(file, old, f"the schema of {old.label} is none: {answer['message']}")
        if answer["status"] == "invalid":
            return Outcome.of(file, "invalid", [_invalid(file, answer)])
        findings += _of_verdict(file, old.label, answer, rules)
    statuses = {answer["status"] for answer in answers}
    worst = next(one for one in ("incompatible", "undecided", "compatible") if one in statuses)
    return Outcome.of(file, worst, findings)


def _of_verdict(file: SchemaFile, label: str, answer: Mapping[str, Any], rules: Rules) -> Iterator[Finding]:
    if answer["status"] == "incompatible":
        yield broken(file, label, answer, answer["changes"])
    elif answer["status"] == "undecided":
        sentence = f"neither proven nor refuted against {label}: {answer['proof']}"
        severity: Severity = "warning" if rules.accept_undecided else "open"
        yield Finding("undecided", severity, file.path, file.subject, Place(sentence))
    elif risk := answer["open_world_risk"]:
        change = risk["change"]
        named = f"an undeclared {risk['property']!r}" if risk["property"] else "undeclared fields"
        sentence = f"safe unless a writer already sends {named} of another kind"
        pointer = change["new_pointer"] if change else ""
        yield Finding(
            "open-world", "note", file.path, file.subject,
            Place.at(file, pointer, sentence), "such as", written(risk["witness"]["instance"]),
        )  # fmt: skip


def broken(
    file: SchemaFile,
    label: str,
    answer: Mapping[str, Any],
    changes: Iterable[Mapping[str, Any]],
    *,
    rule: str = "incompatible",
) -> Finding:
    """The finding of a refuted pair: the sentence of the change that the witness trips over, and the witness."""
    direction = answer["direction"] or "backward"
    shown = (
        f"valid for {label} and refused now"
        if direction == "backward"
        else f"valid now and refused by {label}"
    )
    places = [
        Place.at(file, change["new_pointer"], f"{change['sentence']} [{change['kind']}]")
        for change in changes
        if direction in change["breaks"]
    ]
    first = places[0] if places else Place(shown)
    witness = answer["witness"]
    return Finding(
        rule, "error", file.path, file.subject, first, shown,
        written(witness["instance"]) if witness else None,
        tuple(f"{error['pointer'] or '(root)'}: {error['message']}" for error in witness["errors"]) if witness else (),
        tuple(places[1:_MOST_PLACES]),
    )  # fmt: skip
