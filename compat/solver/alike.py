"""Definitions that say the same, told before anything is compared: of old and new most are alike in most evolutions.

Two definitions are alike when they are written alike and what they refer to is alike, place by place. References may run
in circles, so this is the greatest relation of that kind: start with all that are written alike, and part those whose
references lead to parted ones until none are left. Alike definitions unfold into the same schema.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

from compat.dialects import Schema
from compat.rewrite import Rewritten

#: How a definition is written without the names that it refers to, and those names in their order.
Spelled: TypeAlias = tuple[str, list[str]]
_REFERENCE = re.compile(r'"\$ref": "#/\$defs/([^"]*)"')
#: A constant with an object in it, which may look like a reference and is none.
_QUOTED = re.compile(r'"(?:const|enum)": (?:\{|\[(?:[^"\[\]{}]|"(?:[^"\\]|\\.)*")*[\[{])')
_written = json.JSONEncoder(sort_keys=True, default=repr).encode


def representatives(*forms: Rewritten) -> dict[str, str]:
    """For each definition the name of one that is alike; names are taken to be different in each of the forms."""
    spelled = {name: spelling(schema) for form in forms for name, schema in form.definitions.items()}
    return alike(spelled)


def spelling(schema: Schema) -> Spelled:
    """What has to be equal in alike schemas, and what has to be alike."""
    text = _written(schema)
    parts = _REFERENCE.split(text)
    if len(parts) == 1 or _QUOTED.search(text):
        return text, []
    # No JSON text has a NUL in it.
    return "\0".join(parts[::2]), parts[1::2]


def alike(spelled: Mapping[str, Spelled]) -> dict[str, str]:
    """For each name the first one that is alike."""
    classes: dict[str, int] = {}
    members: list[list[str]] = []
    by_text: dict[str, int] = {}
    users: defaultdict[str, list[str]] = defaultdict(list)
    for name, (text, references) in spelled.items():
        number = classes[name] = by_text.setdefault(text, len(by_text))
        if number == len(members):
            members.append([])
        members[number].append(name)
        for reference in references:
            users[reference].append(name)
    doubtful = {number for number, names in enumerate(members) if len(names) > 1}
    while doubtful:
        moved = _parted(doubtful.pop(), spelled, classes, members)
        doubtful |= {
            classes[user] for name in moved for user in users[name] if len(members[classes[user]]) > 1
        }
    return {name: members[number][0] for name, number in classes.items()}


def _parted(
    number: int, spelled: Mapping[str, Spelled], classes: dict[str, int], members: list[list[str]]
) -> list[str]:
    """Part one class by where its references lead; the names that are in another one now."""
    groups: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for name in members[number]:
        groups[tuple([classes[reference] for reference in spelled[name][1]])].append(name)
    if len(groups) == 1:
        return []
    # The largest keeps its number, so that few have to be looked at again.
    kept = max(groups.values(), key=len)
    members[number] = kept
    moved: list[str] = []
    for names in groups.values():
        if names is not kept:
            for name in names:
                classes[name] = len(members)
            members.append(names)
            moved += names
    return moved
