"""The registry knows when events could not come in."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from events.doors import GAP, open_until, outage_at, say_open, say_regularly
from events.models import Doors, Outage

NONE = timedelta()


def silent_for(seconds):
    Doors.objects.update(open_until=F("open_until") - timedelta(seconds=seconds))


@pytest.mark.django_db
def test_nothing_is_known_before_anybody_said_so():
    assert open_until() is None
    assert outage_at(timezone.now(), grace=GAP) is None
    say_open()
    assert abs(open_until() - timezone.now()) < timedelta(minutes=1)
    assert not Outage.objects.exists()


@pytest.mark.django_db
def test_a_restart_is_no_outage_and_a_longer_silence_is_one():
    say_open()
    silent_for(20)
    say_open()
    assert not Outage.objects.exists()
    silent_for(100)
    before = open_until()
    say_open()
    outage = Outage.objects.get()
    assert (outage.began_at, outage.ended_at > before) == (before, True)
    inside = outage.began_at + timedelta(seconds=1)
    for moment, grace, found in (
        (inside, NONE, outage),
        (outage.ended_at + timedelta(seconds=5), NONE, None),
        (outage.ended_at + timedelta(seconds=5), timedelta(seconds=10), outage),
        (outage.began_at - timedelta(seconds=1), timedelta(seconds=10), None),
    ):
        assert outage_at(moment, grace=grace) == found


@pytest.mark.django_db(transaction=True)
def test_several_processes_that_come_back_together_tell_of_one_outage():
    say_open()
    silent_for(1_000)
    together = threading.Barrier(8)

    def come_back(_):
        together.wait()
        try:
            say_open()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come_back, range(8)))
    assert Outage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_process_says_so_again_and_again_until_it_ends():
    said = threading.Semaphore(0)
    stop = threading.Event()

    def wait(_seconds):
        said.release()
        return stop.wait(0.01)

    thread = say_regularly(stopped=wait)
    for _ in range(3):
        assert said.acquire(timeout=20)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert open_until() is not None
