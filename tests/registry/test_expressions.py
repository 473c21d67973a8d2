"""JSONata in a migration: what works, what is refused when it is read, and that what runs stays within its limits."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from registry.expressions import ExpressionFailedError, InvalidExpressionError, expression

ORDER = {
    "first": "Ada",
    "last": "L",
    "n": 12345678901234567890,
    "items": [{"price": 2, "count": 3}, {"price": 5, "count": 1}],
    "nothing": None,
    "at": 1700000000000,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('first & " " & last', "Ada L"),
        ("$sum(items.(price * count))", 11),
        ('{"items": [items.{"p": price}]}', {"items": [{"p": 2}, {"p": 5}]}),
        ("items[price > 2].count", 1),
        ('$merge([$, {"full": first}]).full', "Ada"),
        ("n", 12345678901234567890),
        ("nothing", None),
        ("$fromMillis(at)", "2023-11-14T22:13:20.000Z"),
        ('$exists(missing) ? missing : "none"', "none"),
        ("($a := 2; $b := $a * 3; $a + $b)", 8),
        ('$split("a-b", "-")', ["a", "b"]),
    ],
)
def test_what_migrations_are_made_of(text, value):
    assert expression(text)(ORDER) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("($f := function($x) { $f($x) }; $f(1))", "not allowed"),
        ("function($x) { $x }(1)", "not allowed"),
        ("$map(items, $string)", "$map()"),
        ("[1..10000000]", "ranges"),
        ("first ~> $uppercase", "'~>'"),
        ("$match(first, /(a+)+$/)", "regular expressions"),
        ("$contains(first, /a/)", "regular expressions"),
        ('$replace(first, "a", "b")', "$replace()"),
        ('$eval("1")', "$eval()"),
        ('($f := $eval; $f("1"))', "not allowed"),
        ("($sum := 1; $sum)", "function already"),
        ("$now()", "$now()"),
        ("$random()", "$random()"),
        ("$shuffle([1, 2])", "$shuffle()"),
        ("$power(10, 1000000)", "$power()"),
        ('$pad("x", 1000000000)', "$pad()"),
        ("**", "'**'"),
        ("items^(price)", "'^( )'"),
        ("items@$i.price", "'@' and '#'"),
        ("items#$i.price", "'#'"),
        ('$ ~> |$|{"a": 1}|', "not allowed"),
        ("$join(items.price, first)", "separator"),
        ('$fromMillis(at, "[Y]")', "at most 1"),
        ("$__evaluate_entry", "not allowed"),
        ("(" * 200 + "1" + ")" * 200, "deep"),
        ("", "JSONata says"),
        ('{"a": ', "JSONata says"),
        ("x" * 10_001, "10,000"),
    ],
)
def test_what_could_run_for_ever_or_give_another_value_tomorrow_is_refused_when_it_is_read(text, why):
    with pytest.raises(InvalidExpressionError) as refused:
        expression(text)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "($a := first; " + "$a := $a & $a; " * 60 + "$a)",
        "$" + '.{"x": $, "y": $}' * 60,
        "($a := [1]; " + "$a := $append($a, $a); " * 60 + "$a)",
        "($a := $; " + '$a := {"x": $a, "y": $a}; ' * 60 + "$string($a))",
        "($a := $; " + '$a := {"x": $a, "y": $a}; ' * 60 + "$a = $a)",
    ],
    ids=["text", "objects by paths", "arrays", "objects written out", "objects compared"],
)
def test_a_value_that_doubles_is_stopped_before_it_is_large(text):
    with pytest.raises(ExpressionFailedError) as failed:
        expression(text)(ORDER)
    assert "MIGRATION_EXPRESSION_BYTES" in str(failed.value)


def test_steps_are_counted(settings):
    settings.MIGRATION_EXPRESSION_STEPS = 1_000
    with pytest.raises(ExpressionFailedError) as failed:
        expression("a.($$.a.($$.a.(1)))")({"a": [1] * 100})
    assert "MIGRATION_EXPRESSION_STEPS" in str(failed.value)


def test_numbers_do_not_grow_without_end():
    with pytest.raises(ExpressionFailedError):
        expression("($x := n; " + "$x := $x * $x; " * 60 + "$x)")(ORDER)


@pytest.mark.parametrize("text", ["missing", "$sum", '$number("x")', "1 / 0", '-"x"'])
def test_an_expression_without_a_value_says_so(text):
    with pytest.raises(ExpressionFailedError):
        expression(text)(ORDER)


def test_compiled_once_and_shared_by_threads():
    found = expression('first & " " & $string($sum(items.price))')
    assert expression(found.text) is found
    with ThreadPoolExecutor(4) as pool:
        values = list(pool.map(lambda n: found({**ORDER, "first": str(n)}), range(200)))
    assert values == [f"{n} 7" for n in range(200)]


ALPHABET = st.sampled_from(
    [*"$.()[]{}:;,=&+-*/%?<>^@#|~\"'`a1 ", "$sum", "$merge", "items", ":=", "..", "and", "in"]
)


@examples(max_examples=300)
@given(st.lists(ALPHABET, max_size=25).map("".join))
def test_any_text_is_refused_or_ends_with_a_value_or_a_reason(text):
    with suppress(InvalidExpressionError, ExpressionFailedError):
        json.dumps(expression(text)(ORDER), allow_nan=False)
