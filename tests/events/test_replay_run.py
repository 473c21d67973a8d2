"""Playing a run against a real receiver: bytes, order, pace, commands, and what goes wrong."""

from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from access.errors import Forbidden
from access.models import AuditEntry
from access.signing import new_secret
from events import playback
from events.errors import ReplayNotFound, ReplayOver
from events.models import Event, Replay
from events.steer_replay import cancel_replay, change_speed, pause_replay, resume_replay
from tests.events.replays import TimeThatIsWaitedFor, begin, play, store
from tests.receiver import Receiver, Reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


@pytest.fixture
def clock():
    return TimeThatIsWaitedFor()


def start(actor, receiver, **options):
    return begin(actor, **{"target": receiver.url, "speed": 0, **options})


def test_the_producers_bytes_arrive_in_order_signed_and_marked_as_a_replay(actor, receiver):
    events = store(0.0, 1.0, 2.5)
    secret = new_secret()
    replay = play(start(actor, receiver, secret=secret))

    assert (replay.state, replay.done, replay.failed) == ("completed", 3, 0)
    assert [request.body for request in receiver.received] == [event.raw for event in events]
    for index, (request, event) in enumerate(zip(receiver.received, events, strict=True)):
        Webhook(secret).verify(request.body, dict(request.headers))
        marks = {name: value for name, value in request.headers.items() if name.startswith("onex-")}
        assert marks == {
            "onex-replay-id": str(replay.pk),
            "onex-replay-of": event.event_id,
            "onex-replay-occurred-at": event.occurred_at.isoformat(),
            "onex-replay-speed": "max",
            "onex-replay-segment": "1",
            "onex-replay-index": f"{index + 1}/3",
        }
        assert request.headers["webhook-id"] == f"{replay.pk}:1:{event.event_id}"


def test_an_event_id_that_is_no_ascii_still_travels_in_a_header(actor, receiver):
    store(0.0, event_id="größe/1.2\n✓")
    replay = play(start(actor, receiver, secret=new_secret()))
    assert replay.failed == 0
    assert receiver.received[0].headers["onex-replay-of"] == "gr%C3%B6%C3%9Fe%2F1%2E2%0A%E2%9C%93"


def test_relative_timing_is_kept(actor, receiver, clock):
    store(*(n * 0.35 for n in range(40)))
    replay = play(start(actor, receiver, speed=10), by=clock.time)
    items = list(replay.items.all())
    after = [(item.sent_at - items[0].sent_at).total_seconds() for item in items]
    assert after == pytest.approx([n * 0.035 for n in range(40)])
    assert {item.late_ms for item in items} == {0}


def test_a_slow_target_is_caught_up_with_and_the_lateness_written_down(actor, receiver, clock):
    def answer(request):
        if request.headers["onex-replay-index"] == "1/10":
            clock.sleep(0.4)
        return Reply()

    receiver.answer = answer
    store(*(n * 0.1 for n in range(10)))
    replay = play(start(actor, receiver, speed=1), by=clock.time)
    assert [item.late_ms for item in replay.items.all()] == pytest.approx([0, 300, 200, 100] + [0] * 6)


def test_pause_keeps_the_place_and_resume_goes_on_from_there(actor, receiver):
    store(0.0, 0.1, 30.0, 30.1)
    replay = start(actor, receiver, speed=1)
    assert playback.play_next() is not None
    pause_replay(actor=actor, replay_id=replay.pk)
    replay.refresh_from_db()
    assert (replay.state, replay.done) == ("paused", 2)
    assert playback.play_next() is None
    paused_at = replay.anchor_virtual

    change_speed(actor=actor, replay_id=replay.pk, speed=1000)
    resume_replay(actor=actor, replay_id=replay.pk)
    replay.refresh_from_db()
    assert replay.anchor_virtual == paused_at
    assert play(replay).done == 4
    assert list(
        AuditEntry.objects.filter(action__startswith="replay.")
        .order_by("pk")
        .values_list("action", flat=True)
    ) == [
        "replay.started",
        "replay.paused",
        "replay.speed_changed",
        "replay.resumed",
    ]


def test_a_run_far_from_its_next_event_holds_no_worker(actor, receiver, clock):
    store(0.0, 3600.0)
    replay = start(actor, receiver, speed=1)
    again = playback.play_next(time=clock.time)
    assert clock.slept == 0
    replay.refresh_from_db()
    assert (replay.done, replay.leased_until, replay.due_at) == (1, None, again)
    assert timedelta(minutes=59) < again - timezone.now() < timedelta(minutes=60)
    assert playback.play_next() is None

    # A higher speed makes it due before the time it was to wake at.
    change_speed(actor=actor, replay_id=replay.pk, speed=1000)
    assert play(replay, seconds=10).state == "completed"


def test_a_worker_that_shuts_down_gives_its_run_back(actor, receiver):
    store(*(n * 0.05 for n in range(100)))
    replay = start(actor, receiver, speed=1)
    again = playback.play_next(stopping=lambda: len(receiver.received) >= 3)
    replay.refresh_from_db()
    assert (replay.state, replay.done, replay.leased_until) == ("running", 3, None)
    assert again <= timezone.now()
    change_speed(actor=actor, replay_id=replay.pk, speed=0)
    play(replay)
    assert len(receiver.received) == 100


def test_a_long_run_makes_room_for_one_that_waits(actor, receiver, clock):
    store(*(n * 0.02 for n in range(1000)), correlation_id="long")
    store(0.0, correlation_id="short")
    long = start(actor, receiver, correlation_id="long", speed=1)
    short = start(actor, receiver, correlation_id="short")
    playback.play_next(time=clock.time)
    assert clock.slept == pytest.approx(playback.FAIR_SECONDS, abs=0.1)
    playback.play_next(time=clock.time)
    short.refresh_from_db()
    assert short.state == "completed"
    long.refresh_from_db()
    assert long.done == pytest.approx(playback.FAIR_SECONDS / 0.02, abs=5)


