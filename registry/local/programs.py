"""The processes of a running registry, and the environment they share. docker-compose.yml names the same commands."""

import os
import socket
import sys
from pathlib import Path

from registry.local.home import CHECKOUT
from registry.local.supervisor import Program

# One process for each queue, so that none starves another. The value is how many tasks it runs at once.
QUEUES = {"alerts": 1, "replay": 4, "work": 4}
# Celery would have Django check itself, for which every page and door of the web server is loaded.
QUICK_START = {"CELERY_SKIP_CHECKS": "1"}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 -- compared with, not bound to


def environment(home: Path, *, host: str, port: int, receiver: str) -> dict[str, str]:
    """What every process of the stack gets: the caller's environment, and which instance this is."""
    given = dict(os.environ)
    allowed = [one for one in (given.get("OUTBOUND_ALLOW", ""), receiver) if one]
    return {
        "PUBLIC_URL": address(host, port),
        "ALLOWED_HOSTS": ",".join(_names_of(host)),
        **given,
        "ONEX_HOME": str(home),
        "PORT": str(port),
        "OUTBOUND_ALLOW": ",".join(allowed),
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONUNBUFFERED": "1",
    }


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds the server."""
    name = "127.0.0.1" if host in ANY_ADDRESS else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _names_of(host: str) -> list[str]:
    """Host headers to accept when ALLOWED_HOSTS does not say."""
    names = ["localhost", "127.0.0.1", "[::1]"]
    if host in ANY_ADDRESS:
        names += [socket.gethostname(), socket.getfqdn(), *_own_addresses()]
    elif host not in LOOPBACK:
        names.append(f"[{host}]" if ":" in host else host)
    return sorted(set(names))


def _own_addresses() -> list[str]:
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, family=socket.AF_INET)
    except socket.gaierror:
        return []
    return [str(entry[4][0]) for entry in found]


def web(environment: dict[str, str], *, host: str, port: int) -> Program:
    # A request waits for the database for half of its time: one process more than small machines have cores.
    workers = environment.get("WEB_WORKERS", "3")
    argv = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)]
    argv += ["--workers", workers, "--respawn-failed-workers", "--workers-kill-timeout", "4", "--no-ws"]
    argv += ["registry.wsgi:application"]
    return Program("web", argv, environment, CHECKOUT)


def workers(environment: dict[str, str], home: Path) -> list[Program]:
    return [_worker(environment, home, queue) for queue in QUEUES]


def _worker(environment: dict[str, str], home: Path, queue: str) -> Program:
    concurrency = environment.get(f"{queue.upper()}_CONCURRENCY", str(QUEUES[queue]))
    argv = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "registry.celery",
        "worker",
        "-Q",
        queue,
        "-n",
        f"{queue}@%h",
    ]
    argv += ["--pool", "threads", "--concurrency", concurrency, "--loglevel", "INFO"]
    argv += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    ready = {"ONEX_READY_FILE": str(ready_file(home, queue))}
    return Program(queue, argv, {**environment, **QUICK_START, **ready}, CHECKOUT)


def ready_file(home: Path, queue: str) -> Path:
    """Where the queue's worker writes its process number once it takes messages."""
    return home / "logs" / f"{queue}.ready"


def beat(environment: dict[str, str], home: Path) -> Program:
    argv = [sys.executable, "-m", "celery", "-A", "registry.celery", "beat", "--loglevel", "INFO"]
    argv += ["--schedule", str(home / "beat-schedule"), "--pidfile="]
    return Program("beat", argv, {**environment, **QUICK_START}, CHECKOUT)
