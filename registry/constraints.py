"""What the keywords of a schema ask of a value, in a few words each."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_MOST_VALUES = 12
_MOST_TEXT = 120


def constraints_of(schemas: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The constraints of all schemas that speak about one place, each once."""
    said = (words for schema in schemas for words in _words(schema))
    return tuple(dict.fromkeys(said))


def shown(value: Any) -> str:
    """A JSON value within a sentence, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def _words(schema: dict[str, Any]) -> Iterator[str]:
    for low, high, words in _RANGES:
        if low in schema or high in schema:
            yield from _range(schema.get(low), schema.get(high), words)
    for keyword, tell in _KEYWORDS.items():
        if keyword in schema and (told := tell(schema[keyword])):
            yield told


def _range(low: Any, high: Any, words: str) -> Iterator[str]:
    if isinstance(low, bool) or isinstance(high, bool):
        return
    if low is not None and low == high:
        yield _counted("exactly", low, words)
    elif low is not None and high is not None:
        yield words.format(f"{low} to {high}")
    elif low is not None:
        yield _counted("at least", low, words)
    else:
        yield _counted("at most", high, words)


def _counted(how: str, number: Any, words: str) -> str:
    told = words.format(f"{how} {number}")
    return told.removesuffix("s") if number == 1 else told


def _enum(values: Any) -> str:
    if not isinstance(values, list):
        return ""
    listed = ", ".join(shown(value) for value in values[:_MOST_VALUES])
    more = f" and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else ""
    return f"one of {listed}{more}"


def _exclusive(word: str, edge: str) -> Callable[[Any], str]:
    """A number from draft-06 on; in draft-04 a boolean beside the bound."""
    return lambda value: (
        (f"the {edge} itself excluded" if value is True else "")
        if isinstance(value, bool)
        else f"{word} {value}"
    )


def _when_true(words: str) -> Callable[[Any], str]:
    return lambda value: words if value is True else ""


def _dependent(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    pairs = [
        f"{name} needs {', '.join(map(str, needed))}"
        for name, needed in value.items()
        if isinstance(needed, list)
    ]
    return "; ".join(pairs)


_RANGES = (
    ("minimum", "maximum", "{}"),
    ("minLength", "maxLength", "{} characters"),
    ("minItems", "maxItems", "{} items"),
    ("minProperties", "maxProperties", "{} members"),
    ("minContains", "maxContains", "{} of the contained kind"),
)
_KEYWORDS: dict[str, Callable[[Any], str]] = {
    "exclusiveMinimum": _exclusive("more than", "minimum"),
    "exclusiveMaximum": _exclusive("less than", "maximum"),
    "multipleOf": lambda value: f"a multiple of {value}",
    "pattern": lambda value: f"matches {value}",
    "format": lambda value: f"format {value}",
    "const": lambda value: f"always {shown(value)}",
    "enum": _enum,
    "uniqueItems": _when_true("no item twice"),
    "contains": lambda value: "contains an item of a given kind" if value is not True else "",
    "additionalProperties": lambda value: "no other members" if value is False else "",
    "unevaluatedProperties": lambda value: "no other members" if value is False else "",
    "additionalItems": lambda value: "no further items" if value is False else "",
    "propertyNames": lambda value: (
        f"names match {value['pattern']}"
        if isinstance(value, dict) and "pattern" in value
        else "names are restricted"
    ),
    "dependentRequired": _dependent,
    "dependencies": _dependent,
    "not": lambda value: f"not {shown(value)}",
    "contentMediaType": lambda value: f"holds {value}",
    "contentEncoding": lambda value: f"encoded as {value}",
    "readOnly": _when_true("read only"),
    "writeOnly": _when_true("write only"),
    "x-taxonomy": lambda value: f"a code of {value}",
    "x-sensitive": _when_true("sensitive"),
}
