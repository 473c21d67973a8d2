"""One registry on this machine: database, web server, workers and beat, from start to orderly end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from registry.local import home as homes
from registry.local import place, ports, postgres, programs
from registry.local.connection import Connection
from registry.local.errors import Refusal, about_full_disk
from registry.local.files import write_private
from registry.local.home import CHECKOUT
from registry.local.supervisor import Supervisor
from registry.local.watchdog import Watchdog

READY_SECONDS = 60.0
# Dying this often before it was ever ready is no accident.
HOPELESS_DEATHS = 4
TEND_SECONDS = 0.25
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8090


class Stop(BaseException):
    """Ctrl-C, SIGTERM, or the terminal was closed."""


def say(sentence: str) -> None:
    print(sentence, flush=True)


@contextlib.contextmanager
def supervised(home: Path) -> Iterator[Supervisor]:
    """Hold the home and supervise programs in it; at the end none of them is left, however the end comes.

    A termination signal raises Stop in the body.
    """
    with homes.hold(home):
        watchdog = Watchdog(home)
        supervisor = Supervisor(home, say)
        previous = {number: signal.signal(number, _raise_stop) for number in _TERMINATION}
        try:
            yield supervisor
        finally:
            for number in _TERMINATION:
                signal.signal(number, signal.SIG_IGN)
            supervisor.stop()
            homes.clean(home)
            watchdog.dismiss()
            for number, handler in previous.items():
                signal.signal(number, handler)


_TERMINATION = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _raise_stop(_number: int, _frame: FrameType | None) -> None:
    raise Stop


def start_database(supervisor: Supervisor, *, durable: bool = True) -> str:
    """URL of the database: that of DATABASE_URL, or of an embedded server started for this home."""
    external = os.environ.get("DATABASE_URL")
    if external:
        postgres.refuse_unreachable(external)
        return external
    home = supervisor.home
    where = place.place_for(home)
    postgres.prepare(home, where, say)
    sockets = place.socket_folder(where)
    supervisor.socket_folder = str(sockets)
    supervisor.start(postgres.program(home, where, sockets, durable=durable))
    url = postgres.url(home, sockets)
    postgres.wait_until_ready(where, lambda: _tend_or_refuse(supervisor, "postgres"))
    write_private(home / homes.DATABASE_URL_FILE, url + "\n")
    return url


def bring_up(supervisor: Supervisor, *, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> Connection:
    """Start everything and return when the server is ready; `connection.json` then says how to reach it."""
    home = supervisor.home
    reserved, receiver = ports.reserve(host, port), ports.reserve("127.0.0.1", 0)
    supervisor.reserved += [reserved, receiver]
    port, receiver_address = ports.port_of(reserved), f"127.0.0.1:{ports.port_of(receiver)}"
    url = programs.address(host, port)
    environment = programs.environment(home, host=host, port=port, receiver=receiver_address)
    start_database(supervisor)
    # Loading the web server takes as long as preparing; it says it is not ready while migrations are missing.
    supervisor.start(programs.web(environment, host=host, port=port))
    account = _prepare(home, environment)
    for program in programs.workers(environment, home):
        supervisor.start(program)
    _await_ready(supervisor, url)
    _await_workers(supervisor)
    # Nobody waits for the sweeps: they find what was left over.
    supervisor.start(programs.beat(environment, home))

    def connection() -> Connection:
        return Connection(
            url=url, api=f"{url}/api/v1", receiver=receiver_address, pids=supervisor.pids(), **account
        )

    supervisor.on_change = lambda: connection().write(home)
    supervisor.on_change()
    return connection()


def stay(
    supervisor: Supervisor, seconds: float | None = None, until: Callable[[], bool] = lambda: False
) -> None:
    """Keep the stack running for `seconds`, or until `until()` holds; for ever when neither is given."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while not until() and (deadline is None or time.monotonic() < deadline):
        supervisor.tend()
        time.sleep(TEND_SECONDS)


def _prepare(home: Path, environment: dict[str, str]) -> dict[str, str]:
    """Migrate, load the catalogue and make the administrator; what `bootstrap` says about the latter."""
    log = home / "logs" / "prepare.log"
    last = ""
    with (
        log.open("w", encoding="utf-8") as errors,
        _ended_with_us([sys.executable, "-m", "registry.local.prepare"], environment, errors) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith("{"):
                say(line.rstrip())
            last = line
    if process.returncode:
        output = log.read_text(encoding="utf-8", errors="replace")
        if "No space left on device" in output:
            raise about_full_disk(home)
        reason = (output.strip().splitlines() or ["it gave no reason"])[-1]
        raise Refusal(f"The database could not be prepared: {reason.strip()} All it said is in {log}.")
    account: dict[str, str] = json.loads(last)
    return {name: account[name] for name in ("login", "password", "token")}


@contextlib.contextmanager
def _ended_with_us(
    argv: list[str], environment: dict[str, str], errors: object
) -> Iterator[subprocess.Popen[str]]:
    """A short-lived child that a Ctrl-C at the terminal does not reach, but that never outlives the body."""
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=errors,  # type: ignore[call-overload]  # a text file
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=CHECKOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
        process.wait()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _await_ready(supervisor: Supervisor, url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        _tend_or_refuse(supervisor, "web")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 -- our own http address
                return
        except urllib.error.HTTPError as answer:
            reason = answer.read(500).decode(errors="replace")
        except OSError as problem:
            reason = str(problem)
        if time.monotonic() > deadline:
            log = supervisor.log_of("web")
            raise Refusal(
                f"The server did not become ready within {READY_SECONDS:.0f} s: {reason}. Its log is {log}."
            )
        time.sleep(0.05)


def _await_workers(supervisor: Supervisor) -> None:
    """Until every worker takes messages; what comes before that would only wait for them."""
    deadline = time.monotonic() + READY_SECONDS
    waiting = set(programs.QUEUES)
    while waiting := {one for one in waiting if not _takes_messages(supervisor, one)}:
        if time.monotonic() > deadline:
            logs = ", ".join(str(supervisor.log_of(one)) for one in sorted(waiting))
            raise Refusal(
                f"Not ready within {READY_SECONDS:.0f} s: the workers {', '.join(sorted(waiting))}. See {logs}."
            )
        time.sleep(0.02)


def _takes_messages(supervisor: Supervisor, queue: str) -> bool:
    """Whether the worker that runs now has said so; an earlier one's number is not its own."""
    pid = _tend_or_refuse(supervisor, queue)
    with contextlib.suppress(FileNotFoundError):
        return programs.ready_file(supervisor.home, queue).read_text(encoding="ascii") == str(pid)
    return False


def _tend_or_refuse(supervisor: Supervisor, name: str) -> int:
    """Process number of the child; Refusal with its last words when it keeps dying."""
    supervisor.tend()
    if supervisor.children[name].deaths < HOPELESS_DEATHS:
        return supervisor.children[name].process.pid
    log = supervisor.log_of(name)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["nothing"]
    if any("No space left on device" in line for line in lines[-20:]):
        raise about_full_disk(supervisor.home)
    raise Refusal(f"{name} does not start. The last it said: {lines[-1].strip()} Its log is {log}.")
