"""Which events make pairs: against an oracle that looks at every two of them."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.condition import All
from alerts.engine import Match
from alerts.groups import Group
from alerts.pairs import Pairing, Part, matches_of
from tests.alerts.log import NOON


def at(second):
    return NOON + timedelta(seconds=second)


def part(position, second, key="a", *, begins=False, follows=False):
    pair = None if key is None else Group.of((key,))
    return Part(Group.of(()), Match(at(second), position, at(second)), pair, begins, follows)


def counted(parts, *, within=10, missing=False, until=1000):
    pairing = Pairing(All(()), ("correlation_id",), timedelta(seconds=within), missing)
    return [
        (match.position, (match.at - NOON).total_seconds())
        for _, match in matches_of(pairing, parts, until=at(until))
    ]


def truth(parts, *, within, missing, until):
    """By looking at every two events."""

    def belongs(begin, follow):
        apart = (follow.match.at - begin.match.at).total_seconds()
        same = begin.pair is not None and begin.pair == follow.pair
        return begin is not follow and begin.begins and follow.follows and same and 0 <= apart <= within

    if not missing:
        found = [two for two in parts if any(belongs(one, two) for one in parts)]
        return sorted((one.match.at, one.match.position) for one in found)
    alone = [
        one
        for one in parts
        if one.begins and one.pair is not None and not any(belongs(one, two) for two in parts)
    ]
    due = [(one.match.at + timedelta(seconds=within), one.match.position) for one in alone]
    return sorted(one for one in due if one[0] <= at(until))


def test_what_follows_in_time_is_counted_where_it_follows():
    begin, follow = part(1, 0, begins=True), part(2, 10, follows=True)
    assert counted([begin, follow]) == [(2, 10)]
    assert counted([begin, follow], within=9) == []
    assert counted([begin, follow], missing=True) == []
    assert counted([begin, follow], within=9, missing=True) == [(1, 9)]


def test_what_came_before_does_not_follow():
    assert counted([part(1, 5, begins=True), part(2, 4, follows=True)]) == []


def test_time_has_to_be_up_before_something_is_missing():
    assert counted([part(1, 0, begins=True)], missing=True, until=9) == []
    assert counted([part(1, 0, begins=True)], missing=True, until=10) == [(1, 10)]


def test_an_event_that_may_be_either_does_not_follow_itself():
    one, two = part(1, 0, begins=True, follows=True), part(2, 3, begins=True, follows=True)
    assert counted([one]) == []
    assert counted([one], missing=True) == [(1, 10)]
    assert counted([one, two]) == [(2, 3)]
    assert counted([one, two], missing=True) == [(2, 13)]


def test_without_the_field_that_both_have_there_is_no_pair():
    assert counted([part(1, 0, None, begins=True), part(2, 1, None, follows=True)]) == []
    assert counted([part(1, 0, None, begins=True)], missing=True) == []


PARTS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["a", "b", None]), st.booleans(), st.booleans()),
    max_size=25,
).map(
    lambda said: [
        part(n, second, key, begins=begins, follows=follows)
        for n, (second, key, begins, follows) in enumerate(said)
    ]
)


@settings(max_examples=300, deadline=None)
@given(parts=PARTS, within=st.integers(1, 30), missing=st.booleans(), until=st.integers(0, 100))
def test_they_are_exactly_the_oracles(parts, within, missing, until):
    found = counted(parts, within=within, missing=missing, until=until)
    assert [(at(second), position) for position, second in found] == truth(
        parts, within=within, missing=missing, until=until
    )


@settings(max_examples=200, deadline=None)
@given(parts=PARTS, within=st.integers(1, 30), extra=PARTS)
def test_an_event_more_only_ever_adds_to_what_follows(parts, within, extra):
    more = [*parts, *(part(100 + n, 0, begins=True, follows=True) for n, _ in enumerate(extra))]
    assert set(counted(parts, within=within)) <= set(counted(more, within=within))
