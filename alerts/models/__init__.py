"""What is stored about alerts: channels, rules and their editions, where evaluation stands, groups, episodes."""

from alerts.models.actions import Action, ActionRun
from alerts.models.backtests import Backtest, BacktestQuerySet
from alerts.models.channels import TARGET, Channel, ChannelQuerySet
from alerts.models.episodes import ABOUT, Episode, EpisodeEntry, EpisodeQuerySet, Evidence
from alerts.models.gathered import Gathered
from alerts.models.reading import ReadSpan
from alerts.models.rules import (
    DELAYED,
    LOOKING,
    NEEDED,
    OF_KINDS,
    Compare,
    Finding,
    Function,
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
    "DELAYED",
    "LOOKING",
    "NEEDED",
    "OF_KINDS",
    "TARGET",
    "Action",
    "ActionRun",
    "Backtest",
    "BacktestQuerySet",
    "Channel",
    "ChannelQuerySet",
    "Compare",
    "Episode",
    "EpisodeEntry",
    "EpisodeQuerySet",
    "Evidence",
    "Finding",
    "Function",
    "Gathered",
    "Kind",
    "KnownGroup",
    "Pane",
    "ReadSpan",
    "Rule",
    "RuleQuerySet",
    "RuleVersion",
    "RuleVersionQuerySet",
    "Severity",
    "Silence",
    "SilenceQuerySet",
]
