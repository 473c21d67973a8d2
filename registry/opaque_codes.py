"""Bindings to taxonomies as a comparison of schemas can reason about them.

Which strings are codes depends on the editions there are, now and later, so a comparison treats "is a code of T@R" as
an assertion of which it knows only that it is the same assertion wherever it is written the same: a pattern that no
other schema has. What is compatible with that in place of every binding is compatible whatever the codes are; what is
compatible only without it is not proven.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

KEYWORD = "x-taxonomy"
#: Values under these keywords are data, in which the keyword is a word like any other.
DATA = frozenset({"const", "enum", "default", "examples"})
UNPROVEN = (
    "x-taxonomy binds a field that was free before, or binds it otherwise; whether everything sent so far is a code of "
    "the taxonomy cannot be proven from the schemas"
)


def binds(schema: Any, store: Mapping[str, Any]) -> bool:
    """Whether the schema, or one it may refer to, has the keyword anywhere."""
    waiting = [schema, *store.values()]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            if isinstance(current.get(KEYWORD), str):
                return True
            waiting.extend(item for key, item in current.items() if key not in DATA)
        elif isinstance(current, list):
            waiting.extend(current)
    return False


def opaque(schema: Any) -> Any:
    """The schema with a pattern of its own in place of every binding."""
    if isinstance(schema, list):
        return [opaque(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: item if key in DATA else opaque(item) for key, item in schema.items()}
    if not isinstance(schema.get(KEYWORD), str):
        return changed
    token = hashlib.sha256(changed.pop(KEYWORD).encode()).hexdigest()
    return {**changed, "allOf": [*changed.get("allOf", []), {"pattern": f"^code:{token}$"}]}
