"""What is stored about alerts: channels, rules and their editions, where evaluation stands, groups, episodes."""

from alerts.models.channels import TARGET, Channel, ChannelQuerySet
from alerts.models.episodes import ABOUT, Episode, EpisodeEntry, EpisodeQuerySet, Evidence
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
from alerts.models.silences import Silence, SilenceQuerySet

__all__ = [
    "ABOUT",
    "TARGET",
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
    "Silence",
    "SilenceQuerySet",
]
