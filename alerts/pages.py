"""Pages of rules."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from access.caller import caller
from access.errors import ProductError
from access.keyset import page_of
from alerts.actions import actions_of
from alerts.backtest_pages import DEFAULT_RANGE, RANGE_CHOICES, begin
from alerts.cel import NotCel, write_cel
from alerts.condition import parse
from alerts.edition_changes import with_differences
from alerts.errors import InvalidCondition
from alerts.forms import RuleEditor
from alerts.kind_words import fires_at, say_rule
from alerts.lists import (
    editions_for,
    episodes_for,
    find_rule,
    pending_of,
    rules_for,
)
from alerts.models import Rule, RuleVersion
from alerts.preview import Preview, preview
from alerts.rule_spec import RuleSpec
from alerts.rules import create_rule, delete_rule, edit_rule, pause_rule, resume_rule
from alerts.schema_fields import suggested_fields
from alerts.words import duration
from events.models import LogHead
from registry.models import Subject

SHOWN_ON_HOME = 5
EPISODES_ON_RULE = 10


def rules(request: HttpRequest) -> HttpResponse:
    page = page_of(request, rules_for(caller(request)))
    head = LogHead.objects.get().position
    rows = [{"rule": rule, "says": _says(rule), "behind": head - rule.cursor} for rule in page.items]
    context = {"page": page, "rows": rows, "may_edit": caller(request).may("alert")}
    template = "alerts/_rules.html" if "fragment" in request.GET else "alerts/rules.html"
    return render(request, template, context)


def _says(rule: Rule) -> str:
    """One sentence; a condition that cannot be read any more is the rule's `problem`."""
    edition = rule.current
    assert edition is not None
    try:
        return say_rule(edition)
    except ProductError as error:
        return error.message


def rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    shown = find_rule(caller(request), rule_id)
    episodes = episodes_for(caller(request), {"rule": shown.pk}).order_by("-id")[:EPISODES_ON_RULE]
    assert shown.current is not None
    context = {
        "rule": shown,
        "edition": shown.current,
        "says": _says(shown),
        "editions": [
            (one, fires_at(one), changed)
            for one, changed in with_differences(list(editions_for(caller(request), shown)))
        ],
        "episodes": episodes,
        "pending": pending_of(shown)[:EPISODES_ON_RULE],
        "channels": shown.channels.all(),
        "actions": actions_of(shown),
        "behind": LogHead.objects.get().position - shown.cursor,
        "facts": _facts(shown),
        "conditions": _conditions(shown.current),
        "may_edit": caller(request).may("alert"),
        "ranges": RANGE_CHOICES,
        "range": DEFAULT_RANGE,
    }
    return render(request, "alerts/rule.html", context)


def _conditions(edition: RuleVersion) -> list[dict[str, Any]]:
    """Each condition as a tree, and as CEL text or why not."""
    titles = {"selector": "Condition", "hits": "Hits", "then": "What follows"}
    shown = []
    for name, title in titles.items():
        if (tree := getattr(edition, name)) is None:
            continue
        one = {"id": name, "cel_id": f"{name}-cel", "title": title, "tree": tree}
        try:
            one["cel"] = write_cel(parse(tree))
        except NotCel as why:
            one["why_not"] = str(why)
        except InvalidCondition as error:
            one["why_not"] = error.message
        shown.append(one)
    return shown


def _facts(rule: Rule) -> list[tuple[str, str]]:
    edition = rule.current
    assert edition is not None
    return [
        ("Looks for", edition.get_kind_display()),
        ("Fires at", fires_at(edition)),
        ("Counted apart by", ", ".join(edition.group_by) or "nothing: one count for all"),
        ("Has to last for", duration(edition.for_seconds)),
        ("Keeps firing for", duration(edition.keep_firing_seconds)),
        ("Event types", "any" if edition.event_types is None else ", ".join(edition.event_types)),
        ("Counts events after", f"position {rule.starts_after} of the log"),
        ("Too late to count", f"{rule.late_ignored} matching events"),
        *_telling(rule),
    ]


def _telling(rule: Rule) -> list[tuple[str, str]]:
    """What happens while nobody sees to an episode."""
    told = []
    if rule.flapping_after is not None:
        told.append(("Tells together", f"what a group fires beyond {rule.flapping_after} times an hour"))
    if rule.remind_minutes is not None:
        told.append(("Reminds", f"every {duration(60 * rule.remind_minutes)} while nobody sees to it"))
    if rule.escalate_minutes is not None:
        names = ", ".join(channel.name for channel in rule.escalate_to.all())
        told.append(("Escalates", f"after {duration(60 * rule.escalate_minutes)} to {names or 'nobody'}"))
    if inhibitors := ", ".join(one.name for one in rule.inhibited_by.all()):
        equal = f", with the same {' and '.join(rule.inhibit_equal)}" if rule.inhibit_equal else ""
        told.append(("Tells nobody while", f"{inhibitors} fires{equal}"))
    return told


