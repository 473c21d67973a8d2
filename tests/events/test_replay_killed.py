"""A replay through real Celery workers: one is killed in mid-run, another one goes on."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone

from access.actor import EVERYTHING, SYSTEM, Actor
from events.models import Event, LogHead, Replay
from events.playback import play_next
from events.replay_outcomes import causes_of, counts_of
from registry.publish import publish_version
from tests.database import url_of_test_database
from tests.events.replays import begin, store
from tests.receiver import Receiver, Reply
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
ANYONE = Actor(label="test", roles=(EVERYTHING,))


@pytest.fixture
def workers(tmp_path):
    """Starts workers of the queue `replay` on a broker and the test database of their own; ends them afterwards."""
    started = []
    home = tmp_path / "home"
    environment = {
        **os.environ,
        "DATABASE_URL": url_of_test_database(),
        "ONEX_HOME": str(home),
        "REDIS_URL": "",
    }

    def start(place, concurrency=2):
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "registry",
            "worker",
            "-Q",
            "replay",
            "--pool",
            "threads",
        ]
        command += [
            "--concurrency",
            str(concurrency),
            "--without-gossip",
            "--without-mingle",
            "-n",
            f"w{len(started)}@x",
        ]
        with (tmp_path / f"worker-{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env={**environment, "OUTBOUND_ALLOW": place, "REPLAY_LEASE_SECONDS": "2"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return process

    def sweep():
        """What beat does every few seconds."""
        code = "import django; django.setup(); from events.tasks import replay_sweep; replay_sweep()"
        subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, "DJANGO_SETTINGS_MODULE": "registry.settings"},
            check=True,
        )

    start.sweep = sweep
    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ended(sweep):
    """Waits until all runs came to their end, ringing as beat would for those that nobody plays."""

    def nothing_lives():
        if Replay.objects.waiting(timezone.now()).exists():
            sweep()
        return not Replay.objects.filter(state__in=Replay.LIVE).exists()

    until(nothing_lives, 90)


def test_killed_in_mid_run_another_worker_goes_on_without_gap_and_at_most_one_repetition(workers):
    store(*(n * 0.05 for n in range(120)))
    with Receiver(lambda _: Reply(delay=0.01)) as receiver:
        # No worker yet: the bell of the start is lost in the broker of this process, the sweep rings again.
        configured.OUTBOUND_ALLOW, before = [receiver.place], configured.OUTBOUND_ALLOW
        try:
            replay = begin(ANYONE, target=receiver.url)
        finally:
            configured.OUTBOUND_ALLOW = before
        first = workers(receiver.place)
        workers.sweep()
        receiver.wait_for(20)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        came_before = len(receiver.received)
        workers(receiver.place)
        ended(workers.sweep)

    replay.refresh_from_db()
    assert (replay.state, replay.done, replay.failed) == ("completed", 120, 0)
    assert replay.epoch >= 2
    indexes = [int(request.headers["onex-replay-index"].split("/")[0]) for request in receiver.received]
    assert came_before < 120
    assert sorted(set(indexes)) == list(range(1, 121))
    assert indexes == sorted(indexes)
    assert len(indexes) - 120 <= 1
    # A repetition is recognisable: it carries the id of the first.
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 120


def test_more_runs_than_worker_threads_all_progress_and_a_warm_shutdown_hands_them_over(workers):
    for number in range(6):
        store(*(n * 0.25 for n in range(40)), correlation_id=f"order-{number}")
    with Receiver() as receiver:
        configured.OUTBOUND_ALLOW, before = [receiver.place], configured.OUTBOUND_ALLOW
        try:
            for number in range(6):
                begin(ANYONE, correlation_id=f"order-{number}", target=receiver.url, speed=2.0)
        finally:
            configured.OUTBOUND_ALLOW = before
        first = workers(receiver.place, concurrency=1)
        workers.sweep()
        receiver.wait_for(60)
        runs = {request.headers["onex-replay-id"] for request in receiver.received}
        assert len(runs) > 1
        first.send_signal(signal.SIGTERM)
        first.wait(15)
        workers(receiver.place, concurrency=1)
        ended(workers.sweep)

    assert set(Replay.objects.values_list("state", "done")) == {("completed", 40)}
    # Nobody was killed, so nothing was repeated.
    assert len(receiver.received) == 240


ORDER = (
    '{"event_type": "team.order", "node_id": "n", "timestamp": "2026-11-23T09:00:00Z", "metadata": {"n": %d}}'
)


def stored_orders(count):
    """Every third of them breaks a schema that allows 0 and 1."""
    publish_version(actor=SYSTEM, subject="team.order", schema='{"type": "object"}')
    for number in range(count):
        store(number * 0.02, raw=(ORDER % (number % 3)).encode())
    LogHead.objects.update(position=count)


def killed_twice(workers, replay):
    """Two workers, one after the other, are killed in the middle of the run; a third brings it to its end."""
    for epoch, share in ((1, 0.2), (2, 0.5)):
        worker = workers("127.0.0.1:9")
        # On a busy machine one worker may come past both shares: each has to have taken the run.
        until(lambda epoch=epoch, share=share: moved(workers, replay, epoch) >= share * replay.total, 60)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    assert moved(workers, replay, 2) < replay.total
    workers("127.0.0.1:9")
    ended(workers.sweep)
    replay.refresh_from_db()
    assert (replay.state, replay.done) == ("completed", replay.total)
    assert replay.epoch >= 3


def moved(workers, replay, epoch):
    """How many events were played, once the run was taken `epoch` times."""
    if Replay.objects.waiting(timezone.now()).exists():
        workers.sweep()
    taken, done = Replay.objects.values_list("epoch", "done").get(pk=replay.pk)
    return done if taken >= epoch else 0


def test_killed_twice_no_event_is_stored_again_twice_and_none_is_left_out(workers):
    stored_orders(240)
    replay = begin(ANYONE, kind="ingest", speed=0.25, late_policy=Replay.Late.SLIP)
    killed_twice(workers, replay)
    copies = Event.everything.filter(replay_id=replay.pk).order_by("position")
    assert [copy.replay["index"] for copy in copies] == list(range(240))
    assert list(copies.values_list("position", flat=True)) == list(range(241, 481))
    told = replay.items.order_by("index").values_list("details__event_id", flat=True)
    assert list(told) == [copy.event_id for copy in copies]


def test_killed_twice_every_event_is_judged_and_counted_once(workers):
    stored_orders(240)
    schema = '{"properties": {"n": {"maximum": 1}}}'
    replay = begin(
        ANYONE, kind="schema", subject="team.order", schema=schema, speed=0.25, late_policy=Replay.Late.SLIP
    )
    killed_twice(workers, replay)
    assert counts_of(replay) == {"invalid": 80, "valid": 160}
    assert replay.failed == 80
    assert [cause.count for cause in causes_of(replay)] == [80]


def test_of_workers_that_reach_for_a_run_at_once_one_gets_it():
    store(*(n * 0.001 for n in range(30)))
    racing = threading.Barrier(6)

    def work():
        racing.wait()
        try:
            play_next()
        finally:
            connection.close()

    with Receiver() as receiver:
        configured.OUTBOUND_ALLOW, before = [receiver.place], configured.OUTBOUND_ALLOW
        try:
            replay = begin(ANYONE, target=receiver.url, speed=0)
            threads = [threading.Thread(target=work) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            configured.OUTBOUND_ALLOW = before
    replay.refresh_from_db()
    assert (replay.state, replay.epoch) == ("completed", 1)
    assert [request.headers["onex-replay-index"] for request in receiver.received] == [
        f"{n}/30" for n in range(1, 31)
    ]
