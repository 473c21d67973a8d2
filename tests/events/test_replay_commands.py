"""Steering a run: single steps, jumps, loops, and what becomes of the time it fell behind."""

from datetime import timedelta

import pytest

from access.models import AuditEntry
from events import playback
from events.errors import ReplayInvalid, ReplayOver
from events.models import Replay
from events.steer_replay import (
    cancel_replay,
    change_speed,
    loop_replay,
    pause_replay,
    resume_replay,
    seek_replay,
    step_replay,
)
from tests.events.replays import BEGAN, TimeThatIsWaitedFor, begin, play, store
from tests.receiver import Receiver, Reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock():
    return TimeThatIsWaitedFor()


def watched(actor, **options):
    """A run to nowhere but its own page."""
    return begin(actor, kind="browser", **options)


def outcomes(replay):
    return [item.outcome for item in replay.items.all()]


def test_steps_play_so_many_events_at_once_and_pause_at_the_last_of_them(actor, clock):
    store(0.0, 100.0, 200.0, 300.0)
    replay = watched(actor)
    step_replay(actor=actor, replay_id=replay.pk)
    replay = play(replay, by=clock.time)
    assert (replay.state, replay.done, replay.anchor_virtual, replay.step_until) == ("paused", 1, 0.0, None)
    step_replay(actor=actor, replay_id=replay.pk, count=2)
    replay = play(replay, by=clock.time)
    assert (replay.state, replay.done, replay.anchor_virtual) == ("paused", 3, 200.0)
    assert clock.slept == 0
    assert [item.planned_at for item in replay.items.all()] == [None] * 4
    # From the last step on at its own pace.
    resume_replay(actor=actor, replay_id=replay.pk)
    change_speed(actor=actor, replay_id=replay.pk, speed=1000)
    assert play(replay).state == "completed"


def test_a_step_at_the_end_completes_and_steps_beyond_it_stop_there(actor, clock):
    store(0.0, 1.0)
    replay = watched(actor)
    step_replay(actor=actor, replay_id=replay.pk, count=2)
    assert play(replay, by=clock.time).state == "completed"
    for count in (0, 3, -1):
        with pytest.raises(ReplayInvalid, match="1 to 2 steps"):
            step_replay(actor=actor, replay_id=watched(actor).pk, count=count)


def test_steps_in_a_row_add_up_and_a_pause_forgets_them(actor, clock):
    store(*range(10))
    replay = watched(actor)
    for _ in range(3):
        step_replay(actor=actor, replay_id=replay.pk)
    assert play(replay, by=clock.time).done == 3
    step_replay(actor=actor, replay_id=replay.pk, count=5)
    pause_replay(actor=actor, replay_id=replay.pk)
    assert playback.play_next(time=clock.time) is None
    replay.refresh_from_db()
    assert (replay.done, replay.step_until) == (3, None)


def test_seeking_back_plays_again_as_another_segment(actor, clock):
    store(*range(5))
    replay = watched(actor, speed=0)
    step_replay(actor=actor, replay_id=replay.pk, count=4)
    play(replay, by=clock.time)
    sought = seek_replay(actor=actor, replay_id=replay.pk, position=2)
    assert (sought.state, sought.done, sought.segment, sought.segment_from) == ("paused", 1, 2, 1)
    assert outcomes(replay) == ["shown", "", "", "", ""]
    resume_replay(actor=actor, replay_id=replay.pk)
    assert outcomes(play(replay, by=clock.time)) == ["shown"] * 5


def test_seeking_forward_jumps_over_events(actor, clock):
    store(*range(0, 50, 10))
    replay = watched(actor)
    seek_replay(actor=actor, replay_id=replay.pk, offset=25.0)
    replay = play(replay, by=clock.time)
    assert outcomes(replay) == ["", "", "", "shown", "shown"]
    # From 25 s to the end at 40 s.
    assert clock.slept == pytest.approx(15.0, abs=1)


def test_seeking_to_the_time_at_which_something_happened(actor):
    store(0.0, 10.0, 20.0)
    replay = watched(actor)
    assert seek_replay(actor=actor, replay_id=replay.pk, time=BEGAN + timedelta(seconds=10)).done == 1
    assert seek_replay(actor=actor, replay_id=replay.pk, time=BEGAN + timedelta(seconds=11)).done == 2
    store(30.0, lints=["no_timestamp"], correlation_id="by-arrival")
    by_arrival = watched(actor, correlation_id="by-arrival")
    assert seek_replay(actor=actor, replay_id=by_arrival.pk, time=BEGAN + timedelta(seconds=30.1)).done == 0


