"""CEL text of conditions: what it is read into, what is refused and where, and that trees, SQL and CEL's own evaluator agree."""

import json
from pathlib import Path

import cel
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.cel import NotCel, cel_of, read_cel, write_cel
from alerts.condition import kind_of, parse, predicate
from alerts.condition_sql import where
from alerts.errors import InvalidCondition
from alerts.fields import COLUMNS, StoredEvent, from_row, selection
from tests.alerts.log import Sent, store
from tests.alerts.test_condition import TEXTS, TREES, rows

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "alerts.md"


def asks(field, op, value):
    return {"field": field, "op": op, "value": value}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (
            'event_type == "NODE_FAILURE" && error_code.startsWith("ONEX_CORE_")',
            {"all": [asks("event_type", "eq", "NODE_FAILURE"), asks("error_code", "prefix", "ONEX_CORE_")]},
        ),
        (
            "a == 1 || b == 2 && !(c == 3)",
            {"any": [asks("a", "eq", 1), {"all": [asks("b", "eq", 2), {"not": asks("c", "eq", 3)}]}]},
        ),
        (
            "(a == 1 || b == 2) && c != 3",
            {"all": [{"any": [asks("a", "eq", 1), asks("b", "eq", 2)]}, asks("c", "ne", 3)]},
        ),
        ("true", {"all": []}),
        ("valid", asks("valid", "eq", True)),
        ("!valid", asks("valid", "eq", False)),
        ("500 < metadata.execution_time_ms", asks("metadata.execution_time_ms", "gt", 500)),
        ("0.5 >= a", asks("a", "lte", 0.5)),
        ("'x' == a", asks("a", "eq", "x")),
        ("a > -1.5e3", asks("a", "gt", -1500.0)),
        ("a == -9223372036854775808", asks("a", "eq", -(2**63))),
        ("a == 0x1F", asks("a", "eq", 31)),
        ('node_id in ["n1", "n2"]', asks("node_id", "in", ["n1", "n2"])),
        ('!(node_id in ["n1",])', asks("node_id", "not_in", ["n1"])),
        ("has(metadata.tenant)", asks("metadata.tenant", "exists", True)),
        ("!has(metadata.tenant)", asks("metadata.tenant", "exists", False)),
        ("error_code != null", asks("error_code", "exists", True)),
        ("null == error_code", asks("error_code", "exists", False)),
        ('metadata.words.contains("x")', asks("metadata.words", "contains", "x")),
        ('"x" in metadata.tags', asks("metadata.tags", "contains", "x")),
        ('node_id.endsWith("-1")', asks("node_id", "suffix", "-1")),
        ('metadata["a key"]["c.d"][0].e == 1', asks("/metadata/a key/c.d/0/e", "eq", 1)),
        ('metadata["a/b~.c"] == 1', asks("/metadata/a~1b~0.c", "eq", 1)),
        ("metadata.errors[0].code == 7", asks("metadata.errors.0.code", "eq", 7)),
        (r'a == "\"\\\n\x41\101\u00e9\U0001F600"', asks("a", "eq", '"\\\nAAé😀')),
        (r"a == r'\d'", asks("a", "eq", r"\d")),
        ("a == 1 // why\n\t&& (b) == 2", {"all": [asks("a", "eq", 1), asks("b", "eq", 2)]}),
    ],
)
def test_text_is_read_into_a_tree(text, tree):
    assert read_cel(text) == tree
    written = write_cel(parse(tree))
    assert read_cel(written) == tree


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("", (1, 1), "Nothing is said"),
        ("// nothing", (1, 1), "Nothing is said"),
        ("a ==", (1, 5), "text ends where"),
        ("a == 1\n  && b = 2", (2, 8), "compared with =="),
        ("a == 1\r\n&& b c", (2, 6), "c does not fit"),
        ("a == 1 and b == 2", (1, 8), "Write && for and"),
        ("a & b", (1, 3), "joined with &&"),
        ("(a == 1", (1, 8), ") is missing"),
        ("a + 1 == 2", (1, 3), "does not reckon"),
        ("a - 1 == 2", (1, 3), "does not reckon"),
        ("-a == 1", (1, 1), "before a number only"),
        ("a == 1 ? b : c", (1, 8), "no choice with ?"),
        ("size(a) > 1", (1, 1), "does not count"),
        ("metadata.tags.exists(t, t == 1)", (1, 15), "with a macro"),
        ('a.matches("^x")', (1, 3), "no regular expressions"),
        ("timestamp(a) > 1", (1, 1), "no function timestamp()"),
        ("a == b", (1, 3), "Two fields"),
        ("1 == 1", (1, 3), "Two constants"),
        ("(a == 1) == true", (1, 10), "A condition is not compared"),
        ("!a == 1", (1, 4), "A condition is not compared"),
        ("a == 1 == 2", (1, 8), "not compared again"),
        ("a == 1 || 3", (1, 11), "constant alone"),
        ("a == 1 || false", (1, 11), "matches nothing"),
        ("a in []", (1, 6), "at least one value"),
        ('a in [1, "x"]', (1, 6), "all texts or all numbers"),
        ("a in [1, [2]]", (1, 6), "all texts or all numbers"),
        ("a in [b]", (1, 7), "constants only"),
        ("a < true", (1, 5), "< takes a number or text"),
        ("a == 1 && a.startsWith(3)", (1, 24), "startsWith() takes a text"),
        ("a.startsWith(b)", (1, 14), "takes a constant"),
        ('"x".startsWith(a)', (1, 5), "not of a constant"),
        ("has(3)", (1, 5), "takes a field"),
        ("node_id > 1", (1, 11), "node_id is a text"),
        ('1 in node_id || a["x"] == 2', (1, 1), "node_id is a text"),
        ('a == "x', (1, 6), "no end"),
        ('a == """x"""', (1, 6), "three quotes"),
        ('a == b"x"', (1, 6), "no bytes"),
        ("a == 1u", (1, 6), "Unsigned"),
        (r'a == "\ud800"', (1, 7), "no character"),
        (r'a == "\q"', (1, 7), "no character"),
        ('a == "\x00"', (1, 6), "NUL"),
        ("a == 9223372036854775808", (1, 6), "64 bits"),
        ("a == 99999999999999999999", (1, 6), "64 bits"),
        ("a == 1e999", (1, 6), "more than a double"),
        ("a == 12abc", (1, 6), "no number"),
        ("metadata.errors.0.code == 1", (1, 16), "brackets"),
        ("metadata.true == 1", (1, 10), "stands a name"),
        ("a[b] == 1", (1, 3), "In brackets"),
        ('metadata[""] == 1', (1, 1), "no path"),
        ("for == 1", (1, 1), "reserves"),
        ("a.`b` == 1", (1, 3), "in brackets"),
        ('{"a": 1} == a', (1, 1), "no maps"),
        ("a == 1 # why", (1, 8), "means nothing"),
    ],
)
def test_what_a_tree_cannot_say_is_refused_where_it_stands(text, place, sentence):
    with pytest.raises(InvalidCondition) as refused:
        read_cel(text)
    facts = refused.value.facts
    assert (facts["line"], facts["column"]) == place
    assert sentence in refused.value.message
    assert f"line {place[0]}, column {place[1]}" in refused.value.message


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        (f'a == "{"x" * 993}"'.ljust(2_048), f'a == "{"x" * 993}"'.ljust(2_049)),
        ("(" * 50 + "a" + ")" * 50, "(" * 51 + "a" + ")" * 51),
        (f"a in [{', '.join(['1'] * 100)}]", f"a in [{', '.join(['1'] * 101)}]"),
        ("!(" * 19 + "a == 1" + ")" * 19, "!" * 2_000 + "a"),
        (" || ".join(["a"] * 200), " || ".join(["a"] * 201)),
    ],
    ids=["characters", "nesting", "list", "negations", "tests"],
)
def test_size_is_limited(within, beyond):
    read_cel(within)
    with pytest.raises(InvalidCondition, match="at most"):
        read_cel(beyond)


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (asks("/error_code", "eq", "x"), "no name in CEL"),
        (asks("metadata.errors.-1", "eq", "x"), "no name in CEL"),
        (asks("7", "eq", "x"), "no name in CEL"),
        (asks("a", "eq", 2**63 + 1), "none that CEL holds"),
        (asks("a", "in", list(range(101))), "100 values"),
        (asks("a", "in", ["x" * 100] * 30), "2,048 characters"),
    ],
)
def test_a_tree_that_cel_cannot_say_says_why(tree, reason):
    with pytest.raises(NotCel, match=reason):
        write_cel(parse(tree))
    assert cel_of(tree) is None


