"""The condition tree: what it accepts, what it means, and that PostgreSQL means the same."""

import json
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.condition import OPERATORS, event_types, fields, parse, predicate
from alerts.condition_sql import where
from alerts.errors import InvalidCondition
from alerts.fields import COLUMNS, StoredEvent, from_row, selection
from tests.alerts.log import Sent, store


def event(document=None, **columns):
    return StoredEvent({**dict.fromkeys(COLUMNS), **columns}.items(), json.dumps(document or {}))


def ask(tree, document=None, **columns):
    return predicate(parse(tree))(event(document, **columns))


@pytest.mark.parametrize(
    ("tree", "pointer"),
    [
        ([], ""),
        ("node_id", ""),
        ({"all": {}}, "/all"),
        ({"any": []}, "/any"),
        ({"all": [], "any": [{}]}, ""),
        ({"not": []}, "/not"),
        (
            {"all": [{"field": "a", "op": "eq", "value": 1}, {"field": "a", "op": "~", "value": 1}]},
            "/all/1/op",
        ),
        ({"field": "a", "op": "eq"}, ""),
        ({"field": "a", "op": "eq", "value": None}, "/value"),
        ({"field": "a", "op": "eq", "value": [1]}, "/value"),
        ({"field": "a", "op": "in", "value": []}, "/value"),
        ({"field": "a", "op": "in", "value": [1, "b"]}, "/value"),
        ({"field": "a", "op": "gt", "value": True}, "/value"),
        ({"field": "a", "op": "prefix", "value": 3}, "/value"),
        ({"field": "a", "op": "eq", "value": "\x00"}, "/value"),
        ({"field": "a", "op": "eq", "value": "\ud800"}, "/value"),
        ({"field": "a", "op": "eq", "value": float("nan")}, "/value"),
        ({"field": "a", "op": "eq", "value": "x" * 1001}, "/value"),
        ({"field": "", "op": "eq", "value": 1}, "/field"),
        ({"field": "a..b", "op": "eq", "value": 1}, "/field"),
        ({"field": 7, "op": "eq", "value": 1}, "/field"),
        ({"field": "node_id", "op": "gt", "value": 1}, "/value"),
        ({"field": "valid", "op": "contains", "value": True}, "/op"),
        ({"field": "a", "op": "eq", "value": 1, "colour": "red"}, "/colour"),
        (
            {"any": [{"all": [{"not": {"field": "a", "op": "exists", "value": "yes"}}]}]},
            "/any/0/all/0/not/value",
        ),
    ],
)
def test_a_tree_that_cannot_be_read_is_refused_with_its_place(tree, pointer):
    with pytest.raises(InvalidCondition) as refused:
        parse(tree)
    assert refused.value.facts["pointer"] == pointer


def test_nesting_and_size_are_limited():
    deep = {"field": "a", "op": "exists"}
    for _ in range(5_000):
        deep = {"not": deep}
    with pytest.raises(InvalidCondition, match="levels deep"):
        parse(deep)
    with pytest.raises(InvalidCondition, match="at most 200 tests"):
        parse({"any": [{"field": "a", "op": "exists"}] * 201})


@pytest.mark.parametrize(
    ("test", "document", "verdict"),
    [
        ({"op": "eq", "value": 1}, {"a": 1.0}, True),
        ({"op": "eq", "value": 1}, {"a": True}, None),
        ({"op": "ne", "value": "x"}, {}, None),
        ({"op": "ne", "value": "x"}, {"a": None}, None),
        ({"op": "ne", "value": "x"}, {"a": "y"}, True),
        ({"op": "gt", "value": 0.1}, {"a": 0.1}, False),
        ({"op": "gt", "value": 9007199254740992}, {"a": 9007199254740993}, True),
        ({"op": "in", "value": ["x", "y"]}, {"a": "y"}, True),
        ({"op": "not_in", "value": ["x"]}, {"a": 3}, None),
        ({"op": "prefix", "value": "ONEX_"}, {"a": "ONEX_CORE_001"}, True),
        ({"op": "contains", "value": "b"}, {"a": "abc"}, True),
        ({"op": "contains", "value": "b"}, {"a": ["b", 1]}, True),
        ({"op": "contains", "value": 1}, {"a": [True]}, False),
        ({"op": "exists", "value": True}, {"a": None}, False),
        ({"op": "exists", "value": False}, {}, True),
    ],
)
def test_a_test_on_a_missing_or_unfit_value_is_unknown(test, document, verdict):
    assert ask({"field": "a", **test}, document) is verdict


def test_unknown_spreads_as_in_sql():
    unknown, yes, no = ({"field": f, "op": "eq", "value": 1} for f in ("missing", "one", "two"))
    document = {"one": 1, "two": 2}
    assert ask({"not": unknown}, document) is None
    assert ask({"all": [unknown, no]}, document) is False
    assert ask({"all": [unknown, yes]}, document) is None
    assert ask({"any": [unknown, yes]}, document) is True
    assert ask({"any": [unknown, no]}, document) is None
    assert ask({"all": []}, document) is True


