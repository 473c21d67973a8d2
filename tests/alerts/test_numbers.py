"""What numbers amount to when they are summed up pane by pane: exactly, but for percentiles, which are within one per cent."""

import json
import math
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.aggregate import PERCENTILES, Aggregate
from alerts.looks import Pane
from alerts.numbers import ACCURACY, Numbers, join
from tests.alerts.log import NOON

NUMBERS = st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=3), min_size=1, max_size=40)


def aggregate(function, limit=0, *, below=False, at_least=1):
    return Aggregate(function, Decimal(limit), below, at_least, timedelta(minutes=5), timedelta())


def read(judge, numbers):
    """The reading of a window whose panes hold one number each, after a stay in the database."""
    stored = [json.dumps(judge.number(number).as_json()) for number in numbers]
    panes = [Pane(NOON, 1, 1, Numbers.from_json(json.loads(one))) for one in stored]
    return judge.read(panes, NOON)


@given(numbers=NUMBERS)
def test_sum_average_lowest_and_highest_are_exact(numbers):
    def amount(function):
        judge = aggregate(function)
        return judge.value(join(judge.number(one) for one in numbers))

    assert amount("sum") == sum(numbers)
    assert amount("avg") == sum(numbers) / len(numbers)
    assert (amount("min"), amount("max")) == (min(numbers), max(numbers))


@given(numbers=NUMBERS, function=st.sampled_from(sorted(PERCENTILES)))
def test_a_percentile_is_within_one_per_cent_of_the_number_at_its_place(numbers, function):
    rank = math.ceil(PERCENTILES[function] / 100 * len(numbers))
    exact = float(sorted(numbers)[rank - 1])
    assert read(aggregate(function), numbers).value == pytest.approx(exact, rel=ACCURACY, abs=1e-9)


@given(numbers=NUMBERS, at=st.integers(0, 40))
def test_it_does_not_matter_how_numbers_are_put_together(numbers, at):
    parts = [Numbers.of(one, buckets=True) for one in numbers]
    left, right = parts[:at], parts[at:]
    together = [join(side) for side in (left, right) if side]
    assert join(together) == join(parts)


@pytest.mark.parametrize("said", [True, "7", None, [1], {"a": 1}])
def test_what_is_no_number_does_not_count(said):
    assert aggregate("sum").number(said) is None


def test_a_number_of_any_size_counts():
    judge = aggregate("max")
    assert read(judge, [Decimal("1e400"), Decimal("-1e400")]).value == 1e300
    assert read(aggregate("p99"), [Decimal("1e-400"), Decimal(0)]).value == pytest.approx(0, abs=1e-290)


@pytest.mark.parametrize(
    ("function", "below", "numbers", "over"),
    [
        ("avg", False, [1, 3], False),
        ("avg", False, [1, 4], True),
        ("avg", True, [1, 2], True),
        ("max", False, [1], False),
        ("max", False, [3], False),
        ("max", False, [3, 1], True),
        ("min", True, [9, 1], True),
    ],
)
def test_it_is_over_beyond_the_limit_and_with_enough_numbers(function, below, numbers, over):
    judge = aggregate(function, 2, below=below, at_least=2)
    assert read(judge, [Decimal(one) for one in numbers]).over is over
