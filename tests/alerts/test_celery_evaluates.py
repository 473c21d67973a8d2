"""A real Celery worker on a real broker: stored events ring, the worker evaluates, a killed one costs nothing."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from django.conf import settings as configured
from django.db import connection

from access.bell import ring
from alerts.models import Episode, Rule
from events.signals import events_stored
from tests.alerts.log import Sent, head, store
from tests.database import url_of_test_database
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
WORKER = "celery -A registry.celery worker -Q alerts --pool threads -c 1 --without-gossip --without-mingle -l WARNING"


@contextmanager
def worker(tmp_path):
    """A worker process on the test database and this process's broker; its output is shown when the test fails."""
    environment = os.environ | {
        "DATABASE_URL": url_of_test_database(),
        "ONEX_HOME": str(configured.ONEX_HOME),
    }
    output = tmp_path / f"worker-{time.monotonic_ns()}.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *WORKER.split()],
            cwd=configured.BASE_DIR,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        sys.stdout.write(output.read_text(errors="replace"))


def announce():
    events_stored.send(sender=None, position=head(), count=1)


def test_stored_events_make_a_worker_process_open_an_episode(make_rule, tmp_path):
    make_rule(threshold=3, window_seconds=600, group_by=["node_id"])
    store([Sent(node_id=node) for node in "aaab"])
    announce()
    with worker(tmp_path):
        until(lambda: Episode.objects.filter(group={"node_id": "a"}).exists(), 60)
        store([Sent(node_id="b"), Sent(node_id="b")])
        announce()
        until(lambda: Episode.objects.filter(group={"node_id": "b"}).exists(), 60)
    assert Episode.objects.count() == 2


def test_a_worker_killed_while_it_evaluates_loses_and_doubles_nothing(make_rule, tmp_path):
    rule = make_rule(threshold=1, window_seconds=60, group_by=["node_id"])
    nodes = [f"n{number}" for number in range(600)]
    for begin in range(0, len(nodes), 300):
        store([Sent(node_id=node) for node in nodes[begin : begin + 300]])
        announce()
        with worker(tmp_path) as process:
            until(lambda: _is_writing() or _is_done(rule), 60)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
    with worker(tmp_path):
        ring("alerts.tasks.evaluate_rules")  # the beat sweep: the killed worker had taken the doorbell
        until(lambda: _is_done(rule), 60)
    assert sorted(episode.group["node_id"] for episode in Episode.objects.all()) == sorted(nodes)


def _is_done(rule):
    return Rule.objects.get(pk=rule.pk).cursor == head()


def _is_writing():
    """Whether another connection is inside a transaction that has written to the episodes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE relation = 'alerts_episode'::regclass "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0] > 0
