"""Any sequence of commands and waits: the stored run does what a few lines of arithmetic say it must."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from access.actor import SYSTEM
from events import playback, steer_replay
from events.models import Replay
from events.replay_clock import stands_at
from tests.events.replays import begin, store

pytestmark = pytest.mark.django_db
# Two at one moment, and a wait that is longer than a worker holds a run for.
VIRTUAL = [0.0, 1.0, 3.0, 3.0, 7.25, 30.0]
LENGTH = VIRTUAL[-1]
SPEEDS = st.sampled_from([0.5, 1.0, 4.0, 0.0])


class Model:
    """Where the clock stands (`v`), which event is next, and what was played: nothing else."""

    def __init__(self):
        self.v, self.speed, self.running, self.next, self.segment = 0.0, 1.0, True, 0, 1
        self.played = set()

    @property
    def over(self):
        return self.next == len(VIRTUAL)

    def play(self, until):
        while not self.over and VIRTUAL[self.next] <= until:
            self.played.add(self.next)
            self.next += 1

    def wait(self, seconds):
        if not self.running:
            return
        until = LENGTH if self.speed == 0 else self.v + seconds * self.speed
        self.play(until)
        self.v = until

    def step(self, count):
        last = min(self.next + count, len(VIRTUAL))
        self.played |= set(range(self.next, last))
        self.next, self.v, self.running = last, VIRTUAL[last - 1], False

    def seek(self, index, v):
        self.next, self.v, self.segment = index, v, self.segment + 1
        self.played -= set(range(index, len(VIRTUAL)))


def _no_wait(seconds):
    raise AssertionError(f"a step waited {seconds} s")


class Commands(RuleBasedStateMachine):
    """The run is played by a worker whose time passes only in `wait`."""

    @initialize()
    def start(self):
        self.replay = begin(SYSTEM, kind="browser")
        self.model = Model()
        self.began, self.passed = timezone.now(), 0.0
        self.clock = patch.object(timezone, "now", self.now)
        self.clock.start()

    def teardown(self):
        if hasattr(self, "clock"):
            self.clock.stop()
            # The next example's worker is to find its own run only.
            self.replay.delete()

    def now(self):
        return self.began + timedelta(seconds=self.passed)

    def command(self, name, **given):
        getattr(steer_replay, name)(actor=SYSTEM, replay_id=self.replay.pk, **given)

    def live(self):
        return not self.model.over

    @precondition(lambda self: self.model.over)
    @rule()
    def begin_again(self):
        self.replay.delete()
        self.replay, self.model = begin(SYSTEM, kind="browser"), Model()

    @precondition(live)
    @rule(seconds=st.floats(0.05, 40))
    def wait(self, seconds):
        edge = self.model.v + seconds * self.model.speed
        assume(all(abs(edge - at) > 0.001 for at in VIRTUAL))
        self.model.wait(seconds)
        self.let_pass(self.passed + seconds)

    def let_pass(self, limit):
        time = playback.Time(
            self.now, lambda: self.passed, lambda s: setattr(self, "passed", min(self.passed + s, limit))
        )
        for turn in range(200):
            if self.passed >= limit:
                break
            assert turn < 199, "the worker comes by and nothing happens"
            playback.play_next(stopping=lambda: self.passed >= limit, time=time)
            self.replay.refresh_from_db()
            if self.replay.state not in Replay.LIVE:
                break
            wanted = (self.replay.due_at - self.began).total_seconds()
            self.passed = min(limit, max(self.passed, wanted))
        self.passed = limit

    def stand_at_the_next_event(self):
        """At full speed nothing lies between events; a run that no worker has begun stands where it was put."""
        if self.model.running and self.model.speed == 0 and self.replay.anchored_at:
            self.model.v = VIRTUAL[self.model.next]

    @precondition(live)
    @rule()
    def pause(self):
        self.stand_at_the_next_event()
        self.model.running = False
        self.command("pause_replay")

    @precondition(live)
    @rule()
    def resume(self):
        self.model.running = True
        self.command("resume_replay")

    @precondition(live)
    @rule(speed=SPEEDS)
    def change_speed(self, speed):
        self.stand_at_the_next_event()
        self.model.speed = speed
        self.command("change_speed", speed=speed)

    @precondition(live)
    @rule(count=st.integers(1, 3))
    def step(self, count):
        self.model.step(count)
        self.command("step_replay", count=count)
        playback.play_next(time=playback.Time(self.now, lambda: self.passed, _no_wait))

    @precondition(live)
    @rule(position=st.integers(1, len(VIRTUAL)))
    def seek_to_an_event(self, position):
        self.model.seek(position - 1, VIRTUAL[position - 1])
        self.command("seek_replay", position=position)

    @precondition(live)
    @rule(offset=st.floats(0, LENGTH))
    def seek_to_a_second(self, offset):
        self.model.seek(next(n for n, at in enumerate(VIRTUAL) if at >= offset), offset)
        self.command("seek_replay", offset=offset)

    @invariant()
    def the_run_is_where_the_model_is(self):
        if not hasattr(self, "replay"):
            return
        self.replay.refresh_from_db()
        played = self.replay.items.exclude(outcome="").values_list("index", flat=True)
        assert set(played) == self.model.played
        assert (self.replay.done, self.replay.segment) == (self.model.next, self.model.segment)
        if self.model.over:
            assert self.replay.state == "completed"
            return
        assert (self.replay.state == "paused") == (not self.model.running)
        if self.replay.speed or not self.model.running:
            at = self.now() if self.replay.anchored_at else self.began
            assert stands_at(self.replay, at) == pytest.approx(min(self.model.v, LENGTH), abs=1e-3)


def test_every_sequence_of_commands_leads_where_the_model_says():
    store(*VIRTUAL)
    run_state_machine_as_test(
        Commands,
        settings=settings(
            max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_a_run_that_no_worker_has_begun_stands_where_it_was_put():
    store(*VIRTUAL)
    replay = begin(SYSTEM, kind="browser")
    for name, given in (("change_speed", {"speed": 0.0}), ("seek_replay", {"offset": 2.0})):
        getattr(steer_replay, name)(actor=SYSTEM, replay_id=replay.pk, **given)
    steered = steer_replay.change_speed(actor=SYSTEM, replay_id=replay.pk, speed=0.5)
    assert stands_at(steered, timezone.now()) == 2.0
