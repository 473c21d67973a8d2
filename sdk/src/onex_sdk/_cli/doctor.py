"""`onex doctor`: is everything there that the other commands need?"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path

import click

from onex_sdk._cli import credentials, verdicts
from onex_sdk._cli.exits import CLEAN, FINDINGS, Stopped
from onex_sdk._cli.lock_file import Lock
from onex_sdk._cli.options import finished, json_option, url_option
from onex_sdk._cli.project import FILE, Project
from onex_sdk._cli.server import Server
from onex_sdk._errors import Denied, NotFound, RegistryError
from onex_sdk._options import Options
from onex_sdk._report import sdk_version

_SECONDS = 10.0
_CLOCK_SECONDS = 30
#: Of those that lost events, those that lost most.
_SERVICES = 3
_MARKS = {"ok": ("✓", "green"), "note": ("·", "cyan"), "problem": ("✗", "red")}


@dataclass(frozen=True)
class Check:
    """`state` is `ok`, `note` (absent, which may be meant) or `problem`."""

    name: str
    state: str
    sentence: str


@click.command(short_help="Is everything there that is needed?")
@url_option
@json_option
def doctor(*, url: str | None, as_json: bool) -> None:
    """Look at what the other commands need, and say what to do about what is missing. Exit status 1 on problems."""
    checks = [*_local(), *_guarded("registry", lambda: _registry(url))]
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=2, ensure_ascii=False))
    else:
        for check in checks:
            mark, colour = _MARKS[check.state]
            click.echo(f"{click.style(mark, fg=colour)} {check.name:<12} {check.sentence}")
    finished(FINDINGS if any(check.state == "problem" for check in checks) else CLEAN)


def _local() -> Iterator[Check]:
    yield Check("command", "ok", f"onex {sdk_version()}, Python {platform.python_version()}")
    yield from _guarded("verdicts", _verdicts)
    found = shutil.which("git")
    yield Check(
        "git",
        "ok" if found else "note",
        found or "not installed: `--against` takes files and the registry only",
    )
    yield from _guarded("project", _project)
    yield from _spool(Options.read({}))


def _verdicts() -> Iterator[Check]:
    try:
        verdicts.verdicts()
    except Stopped as absent:
        yield Check("verdicts", "note", str(absent))
    else:
        yield Check("verdicts", "ok", "offline, by onex-compat")


def _project() -> Iterator[Check]:
    project = Project.here()
    said = FILE if (project.root / FILE).exists() else f"no {FILE}, so the defaults hold"
    count = len(project.everything.files)
    yield Check("project", "ok" if count else "note", f"{project.root}: {count} schemas ({said})")
    lock = Lock.of(project)
    if not lock.place.exists():
        yield Check("lock", "note", f"no {lock.place.name}; `onex lock` makes one")
        return
    stale = [outcome.subject for outcome in lock.compared(project.everything.files) if outcome.findings]
    told = f"out of date for {', '.join(stale[:5])}{' …' if len(stale) > 5 else ''}: `onex lock --check` says why"
    yield Check(
        "lock",
        "problem" if stale else "ok",
        told if stale else f"{len(lock.subjects)} subjects, all as locked",
    )


def _spool(options: Options) -> Iterator[Check]:
    """What clients on this machine keep on disk, where the environment says that they do."""
    if options.spool_dir:
        waiting = [log.stat().st_size for log in Path(options.spool_dir).rglob("*.log")]
        told = f"{options.spool_dir}: {sum(waiting):,} bytes of events wait to be sent"
        yield Check("spool", "note" if any(waiting) else "ok", told)
    letters = options.dead_letter_file or (options.spool_dir and f"{options.spool_dir}/dead-letters.ndjson")
    if letters and (place := Path(letters)).exists():
        with place.open("rb") as opened:
            count = sum(1 for _ in opened)
        told = f"{place}: {count} events were refused or dropped; each line says why"
        yield Check("dead letters", "problem" if count else "ok", told)


def _registry(url: str | None) -> Iterator[Check]:
    found = credentials.find(url, Project.here().settings.url)
    yield Check("address", "ok", f"{found.url} (from {found.url_from})")
    with Server(found, timeout=_SECONDS) as server:
        try:
            answer = server.ask("GET", "/subjects", {"limit": 1})
        except Denied as refusal:
            yield Check(
                "token", "problem", f"{_hint(found.token)} (from {found.token_from}) is refused: {refusal}"
            )
            return
        yield Check("token", "ok", f"{_hint(found.token)} (from {found.token_from})")
        version = server.get("/v1/metadata/version")
        yield Check("registry", "ok", f"answers, version {version.get('version', 'unknown')}")
        yield from _events(server)
    yield _clock(answer.headers.get("Date"))


def _events(server: Server) -> Iterator[Check]:
    """What programs told the registry of events that never arrived: of ONEX_SERVICE, or of all."""
    service = os.environ.get("ONEX_SERVICE", "")
    try:
        producers = server.get("/client-reports", {"service": service} if service else {})["items"]
    except (NotFound, Denied):
        return
    losers = [one for one in producers if one["events"]["lost"]]
    if not losers:
        yield Check("events", "ok", f"none lost, by what programs told (services: {len(producers)})")
    for one in losers[:_SERVICES]:
        told = one["events"]
        reasons = {"refused": told["refused"], **told["dropped"]}
        why = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items() if count)
        yield Check("events", "note", f"{one['service']} lost {told['lost']:,} of {told['emitted']:,}: {why}")


def _hint(token: str) -> str:
    """Enough to know which token it is, too little to use it."""
    return f"{token[:9]}…" if len(token) > 20 else "a short token"


def _clock(date: str | None) -> Check:
    try:
        there = parsedate_to_datetime(date or "")
    except ValueError:
        return Check("clock", "note", "the registry does not tell its time")
    off = (datetime.now(timezone.utc) - there).total_seconds()
    if abs(off) <= _CLOCK_SECONDS:
        return Check("clock", "ok", "agrees with the registry's")
    way = "ahead of" if off > 0 else "behind"
    return Check("clock", "problem", f"{abs(off):.0f} s {way} the registry's: events will seem out of order")


def _guarded(name: str, ask: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """What can go wrong on the way is a finding, too."""
    try:
        yield from ask()
    except (Stopped, RegistryError) as problem:
        yield Check(name, "problem", str(problem))
