"""`./run check` and `./run test`: what CI runs is what one runs at home."""

import ast
import os
import re
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
# compat and the SDK are proven to need no Django by running their tests where there is none; in so many processes:
# the SDK's wait for ends and retries more than they calculate.
WITHOUT_DJANGO = {"compat": 0, "sdk": 4}

# How many checks, or tests, run at the same time: as many as CI has cores.
PROCESSES = 2


@dataclass(frozen=True)
class Step:
    name: str
    argv: list[str]
    # What to type when it fails.
    remedy: str = ""
    # Lines of its output in which this is found are shown when it passes, too.
    shows: str = ""


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
    return _passed(STEPS, open_home(home_named("-test")))


def _passed(steps: Iterable[Step], home: Path) -> int:
    environment = {"DATABASE_URL": NO_DATABASE, **os.environ, "ONEX_HOME": str(home), "PYTHONPATH": PATH}
    with ThreadPoolExecutor(PROCESSES) as pool:
        failed = [
            step.name
            for step, passed in pool.map(lambda step: _checked(step, environment), steps)
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
    elif step.shows:
        report += "".join(
            f"\n       {line}" for line in done.stdout.splitlines() if re.search(step.shows, line)
        )
    say(report)
    return step, passed


def test(arguments: list[str]) -> int:
    """Checks and all tests; with arguments only pytest with those. Exit status of what failed first."""
    home = open_home(home_named("-test"))
    checked = 0 if arguments else _passed([*_without_django(home), *STEPS], home)
    with stack.supervised(home) as supervisor:
        url = stack.start_database(supervisor, durable=False)
        environment = {**os.environ, "DATABASE_URL": url, "ONEX_HOME": str(home)}
        chosen = arguments or _everything(home)
        tested = _followed(supervisor, _python("-m", "pytest", *chosen), environment)
    return tested or checked


def _everything(home: Path) -> list[str]:
    """Arguments of pytest for a whole run: some processes at once, each with a database and a home of its own."""
    processes = [f"--tx=popen//env:ONEX_HOME={home / f'worker-{number}'}" for number in range(PROCESSES)]
    # What ran without Django need not run again with it.
    ignored = [f"--ignore=tests/{name}" for name in WITHOUT_DJANGO]
    # The groups are those of tests/groups.py, in the order it gives them.
    return [*ignored, "--dist=load", "--no-loadscope-reorder", *processes]


def _without_django(home: Path) -> list[Step]:
    """The tests of the libraries, in an environment that holds only what those need."""
    python = _plain_environment(home)
    options = ["-c", os.devnull, f"--rootdir={CHECKOUT}", "--import-mode=importlib", "-W", "error"]
    options += ["--timeout=120", "-q", "-rs", "-p", "no:cacheprovider"]
    pytest = [str(python), "-m", "pytest", *options]
    return [
        Step(
            f"tests/{name} without Django",
            [*pytest, f"--numprocesses={processes}", f"--confcutdir=tests/{name}", f"tests/{name}"],
            shows="^SKIPPED| in [0-9.]+s",
        )
        for name, processes in WITHOUT_DJANGO.items()
    ]


def _plain_environment(home: Path) -> Path:
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
    if subprocess.run([*argv, "-r", str(locked)], check=False).returncode:
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