@pytest.mark.parametrize(
    ("place", "pointer"),
    [
        ({}, "/position"),
        ({"position": 1, "offset": 2.0}, "/position"),
        ({"position": 0}, "/position"),
        ({"position": 3}, "/position"),
        ({"offset": -1.0}, "/offset"),
        ({"offset": 1.5}, "/offset"),
        ({"offset": float("nan")}, "/offset"),
        ({"time": BEGAN + timedelta(days=1)}, "/time"),
    ],
)
def test_a_place_that_the_run_does_not_have_is_refused(actor, place, pointer):
    store(0.0, 1.0)
    replay = watched(actor)
    with pytest.raises(ReplayInvalid) as refused:
        seek_replay(actor=actor, replay_id=replay.pk, **place)
    assert refused.value.facts["pointer"] == pointer


def test_a_jump_in_the_middle_of_a_request_is_followed_at_once(actor, settings, meanwhile):
    """The worker learns of it from its checkpoint, which writes nothing about the place that was left."""
    store(*(n * 0.001 for n in range(10)))
    with Receiver() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        replay = begin(actor, target=receiver.url, speed=0)

        def answer(request):
            if len(receiver.received) == 3:
                meanwhile("UPDATE events_replay SET segment = 2, done = 7, segment_from = 7")
            return Reply()

        receiver.answer = answer
        assert playback.play_next() is None
        places = [
            (request.headers["onex-replay-segment"], request.headers["onex-replay-index"])
            for request in receiver.received
        ]
    assert places == [
        *(("1", f"{n}/10") for n in (1, 2, 3)),
        *(("2", f"{n}/10") for n in (8, 9, 10)),
    ]
    replay.refresh_from_db()
    assert (replay.state, replay.items.get(index=2).outcome) == ("completed", "")


def test_the_same_event_has_another_message_id_in_another_segment(actor, settings):
    store(0.0, 0.0)
    with Receiver() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        replay = begin(actor, target=receiver.url, speed=0)
        step_replay(actor=actor, replay_id=replay.pk)
        play(replay)
        seek_replay(actor=actor, replay_id=replay.pk, position=1)
        resume_replay(actor=actor, replay_id=replay.pk)
        play(replay)
        assert [
            request.headers["webhook-id"].removeprefix(str(replay.pk)) for request in receiver.received
        ] == [
            ":1:e1",
            ":2:e1",
            ":2:e2",
        ]


def test_a_loop_is_a_run_of_its_own_for_each_pass(actor, clock):
    store(0.0, 1.0)
    first = watched(actor, loop=2)
    runs = [play(first, by=clock.time)]
    while following := Replay.objects.filter(previous=runs[-1]).first():
        assert list(following.items.values_list("event_id", "outcome")) == [("e1", ""), ("e2", "")]
        runs.append(play(following, by=clock.time))
    assert [(run.pass_number, run.passes_left, run.state) for run in runs] == [
        (1, 2, "completed"),
        (2, 1, "completed"),
        (3, 0, "completed"),
    ]
    assert len({run.pk for run in runs}) == 3


def test_a_loop_ends_when_it_is_switched_off_or_the_run_is_cancelled(actor, clock):
    store(0.0)
    replay = watched(actor, loop=5)
    assert loop_replay(actor=actor, replay_id=replay.pk, passes=0).passes_left == 0
    play(replay, by=clock.time)
    cancelled = watched(actor, loop=5)
    cancel_replay(actor=actor, replay_id=cancelled.pk)
    playback.play_next(time=clock.time)
    assert Replay.objects.filter(previous__isnull=False).count() == 0
    with pytest.raises(ReplayInvalid, match="REPLAY_MAX_PASSES"):
        watched(actor, loop=101)


def stuck(clock):
    """A target that keeps the run waiting for 5 s at its second event."""

    def answer(request):
        if request.headers["onex-replay-index"].startswith("2/"):
            clock.sleep(5.0)
        return Reply()

    return answer


