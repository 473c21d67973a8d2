"""Doorbells: a broker that is away costs a warning and no time."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Whatever waits between two attempts waits by time.sleep.
RING = """
import json, time
waits = []
time.sleep = waits.append
import django
django.setup()
from access.bell import ring
for _ in range(3):
    ring("access.tasks.deliver_due")
print(json.dumps(waits))
"""


@contextmanager
def broker_that_hangs_up() -> Iterator[tuple[int, list[object]]]:
    """Its port, and who called."""
    calls: list[object] = []

    def run() -> None:
        while True:
            try:
                connection, caller = listener.accept()
            except OSError:
                return
            calls.append(caller)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=run, daemon=True).start()
        yield listener.getsockname()[1], calls
        listener.shutdown(socket.SHUT_RDWR)


def test_a_broker_that_is_away_neither_raises_nor_holds_up_the_request_that_rings():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ran = ring_three_times(port)
    assert sum(json.loads(ran.stdout)) == 0
    assert ran.stderr.count("did not take a doorbell") == 3


def test_a_broker_that_hangs_up_is_tried_only_twice_for_each_doorbell():
    with broker_that_hangs_up() as (port, calls):
        ran = ring_three_times(port)
    assert sum(json.loads(ran.stdout)) == 0
    assert ran.stderr.count("did not take a doorbell") == 3
    assert 3 <= len(calls) <= 6


def ring_three_times(port: int) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "registry.settings",
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
    }
    return subprocess.run(
        [sys.executable, "-c", RING], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
