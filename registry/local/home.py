"""The folder in which one instance keeps its own files, held by one supervisor at a time."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from registry.local import connection, processes
from registry.local.errors import NO_SPACE, Refusal, about_full_disk

CHECKOUT = Path(__file__).resolve().parent.parent.parent
DATABASE_URL_FILE = "database-url"
PROCESSES_FILE = "processes.json"
WAIT_FOR_CLEANING_SECONDS = 25.0


def home_named(suffix: str = "") -> Path:
    """`ONEX_HOME` (default `.onex` in the checkout); a suffix names the home of `test`, `demo` or `bench` beside it."""
    given = os.environ.get("ONEX_HOME")
    base = Path(given).expanduser().absolute() if given else CHECKOUT / ".onex"
    return base.with_name(base.name + suffix)


def open_home(folder: Path) -> Path:
    """Make the folder if need be, for its owner only. Never changes one that exists."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(folder)
        (folder / "logs").mkdir(exist_ok=True)
    except FileExistsError:
        raise Refusal(f"{folder} is a file, not a folder. Set ONEX_HOME to a folder.") from None
    except PermissionError:
        raise Refusal(
            f"{folder} cannot be written by this user. Set ONEX_HOME to a folder of your own, or run as its owner."
        ) from None
    except OSError as problem:
        if problem.errno in NO_SPACE:
            raise about_full_disk(folder) from None
        raise Refusal(
            f"{folder} cannot be used: {problem.strerror}. Set ONEX_HOME to another folder."
        ) from None
    return folder


def _refuse_foreign(folder: Path) -> None:
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise Refusal(
            f"{folder} belongs to another user (number {owner}). Run as that user, or set ONEX_HOME to a folder of your own."
        )


@contextlib.contextmanager
def hold(home: Path) -> Iterator[None]:
    """Be the only supervisor of this home; what an earlier one left behind is ended first.

    The lock is shared with the forked watchdog, so it is free only when both are gone.
    Raises Refusal when an instance is already running here.
    """
    with (home / "lock").open("w") as lock:
        _take(lock.fileno(), home)
        clean(home)
        yield


def _take(lock: int, home: Path) -> None:
    deadline = time.monotonic() + WAIT_FOR_CLEANING_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _refuse_second(home)
            if time.monotonic() > deadline:
                raise Refusal(
                    f"Another process is using {home}: starting, stopping, or taking a backup. Wait for it, or set ONEX_HOME."
                ) from None
            time.sleep(0.1)
        else:
            return


def _refuse_second(home: Path) -> None:
    running = connection.find(home)
    if running:
        raise Refusal(
            f"Already running from {home} at {running.url} (supervisor {running.pids['supervisor']}). "
            f"Stop it with `kill {running.pids['supervisor']}`, or set ONEX_HOME to start another."
        )


def clean(home: Path) -> None:
    """End the processes that a killed supervisor left, and remove the files that say it runs."""
    left, socket_folder = processes.read_records(home / PROCESSES_FILE)
    processes.stop(left)
    connection.forget(home)
    (home / DATABASE_URL_FILE).unlink(missing_ok=True)
    if socket_folder:
        shutil.rmtree(socket_folder, ignore_errors=True)
    (home / PROCESSES_FILE).unlink(missing_ok=True)


def discard(home: Path) -> None:
    """Remove a home that nobody runs in, with its database, wherever that lies."""
    database = home / "postgres"
    if database.is_symlink():
        shutil.rmtree(database.resolve(), ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
