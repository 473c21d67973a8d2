"""The forms of the pages: what people may write; the operations decide whether it may be so."""

import json
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.forms import BaseFormSet
from django.http import QueryDict
from django.utils.html import format_html

from access.errors import ProductError
from access.forms import explain
from alerts.condition_rows import CODE, Combine, rows_for, tree_as_said, written_rows
from alerts.models import NEEDED, Channel, Compare, Function, Kind, Rule, Severity
from alerts.rule_spec import (
    LIMIT_DECIMALS,
    MAX_BASELINE_WINDOWS,
    MAX_FLAPPING,
    MAX_MINUTES,
    MAX_REMEMBER_DAYS,
    MAX_THRESHOLD,
    MAX_WINDOW_SECONDS,
    MAX_WITHIN_SECONDS,
    RuleSpec,
)
from alerts.words import plain

BLANK_ROWS = [{"field": "event_type", "op": "eq", "value": ""}, {"op": "eq"}, {"op": "eq"}]
BLANK_HITS = [{"op": "eq"}, {"op": "eq"}]


class RuleForm(forms.Form):
    name = forms.CharField(max_length=200, help_text="What is wrong when it fires.")
    description = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What to do then. It is part of every notification.",
    )
    combine = forms.ChoiceField(label="An event counts when", choices=Combine.choices, initial=Combine.ALL)
    selector_cel = forms.CharField(
        label="Condition as CEL",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, **CODE, "spellcheck": "false"}),
        help_text='As in event_type == "NODE_FAILURE" && !has(metadata.tags.team). It is kept as a condition tree. When filled, rows and JSON are ignored.',
    )
    selector = forms.CharField(
        label="Condition as JSON",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "code", "spellcheck": "false"}),
        help_text='For what rows cannot say: {"all": […]}, {"any": […]}, {"not": …}. When filled, the rows above are ignored.',
    )
    kind = forms.ChoiceField(
        label="It looks for",
        choices=Kind.choices,
        initial=Kind.COUNT,
        widget=forms.RadioSelect,
    )
    # Of a share which events are hits, of pairs what follows.
    hits_combine = forms.ChoiceField(
        label=format_html(
            '<span data-kinds="share">{}</span><span data-kinds="sequence missing">{}</span>',
            "An event is a hit when",
            "What follows is an event for which",
        ),
        choices=Combine.choices,
        initial=Combine.ALL,
    )
    hits_cel = forms.CharField(
        label="This condition as CEL",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, **CODE, "spellcheck": "false"}),
        help_text="When filled, rows and JSON are ignored.",
    )
    hits = forms.CharField(
        label="This condition as JSON",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "code", "spellcheck": "false"}),
        help_text="For what rows cannot say. When filled, the rows above are ignored.",
    )
    percent = forms.DecimalField(
        label="More than per cent",
        required=False,
        min_value=0,
        max_value=100,
        max_digits=6,
        decimal_places=3,
        help_text="Of the events that count, this many are hits: 5 fires at 6 of 100.",
    )
    remember_days = forms.IntegerField(
        label="Remembered for days",
        required=False,
        min_value=1,
        max_value=MAX_REMEMBER_DAYS,
        help_text="What was not seen for so long is new when it comes, and not missed when it does not. It is what the fields of “Counted apart by” hold.",
    )
    field = forms.CharField(
        label="Field",
        required=False,
        widget=forms.TextInput(attrs={**CODE, "list": "rule-fields"}),
        help_text="Whose different values are counted, or whose numbers are taken together. Events without it do not count.",
    )
    function = forms.ChoiceField(
        label="Fires when", choices=Function.choices, initial=Function.P95, required=False
    )
    compare = forms.ChoiceField(
        label="On which side", choices=Compare.choices, initial=Compare.ABOVE, required=False
    )
    limit = forms.DecimalField(label="Limit", required=False, max_digits=30, decimal_places=LIMIT_DECIMALS)
    factor = forms.DecimalField(
        label="Times",
        required=False,
        max_digits=9,
        decimal_places=3,
        initial=3,
        help_text="3 above: more than three times as many; 3 below: fewer than a third.",
    )
    baseline_windows = forms.IntegerField(
        label="Windows before",
        required=False,
        min_value=1,
        max_value=MAX_BASELINE_WINDOWS,
        initial=12,
        help_text="On average of so many it is told what is usual.",
    )
    within_seconds = forms.IntegerField(
        label="In seconds",
        required=False,
        min_value=1,
        max_value=MAX_WITHIN_SECONDS,
        initial=60,
        help_text="In which time it has to follow.",
    )
    pair_by = forms.CharField(
        label="With the same",
        required=False,
        initial="correlation_id",
        widget=forms.TextInput(attrs={**CODE, "list": "rule-fields"}),
        help_text="Fields, with commas between them, in which both events have the same values.",
    )
    threshold = forms.IntegerField(
        label="At least",
        min_value=1,
        max_value=MAX_THRESHOLD,
        initial=1,
        help_text="Events; of different values: values.",
    )
    window_seconds = forms.IntegerField(
        label="within seconds", min_value=1, max_value=MAX_WINDOW_SECONDS, initial=300
    )
    group_by = forms.CharField(
        label="Counted apart by",
        required=False,
        widget=forms.TextInput(attrs={"class": "code", "list": "rule-fields"}),
        help_text="Fields, with commas between them: node_id gives every node its own count and its own episode.",
    )
    for_seconds = forms.IntegerField(
        label="For seconds",
        required=False,
        min_value=0,
        max_value=MAX_WINDOW_SECONDS,
        initial=0,
        help_text="How long it has to be so without interruption before it fires. 0 fires at once.",
    )
    keep_firing_seconds = forms.IntegerField(
        label="Keep firing for seconds",
        min_value=0,
        max_value=MAX_WINDOW_SECONDS,
        initial=0,
        help_text="How long to wait, once there are too few events in the window, before it is resolved.",
    )
    severity = forms.ChoiceField(choices=Severity.choices, initial=Severity.WARNING)
    channels = forms.ModelMultipleChoiceField(
        label="Tell",
        queryset=Channel.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Without a channel an episode is only shown here.",
    )
    flapping_after = forms.IntegerField(
        label="Tell together after",
        required=False,
        min_value=1,
        max_value=MAX_FLAPPING,
        help_text="Firings of one group within an hour; the next ones are told in one message an hour. Empty: each by itself.",
    )
    remind_minutes = forms.IntegerField(
        label="Remind every minutes",
        required=False,
        min_value=1,
        max_value=MAX_MINUTES,
        help_text="As long as it fires and nobody sees to it.",
    )
    escalate_minutes = forms.IntegerField(
        label="Escalate after minutes",
        required=False,
        min_value=1,
        max_value=MAX_MINUTES,
        help_text="When nobody has seen to it by then, these are told as well:",
    )
    escalate_to = forms.ModelMultipleChoiceField(
        label="Escalate to",
        queryset=Channel.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    inhibited_by = forms.ModelMultipleChoiceField(
        label="Tell nobody while these fire",
        queryset=Rule.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What they say explains this. When they are over and this still fires, it is told.",
    )
    inhibit_equal = forms.CharField(
        label="With the same values in",
        required=False,
        widget=forms.TextInput(attrs={**CODE, "list": "rule-fields"}),
        help_text="Fields by which both count apart, with commas between them; none: whatever they are about.",
    )
    edition = forms.IntegerField(required=False, widget=forms.HiddenInput)


# Kind → what its second condition is called in a spec, and what is said where it lacks.
_SECOND = {
    Kind.SHARE: ("hits", "Say at least in one row which of the events are hits."),
    Kind.SEQUENCE: ("then", "Say at least in one row what follows."),
    Kind.MISSING: ("then", "Say at least in one row what should follow."),
}


class RuleEditor:
    """The whole form of a rule: its rows say what they can, and the fields for CEL or JSON what they cannot."""

    def __init__(self, data: QueryDict | None, rule: Rule | None, others: QuerySet[Rule]) -> None:
        """`others` are the rules while which this one may be held back."""
        said = _initial(rule) if rule else {}
        if data is not None and data.get("action") in {"row", "hits-row"}:
            said, data = _with_another_row(data), None
        rows, hits = said.pop("rows", BLANK_ROWS), said.pop("hits_rows", BLANK_HITS)
        self.form = RuleForm(data, initial=said)
        chosen = self.form.fields["inhibited_by"]
        assert isinstance(chosen, forms.ModelMultipleChoiceField)
        chosen.queryset = others
        self.rows = rows_for(data, rows, "rows")
        self.hits = rows_for(data, hits, "hits")

    def spec(self) -> RuleSpec | None:
        """What the form says; None when it cannot be read, the fields then say why."""
        if not (self.form.is_valid() and self.rows.is_valid()):
            return None
        said = self.form.cleaned_data
        kind = said["kind"]
        second = _SECOND.get(kind)
        if second and not self.hits.is_valid():
            return None
        selector = self._tree("selector", "combine", self.rows, "Say at least in one row which events count.")
        trees = {}
        if second:
            name, missing = second
            trees[name] = self._tree("hits", "hits_combine", self.hits, missing)
        if self.form.errors:
            return None
        return RuleSpec(
            name=said["name"].strip(),
            description=said["description"],
            selector=selector,
            kind=kind,
            **trees,
            **_of_kind(kind, said),
            threshold=said["threshold"],
            window_seconds=said["window_seconds"],
            group_by=_names(said["group_by"]),
            for_seconds=said["for_seconds"] or 0,
            keep_firing_seconds=said["keep_firing_seconds"],
            severity=said["severity"],
            channels=tuple(channel.pk for channel in said["channels"]),
            flapping_after=said["flapping_after"],
            remind_minutes=said["remind_minutes"],
            escalate_minutes=said["escalate_minutes"],
            escalate_to=tuple(channel.pk for channel in said["escalate_to"]),
            inhibited_by=tuple(rule.pk for rule in said["inhibited_by"]),
            inhibit_equal=_names(said["inhibit_equal"]),
        )

    def _tree(self, name: str, combine: str, rows: "BaseFormSet[Any]", missing: str) -> Any:
        """A condition as its CEL field, its JSON field or its rows say it; None when the field beside it says what is wrong."""
        said = self.form.cleaned_data
        if said[f"{name}_cel"]:
            # As other doors count characters and lines, not as browsers send them.
            return str(said[f"{name}_cel"]).replace("\r\n", "\n")
        if said[name].strip():
            try:
                return json.loads(said[name])
            except (ValueError, RecursionError) as bad:
                self.form.add_error(name, f"This is not JSON: {bad}")
                return None
        tests = [test for row in rows if (test := row.test()) is not None]
        if not tests:
            self.form.add_error(combine, missing)
            return None
        return {said[combine]: tests}

    def explain(self, error: ProductError) -> None:
        """Puts an operation's answer beside the field it is about."""
        name = str(error.facts.get("pointer", "")).lstrip("/").partition("/")[0]
        name = "hits" if name == "then" else name
        beside_rows = {"selector": "combine", "hits": "hits_combine"}.get(name)
        if beside_rows and self.form.cleaned_data.get(f"{name}_cel"):
            self.form.add_error(f"{name}_cel", error.message)
        elif beside_rows and not self.form.cleaned_data.get(name, "").strip():
            self.form.add_error(beside_rows, error.message)
        elif name in self.form.fields:
            self.form.add_error(name, error.message)
        else:
            explain(self.form, error)


def _of_kind(kind: str, said: dict[str, Any]) -> dict[str, Any]:
    """What only rules of this kind say, but for conditions; an empty field says nothing."""
    names = set(NEEDED[Kind(kind)]) - {"hits", "then"}
    given = {name: said[name] for name in names if said[name] not in (None, "")}
    return given | {name: _names(said[name]) for name in {"pair_by"} & set(given)}


def _names(said: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in said.split(",") if name.strip())


def _with_another_row(data: QueryDict) -> dict[str, Any]:
    """What was written so far, not judged yet, and one more row."""
    rows, hits = written_rows(data, "rows"), written_rows(data, "hits")
    (hits if data["action"] == "hits-row" else rows).append({"op": "eq"})
    return {
        **data.dict(),
        "channels": data.getlist("channels"),
        "escalate_to": data.getlist("escalate_to"),
        "inhibited_by": data.getlist("inhibited_by"),
        "rows": rows,
        "hits_rows": hits,
    }


def _initial(rule: Rule) -> dict[str, Any]:
    spec = RuleSpec.of(rule)
    assert rule.current is not None
    said: dict[str, Any] = {
        "name": spec.name,
        "description": spec.description,
        "threshold": spec.threshold,
        "window_seconds": spec.window_seconds,
        "group_by": ", ".join(spec.group_by),
        "for_seconds": spec.for_seconds,
        "keep_firing_seconds": spec.keep_firing_seconds,
        "severity": spec.severity,
        "channels": list(spec.channels),
        "flapping_after": spec.flapping_after,
        "remind_minutes": spec.remind_minutes,
        "escalate_minutes": spec.escalate_minutes,
        "escalate_to": list(spec.escalate_to),
        "inhibited_by": list(spec.inhibited_by),
        "inhibit_equal": ", ".join(spec.inhibit_equal),
        "kind": spec.kind,
        # As they were written, not with all the zeros that a column has.
        **{
            name: plain(value)
            for name in ("percent", "limit", "factor")
            if (value := getattr(spec, name)) is not None
        },
        **{
            name: value
            for name in (
                "remember_days",
                "field",
                "function",
                "compare",
                "within_seconds",
                "baseline_windows",
            )
            if (value := getattr(spec, name)) is not None
        },
        "edition": rule.current.number,
    }
    if spec.pair_by:
        said["pair_by"] = ", ".join(spec.pair_by)
    said |= tree_as_said(spec.selector, "selector", "combine", "rows")
    second = spec.then if spec.hits is None else spec.hits
    return said if second is None else said | tree_as_said(second, "hits", "hits_combine", "hits_rows")
