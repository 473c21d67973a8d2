"""Many stored batches ring few times, and the last of them is never forgotten."""

import threading

from access.bell import CoalescedBell


class Later:
    """Calls that wait for their time, which the test makes come."""

    def __init__(self):
        self.waiting = []

    def __call__(self, seconds, call):
        self.waiting.append((seconds, call))

    def comes(self):
        (_, call) = self.waiting.pop(0)
        call()


def test_a_burst_rings_at_once_and_once_more_when_the_quiet_time_is_over():
    rung, later = [], Later()
    bell = CoalescedBell(lambda: rung.append(1), quiet_seconds=0.2, later=later)
    for _ in range(1000):
        bell.ring()
    assert len(rung) == 1
    assert [seconds for seconds, _ in later.waiting] == [0.2]

    later.comes()
    assert len(rung) == 2
    later.comes()
    assert len(rung) == 2
    assert later.waiting == []


def test_after_silence_it_rings_at_once_again():
    rung, later = [], Later()
    bell = CoalescedBell(lambda: rung.append(1), quiet_seconds=0.05, later=later)
    for times in (1, 2, 3):
        bell.ring()
        assert len(rung) == times
        later.comes()
        assert len(rung) == times


def test_the_quiet_time_ends_by_itself():
    rung = threading.Semaphore(0)
    bell = CoalescedBell(rung.release, quiet_seconds=0.05)
    bell.ring()
    bell.ring()
    assert rung.acquire(timeout=30)
    assert rung.acquire(timeout=30)
