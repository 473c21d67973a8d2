"""Why a rule did or did not fire, in the browser."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from access.caller import caller
from access.errors import Forbidden, ProductError
from alerts.explain import explain_rule
from alerts.lists import find_rule

_GROUP = "group."


@require_safe
def rule_explain(request: HttpRequest, rule_id: int) -> HttpResponse:
    """`at` and `group.FIELD` in the address say what is asked; without a group the page offers those that the window held."""
    actor = caller(request)
    rule = find_rule(actor, rule_id)
    assert rule.current is not None
    given = {
        name.removeprefix(_GROUP): str(value)
        for name, value in request.GET.items()
        if name.startswith(_GROUP) and value
    }
    context = {
        "rule": rule,
        "fields": [(name, given.get(name, "")) for name in rule.current.group_by],
        "at": request.GET.get("at", ""),
    }
    try:
        moment = _moment(request.GET.get("at", ""))
        context["found"] = explain_rule(actor=actor, rule_id=rule_id, at=moment, group=given or None)
    except Forbidden:
        raise
    except (ProductError, ValueError) as problem:
        context["problem"] = str(problem)
    return render(request, "alerts/rule_explain.html", context)


def _moment(text: str) -> datetime | None:
    """UTC where no zone is given. Raises ValueError."""
    if not text:
        return None
    found = parse_datetime(text)
    if found is None:
        raise ValueError(f"'{text[:40]}' is no moment; there is 2026-11-26T12:00.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
