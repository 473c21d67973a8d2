"""Is a rule about fields that exist, of the types it takes them for?"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from alerts.condition import Condition, Test, event_types, kind_of, tests
from alerts.errors import InvalidRule, UnknownField
from alerts.fields import is_column, path_of
from alerts.schema_fields import ENVELOPE_FIELDS, Known

_JSON_TYPE = {"text": "string", "number": "number", "boolean": "boolean"}


def check_fields(condition: Condition, further: Mapping[str, str], *, place: str = "/selector") -> list[str]:
    """Warnings: fields that only some live versions declare. The condition stands at `place`; `further` fields: JSON Pointer → name.

    Raises UnknownField for one that none does (where anything is registered), InvalidRule for a comparison with
    a type that the field never has.
    """
    known = Known.about(event_types(condition))
    warnings: list[str] = []
    places = {name: pointer for pointer, name in further.items()}
    for name in dict.fromkeys([*(test.field for test in tests(condition)), *further.values()]):
        warnings.extend(_check_field(known, name, places.get(name, place)))
    for test in tests(condition):
        _check_type(known, test, place)
    return warnings


def _check_field(known: Known, name: str, pointer: str) -> Iterator[str]:
    if is_column(name) or name in ENVELOPE_FIELDS:
        return
    versions, path = known.of(name)
    lacking = [version.label for version in versions if version.types(path) is None]
    unknown_top = not versions and path_of(name)[0] not in ENVELOPE_FIELDS
    if unknown_top or (versions and len(lacking) == len(versions)):
        raise _unknown(known, name, pointer)
    if lacking:
        shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
        yield f"{name} is not declared by {shown}: events of those versions match only if they send it anyway."


def _unknown(known: Known, name: str, pointer: str) -> UnknownField:
    near = get_close_matches(name, known.names(), n=1, cutoff=0.6)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return UnknownField(
        f"No live schema declares the field '{name}'.{hint}",
        field=name,
        nearest=near[0] if near else None,
        pointer=pointer,
    )


def _check_type(known: Known, test: Test, place: str) -> None:
    if is_column(test.field) or test.op == "exists":
        return
    versions, path = known.of(test.field)
    types = frozenset().union(*(version.types(path) or frozenset() for version in versions))
    wanted = {_JSON_TYPE[kind_of(test.value[0] if isinstance(test.value, tuple) else test.value)]}
    if test.op == "contains":
        wanted.add("array")
    if types and not types & wanted:
        is_ = " or ".join(sorted(types))
        raise InvalidRule(
            f"'{test.field}' is {is_} in every schema that declares it, so comparing it with a "
            f"{'/'.join(sorted(wanted))} never matches.",
            field=test.field,
            pointer=place,
        )
