"""Which tests run one after the other in one process when several processes run tests: those of a file, and all those
that start programs, which would starve each other, and of which many share one running registry.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

STARTING_PROGRAMS = ("tests/journeys/", "tests/local/")


class ByGroup(LoadScopeScheduling):
    # The plugin's own groups are marks that it writes into the names of tests, which pytest 9 does not let it do.
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "programs" if file.startswith(STARTING_PROGRAMS) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest group comes first, so that the others fill the time beside it."""
    items.sort(key=lambda item: not item.nodeid.startswith(STARTING_PROGRAMS))