def test_a_run_that_slips_keeps_its_distances_and_says_by_how_much_it_was_put_off(actor, settings, clock):
    store(*range(6))
    with Receiver(stuck(clock)) as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        replay = play(begin(actor, target=receiver.url, late_policy=Replay.Late.SLIP), by=clock.time)
    sent = [item.sent_at for item in replay.items.all()]
    assert [(at - sent[0]).total_seconds() for at in sent] == pytest.approx([0, 1, 6, 7, 8, 9])
    assert replay.slipped == pytest.approx(4.0)
    assert max(item.late_ms for item in replay.items.all()) == pytest.approx(0, abs=1)


def test_a_run_that_catches_up_sends_what_it_missed_at_once(actor, settings, clock):
    store(*range(6))
    with Receiver(stuck(clock)) as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        replay = play(begin(actor, target=receiver.url), by=clock.time)
    sent = [item.sent_at for item in replay.items.all()]
    assert [(at - sent[0]).total_seconds() for at in sent] == pytest.approx([0, 1, 6, 6, 6, 6])
    assert replay.slipped == 0


def test_an_ended_run_takes_none_of_the_commands(actor, clock):
    store(0.0)
    replay = play(watched(actor), by=clock.time)
    for command in (
        lambda **to: step_replay(count=1, **to),
        lambda **to: seek_replay(position=1, **to),
        lambda **to: loop_replay(passes=1, **to),
    ):
        with pytest.raises(ReplayOver, match="is completed; start a new one"):
            command(actor=actor, replay_id=replay.pk)


def test_the_commands_over_rest(owner):
    store(0.0, 1.0, 2.0)
    run = owner.api.post("/api/v1/replays", {"correlation_id": "order-1"}).json()
    assert (run["to"], run["target"], run["stands_at"]) == ("browser", "whoever watches", 0.0)
    at = f"/api/v1/replays/{run['id']}"
    assert owner.api.post(f"{at}/step", {"count": 2}).json()["state"] == "running"
    sought = owner.api.post(f"{at}/seek", {"time": "2026-11-23T09:00:01Z"}).json()
    assert (sought["segment"], sought["done"]) == (2, 1)
    assert owner.api.post(f"{at}/loop", {"passes": 3}).json()["passes_left"] == 3
    for command, body, code in (
        ("step", {"count": 9}, "invalid_replay"),
        ("step", {"count": "two"}, "invalid_request"),
        ("seek", {}, "invalid_replay"),
        ("seek", {"position": 99}, "invalid_replay"),
        ("loop", {}, "invalid_request"),
        ("loop", {"passes": -1}, "invalid_replay"),
    ):
        answer = owner.api.post(f"{at}/{command}", body)
        assert (answer.status_code, answer.json()["details"]["code"]) == (422, code)


def test_the_buttons_of_the_player_work_with_and_without_scripts(owner):
    store(0.0, 1.0, 2.0)
    replay = watched(owner.actor)
    at = f"/replays/{replay.pk}"
    for command, body in (("step", {"count": "1"}), ("seek", {"position": "2"}), ("loop", {"passes": "1"})):
        assert owner.browser.post(f"{at}/{command}", body)["Location"] == at
        fragment = owner.browser.post(
            f"{at}/{command}", body, headers={"HX-Request": "true"}
        ).content.decode()
        assert fragment.strip().startswith('<section id="progress"')
    replay.refresh_from_db()
    assert (replay.segment, replay.passes_left) == (3, 1)
    told = owner.browser.post(f"{at}/seek", {"position": "9"}, follow=True).content.decode()
    assert "A position is the number of an event, from 1 to 3." in told
    assert (
        owner.browser.post(f"{at}/seek", {"position": "9"}, headers={"HX-Request": "true"})["HX-Redirect"]
        == at
    )


def test_operators_steer_runs_in_the_admin_by_the_same_operations(owner):
    store(0.0, 1.0)
    replay = watched(owner.actor)

    def act(person, action):
        asked = {"action": action, "_selected_action": [str(replay.pk)]}
        answer = person.browser.post("/admin/events/replay/", asked, follow=True)
        replay.refresh_from_db()
        return replay.state, answer.content.decode()

    owner.user.is_staff = owner.user.is_superuser = True
    owner.user.save()
    assert [act(owner, action)[0] for action in ("pause", "resume", "step", "cancel")] == [
        "paused",
        "running",
        "running",
        "cancelled",
    ]
    assert "This replay is cancelled; start a new one." in act(owner, "pause")[1]
    assert AuditEntry.objects.filter(action="replay.paused").count() == 1
