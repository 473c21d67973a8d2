"""A worker that writes an export is killed in the middle; the next one goes on, and every event is in it once."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.utils import timezone

from access.actor import SYSTEM
from events.export import fetch_export, start_export
from events.models import Export
from tests.database import url_of_test_database
from tests.events.conftest import Send, event
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
WORKER = """
import django; django.setup()
from events import walk
from events.export import work_on_next
walk.STRETCH = 25
while work_on_next(): pass
"""


def test_every_event_is_in_it_once(send: Send, settings: Any, tmp_path: Any) -> None:
    settings.UNKNOWN_EVENT_TYPE = "accept"
    send(*[event("a", event_id=f"e{n}") for n in range(4_000)])
    export = start_export(actor=SYSTEM, query={}, form="ndjson")
    environment = {
        **os.environ,
        "DATABASE_URL": url_of_test_database(),
        "ONEX_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "registry.settings",
    }
    for parts in (1, 20, 60):
        with subprocess.Popen(
            [sys.executable, "-c", WORKER], cwd=configured.BASE_DIR, env=environment
        ) as worker:
            until(lambda wanted=parts: Export.objects.get().parts >= wanted, 60)
            worker.send_signal(signal.SIGKILL)
        assert Export.objects.get().state == "running"
        # What its silence comes to.
        Export.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    subprocess.run([sys.executable, "-c", WORKER], cwd=configured.BASE_DIR, env=environment, check=True)
    done, pieces = fetch_export(actor=SYSTEM, export_id=export.pk)
    ids = [json.loads(line)["event_id"] for line in b"".join(pieces).splitlines()]
    assert ids == [f"e{n}" for n in range(4_000)]
    assert (done.events, done.epoch) == (4_000, 4)
