"""Which processes belong to a home, and how they are stopped: by the supervisor, its watchdog, or the next start."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

DATABASE = "postgres"
TERMINATE_SECONDS = 7.0
DATABASE_SECONDS = 10.0


@dataclass(frozen=True)
class Recorded:
    """A process that leads its own group; `started` tells it from a later one with the same number."""

    name: str
    pid: int
    started: str

    def alive(self) -> bool:
        return started(self.pid) == self.started

    def group_alive(self) -> bool:
        """Whether the process or any child it left behind still runs."""
        token = started(self.pid)
        if token is not None:
            return token == self.started
        return any(group == self.pid for group in _groups())


def record(name: str, pid: int) -> Recorded:
    return Recorded(name, pid, started(pid) or "gone")


def started(pid: int) -> str | None:
    """A token that no other process ever has, or None when `pid` is not running (a zombie is not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    # The name in parentheses may itself hold blanks and parentheses.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{_boot()}:{fields[19]}"


def _started_by_ps(pid: int) -> str | None:
    found = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    status, _, since = found.stdout.strip().partition(" ")
    return since.strip() or None if status and status[0] != "Z" else None


def _boot() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _groups() -> Iterable[int]:
    """The process group of every running process."""
    for entry in Path("/proc").iterdir() if Path("/proc/self").exists() else ():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX":
                yield int(fields[2])


def stop(records: Iterable[Recorded], *, reap: Callable[[], None] = lambda: None) -> None:
    """End every process group: politely, then by force; the database last, when nobody writes any more.

    `reap` is called while waiting, so that a parent can collect its dead children.
    """
    everyone = list(records)
    programs = [one for one in everyone if one.name != DATABASE]
    databases = [one for one in everyone if one.name == DATABASE]
    for one in programs:
        _signal_group(one, signal.SIGTERM)
    _await_end(programs, TERMINATE_SECONDS, reap)
    for one in databases:
        _signal_leader(one, signal.SIGINT)  # PostgreSQL's fast shutdown
    _await_end(databases, DATABASE_SECONDS, reap)


def kill_rest(one: Recorded) -> None:
    """End what a dead process left in its group, so that its successor starts alone."""
    if one.group_alive():
        _signal_group(one, signal.SIGKILL)


def _await_end(records: list[Recorded], seconds: float, reap: Callable[[], None]) -> None:
    deadline = time.monotonic() + seconds
    left = records
    while left and time.monotonic() < deadline:
        reap()
        left = [one for one in left if one.group_alive()]
        if left:
            time.sleep(0.05)
    for one in left:
        _signal_group(one, signal.SIGKILL)
    deadline = time.monotonic() + 2
    while any(one.group_alive() for one in left) and time.monotonic() < deadline:
        reap()
        time.sleep(0.02)


def _signal_group(one: Recorded, number: signal.Signals) -> None:
    if one.group_alive():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(one.pid, number)


def _signal_leader(one: Recorded, number: signal.Signals) -> None:
    if one.alive():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(one.pid, number)
    else:
        _signal_group(
            one, signal.SIGKILL
        )  # backends without their postmaster: PostgreSQL recovers from its log


def write_records(file: Path, records: Iterable[Recorded], socket_folder: str) -> None:
    """Replace the list of running processes in one step, so that a reader never sees half of it."""
    document = {"processes": [asdict(one) for one in records], "socket_folder": socket_folder}
    new = file.with_suffix(".new")
    new.write_text(json.dumps(document), encoding="utf-8")
    new.replace(file)


def read_records(file: Path) -> tuple[list[Recorded], str]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return [], ""
    return [Recorded(**one) for one in document["processes"]], document["socket_folder"]
