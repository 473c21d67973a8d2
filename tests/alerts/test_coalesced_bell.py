"""Many stored batches ring few times, and the last of them is never forgotten."""

import threading
import time

from alerts.receivers import CoalescedBell


def test_a_burst_rings_at_once_and_once_more_when_the_quiet_time_is_over():
    rung = threading.Semaphore(0)
    bell = CoalescedBell(rung.release, quiet_seconds=0.2)
    for _ in range(1000):
        bell.ring()
    assert rung.acquire(timeout=1)
    began = time.monotonic()
    assert rung.acquire(timeout=5)
    assert time.monotonic() - began > 0.1
    assert not rung.acquire(timeout=0.5)


def test_after_silence_it_rings_at_once_again():
    rung = threading.Semaphore(0)
    bell = CoalescedBell(rung.release, quiet_seconds=0.05)
    for _ in range(3):
        bell.ring()
        assert rung.acquire(timeout=1)
        assert not rung.acquire(timeout=0.2)
