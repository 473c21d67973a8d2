"""Doorbells: a broker that is away costs a warning and no time."""

import os
import socket
import subprocess
import sys

RING = """
import time, django
django.setup()
from access.bell import ring
for _ in range(3):
    began = time.monotonic()
    ring("access.tasks.deliver_due")
    print(f"took {time.monotonic() - began:.3f}")
"""


def test_a_broker_that_is_away_neither_raises_nor_holds_up_the_request_that_rings():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "registry.settings",
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
    }
    ran = subprocess.run(
        [sys.executable, "-c", RING], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    took = [float(line.split()[1]) for line in ran.stdout.splitlines()]
    assert len(took) == 3
    assert max(took) < 2
    assert "did not take a doorbell" in ran.stderr
