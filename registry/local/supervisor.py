"""Keeps a set of programs running, and leaves none behind."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from registry.local import home as homes
from registry.local import processes

LOG_BYTES = 10 * 1024 * 1024
LOG_CHECK_SECONDS = 5.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# A child that ran this long was healthy: the next death is a new story, restarted at once.
HEALTHY_SECONDS = 30.0


@dataclass(frozen=True)
class Program:
    """What to run: in its own process group, under `uid` and `gid` when given."""

    name: str
    argv: list[str]
    environment: Mapping[str, str]
    folder: Path
    uid: int | None = None
    gid: int | None = None


@dataclass
class Child:
    program: Program
    process: subprocess.Popen[bytes]
    record: processes.Recorded
    since: float
    deaths: int = 0
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Starts programs, restarts those that die, and ends all of them.

    `on_change` is told after every start, so that what is written about the processes stays true.
    """

    home: Path
    say: Callable[[str], None]
    socket_folder: str = ""
    on_change: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    children: dict[str, Child] = field(default_factory=dict)
    # Sockets that keep our ports for us while children come and go.
    reserved: list[socket.socket] = field(default_factory=list)
    _logs_checked: float = 0.0

    def start(self, program: Program) -> None:
        self.children[program.name] = self._spawn(program)
        self._changed()

    def pids(self) -> dict[str, int]:
        return {
            "supervisor": os.getpid(),
            **{name: child.process.pid for name, child in self.children.items()},
        }

    def dead(self) -> list[str]:
        """Names of the children that are not running now."""
        return [name for name, child in self.children.items() if child.process.poll() is not None]

    def tend(self) -> None:
        """Restart what has died (after a pause that doubles with each death) and bound the logs. Call it often."""
        now = self.clock()
        for name, child in list(self.children.items()):
            if child.process.poll() is None:
                continue
            if child.restart_at is None:
                self._bury(child, now)
            elif now >= child.restart_at:
                deaths = child.deaths
                self.children[name] = self._spawn(child.program)
                self.children[name].deaths = deaths
                self._changed()
        if now - self._logs_checked > LOG_CHECK_SECONDS:
            self._logs_checked = now
            self._bound_logs()

    def stop(self) -> None:
        """End every child within about ten seconds."""
        processes.stop([child.record for child in self.children.values()], reap=self._reap)
        self._reap()
        self.children.clear()
        while self.reserved:
            self.reserved.pop().close()

    def _bury(self, child: Child, now: float) -> None:
        processes.kill_rest(child.record)
        child.deaths = 1 if now - child.since > HEALTHY_SECONDS else child.deaths + 1
        pause = 0.0 if child.deaths == 1 else min(FIRST_PAUSE * 2 ** (child.deaths - 2), LONGEST_PAUSE)
        child.restart_at = now + pause
        self.say(f"{child.program.name} {_how_it_ended(child.process.returncode)}; restarting.")

    def _spawn(self, program: Program) -> Child:
        # Appending, so that copy-and-truncate below is safe while the child writes.
        with self.log_of(program.name).open("ab") as log:
            process = subprocess.Popen(
                program.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=program.folder,
                env=dict(program.environment),
                user=program.uid,
                group=program.gid,
                extra_groups=None if program.uid is None else [],
                start_new_session=True,
            )
        return Child(program, process, processes.record(program.name, process.pid), self.clock())

    def _changed(self) -> None:
        records = [child.record for child in self.children.values()]
        processes.write_records(self.home / homes.PROCESSES_FILE, records, self.socket_folder)
        self.on_change()

    def _reap(self) -> None:
        for child in self.children.values():
            child.process.poll()

    def log_of(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def _bound_logs(self) -> None:
        for log in (self.home / "logs").glob("*.log"):
            if log.stat().st_size > LOG_BYTES:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)


def _how_it_ended(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
