"""Which tests run one after the other in one process when several processes run tests: those of a file, and all those
that start programs, which would starve each other, and of which many share one running registry.
"""

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
STARTS_PROGRAMS = ("journeys", "local")


# Before the plugin looks, which otherwise finds no group and sends every test wherever there is room.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest group comes first, so that the others fill the time beside it."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _group(item) != "programs")


def _group(item: pytest.Item) -> str:
    place = item.path.relative_to(TESTS)
    if place.parts[0] in STARTS_PROGRAMS or item.get_closest_marker("journey"):
        return "programs"
    return str(place)
