"""The virtual clock: monotone, drift-free, and the same whatever commands come in between."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.timeline import Clock, duration, virtual_times

BEGAN = datetime(2026, 11, 23, tzinfo=UTC)
seconds = st.floats(min_value=0, max_value=1e6, allow_nan=False)
speeds = st.floats(min_value=0.01, max_value=1000)
times = st.lists(seconds.map(lambda s: BEGAN + timedelta(seconds=s)), min_size=1, max_size=50)


def at(*offsets):
    return [BEGAN + timedelta(seconds=offset) for offset in offsets]


def test_gaps_are_kept_and_the_longest_are_cut():
    assert virtual_times(at(0, 1, 1.5, 100, 101)) == [0, 1, 1.5, 100, 101]
    assert virtual_times(at(0, 1, 1.5, 100, 101), max_gap=2) == [0, 1, 1.5, 3.5, 4.5]
    assert virtual_times(at(0, 1, 1.5), max_gap=0) == [0, 0, 0]
    assert virtual_times([]) == []


def test_a_time_before_its_predecessor_waits_nothing():
    assert virtual_times(at(0, 10, 5, 12)) == [0, 10, 10, 17]


def test_the_capture_of_the_specification():
    """6,248 s cut to 576 s are 58 s at x10; scaling first and cutting then would be 139 s."""
    idle = [0.0]
    for gap in [512.0] * 11 + [51.0] * 12 + [1.0] * 4:
        idle.append(idle[-1] + gap)
    virtual = virtual_times(at(*idle), max_gap=20)
    assert idle[-1] == 6248
    assert virtual[-1] == 464
    assert duration(virtual[-1], 10) == pytest.approx(46.4)


@given(times, st.none() | seconds)
def test_virtual_times_begin_at_zero_and_never_go_back(given_times, max_gap):
    virtual = virtual_times(given_times, max_gap)
    assert virtual[0] == 0
    assert virtual == sorted(virtual)
    assert len(virtual) == len(given_times)


@given(times, seconds)
def test_no_wait_is_longer_than_the_longest_gap(given_times, max_gap):
    virtual = virtual_times(sorted(given_times), max_gap)
    assert all(b - a <= max_gap + 1e-6 for a, b in pairwise(virtual))


@given(seconds, speeds, seconds)
def test_the_clock_shows_an_events_time_at_its_deadline(v0, speed, ahead):
    clock = Clock(BEGAN, v0, speed)
    due = clock.deadline(v0 + ahead)
    assert clock.virtual(due, reached=0) == pytest.approx(v0 + ahead, abs=1e-6 * max(1.0, speed))


@given(st.lists(st.tuples(st.floats(0, 1e4), speeds), min_size=1, max_size=10), speeds)
def test_commands_never_move_the_clock_and_it_ends_where_the_sum_says(commands, first_speed):
    """Any sequence of speed changes: the clock is continuous, monotone, and at the end the sum of its parts."""
    clock, now, expected = Clock(BEGAN, 0.0, first_speed), BEGAN, 0.0
    for wait, speed in commands:
        now += timedelta(seconds=wait)
        expected += (now - clock.t0).total_seconds() * clock.speed
        before = clock.virtual(now, reached=0)
        clock = clock.changed(now, reached=0, speed=speed)
        assert clock.virtual(now, reached=0) == before
        assert clock.v0 == pytest.approx(expected, rel=1e-9, abs=1e-3)


def test_one_four_and_half_speed_are_704_seconds():
    """The simulation of the specification: 1x for 200 s, 4x for 100 s, then 0.5x to the end at 800 s."""
    clock = Clock(BEGAN, 0.0, 1.0)
    clock = clock.changed(BEGAN + timedelta(seconds=200), reached=0, speed=4)
    clock = clock.changed(BEGAN + timedelta(seconds=300), reached=0, speed=0.5)
    assert (clock.deadline(802.0) - BEGAN).total_seconds() == pytest.approx(704)


def test_as_fast_as_possible_is_due_at_once_and_stands_where_the_run_is():
    clock = Clock(BEGAN, 5.0, math.inf)
    assert clock.deadline(1e9) == BEGAN
    assert clock.virtual(BEGAN + timedelta(hours=1), reached=42.0) == 42.0
    assert clock.changed(BEGAN, reached=42.0, speed=1.0) == Clock(BEGAN, 42.0, 1.0)
    assert duration(1000, math.inf) == 0


def test_an_event_that_is_overdue_is_due_now_and_not_in_the_past_of_the_anchor():
    assert Clock(BEGAN, 10.0, 2.0).deadline(4.0) == BEGAN
