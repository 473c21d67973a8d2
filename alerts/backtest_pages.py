"""A backtest in the browser: started from a rule or from the form of one, watched, and read as a chart with its table."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from access.actor import Actor
from access.caller import caller
from alerts.backtest import cancel_backtest, edition_of, find_backtest, start_backtest
from alerts.backtest_drawing import chart_of
from alerts.kind_words import say_rule
from alerts.lists import find_rule
from alerts.models import Backtest
from alerts.rule_spec import RuleSpec

#: How far back the events of a backtest arrived; None = all there are.
RANGES: dict[str, tuple[str, timedelta | None]] = {
    "hour": ("the last hour", timedelta(hours=1)),
    "day": ("the last day", timedelta(days=1)),
    "week": ("the last week", timedelta(days=7)),
    "month": ("the last 30 days", timedelta(days=30)),
    "all": ("everything that is stored", None),
}
DEFAULT_RANGE = "week"
RANGE_CHOICES = [(name, said) for name, (said, _) in RANGES.items()]


def begin(actor: Actor, spec: RuleSpec, rule_id: int | None, chosen: str) -> Backtest:
    """Over the chosen range, or the usual one where there is no such choice."""
    length = RANGES.get(chosen, RANGES[DEFAULT_RANGE])[1]
    since: datetime | None = None if length is None else timezone.now() - length
    return start_backtest(actor=actor, spec=spec, rule_id=rule_id, since=since)


@require_POST
def rule_backtest(request: HttpRequest, rule_id: int) -> HttpResponse:
    actor = caller(request)
    spec = RuleSpec.of(find_rule(actor, rule_id))
    return redirect("backtest", begin(actor, spec, rule_id, request.POST.get("range", "")).pk)


@require_safe
def backtest(request: HttpRequest, backtest_id: int) -> HttpResponse:
    shown = find_backtest(caller(request), backtest_id)
    context: dict[str, Any] = {
        "backtest": shown,
        "says": say_rule(edition_of(shown.edition)),
        "was": say_rule(edition_of(shown.baseline)) if shown.baseline else "",
    }
    if shown.result is not None:
        context |= {
            "result": shown.result,
            "chart": chart_of(shown.result),
            "difference": shown.result["difference"],
        }
    template = "alerts/_backtest.html" if "fragment" in request.GET else "alerts/backtest.html"
    return render(request, template, context)


@require_POST
def cancel(request: HttpRequest, backtest_id: int) -> HttpResponse:
    ended = cancel_backtest(actor=caller(request), backtest_id=backtest_id)
    messages.success(request, f"The backtest is {ended.state}.")
    return redirect("backtest", backtest_id)