def test_what_is_long_stands_on_several_lines():
    tree = {"all": [asks("metadata.tenant", "ne", "x" * 40), asks("node_id", "prefix", "y" * 40)]}
    text = write_cel(parse(tree))
    assert text.count("\n") == 1
    assert read_cel(text) == tree


def test_the_examples_of_the_documentation_are_read():
    documented = REFERENCE.read_text(encoding="utf-8")
    examples = documented.partition("## CEL")[2].split("```")[1].strip().splitlines()
    assert len(examples) > 5
    for example in examples:
        assert read_cel(write_cel(parse(read_cel(example)))) == read_cel(example)


# Pieces with a blank between them, and blanks.
PIECES = r"""( ) [ ] { } ! < > - + . , ? : = & | ` ' " \ && || == != <= in a event_type has( has .startsWith( .contains( .b
["k"] [0] 1 -1 0.5 1e3 "x" r'y' null true false valid node_id 2u 0x1 // é \ud800 for size("""
SOUP = st.sampled_from([*PIECES.split(), " ", " in ", "\n", "\x00"])


def place_of_refusal(text):
    try:
        parse(read_cel(text))
    except InvalidCondition as error:
        return error.facts["line"], error.facts["column"]
    return 1, 1


@settings(max_examples=1_000, deadline=None)
@given(text=st.one_of(st.lists(SOUP, max_size=12).map("".join), st.text(max_size=20)))
def test_whatever_is_written_is_read_or_refused_with_a_place_in_it(text):
    line, column = place_of_refusal(text)
    lines = text.split("\n")
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1