def test_a_slice_ends_in_time_even_when_nobody_waits(actor, receiver, clock, settings):
    settings.REPLAY_SLICE_SECONDS = 5
    store(*(n * 0.1 for n in range(1000)))
    start(actor, receiver, speed=1)
    assert playback.play_next(time=clock.time) is not None
    assert clock.slept == pytest.approx(5, abs=0.2)


def test_events_of_other_runs_are_not_touched_and_two_workers_never_hold_one_run(actor, receiver):
    store(0.0, 10.0)
    replay = start(actor, receiver, speed=1)
    Replay.objects.update(leased_until=timezone.now() + timedelta(seconds=5), epoch=7)
    assert playback.play_next() is None
    Replay.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    playback.play_next()
    replay.refresh_from_db()
    assert (replay.epoch, replay.done) == (8, 1)


def test_a_worker_that_was_thought_dead_is_fenced_out(actor, receiver, meanwhile):
    """It slept in the middle of a request; by the time the answer comes, another worker has the run."""
    store(0.0, 0.0, 0.0)
    replay = start(actor, receiver)

    def answer(request):
        if len(receiver.received) == 1:
            meanwhile("UPDATE events_replay SET epoch = epoch + 1")
        return Reply()

    receiver.answer = answer
    assert playback.play_next() is None
    replay.refresh_from_db()
    assert (replay.done, len(receiver.received)) == (0, 1)


def test_cancel_in_mid_run_stops_after_the_event_under_way(actor, receiver, meanwhile):
    store(*(n * 0.01 for n in range(100)))
    replay = start(actor, receiver)

    def answer(request):
        if len(receiver.received) == 5:
            meanwhile("UPDATE events_replay SET state = 'cancelled', finished_at = now()")
        return Reply()

    receiver.answer = answer
    playback.play_next()
    replay.refresh_from_db()
    assert (replay.state, replay.done, replay.leased_until) == ("cancelled", 5, None)
    assert len(receiver.received) == 5


def test_an_ended_run_takes_no_commands_and_cancelling_twice_is_one(actor, receiver):
    store(0.0)
    replay = start(actor, receiver)
    cancel_replay(actor=actor, replay_id=replay.pk)
    cancel_replay(actor=actor, replay_id=replay.pk)
    assert playback.play_next() is None
    for command in (pause_replay, resume_replay, lambda **to: change_speed(speed=2, **to)):
        with pytest.raises(ReplayOver):
            command(actor=actor, replay_id=replay.pk)
    finished = play(start(actor, receiver))
    with pytest.raises(ReplayOver):
        cancel_replay(actor=actor, replay_id=finished.pk)
    assert AuditEntry.objects.filter(action="replay.cancelled").count() == 1


def test_only_who_may_replay_its_types_steers_a_run(actor, receiver, teammate, stranger, make_person):
    store(0.0)
    replay = start(actor, receiver)
    for person in (teammate, stranger):
        for command in (pause_replay, resume_replay, cancel_replay):
            with pytest.raises(ReplayNotFound):
                command(actor=person.actor, replay_id=replay.pk)
    operator = make_person("op", role="operator", prefix="team.")
    pause_replay(actor=operator.actor, replay_id=replay.pk)
    with pytest.raises(Forbidden):
        begin(teammate.actor, target=receiver.url)


def test_a_refusing_target_fails_the_event_and_not_the_run(actor, receiver):
    receiver.answer = lambda request: Reply(500 if request.headers["onex-replay-index"] == "2/3" else 204)
    store(0.0, 0.0, 0.0)
    replay = play(start(actor, receiver))
    assert (replay.state, replay.failed) == ("completed", 1)
    assert [item.status for item in replay.items.all()] == [204, 500, 204]
    assert "500" in replay.items.get(index=1).problem


@pytest.mark.parametrize(("status", "sentence"), [(410, "gone for good")])
def test_a_target_that_is_gone_ends_the_run(actor, receiver, status, sentence):
    receiver.answer = lambda _: Reply(status)
    store(0.0, 0.0)
    replay = play(start(actor, receiver))
    assert (replay.state, replay.done) == ("failed", 1)
    assert sentence in replay.problem


def test_a_target_where_nobody_is_ends_the_run_after_ten_events(actor, settings):
    with Receiver() as receiver:
        target = receiver.url
        settings.OUTBOUND_ALLOW = [receiver.place]
    store(*range(30))
    replay = begin(actor, target=target, speed=0)
    replay = play(replay)
    assert (replay.state, replay.done, replay.failed) == ("failed", 10, 10)
    assert "10 events in a row" in replay.problem


def test_a_target_that_is_no_longer_allowed_ends_the_run_and_names_the_setting(actor, receiver, settings):
    store(0.0, 0.0)
    replay = start(actor, receiver)
    settings.OUTBOUND_ALLOW = []
    replay = play(replay)
    assert (replay.state, receiver.received) == ("failed", [])
    assert "OUTBOUND_ALLOW" in replay.problem


def test_an_event_that_retention_removed_meanwhile_is_told_and_the_others_are_played(actor, receiver):
    first, gone, last = store(0.0, 0.0, 0.0)
    replay = start(actor, receiver)
    Event.objects.filter(position=gone.position).delete()
    replay = play(replay)
    assert (replay.state, replay.done, replay.failed) == ("completed", 3, 1)
    assert [request.body for request in receiver.received] == [first.raw, last.raw]
    assert "Retention" in replay.items.get(index=1).problem
