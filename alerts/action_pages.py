"""Pages of what rules do by themselves."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from access.caller import caller
from access.errors import Forbidden, ProductError
from access.forms import explain
from access.keyset import page_of
from alerts.act import undo_run
from alerts.action_kinds.kind import MAX_MINUTES
from alerts.actions import ActionSpec, actions_of, add_action, remove_action, runs_for
from alerts.lists import find_rule
from alerts.models import Action, Channel

_RUNS_SHOWN = 20


class ActionForm(forms.Form):
    kind = forms.ChoiceField(label="When it fires", choices=Action.Kind.choices)
    channel = forms.ModelChoiceField(
        label="Replay to",
        queryset=Channel.objects.filter(kind=Channel.Kind.WEBHOOK),
        required=False,
        empty_label="a page where it can be watched",
        help_text="Of a replay: a webhook that is signed with v1.",
    )
    subject = forms.CharField(
        label="Event type",
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={"class": "code"}),
        help_text="Of the other two.",
    )
    minutes = forms.IntegerField(
        label="For minutes",
        required=False,
        min_value=1,
        max_value=MAX_MINUTES,
        help_text="Of the other two: then it is taken back.",
    )
    rate = forms.FloatField(
        label="Share that is kept",
        required=False,
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text="Of keeping more: 1 keeps all.",
    )

    def spec(self) -> ActionSpec:
        """What the chosen kind has; what is written in fields of other kinds is not meant."""
        said: dict[str, Any] = self.cleaned_data
        kind, channel = said["kind"], said["channel"]
        if kind == Action.Kind.REPLAY:
            return ActionSpec(kind, channel=channel.pk if channel else None)
        rate = said["rate"] if kind == Action.Kind.SAMPLING else None
        return ActionSpec(kind, subject=said["subject"], minutes=said["minutes"], rate=rate)


def rule_actions(request: HttpRequest, rule_id: int) -> HttpResponse:
    actor = caller(request)
    rule = find_rule(actor, rule_id)
    form = ActionForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            added = add_action(actor=actor, rule_id=rule_id, spec=form.spec())
        except Forbidden:
            raise
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, f"When the rule fires, the registry will {added.in_words}.")
            return redirect("rule-actions", rule_id)
    page = page_of(request, runs_for(actor).filter(action__rule=rule), size=_RUNS_SHOWN)
    context = {
        "rule": rule,
        "actions": actions_of(rule).select_related("channel"),
        "form": form,
        "page": page,
        "runs": page.items,
        "may_edit": actor.may("alert"),
        "allowed": [Action.Kind(kind).label for kind in settings.ALERT_ACTIONS if kind in Action.Kind.values],
    }
    return render(request, "alerts/rule_actions.html", context)


@require_POST
def rule_action_remove(request: HttpRequest, rule_id: int, action_id: int) -> HttpResponse:
    remove_action(actor=caller(request), rule_id=rule_id, action_id=action_id)
    messages.success(request, "The action is removed. What it has changed stays until its time is over.")
    return redirect("rule-actions", rule_id)


@require_POST
def action_run_undo(request: HttpRequest, run_id: int) -> HttpResponse:
    run = undo_run(actor=caller(request), run_id=run_id)
    messages.success(request, run.said)
    return redirect("episode", run.episode_id)
