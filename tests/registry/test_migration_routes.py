"""Which way leads from one version to another: the fewest hops, over the lowest versions, whatever the graph."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version as SemVer

from registry.errors import InvalidVersion
from registry.migration_routes import Hop, Routes

LABELS = [SemVer(major, minor, 0) for major in (1, 2, 3) for minor in (0, 1)]
EDGES = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)).filter(lambda ends: ends[0] != ends[1]),
    max_size=14,
    unique=True,
)


def routes(edges):
    live = {label: number for number, label in enumerate(LABELS, 1)}
    return Routes(live, [Hop(a, b, "up", number) for number, (a, b) in enumerate(edges, 1)])


def fewest(edges, source, target):
    """By taking one more hop at a time, everywhere at once."""
    reached, hops = {source}, 0
    while target not in reached:
        further = reached | {b for a, b in edges if a in reached}
        if further == reached:
            return None
        reached, hops = further, hops + 1
    return hops


@given(EDGES, st.sampled_from(LABELS), st.sampled_from(LABELS))
def test_a_route_is_whole_and_as_short_as_any(edges, source, target):
    found = routes(edges).to(source, str(target))
    registered = fewest(edges, source, target)
    if registered is not None:
        assert found is not None
        assert len(found.hops) == registered
        assert all(hop.way == "up" for hop in found.hops)
    if found is not None:
        ends = [source, *(hop.target for hop in found.hops)]
        assert ends[-1] == target
        assert all(hop.source == before for hop, (before, _) in zip(found.hops, pairwise(ends), strict=True))
        assert all(hop.source.major == hop.target.major for hop in found.hops if hop.way == "unchanged")


@given(EDGES, st.sampled_from(LABELS))
def test_the_order_of_registration_changes_nothing_about_the_way(edges, source):
    one, other = routes(edges).to(source, "^3"), routes(edges[::-1]).to(source, "^3")
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert [hop.target for hop in one.hops] == [hop.target for hop in other.hops]
        assert one.ambiguous == other.ambiguous


def test_of_a_range_the_highest_that_can_be_reached():
    edges = [(LABELS[0], LABELS[2])]
    assert routes(edges).to(LABELS[0], ">=2").target == "2.1.0"
    assert [hop.way for hop in routes(edges).to(LABELS[0], ">=2").hops] == ["up", "unchanged"]
    assert routes(edges).to(LABELS[0], "2.0.0").target == "2.0.0"
    assert routes(edges).to(LABELS[0], "^3") is None


def test_nothing_is_promised_before_1_0_0_and_between_prereleases():
    old, new = SemVer.parse("0.1.0"), SemVer.parse("0.2.0")
    assert Routes({old: 1, new: 2}).to(old, "0.2.0") is None
    old, new = SemVer.parse("1.0.0-rc.1"), SemVer.parse("1.0.0")
    assert Routes({old: 1, new: 2}).to(old, "1.0.0") is None


def test_a_number_and_latest_name_a_version_and_other_texts_are_refused():
    found = routes([])
    assert found.wanted("latest") == [LABELS[-1]]
    assert found.wanted("2") == [LABELS[1]]
    assert found.wanted("99") == []
    for text in ("", "x y", "-5"):
        with pytest.raises(InvalidVersion):
            found.wanted(text)