def test_paths_walk_objects_arrays_and_keys_with_dots():
    document = {"metadata": {"errors": [{"code": "A"}, {"code": "B"}], "a.b": 1, "c/d": 2}}
    assert ask({"field": "metadata.errors.1.code", "value": "B"}, document)
    assert ask({"field": "metadata.errors.-1.code", "value": "B"}, document)
    assert ask({"field": "/metadata/a.b", "value": 1}, document)
    assert ask({"field": "/metadata/c~1d", "value": 2}, document)
    assert ask({"field": "metadata.errors.7.code", "value": "B"}, document) is None


@pytest.mark.parametrize(
    ("tree", "types"),
    [
        ({"field": "event_type", "op": "eq", "value": "A"}, {"A"}),
        (
            {"all": [{"field": "event_type", "op": "in", "value": ["A", "B"]}, {"field": "x", "value": 1}]},
            {"A", "B"},
        ),
        ({"any": [{"field": "event_type", "value": "A"}, {"field": "event_type", "value": "B"}]}, {"A", "B"}),
        ({"any": [{"field": "event_type", "value": "A"}, {"field": "x", "value": 1}]}, None),
        ({"not": {"field": "event_type", "value": "A"}}, None),
        ({"field": "event_type", "op": "prefix", "value": "A"}, None),
    ],
)
def test_the_event_types_a_tree_pins(tree, types):
    pinned = event_types(parse(tree))
    assert (None if pinned is None else set(pinned)) == types


def test_the_fields_a_tree_reads():
    tree = {
        "all": [
            {"field": "b", "value": 1},
            {"not": {"field": "a", "value": 1}},
            {"field": "b", "op": "exists"},
        ]
    }
    assert fields(parse(tree)) == ("b", "a")


# --- the same in PostgreSQL -------------------------------------------------------------------

TEXTS = st.sampled_from(
    ["", "a", "A", "ab", "b", "ONEX_CORE_001", "é", "ß", "😀", "\uffff", "a%b_", "0", "true"]
)
NUMBERS = st.sampled_from([0, 1, -1, 0.1, 1e-7, 1.5, 2**53, 2**53 + 1, 10**30, -0.0, 1e300])
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans())
PATHS = st.sampled_from(
    ["metadata.a", "metadata.b", "metadata.a.b", "metadata.a.0", "metadata.a.-1", "/metadata/x.y", "node_id"]
)
TEXT_COLUMNS = sorted(name for name, column in COLUMNS.items() if column.kind == "text")
VALUES = st.one_of(
    SCALARS,
    st.none(),
    st.lists(st.one_of(SCALARS, st.none()), max_size=3),
    st.fixed_dictionaries({"b": SCALARS}),
)


@st.composite
def one_test(draw):
    field = draw(st.one_of(PATHS, st.sampled_from(sorted(COLUMNS))))
    op = draw(st.sampled_from(sorted(OPERATORS)))
    column = COLUMNS.get(field)
    kinds = OPERATORS[op] & {column.kind} if column and op != "exists" else OPERATORS[op]
    if not kinds or (op == "contains" and column and column.kind != "text"):
        op, kinds = "exists", {"boolean"}
    kind = draw(st.sampled_from(sorted(kinds)))
    scalar = {"text": TEXTS, "number": NUMBERS, "boolean": st.booleans()}[kind]
    value = draw(st.lists(scalar, min_size=1, max_size=3) if op in {"in", "not_in"} else scalar)
    return {"field": field, "op": op, "value": value}


TREES = st.recursive(
    one_test(),
    lambda parts: st.one_of(
        st.lists(parts, max_size=3).map(lambda all_: {"all": all_}),
        st.lists(parts, min_size=1, max_size=3).map(lambda any_: {"any": any_}),
        parts.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)


@st.composite
def rows(draw):
    metadata = draw(st.dictionaries(st.sampled_from(["a", "b", "x.y"]), VALUES, max_size=3))
    columns = {
        "error_code": draw(st.one_of(st.none(), TEXTS)),
        "schema_version": draw(TEXTS),
        "trace_id": draw(st.one_of(st.none(), TEXTS)),
        "producer": draw(TEXTS),
        "sample_rate": draw(st.sampled_from([1.0, 0.1, 0.30000000000000004, 1 / 3])),
    }
    if draw(st.booleans()):
        columns["document"] = None
    return Sent(node_id=draw(TEXTS), metadata=metadata, columns=columns)


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(rows(), min_size=1, max_size=6), trees=st.lists(TREES, min_size=1, max_size=12))
def test_postgresql_and_the_closure_give_the_same_three_values(events, trees):
    positions = store(events)
    conditions = [parse(tree) for tree in trees]
    with connection.cursor() as cursor:
        for tree, condition in zip(trees, conditions, strict=True):
            sql = where(condition)
            cursor.execute(
                f"SELECT {selection(documents=True)}, {sql.text} FROM events_event WHERE position = ANY(%s)",
                [*sql.params, positions],
            )
            for row in cursor.fetchall():
                assert predicate(condition)(from_row(row)) is row[-1], tree


def test_numbers_are_compared_as_written():
    assert ask({"field": "n", "op": "eq", "value": 0.1}, {"n": 0.1}) is True
    long = StoredEvent((), '{"n": ' + "9" * 5000 + "}")
    assert long["n"] > Decimal(10) ** 4000
