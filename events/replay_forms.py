"""What people may write on the replay pages; the operations decide whether it may be so."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from events.models import Replay
from events.query import FILTERS
from events.replay import Destination, Manner
from events.replay_scope import Scope

_CODE = forms.TextInput(attrs={"class": "code"})
_NUMBER = {"step": "any", "inputmode": "decimal"}
_TO = {
    "webhook": "a webhook",
    "browser": "the page of the run, to watch",
    "schema": "a candidate schema: which would fail?",
    "rule": "a candidate alert rule: would it fire?",
    "ingest": "this registry again, as copies under new ids",
    "file": "a file of NDJSON",
}


def scope_of(chosen: Mapping[str, object]) -> Scope:
    """From the fields of the form, or from an address. With other filters beside it, a correlation or trace is one of them."""
    texts = {name: text for name in FILTERS if (text := str(chosen.get(name) or ""))}
    descendants = str(chosen.get("descendants") or "").lower() in {"true", "on", "1"}
    if set(texts) - {"correlation_id", "trace_id"} and not descendants:
        return Scope(query=texts)
    query = {name: text for name, text in texts.items() if name not in {"correlation_id", "trace_id"}}
    return Scope(texts.get("correlation_id", ""), texts.get("trace_id", ""), query, descendants=descendants)


class SpeedForm(forms.Form):
    speed = forms.FloatField(
        label="Speed",
        initial=1.0,
        min_value=0,
        widget=forms.NumberInput(attrs=_NUMBER),
        help_text="2 is twice as fast, 0.5 half as fast, 0 as fast as the target takes them.",
    )


class StepForm(forms.Form):
    count = forms.IntegerField(required=False, min_value=1)


class SeekForm(forms.Form):
    position = forms.IntegerField(
        label="Go to event", required=False, min_value=1, help_text="By its number; the clock goes with it."
    )
    offset = forms.FloatField(
        label="or to second",
        required=False,
        min_value=0,
        widget=forms.NumberInput(attrs=_NUMBER),
        help_text="After the first event, at the original pace.",
    )


class LoopForm(forms.Form):
    passes = forms.IntegerField(
        label="Passes after this one",
        initial=0,
        min_value=0,
        help_text="Each is a run of its own, with its own id.",
    )


@dataclass(frozen=True, slots=True)
class _Fields:
    fields: list[forms.BoundField]

    @property
    def used(self) -> bool:
        return any(
            one.errors or (one.value() and str(one.value()) != str(one.field.initial)) for one in self.fields
        )


class ReplayForm(SpeedForm):
    correlation_id = forms.CharField(label="Correlation", max_length=255, required=False, widget=_CODE)
    descendants = forms.BooleanField(label="With what it started", required=False)
    trace_id = forms.CharField(label="or trace", max_length=64, required=False, widget=_CODE)
    type = forms.CharField(
        label="or events of type", required=False, widget=_CODE, help_text="* stands for any text."
    )
    node = forms.CharField(label="From nodes that begin with", required=False, widget=_CODE)
    since = forms.CharField(
        label="Since",
        required=False,
        widget=forms.TextInput(attrs={"class": "code", "placeholder": "2026-11-23T14:00:00Z"}),
    )
    until = forms.CharField(label="Until", required=False, widget=_CODE)
    where = forms.CharField(
        label="Where",
        required=False,
        widget=_CODE,
        help_text="For example: metadata.amount >= 3 and metadata.note exists",
    )
    error_code = forms.CharField(label="Error code", required=False, widget=_CODE)
    to = forms.ChoiceField(label="Target", initial="webhook", choices=list(_TO.items()))
    target = forms.CharField(
        label="Send to",
        max_length=2000,
        required=False,
        widget=forms.URLInput(attrs={"class": "code", "placeholder": "https://…"}),
        help_text="Of a webhook: every event arrives as a POST with the producer's own bytes, marked as a replay.",
    )
    secret = forms.CharField(
        label="Signing secret",
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"class": "code", "autocomplete": "off"}, render_value=True),
        help_text="whsec_…: requests carry a Standard Webhooks signature made with it.",
    )
    subject = forms.CharField(label="Subject", required=False, max_length=255, widget=_CODE)
    version = forms.CharField(
        label="Version",
        required=False,
        max_length=100,
        widget=_CODE,
        help_text="latest, a number, a SemVer or a range.",
    )
    schema = forms.CharField(
        label="or a new schema",
        required=False,
        widget=forms.Textarea(attrs={"class": "code", "rows": 6, "spellcheck": "false"}),
    )
    rule = forms.CharField(
        label="Rule",
        required=False,
        widget=forms.Textarea(attrs={"class": "code", "rows": 6, "spellcheck": "false"}),
        help_text="As JSON, like that of the API of rules.",
    )
    side_effects = forms.BooleanField(
        label="Let live alerts see the copies",
        required=False,
        help_text="Takes the scope effects, and is written into the audit log.",
    )
    read_as = forms.CharField(
        label="Play as version",
        required=False,
        max_length=250,
        widget=forms.TextInput(attrs={"class": "code", "placeholder": "^2"}),
        help_text="Of each event's subject, through its migrations: a range, an exact version, a number, or latest. Empty: as they were sent.",
    )
    max_gap = forms.FloatField(
        label="Longest wait",
        required=False,
        min_value=0,
        widget=forms.NumberInput(attrs=_NUMBER),
        help_text="Idle stretches longer than so many seconds of original time are cut. Empty keeps them.",
    )
    order = forms.ChoiceField(
        required=False,
        choices=[
            ("", "the producers' clocks, where these can be believed"),
            ("clock", "the producers' clocks"),
            ("arrival", "arrival"),
        ],
    )
    late_policy = forms.ChoiceField(
        label="When it falls behind",
        required=False,
        initial="catch_up",
        choices=[("catch_up", "it catches up"), ("slip", "the rest is put off")],
    )
    loop = forms.IntegerField(label="Passes after the first", required=False, min_value=0, initial=0)

    def groups(self) -> dict[str, "_Fields"]:
        """By name; those that hold something are shown open."""
        return {
            name: _Fields([self[field] for field in fields])
            for name, fields in (
                ("what", ("correlation_id", "descendants", "trace_id")),
                ("query", ("type", "node", "since", "until", "where", "error_code")),
                ("where_to", ("to", "target", "secret")),
                ("candidate", ("subject", "version", "schema", "rule")),
                ("how", ("read_as", "speed", "max_gap")),
                ("more", ("order", "late_policy", "loop", "side_effects")),
            )
        }

    def clean_rule(self) -> dict[str, Any]:
        text = self.cleaned_data["rule"]
        try:
            rule = json.loads(text) if text else {}
        except ValueError as bad:
            raise forms.ValidationError(f"This is no JSON: {bad}") from bad
        if not isinstance(rule, dict):
            raise forms.ValidationError("A rule is a JSON object.")
        return rule

    def destination(self) -> Destination:
        given = self.cleaned_data
        return Destination(
            kind=given["to"],
            address=given["target"],
            secret=given["secret"],
            subject=given["subject"],
            version=given["version"],
            schema=given["schema"],
            rule=given["rule"],
            side_effects=given["side_effects"],
        )

    def manner(self) -> Manner:
        given = self.cleaned_data
        order = Replay.Order(given["order"]) if given["order"] else None
        late = Replay.Late(given["late_policy"] or Replay.Late.CATCH_UP)
        return Manner(given["speed"], given["max_gap"], order, late, given["loop"] or 0, given["read_as"])


class ReplayFilter(forms.Form):
    correlation_id = forms.CharField(label="Correlation", required=False, widget=_CODE)
    state = forms.ChoiceField(required=False, choices=[("", "Any state"), *Replay.State.choices])
    to = forms.ChoiceField(
        label="Target", required=False, choices=[("", "Any target"), *((kind, kind) for kind in _TO)]
    )
