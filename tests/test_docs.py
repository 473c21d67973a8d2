"""What is public is documented: settings, addresses, error codes, commands. And no link leads nowhere."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from django.core.management import get_commands
from django.urls import URLPattern, URLResolver, get_resolver

from access.errors import ProductError
from onex_sdk._cli.main import onex
from registry.local import __main__ as run
from registry.local.programs import QUEUES
from registry.problems import NUMBER, STATUS

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
APPS = ("access", "registry", "events", "alerts")


def rows(page: str, *, columns: int = 2) -> dict[str, list[str]]:
    """The rows of a page's tables whose first cell is one name in backticks: name → the next cells."""
    found = {}
    for line in (REFERENCE / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `") and (name := re.fullmatch("`([^`]+)`", cells[0])):
            assert name[1] not in found, f"{page} has two rows for {name[1]}"
            found[name[1]] = cells[1:columns]
    return found


def assert_same(documented: Any, real: Any, page: str) -> None:
    missing, gone = sorted(set(real) - set(documented)), sorted(set(documented) - set(real))
    assert not missing, f"docs/reference/{page} lacks {missing}"
    assert not gone, f"docs/reference/{page} documents {gone}, which is not there"


# --- settings ---------------------------------------------------------------------------------


def calls(file: Path) -> Iterator[ast.Call]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def settings_read_by_django() -> dict[str, ast.expr | None]:
    """Name → expression of the default, of every `env.kind("NAME", default=…)`."""
    found: dict[str, ast.expr | None] = {}
    files = ("settings.py", "product_settings.py")
    for call in (call for file in files for call in calls(ROOT / "registry" / file)):
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "env" and call.args:
            name = ast.literal_eval(call.args[0]) if isinstance(call.args[0], ast.Constant) else None
            if name:
                found[name] = next((word.value for word in call.keywords if word.arg == "default"), None)
    return found


def settings_read_by_run() -> set[str]:
    found = {f"{queue.upper()}_CONCURRENCY" for queue in QUEUES}
    for file in [ROOT / "run", *(ROOT / "registry" / "local").rglob("*.py")]:
        for call in calls(file):
            reads = ast.unparse(call.func) in {"os.environ.get", "environment.get"}
            if reads and isinstance(call.args[0], ast.Constant) and call.args[0].value != "PATH":
                found.add(call.args[0].value)
    return found


def test_every_setting_has_a_row_and_every_row_a_setting():
    assert_same(rows("settings.md"), {*settings_read_by_django(), *settings_read_by_run()}, "settings.md")


def shown(default: Any) -> str:
    if default in ("", [], {}):
        return "–"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list):
        return "`" + ",".join(map(str, default)) + "`"
    if isinstance(default, dict):
        return "`" + ",".join(f"{name}={value}" for name, value in default.items()) + "`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_every_documented_default_is_the_real_one():
    documented = rows("settings.md")
    for name, expression in settings_read_by_django().items():
        if expression is not None and not any(
            isinstance(node, ast.Name | ast.Call) for node in ast.walk(expression)
        ):
            # Arithmetic of constants only, such as 4 * 1024 * 1024.
            default = eval(compile(ast.Expression(expression), "settings.py", "eval"), {"__builtins__": {}})
            assert documented[name][0] == shown(default), name


# --- addresses --------------------------------------------------------------------------------


def addresses(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, path)
        elif isinstance(entry, URLPattern):
            yield "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path), entry


def of_the_api() -> dict[str, URLPattern]:
    return {
        path: entry
        for path, entry in addresses(get_resolver())
        if path.startswith(("/api/v1/", "/healthz", "/readyz", "/metrics", "/v1/"))
    }


def test_every_api_address_has_a_row_and_every_row_an_address():
    assert_same(rows("api.md"), of_the_api(), "api.md")


def test_every_documented_method_is_one_the_address_takes():
    documented = rows("api.md")
    for path, entry in of_the_api().items():
        view = getattr(entry.callback, "cls", None)
        if view is not None:
            takes = {name.upper() for name in view.http_method_names if hasattr(view, name)}
            assert set(documented[path][0].split(", ")) == takes - {"OPTIONS", "HEAD", "TRACE"}, path


# --- errors -----------------------------------------------------------------------------------


def product_errors() -> dict[str, int]:
    """code → five-digit number of every error any app can answer with."""
    for app in APPS:
        for module in pkgutil.walk_packages(importlib.import_module(app).__path__, f"{app}."):
            if not re.search(r"\.(migrations|local|management|celery|wsgi|settings)\b", module.name):
                importlib.import_module(module.name)
    found, waiting = {}, [ProductError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if "code" in vars(kind) and kind is not ProductError and kind.__module__.split(".")[0] in APPS:
            found[kind.code] = NUMBER.get(kind.code, STATUS[kind.kind] * 100)
    return found


def test_every_error_code_has_a_row_with_its_number():
    real = product_errors()
    documented = rows("errors.md")
    assert_same(documented, real, "errors.md")
    for code, number in real.items():
        assert documented[code][0] == str(number), code


def test_what_is_said_about_single_events_is_explained():
    """The codes of rejected events and the lints of odd ones, as far as they are literals in the code."""
    said = set()
    for file in (ROOT / "events").glob("*.py"):
        for call in calls(file):
            if ast.unparse(call.func) in {"Unacceptable", "lints.append", "problem", "refusals.problem"}:
                said |= {call.args[0].value} if isinstance(call.args[0], ast.Constant) else set()
    explained = set(re.findall("`([a-z0-9_]+)`", (REFERENCE / "events.md").read_text(encoding="utf-8")))
    assert len(said) > 8
    assert said <= explained, f"docs/reference/events.md lacks {said - explained}"


# --- commands ---------------------------------------------------------------------------------


def test_every_command_has_a_row():
    of_django = {f"manage.py {name}" for name, app in get_commands().items() if app in APPS}
    of_run = {f"./run {name}" for name in run._parsers()[1]}
    assert_same(rows("commands.md"), of_django | of_run, "commands.md")


def commands_of(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for word, inner in command.commands.items():
            yield from commands_of(inner, f"{name} {word}")
    else:
        yield name, command


@pytest.mark.parametrize(("name", "command"), [*commands_of(onex, "onex")], ids=str)
def test_every_command_of_onex_and_each_of_its_options_is_documented(name, command):
    page = (REFERENCE / "onex-command.md").read_text(encoding="utf-8")
    section = re.search(rf"^#+ `{re.escape(name)}`$(.*?)(?=^## |^### |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section, f"docs/reference/onex-command.md lacks {name}"
    documented = set(
        re.findall(r"`(--[a-z-]+)`", "".join(re.findall(r"^\| (`--[^|]*)", section[1], re.MULTILINE)))
    )
    options = (option for option in command.params if isinstance(option, click.Option))
    assert documented == {word for option in options for word in (*option.opts, *option.secondary_opts)}


def test_no_command_is_documented_that_is_not_there():
    page = (REFERENCE / "onex-command.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^#+ `(onex [a-z ]+)`$", page, re.MULTILINE)) - {"onex taxonomy"}
    assert named == {name for name, _ in commands_of(onex, "onex")}


# --- links ------------------------------------------------------------------------------------

PAGES = [
    file
    for folder in (ROOT / "docs", ROOT / "sdk", ROOT / "templates")
    for file in sorted(folder.rglob("*.md"))
] + sorted(ROOT.glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_leads_nowhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http://", "https://", "mailto:", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name} links {target}"
