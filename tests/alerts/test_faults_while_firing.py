"""What happens around an episode while it fires: its rule or its channel goes, and the clock jumps."""

from datetime import timedelta

import orjson
import pytest

from access.delivery import deliver_due
from access.models import Delivery
from alerts.channels import ChannelSpec, create_channel, delete_channel
from alerts.models import Episode, Gathered, Rule
from alerts.rules import delete_rule
from tests.alerts.log import NOON, Sent, head, store
from tests.receiver import Receiver

HOUR = 3600


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def fail(*seconds, **said):
    store(Sent(occurred_at=at(second), **said) for second in seconds)


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


@pytest.fixture
def channel(actor, receiver):
    return create_channel(actor=actor, spec=ChannelSpec("team", receiver.url))


def told():
    rows = Delivery.objects.order_by("id")
    return [(row.message_id.split("-")[2], orjson.loads(bytes(row.body))["data"]) for row in rows]


@pytest.mark.django_db
def test_deleting_the_rule_ends_the_episode_and_says_so_to_who_heard_of_it(
    make_rule, evaluate, channel, actor
):
    rule = make_rule(channels=[channel.pk])
    fail(0)
    evaluate(at=0)
    delete_rule(actor=actor, rule_id=rule.pk)
    episode = Episode.objects.get()
    assert (episode.state, episode.ended_by) == ("resolved", f"The rule was deleted by {actor.label}.")
    assert [what for what, _ in told()] == ["firing", "resolved"]
    fail(1)
    evaluate(at=1)
    assert Episode.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_a_channel_that_is_deleted_still_arrives(
    make_rule, evaluate, channel, actor, receiver
):
    make_rule(channels=[channel.pk])
    fail(0)
    evaluate(at=0)
    delete_channel(actor=actor, channel_id=channel.pk)
    deliver_due()
    [request] = receiver.wait_for(1)
    assert request.headers["webhook-id"] == Delivery.objects.get().message_id
    evaluate(at=HOUR)
    assert Episode.objects.get().state == "resolved"
    assert Delivery.objects.count() == 1


@pytest.mark.django_db
def test_what_was_gathered_for_a_channel_goes_with_it(make_rule, evaluate, actor, receiver):
    gathering = create_channel(actor=actor, spec=ChannelSpec("slow", receiver.url, gather_seconds=60))
    make_rule(channels=[gathering.pk])
    fail(0)
    evaluate(at=0)
    assert Gathered.objects.count() == 1
    delete_channel(actor=actor, channel_id=gathering.pk)
    assert not Gathered.objects.exists()
    evaluate(at=HOUR)
    assert Episode.objects.get().state == "resolved"


@pytest.mark.django_db
@pytest.mark.parametrize("said", [{}, {"for_seconds": 30}], ids=["at once", "for a while"])
def test_a_clock_that_jumps_loses_nothing_and_tells_nothing_twice(make_rule, evaluate, channel, said):
    rule = make_rule(threshold=2, window_seconds=60, channels=[channel.pk], **said)
    fail(0, 10)
    evaluate(at=45)
    # An hour back: events that have just come lie in the future, and count five minutes after their arrival at the latest.
    evaluate(at=45 - HOUR)
    fail(46)
    evaluate(at=46 - HOUR)
    rule.refresh_from_db()
    assert (rule.cursor, rule.problem) == (head(), "")
    assert [what for what, _ in told()] == ["firing"]
    # And a day ahead.
    evaluate(at=24 * HOUR)
    evaluate(at=47)
    assert [what for what, _ in told()] == ["firing", "resolved"]
    assert Episode.objects.get().matches == 3
    fail(24 * HOUR, 24 * HOUR + 1)
    evaluate(at=24 * HOUR + 100)
    assert Rule.objects.get().problem == ""
    assert [what for what, _ in told()][2] == "firing"
