"""Which episodes a silence means."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.matcher import Matcher, Unreadable, fit, read_matchers

LABELS = {"rule": "disk full", "severity": "critical", "node_id": "db-1"}
WORDS = st.text("ab*", max_size=6)


@pytest.mark.parametrize(
    ("label", "op", "value", "fits"),
    [
        ("node_id", "eq", "db-1", True),
        ("node_id", "eq", "db-2", False),
        ("node_id", "ne", "db-2", True),
        ("node_id", "in", ["db-2", "db-1"], True),
        ("node_id", "like", "db-*", True),
        ("node_id", "like", "*-1", True),
        ("rule", "like", "d*k*", True),
        ("rule", "like", "disk", False),
        # Missing is never equal, and never different.
        ("zone", "eq", "a", False),
        ("zone", "ne", "a", False),
        ("zone", "in", ["a"], False),
        ("zone", "like", "*", False),
    ],
)
def test_a_matcher_fits_by_text(label, op, value, fits):
    (matcher,) = read_matchers([{"label": label, "op": op, "value": value}])
    assert matcher.fits(LABELS) is fits
    assert read_matchers([matcher.as_json()]) == (matcher,)


def test_all_matchers_have_to_fit():
    both = [
        {"label": "severity", "op": "eq", "value": "critical"},
        {"label": "node_id", "op": "eq", "value": "db-2"},
    ]
    assert fit(read_matchers(both[:1]), LABELS)
    assert not fit(read_matchers(both), LABELS)


@given(st.text("ab", max_size=12), WORDS.filter(bool))
def test_like_is_what_a_glob_with_stars_is(text, pattern):
    expected = re.fullmatch(fnmatch.translate(pattern), text) is not None
    assert Matcher("x", "like", (pattern,)).fits({"x": text}) is expected


def test_no_pattern_takes_long():
    Matcher("x", "like", ("*a" * 400 + "b",)).fits({"x": "a" * 100_000})


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ([], ""),
        ({}, ""),
        ([{"label": "a", "op": "eq"}], "/0"),
        ([{"label": "", "op": "eq", "value": "b"}], "/0/label"),
        ([{"label": "a", "op": "matches", "value": "b"}], "/0/op"),
        ([{"label": "a", "op": "eq", "value": ["b"]}], "/0/value"),
        ([{"label": "a", "op": "in", "value": "b"}], "/0/value"),
        ([{"label": "a", "op": "in", "value": []}], "/0/value"),
        ([{"label": "a", "op": "eq", "value": "a\0"}], "/0/value"),
        ([{"label": "a", "op": "eq", "value": 1}], "/0/value"),
        ([{"label": "a", "op": ["eq"], "value": "1"}], "/0/op"),
        ([{"label": "a", "op": "eq", "value": "b"}] * 21, ""),
    ],
)
def test_what_is_no_matcher_is_told_with_its_place(given, pointer):
    with pytest.raises(Unreadable) as told:
        read_matchers(given)
    assert told.value.pointer == pointer
