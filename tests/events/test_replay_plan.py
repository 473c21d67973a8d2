"""What a replay would do, told before it starts: order, pace, what is missing, and who may."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.errors import Forbidden, SecretInvalid, TargetRefused
from access.models import AuditEntry
from events.errors import CorrelationNotFound, ReplayInvalid
from events.models import Event, QuarantinedEvent, Replay
from tests.events.replays import begin, plan, store

pytestmark = pytest.mark.django_db


def test_events_go_by_the_producers_clock_equal_times_by_arrival(actor):
    late, first, twin_a, twin_b = store(3.0, 0.0, 1.0, 1.0)
    found = plan(actor)
    assert found.order == "clock"
    assert [step.event_id for step in found.steps] == [e.event_id for e in (first, twin_a, twin_b, late)]
    assert [step.virtual for step in found.steps] == [0.0, 1.0, 1.0, 3.0]


@pytest.mark.parametrize(
    "columns", [{"late": -7200.0}, {"lints": ["clock_out_of_range"]}, {"lints": ["no_timestamp"]}]
)
def test_one_clock_that_lies_puts_all_into_the_order_and_pace_of_arrival(actor, columns):
    """ONEX stamps START in local time: it claims to have happened two hours after it was received."""
    offsets = (7200.0,) if columns.get("late") else (0.0,)
    store(*offsets, **columns)
    store(1.0, 2.5, late=0.5)
    found = plan(actor)
    assert found.order == "arrival"
    assert [step.position for step in found.steps] == sorted(step.position for step in found.steps)
    assert found.length == pytest.approx(
        (
            Event.objects.order_by("-position")[0].received_at
            - Event.objects.order_by("position")[0].received_at
        ).total_seconds()
    )


def test_a_clock_that_is_a_little_ahead_is_still_believed(actor):
    store(0.0, late=-3.0)
    store(1.0)
    assert plan(actor).order == "clock"


def test_idle_time_is_cut_and_told(actor):
    store(0.0, 1.0, 601.0)
    found = plan(actor, max_gap=5.0)
    assert (found.length, found.skipped) == (6.0, 595.0)
    assert [found.seconds(speed) for speed in (1.0, 2.0, 0)] == [6.0, 3.0, 0.0]


def test_quarantined_and_sampled_out_events_are_told_up_front(actor):
    store(0.0, 1.0, sample_rate=0.25)
    for number in range(3):
        QuarantinedEvent.objects.create(
            event_id=f"q{number}",
            event_type="team.order",
            correlation_id="order-1",
            reason="x",
            digest=b"%d" % number,
            raw=b"{}",
            producer="t",
        )
    missing = {entry["reason"]: entry["count"] for entry in plan(actor).missing}
    assert missing == {"quarantined": 3, "sampled_out": 6}


def test_a_correlation_at_the_beginning_of_a_log_that_lost_its_own_says_so(actor):
    """Positions have no gaps from 1 up: an oldest one above that is what retention left."""
    first, _ = store(0.0, 1.0, correlation_id="older")
    store(2.0)
    assert plan(actor).missing == []
    Event.objects.filter(position=first.position).delete()
    (told,) = plan(actor).missing
    assert (told["reason"], told["count"]) == ("expired", None)
    assert "2026-11-23 09:00 UTC" in told["sentence"]

    store(200_000.0, correlation_id="much-later")
    assert plan(actor, correlation_id="much-later").missing == []


def test_the_scope_is_needed_for_every_type_that_is_touched(make_person):
    store(0.0, event_type="team.order")
    store(1.0, event_type="billing.invoice")
    everything = make_person("ann", role="operator")
    part = make_person("bob", role="operator", prefix="team.")
    reader = make_person("cid", role="viewer")
    plan(everything.actor)
    for person, problem in ((part, CorrelationNotFound), (reader, Forbidden)):
        with pytest.raises(problem):
            plan(person.actor)
        with pytest.raises(problem):
            begin(person.actor)
    assert Replay.objects.count() == 0


@pytest.mark.parametrize("scopes", [["replay"], ["read", "replay"]])
def test_what_may_not_be_read_answers_as_if_it_were_not_there(make_person, scopes):
    store(0.0, event_type="secret.order")
    person = make_person("bob", role="operator", scopes=scopes, subject_prefixes=["team."])
    told = []
    for correlation_id in ("order-1", "order-2"):
        body = {"correlation_id": correlation_id}
        answer = person.api.post("/api/v1/replays/plan", body)
        assert answer.status_code == 404
        told.append(answer.json()["message"].replace(correlation_id, "?"))
    assert told[0] == told[1]
    assert "secret" not in told[0]


def test_a_run_is_seen_by_whoever_may_replay_all_its_types(make_person):
    store(0.0, event_type="team.order")
    store(1.0, event_type="billing.invoice")
    ann = make_person("ann", role="operator")
    replay = begin(ann.actor)
    assert replay.event_types == ["billing.invoice", "team.order"]
    for prefix, count in (("", 1), ("team.", 0), ("billing.", 0), ("bill", 0)):
        person = make_person(f"with {prefix}", role="operator", prefix=prefix)
        assert Replay.objects.visible_to(person.actor).count() == count
    both = make_person("both", role="operator", prefix="team.o")
    both.user.roles.create(name="operator", subject_prefix="billing.")
    assert Replay.objects.visible_to(both.actor).count() == 1


def test_the_audit_log_keeps_no_secret_of_the_targets_address(actor):
    store(0.0)
    begin(actor, target="https://example.com/hooks/T0/s3cret")
    assert AuditEntry.objects.get(action="replay.started").details["target"] == "example.com:443"


def test_the_items_are_fixed_at_the_start(actor):
    store(0.0, 1.0)
    replay = begin(actor)
    store(2.0)
    assert replay.items.count() == replay.total == 2
    assert replay.length == 1.0
    assert AuditEntry.objects.get(action="replay.started").target == f"replay/{replay.pk}"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"correlation_id": "unknown"}, CorrelationNotFound),
        ({"target": "http://169.254.169.254/"}, TargetRefused),
        ({"target": "http://127.0.0.1:1/"}, TargetRefused),
        ({"speed": 0.001}, ReplayInvalid),
        ({"speed": -1}, ReplayInvalid),
        ({"speed": 1e9}, ReplayInvalid),
        ({"speed": float("nan")}, ReplayInvalid),
        ({"max_gap": -1.0}, ReplayInvalid),
        ({"max_gap": float("inf")}, ReplayInvalid),
        ({"secret": "hunter2"}, SecretInvalid),
    ],
)
def test_what_cannot_be_played_is_refused_and_leaves_nothing(actor, options, error):
    store(0.0)
    with pytest.raises(error):
        begin(actor, **options)
    assert Replay.objects.count() == 0


def test_a_correlation_beyond_the_limit_is_refused(actor, settings):
    settings.REPLAY_MAX_EVENTS = 2
    store(0.0, 1.0, 2.0)
    with pytest.raises(ReplayInvalid, match="REPLAY_MAX_EVENTS"):
        plan(actor)


def test_a_run_that_nobody_holds_waits_and_one_that_is_far_from_its_next_event_does_not(actor):
    store(0.0)
    replay = begin(actor)
    now = timezone.now() + timedelta(seconds=1)
    assert list(Replay.objects.waiting(now)) == [replay]
    for columns in (
        {"due_at": now + timedelta(hours=1)},
        {"leased_until": now + timedelta(minutes=1), "due_at": now},
    ):
        Replay.objects.update(leased_until=None)
        Replay.objects.update(**columns)
        assert list(Replay.objects.waiting(now)) == []


@pytest.mark.parametrize("speed", [1e-320, 0.001, 100_000])
def test_a_speed_that_no_run_has_is_refused_before_it_starts(owner, speed):
    store(0.0)
    answer = owner.api.post("/api/v1/replays/plan", {"correlation_id": "order-1", "speed": speed})
    assert (answer.status_code, answer.json()["details"]["pointer"]) == (422, "/speed")
