"""What a test can use when the machine has it: `require("redis")` skips the test when it is absent.

The environment variable REQUIRE (a comma list) names what must be there: then absence is a failure.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
ABSENT = "absent here: "


def _program(*names: str) -> Callable[[], str | None]:
    return lambda: next((found for name in names if (found := shutil.which(name))), None)


def _data() -> str | None:
    folder = Path(os.environ.get("ONEX_DATA", CHECKOUT.parent / "shared" / "data"))
    return str(folder) if folder.is_dir() else None


def _production_database() -> str | None:
    return os.environ.get("PRODUCTION_DATABASE_URL")


_FINDERS: dict[str, Callable[[], str | None]] = {
    "redis": _program("redis-server"),
    "rabbitmq": _program("rabbitmq-server"),
    "chromium": _program("chromium", "chromium-browser", "google-chrome"),
    "node": _program("node", "nodejs"),
    "npm": _program("npm"),
    "go": _program("go"),
    "javac": _program("javac"),
    "java": _program("java"),
    # The real schemas and payloads that some tests run on; ONEX_DATA names their folder.
    "data": _data,
    # A PostgreSQL server over TCP whose role may create databases.
    "production-database": _production_database,
}


def require(name: str) -> str:
    """Where it is: the path of the program, the folder, or the address. Skips or fails the test when absent."""
    found = _FINDERS[name]()
    if found:
        return found
    if name in os.environ.get("REQUIRE", "").split(","):
        pytest.fail(f"{name} is named in REQUIRE and absent")
    pytest.skip(ABSENT + name, allow_module_level=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The counted list of what was skipped because something is absent."""
    reasons = (report.longrepr for report in terminalreporter.stats.get("skipped", []))
    missing = Counter(
        str(reason[2]).partition(ABSENT)[2]
        for reason in reasons
        if isinstance(reason, tuple) and ABSENT in str(reason[2])
    )
    for name, count in missing.most_common():
        terminalreporter.write_line(f"{count} tests skipped because {name} is absent")