# --- the same condition, written and read -----------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(tree=TREES, event=rows())
def test_a_tree_that_is_written_and_read_back_gives_the_same_three_values(tree, event):
    condition = parse(tree)
    try:
        text = write_cel(condition)
    except NotCel:
        return
    again = parse(read_cel(text))
    row = event.row(1)
    columns = {name: row.get(name) or None for name in COLUMNS}
    fields = StoredEvent(columns.items(), row["raw"].decode())
    assert predicate(again)(fields) is predicate(condition)(fields), text
    # Once it went this way it stays as it is.
    assert read_cel(write_cel(again)) == read_cel(text)


# --- beside CEL's own evaluator ---------------------------------------------------------------------

NUMBERS = st.sampled_from([0, 1, -1, 0.1, 1.5, 1e-7, 2**53, 1e300, -0.0])
ORDER = ("eq", "ne", "gt", "gte", "lt", "lte")
# Field → the kind of value that it is compared with, as schemas have it; events hold anything there.
COMPARED = {
    "metadata.word": "text",
    "metadata.deep.word": "text",
    "/metadata/a key": "text",
    "metadata.count": "number",
    "metadata.list.0": "number",
    "metadata.flag": "boolean",
    "error_code": "text",
    "node_id": "text",
    "sample_rate": "number",
    "valid": "boolean",
}
WORDS = st.sampled_from(["", "a", "ab", "ba", "😀", "\uffff"])
OF_KIND = {"text": WORDS, "number": NUMBERS, "boolean": st.booleans()}
OPERATORS = {
    "text": (*ORDER, "in", "not_in", *3 * ("prefix", "suffix", "contains")),
    "number": (*ORDER, "in", "not_in"),
    "boolean": ("eq", "ne"),
}


@st.composite
def one_test(draw):
    field = draw(st.sampled_from([*COMPARED, "metadata.tags", "metadata.there", "trace_id"]))
    if field in {"metadata.there", "trace_id"}:
        return asks(field, "exists", draw(st.booleans()))
    if field == "metadata.tags":
        return asks(field, "contains", draw(st.one_of(NUMBERS, st.booleans())))
    kind = COMPARED[field]
    op = draw(st.sampled_from(OPERATORS[kind]))
    many = op in {"in", "not_in"}
    value = draw(st.lists(OF_KIND[kind], min_size=1, max_size=3) if many else OF_KIND[kind])
    return asks(field, op, value)


WRITABLE = st.recursive(
    one_test(),
    lambda parts: st.one_of(
        st.lists(parts, max_size=3).map(lambda all_: {"all": all_}),
        st.lists(parts, min_size=1, max_size=3).map(lambda any_: {"any": any_}),
        parts.map(lambda part: {"not": part}),
    ),
    max_leaves=8,
)


SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
ANYTHING = st.one_of(SCALARS, st.fixed_dictionaries({"b": TEXTS}))


