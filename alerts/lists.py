"""What lists and single pages of rules, episodes and channels show, for the pages and the API alike."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from access.actor import Actor
from access.models import Delivery, DeliveryAttempt
from alerts.errors import ChannelNotFound, EpisodeNotFound, RuleNotFound
from alerts.models import ABOUT, Channel, Episode, Evidence, Rule, RuleQuerySet, RuleVersionQuerySet
from events.models import Event


def rules_for(actor: Actor) -> RuleQuerySet:
    """The living rules that the actor may see, with their newest edition and `firing`."""
    actor.require("read")
    return Rule.objects.living().visible_to(actor).select_related("current").with_firing()


def find_rule(actor: Actor, rule_id: int) -> Rule:
    """Raises RuleNotFound also when the actor may not see it."""
    rule = rules_for(actor).filter(pk=rule_id).first()
    if rule is None:
        raise RuleNotFound.of(rule_id)
    return rule


def editions_for(actor: Actor, rule: Rule) -> RuleVersionQuerySet:
    """What the rule ever said, the newest first; without editions about events that the actor may not read."""
    return rule.versions.readable_by(actor)


def episodes_for(actor: Actor, filters: Mapping[str, Any] | None = None) -> QuerySet[Episode]:
    """Episodes that the actor may see.

    `state` (also "acknowledged" and "unattended", which are ways of firing), `rule` (id), `severity`, `owner` and `group`,
    a text that the values of the group contain, narrow them.
    """
    actor.require("read")
    rows = Episode.objects.visible_to(actor).select_related("rule", "rule_version")
    chosen = {name: value for name, value in (filters or {}).items() if value}
    match chosen.pop("state", ""):
        case "":
            pass
        case "acknowledged":
            rows = rows.acknowledged(timezone.now())
        case "unattended":
            rows = rows.unattended(timezone.now())
        case state:
            rows = rows.filter(state=state)
    names = {
        "rule": "rule_id",
        "severity": "rule_version__severity",
        "owner": "acknowledged_by__icontains",
        "group": "group_key__icontains",
    }
    return rows.filter(**{names[name]: value for name, value in chosen.items() if name in names})


def pending_of(rule: Rule) -> QuerySet[Episode]:
    """Groups of a rule that are over, but not for long enough yet; the one that fires first, first."""
    pending = Episode.everything.filter(rule=rule, state=Episode.State.PENDING)
    return pending.select_related("rule_version").order_by("fired_at", "pk")


def find_episode(actor: Actor, episode_id: int) -> Episode:
    episode = episodes_for(actor).filter(pk=episode_id).first()
    if episode is None:
        raise EpisodeNotFound.of(episode_id)
    return episode


def evidence_of(episode: Episode) -> list[tuple[Evidence, Event | None]]:
    """The kept evidence in order, with its event, or None when retention has removed that."""
    kept = list(episode.evidence.all())
    stored = Event.everything.filter(position__in=[one.position for one in kept]).defer("raw", "document")
    by_position = {event.position: event for event in stored}
    return [(one, by_position.get(one.position)) for one in kept]


def deliveries_of(episode: Episode) -> QuerySet[Delivery]:
    """The notifications of an episode, the first one first."""
    return Delivery.objects.filter(about=ABOUT, about_id=str(episode.pk)).order_by("id")


def attempts_of(actor: Actor, channel: Channel, outcome: str = "") -> QuerySet[DeliveryAttempt]:
    """Everything that was tried through a channel; `outcome` "failed" or "delivered" narrows it. Needs `alert` everywhere."""
    actor.require_everywhere("alert")
    tried = DeliveryAttempt.objects.filter(delivery__target=channel.target).select_related("delivery")
    tried = tried.defer("delivery__body", "delivery__secret")
    if outcome == "failed":
        return tried.exclude(problem="")
    return tried.filter(problem="") if outcome == "delivered" else tried


def dead_of(channel: Channel) -> QuerySet[Delivery]:
    """Notifications that this channel could not deliver."""
    return Delivery.objects.filter(target=channel.target, about=ABOUT, state=Delivery.State.DEAD)


def channels_for(actor: Actor) -> QuerySet[Channel]:
    """All channels: they are shared. Needs the scope alert; full addresses, which often are secrets, need it everywhere."""
    actor.require("alert")
    return Channel.objects.all()


def find_channel(actor: Actor, channel_id: int) -> Channel:
    channel = channels_for(actor).filter(pk=channel_id).first()
    if channel is None:
        raise ChannelNotFound.of(channel_id)
    return channel
