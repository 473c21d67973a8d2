"""What is stored about alerts: channels, rules and their editions, where evaluation stands, groups, episodes."""

from alerts.models.actions import Action, ActionRun
from alerts.models.channels import TARGET, Channel, ChannelQuerySet
from alerts.models.episodes import Episode, EpisodeEntry, EpisodeQuerySet, Evidence
from alerts.models.rules import (
    Kind,
    KnownGroup,
    Pane,
    Rule,
    RuleQuerySet,
    RuleVersion,
    RuleVersionQuerySet,
    Severity,
)

__all__ = [
    "TARGET",
    "Action",
    "ActionRun",
    "Channel",
    "ChannelQuerySet",
    "Episode",
    "EpisodeEntry",
    "EpisodeQuerySet",
    "Evidence",
    "Kind",
    "KnownGroup",
    "Pane",
    "Rule",
    "RuleQuerySet",
    "RuleVersion",
    "RuleVersionQuerySet",
    "Severity",
]
