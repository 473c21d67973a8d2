"""The chart of a backtest: matching events by time, those inside of would-be episodes apart."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from events.charts import Chart, Key, Series, stacked
from registry.templatetags.ui import short


def chart_of(result: Mapping[str, Any]) -> Chart | None:
    """None when nothing matched."""
    bars = result["bars"]
    if not bars:
        return None
    at = [datetime.fromisoformat(bar["start"]) for bar in bars]
    inside = sum(bar["inside"] for bar in bars)
    outside = sum(bar["outside"] for bar in bars)
    series = [
        Series(Key("part-bad", "inside of an episode"), [bar["inside"] for bar in bars]),
        Series(Key("part-1", "outside"), [bar["outside"] for bar in bars]),
    ]
    sentence = f"{short(inside + outside)} matching events, {short(inside)} of them inside of {result['episodes']:,} episodes."
    return stacked("backtest", at, series, sentence=sentence, say=short)
