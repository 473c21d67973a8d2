"""`./run` and `./run demo`: start the registry, say how to reach it, and stay."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from registry.local import connection, stack
from registry.local.connection import Connection
from registry.local.errors import Refusal
from registry.local.home import CHECKOUT, home_named, open_home
from registry.local.stack import say
from registry.local.supervisor import Supervisor


def serve(*, host: str, port: int, seconds: float | None) -> int:
    home = open_home(home_named())
    began = time.monotonic()
    with stack.supervised(home) as supervisor:
        _introduce(stack.bring_up(supervisor, host=host, port=port), home, time.monotonic() - began)
        _stay_until_stopped(supervisor, seconds)
    say("Stopped.")
    return 0


def demo(data: Path | None, *, host: str, port: int, seconds: float | None) -> int:
    """Tell the story on the running instance if there is one, else on one of its own, which stays up afterwards."""
    if data is not None and not data.is_dir():
        raise Refusal(f"{data} is not a folder. --data names one with schemas and payloads, or leave it out.")
    running = connection.find(home_named())
    if running:
        say(f"Using the running instance at {running.url}.")
        return _story(running, data)
    home = open_home(home_named("-demo"))
    began = time.monotonic()
    with stack.supervised(home) as supervisor:
        _introduce(stack.bring_up(supervisor, host=host, port=port), home, time.monotonic() - began)
        status = _tell_beside(supervisor, home, data)
        say("It stays up for you to look around.")
        _stay_until_stopped(supervisor, seconds)
    say("Stopped.")
    return status


def _tell_beside(supervisor: Supervisor, home: Path, data: Path | None) -> int:
    """Run this same command against the instance just started, while its supervisor goes on supervising."""
    argv = [sys.executable, "-m", "registry.local", "demo"]
    if data is not None:
        argv += ["--data", str(data.absolute())]
    story = subprocess.Popen(
        argv, cwd=CHECKOUT, env={**os.environ, "ONEX_HOME": str(home)}, stdin=subprocess.DEVNULL
    )
    try:
        stack.stay(supervisor, until=lambda: story.poll() is not None)
    finally:
        story.terminate()
        story.wait()
    return story.returncode


def _story(running: Connection, data: Path | None) -> int:
    from registry.local import demo as story

    return story.main(running, data)


def _introduce(up: Connection, home: Path, seconds: float) -> None:
    say(
        f"\nOnex Registry is up at {up.url} (after {seconds:.1f} s)\n"
        f"  login     {up.login}\n"
        f"  password  {up.password}\n"
        f"  token     {up.token}\n"
        f"  files     {home} (logs, connection.json)\n"
    )


def _stay_until_stopped(supervisor: Supervisor, seconds: float | None) -> None:
    """Stop is the ordinary end here, not an interruption."""
    if seconds is None:
        say("Stop it with Ctrl-C.")
    with contextlib.suppress(stack.Stop):
        stack.stay(supervisor, seconds)
        return
    say("Stopping …")
