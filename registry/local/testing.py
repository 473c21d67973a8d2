"""`./run check` and `./run test`: what CI runs is what one runs at home."""

import ast
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from registry.local import stack
from registry.local.errors import Refusal
from registry.local.home import CHECKOUT, home_named, open_home
from registry.local.stack import say
from registry.local.supervisor import Supervisor

API_DOCUMENT = CHECKOUT / "docs" / "reference" / "openapi.yaml"
SOURCES = ("compat", "access", "registry", "events", "alerts", "sdk/src")
PATH = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "sdk" / "src")])
# Enough to load the settings: no check connects.
NO_DATABASE = "postgres://nobody@127.0.0.1:1/none"
# compat and the SDK are proven to need no Django by running their tests where there is none.
WITHOUT_DJANGO = ("compat", "sdk")


@dataclass(frozen=True)
class Step:
    name: str
    argv: list[str]
    # What to type when it fails.
    remedy: str = ""


def _python(*argv: str) -> list[str]:
    return [sys.executable, *argv]


STEPS = [
    Step("types", _python("-m", "mypy")),
    Step("format", _python("-m", "ruff", "format", "--check", ".", "run"), ".venv/bin/ruff format . run"),
    Step("lint", _python("-m", "ruff", "check", ".", "run"), ".venv/bin/ruff check --fix . run"),
    Step(
        "layers", _python("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")
    ),
    Step(
        "migrations",
        _python("manage.py", "makemigrations", "--check", "--dry-run"),
        "manage.py makemigrations",
    ),
    Step(
        "API document",
        _python("-m", "registry.local.api_document", str(API_DOCUMENT)),
        "manage.py spectacular --file docs/reference/openapi.yaml",
    ),
]


def check() -> int:
    """Every step that needs no database; 1 when one fails. Prints the largest functions and modules."""
    home = open_home(home_named("-test"))
    environment = {"DATABASE_URL": NO_DATABASE, **os.environ, "ONEX_HOME": str(home), "PYTHONPATH": PATH}
    # Two at a time: the types take as long as all the others together.
    with ThreadPoolExecutor(max_workers=2) as pool:
        failed = [
            step.name
            for step, passed in pool.map(lambda step: _checked(step, environment), STEPS)
            if not passed
        ]
    _print_largest()
    if failed:
        say(f"\nFailed: {', '.join(failed)}.")
    return 1 if failed else 0


def _checked(step: Step, environment: Mapping[str, str]) -> tuple[Step, bool]:
    began = time.monotonic()
    done = subprocess.run(
        step.argv, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
    )
    passed = done.returncode == 0
    seconds = time.monotonic() - began
    report = f"{'ok    ' if passed else 'FAILED'} {step.name} ({seconds:.0f} s)"
    if not passed:
        report += f"\n{done.stdout}{done.stderr}" + (f"Remedy: {step.remedy}\n" if step.remedy else "")
    say(report)
    return step, passed


def test(arguments: list[str]) -> int:
    """Checks and all tests; with arguments only pytest with those. Exit status of what failed first."""
    home = open_home(home_named("-test"))
    checked = 0 if arguments else check()
    with stack.supervised(home) as supervisor:
        url = stack.start_database(supervisor, durable=False)
        environment = {**os.environ, "DATABASE_URL": url, "ONEX_HOME": str(home)}
        plain = 0 if arguments else _test_without_django(supervisor, home)
        # What ran without Django need not run again with it.
        chosen = arguments or [f"--ignore=tests/{name}" for name in WITHOUT_DJANGO]
        tested = _followed(supervisor, _python("-m", "pytest", *chosen), environment)
    return tested or plain or checked


def _test_without_django(supervisor: Supervisor, home: Path) -> int:
    """The tests of the libraries, in an environment that holds only what those need."""
    python = _plain_environment(supervisor, home)
    environment = {**os.environ, "PYTHONPATH": PATH}
    status = 0
    for name in WITHOUT_DJANGO:
        folder = CHECKOUT / "tests" / name
        if not any(folder.glob("test_*.py")):
            continue
        say(f"tests/{name} without Django:")
        argv = [
            str(python),
            "-m",
            "pytest",
            "-c",
            os.devnull,
            f"--rootdir={CHECKOUT}",
            f"--confcutdir={folder}",
        ]
        argv += [
            "--import-mode=importlib",
            "-W",
            "error",
            "--timeout=120",
            "-q",
            "-p",
            "no:cacheprovider",
            str(folder),
        ]
        status = _followed(supervisor, argv, environment) or status
    return status


def _plain_environment(supervisor: Supervisor, home: Path) -> Path:
    """A second environment with requirements/libraries.txt only; made once, and again when that file changes."""
    locked = CHECKOUT / "requirements" / "libraries.txt"
    folder = home / "without-django"
    python = folder / "bin" / "python"
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == locked.read_text(encoding="utf-8"):
        return python
    say("Making an environment without Django …")
    venv.create(folder, clear=True, with_pip=True)
    argv = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    if _followed(supervisor, [*argv, "-r", str(locked)], dict(os.environ)):
        raise Refusal("The environment without Django could not be made; pip says why above.")
    stamp.write_text(locked.read_text(encoding="utf-8"), encoding="utf-8")
    return python


def _followed(supervisor: Supervisor, argv: list[str], environment: Mapping[str, str]) -> int:
    """Run to the end, with its output as it comes, while the database is looked after."""
    process = subprocess.Popen(argv, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL)
    try:
        stack.stay(supervisor, until=lambda: process.poll() is not None)
    finally:
        process.terminate()
        process.wait()
    return process.returncode


def _print_largest() -> None:
    """The tail tells a good code base from a bad one, not the average. Printed, not judged."""
    files = [
        file
        for folder in SOURCES
        for file in (CHECKOUT / folder).rglob("*.py")
        if "migrations" not in file.parts
    ]
    modules = [
        (len(file.read_text(encoding="utf-8").splitlines()), str(file.relative_to(CHECKOUT)))
        for file in files
    ]
    functions = [found for file in files for found in _functions(file)]
    for title, found in (("functions", functions), ("modules", modules)):
        say(
            f"Longest {title}: "
            + ", ".join(f"{name} {lines}" for lines, name in sorted(found, reverse=True)[:5])
        )


def _functions(file: Path) -> Iterable[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield node.end_lineno - node.lineno + 1, f"{file.relative_to(CHECKOUT)}:{node.name}"
