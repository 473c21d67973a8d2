"""Pages of sampling: the rules, what one would save, and the way back."""

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from access.caller import caller
from access.errors import ProductError
from access.forms import explain
from access.keyset import page_of
from events.models import SamplingRevision
from events.sampling import (
    create_sampling_rule,
    current_sampling,
    delete_sampling_rule,
    edit_sampling_rule,
    find_sampling_rule,
    require_sight,
    restore_sampling,
    rules_of,
    rules_seen_by,
)
from events.sampling_forms import EffectiveFilter, SamplingRuleForm, as_initial
from events.sampling_rules import Rule, effective
from events.sampling_volume import Prediction, predict_volume, with_tried

_HISTORY = 20


def sampling(request: HttpRequest) -> HttpResponse:
    actor = caller(request)
    require_sight(actor)
    head = current_sampling()
    rules = sorted(rules_seen_by(actor, rules_of(head)), key=Rule.specificity, reverse=True)
    asked = request.GET.get("type", "")
    knows_all = actor.may_everywhere("admin")
    page = page_of(request, SamplingRevision.objects.all(), size=_HISTORY) if knows_all else None
    context = {
        "head": head,
        "rules": rules,
        "changeable": {rule.id for rule in rules if actor.may("admin", rule.prefix)},
        "may_add": actor.may("admin"),
        "filters": EffectiveFilter(request.GET or None),
        "asked": asked,
        "found": effective(rules, asked, request.GET.get("node", "")) if asked else (),
        "page": page,
    }
    return render(request, "events/sampling.html", context)


def sampling_new(request: HttpRequest) -> HttpResponse:
    caller(request).require("admin")
    form = SamplingRuleForm(request.POST or None, initial={"event_type": request.GET.get("type", "")})
    return _edited(request, form, None)


def sampling_rule(request: HttpRequest, sampling_rule_id: int) -> HttpResponse:
    rule = find_sampling_rule(caller(request), sampling_rule_id)
    caller(request).require("admin", rule.prefix)
    return _edited(request, SamplingRuleForm(request.POST or None, initial=as_initial(rule)), rule)


def _edited(request: HttpRequest, form: SamplingRuleForm, rule: Rule | None) -> HttpResponse:
    """Looks at what it would do, or does it: by the button that was pressed. A live update only looks."""
    live = bool(request.htmx)  # type: ignore[attr-defined]
    predicted: Prediction | None = None
    if form.is_valid():
        actor, spec = caller(request), form.spec()
        if live or "preview" in request.POST:
            tried = Rule(id=rule.id if rule else 0, **asdict(spec))
            predicted = predict_volume(actor=actor, rules=with_tried(tried), only=tried)
        else:
            try:
                if rule is None:
                    create_sampling_rule(actor=actor, spec=spec)
                else:
                    edit_sampling_rule(actor=actor, rule_id=rule.id, spec=spec)
            except ProductError as error:
                explain(form, error)
            else:
                messages.success(request, "Saved. Producers follow within a minute; below is the way back.")
                return redirect("sampling")
    context = {"form": form, "rule": rule, "predicted": predicted}
    return render(request, "events/_prediction.html" if live else "events/sampling_form.html", context)


@require_POST
def sampling_delete(request: HttpRequest, sampling_rule_id: int) -> HttpResponse:
    delete_sampling_rule(actor=caller(request), rule_id=sampling_rule_id)
    messages.success(request, "The rule is deleted.")
    return redirect("sampling")


@require_POST
def sampling_restore(request: HttpRequest, revision: int) -> HttpResponse:
    made = restore_sampling(actor=caller(request), number=revision)
    messages.success(request, f"The rules are those of revision {revision} again, as revision {made.number}.")
    return redirect("sampling")