def mostly(kind):
    return st.one_of(OF_KIND[kind], OF_KIND[kind], ANYTHING)


METADATA = st.fixed_dictionaries(
    {},
    optional={
        "word": mostly("text"),
        "a key": mostly("text"),
        "deep": st.one_of(ANYTHING, st.fixed_dictionaries({"word": mostly("text")})),
        "count": mostly("number"),
        "list": st.one_of(ANYTHING, st.lists(mostly("number"), max_size=2)),
        "flag": mostly("boolean"),
        "tags": st.one_of(ANYTHING, st.lists(SCALARS, max_size=3)),
        "there": ANYTHING,
    },
)


@st.composite
def sent(draw):
    columns = {
        "error_code": draw(st.one_of(st.none(), TEXTS)),
        "trace_id": draw(st.one_of(st.none(), TEXTS)),
        "sample_rate": draw(st.sampled_from([1.0, 0.1, 0.5])),
    }
    return Sent(node_id=draw(TEXTS), metadata=draw(METADATA), columns=columns)


def in_cel(event):
    """An event for CEL: what is null, and what is not of the kind that a field is compared with, is missing."""

    def fitting(field):
        value = event[field]
        if field == "metadata.tags":
            return value if isinstance(value, list) else None
        return value if field == "metadata.there" or kind_of(value) == COMPARED[field] else None

    def plain(value):
        if isinstance(value, list):
            return [plain(item) for item in value]
        return float(value) if kind_of(value) == "number" and not isinstance(value, int) else value

    held = {field: plain(fitting(field)) for field in (*COMPARED, "metadata.tags", "metadata.there")}
    held = {field: value for field, value in held.items() if value is not None}
    metadata = {name.removeprefix("metadata."): value for name, value in held.items() if name.count(".") == 1}
    if "metadata.deep.word" in held:
        metadata["deep"] = {"word": held["metadata.deep.word"]}
    if "metadata.list.0" in held:
        metadata["list"] = [held["metadata.list.0"]]
    if "/metadata/a key" in held:
        metadata["a key"] = held["/metadata/a key"]
    columns = {name: value for name, value in held.items() if name in COLUMNS}
    return {"metadata": metadata, "trace_id": event["trace_id"], **columns}


def told_by_cel(text, context):
    """True, False, or None for what CEL calls an error."""
    try:
        return cel.evaluate(text, context)
    except (KeyError, IndexError, TypeError, RuntimeError):
        return None


@pytest.mark.django_db
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(sent(), min_size=4, max_size=8), trees=st.lists(WRITABLE, min_size=8, max_size=16))
def test_the_closure_postgresql_and_cel_give_the_same_three_values(events, trees):
    positions = store(events)
    with connection.cursor() as cursor:
        for tree in trees:
            condition = parse(tree)
            text, sql = write_cel(condition), where(condition)
            cursor.execute(
                f"SELECT {selection(documents=True)}, {sql.text} FROM events_event WHERE position = ANY(%s)",
                [*sql.params, positions],
            )
            for row in cursor.fetchall():
                event = from_row(row)
                verdict = predicate(condition)(event)
                assert verdict is row[-1], tree
                assert verdict is told_by_cel(text, in_cel(event)), text


@pytest.mark.parametrize(
    ("text", "metadata", "here", "in_cel"),
    [
        ("metadata.a != 1", {}, None, None),
        ("metadata.a != 1 || true", {}, True, True),
        ("!(metadata.a == 1)", {}, None, None),
        ('metadata.a != "x"', {"a": 1}, None, True),
        ('!(metadata.a == "x")', {"a": 1}, None, True),
        ('metadata.a != "x"', {"a": None}, None, True),
        ("has(metadata.a)", {"a": None}, False, True),
        ("!has(metadata.a.b)", {}, True, None),
        ('metadata["a b"] == null', {}, True, None),
        ("metadata.a == null", {}, True, None),
        ('metadata.a.contains("x")', {"a": ["x"]}, True, None),
        ('"x" in metadata.a', {"a": "xy"}, True, None),
        ("metadata.a[0] == 1", {"a": {"0": 1}}, True, None),
    ],
)
def test_what_means_something_else_here_than_in_cel(text, metadata, here, in_cel):
    event = StoredEvent((), json.dumps({"metadata": metadata}))
    assert predicate(parse(read_cel(text)))(event) is here
    assert told_by_cel(text, {"metadata": metadata}) is in_cel
