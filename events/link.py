"""Which chain of work started which, and where each one's tree begins: kept at ingest, mended when a parent comes late.

A correlation's first event that names a parent decides. Its row holds the top of its tree as far as it is known, so
that any event's whole tree is one look-up; a parent that turns up below another one moves all that hung on it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import orjson

from access import prepared

_KNOWN = """
SELECT correlation_id, root_id FROM events_correlationlink
WHERE correlation_id = ANY(ARRAY(SELECT json_array_elements_text(%s::json)))
"""
# Both look at the rows as they were before: what is inserted here has its final root already.
_STORE = """
WITH fresh AS (
    SELECT * FROM json_to_recordset(%s::json) AS fresh (child varchar, parent varchar, root varchar)
), moved AS (
    UPDATE events_correlationlink AS below SET root_id = fresh.root
    FROM fresh
    -- The first condition says nothing new, but makes it the index's, whatever the planner believes of the table.
    WHERE below.root_id = ANY(ARRAY(SELECT child FROM fresh))
      AND below.root_id = fresh.child AND fresh.root <> fresh.child
)
INSERT INTO events_correlationlink (correlation_id, parent_id, root_id, received_on)
SELECT child, parent, root, %s FROM fresh
"""


def link_correlations(pairs: Iterable[tuple[str | None, str | None]]) -> None:
    """Remembers who started whom, from (correlation, parent) of events in their order, within the caller's transaction.

    The caller holds the append lock: two transactions that each bring one half of a line would not see each other's.
    """
    named: dict[str, str] = {}
    for child, parent in pairs:
        if child is not None and parent is not None:
            named.setdefault(child, parent)
    if not named:
        return
    with prepared.cursor() as cursor:
        cursor.execute(_KNOWN, [_json({*named, *named.values()})])
        roots: dict[str, str] = dict(cursor.fetchall())
        fresh = {child: parent for child, parent in named.items() if child not in roots}
        if fresh:
            cursor.execute(_STORE, [_json(_rows(fresh, roots)), datetime.now(UTC).date()])


def _rows(fresh: dict[str, str], roots: dict[str, str]) -> list[dict[str, str]]:
    """The new links with the tops of their trees. One that would close a circle is cut: it is its own top."""
    for child, parent in fresh.items():
        roots[child] = _top(parent, roots)
    return [{"child": child, "parent": parent, "root": _top(child, roots)} for child, parent in fresh.items()]


def _top(name: str, roots: dict[str, str]) -> str:
    """The end of the way up; whoever was asked on the way knows it directly from then on."""
    way = []
    while (above := roots.get(name, name)) != name:
        way.append(name)
        name = above
    for each in way:
        roots[each] = name
    return name


def _json(value: object) -> str:
    return orjson.dumps(list(value) if isinstance(value, set) else value).decode()