def rule_new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


def rule_edit(request: HttpRequest, rule_id: int) -> HttpResponse:
    return _edit(request, find_rule(caller(request), rule_id))


def _edit(request: HttpRequest, shown: Rule | None) -> HttpResponse:
    """One form for both: the button `save` saves, `preview` tries it, `row` gives another row."""
    caller(request).require("alert")
    rules = rules_for(caller(request)).order_by("name")
    others = rules if shown is None else rules.exclude(pk=shown.pk)
    editor = RuleEditor(request.POST if request.method == "POST" else None, shown, others)
    action = request.POST.get("action", "")
    tried: Preview | None = None
    if action in {"save", "preview", "backtest"} and (spec := editor.spec()) is not None:
        try:
            if action == "backtest":
                chosen = request.POST.get("range", "")
                begun = begin(caller(request), spec, shown.pk if shown else None, chosen)
                return redirect("backtest", begun.pk)
            if action == "save":
                return _save(request, shown, spec, editor.form.cleaned_data["edition"])
            tried = preview(actor=caller(request), spec=spec)
        except ProductError as error:
            editor.explain(error)
    context = {
        "rule": shown,
        "editor": editor,
        "form": editor.form,
        "preview": tried,
        "ranges": RANGE_CHOICES,
        "range": DEFAULT_RANGE,
        "fields": suggested_fields(caller(request)),
        "subjects": Subject.objects.readable_by(caller(request)).values_list("name", flat=True)[:1000],
    }
    return render(request, "alerts/rule_form.html", context)


def _save(request: HttpRequest, shown: Rule | None, spec: RuleSpec, edition: int | None) -> HttpResponse:
    actor = caller(request)
    if shown is None:
        saved = create_rule(actor=actor, spec=spec)
        messages.success(request, "The rule counts the events that are stored from now on.")
    else:
        saved = edit_rule(actor=actor, rule_id=shown.pk, spec=spec, expected=edition)
        messages.success(request, f"Saved as edition {saved.rule.current.number}.")  # type: ignore[union-attr]
    for warning in saved.warnings:
        messages.warning(request, warning)
    return redirect("rule", saved.rule.pk)


@require_POST
def rule_preview(request: HttpRequest) -> HttpResponse:
    """The fragment that the form shows while somebody writes."""
    editor = RuleEditor(request.POST, None, rules_for(caller(request)))
    editor.form.fields["name"].required = False
    spec = editor.spec()
    context: dict[str, Any] = {}
    try:
        if spec is not None:
            named = replace(spec, name=spec.name or "preview")
            context["preview"] = preview(actor=caller(request), spec=named)
    except ProductError as error:
        context["problem"] = error.message
    return render(request, "alerts/_preview.html", context)


@require_POST
def rule_pause(request: HttpRequest, rule_id: int) -> HttpResponse:
    paused = pause_rule(actor=caller(request), rule_id=rule_id)
    messages.success(request, f"{paused.name} is paused: it counts nothing, and its episodes have ended.")
    return redirect("rule", rule_id)


@require_POST
def rule_resume(request: HttpRequest, rule_id: int) -> HttpResponse:
    resumed = resume_rule(actor=caller(request), rule_id=rule_id)
    messages.success(request, f"{resumed.name} counts the events that are stored from now on.")
    return redirect("rule", rule_id)


@require_POST
def rule_delete(request: HttpRequest, rule_id: int) -> HttpResponse:
    delete_rule(actor=caller(request), rule_id=rule_id)
    messages.success(request, "The rule is deleted. Its episodes are kept.")
    return redirect("rules")


def home_panel(request: HttpRequest) -> dict[str, Any]:
    """The card and the number of the home page."""
    actor = caller(request)
    if not actor.may("read"):
        return {"template": "alerts/_home_panel.html", "context": {"firing": [], "rules": 0}}
    firing = episodes_for(actor, {"state": "firing"})
    number, unattended = firing.count(), episodes_for(actor, {"state": "unattended"}).count()
    return {
        "template": "alerts/_home_panel.html",
        "context": {
            "firing": firing[:SHOWN_ON_HOME],
            "latest": episodes_for(actor, {"state": "resolved"})[:SHOWN_ON_HOME],
            "rules": rules_for(actor).count(),
        },
        "tiles": [
            {
                "label": "Firing",
                "value": f"{number:,}",
                "note": f"{number - unattended:,} acknowledged" if number else "",
                "url": f"{reverse('episodes')}?state=firing",
                "tone": "bad" if unattended else "warn" if number else "good",
            }
        ],
    }
