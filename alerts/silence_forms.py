"""The form of a silence: some rows of matchers, and until when."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from alerts.matcher import MAX_TEXT, OPS
from alerts.models import Silence

# Empty rows to fill in, beside those that are given.
_SPARE = 2
_LASTS = [
    (60, "an hour"),
    (240, "4 hours"),
    (720, "12 hours"),
    (1_440, "a day"),
    (10_080, "a week"),
    (43_200, "30 days"),
    (0, "until the moment below"),
]
_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class MatcherForm(forms.Form):
    """`value` of `in`: texts between commas."""

    label = forms.CharField(
        required=False,
        max_length=MAX_TEXT,
        widget=forms.TextInput(attrs={"list": "silence-labels", "aria-label": "Label"}),
    )
    op = forms.ChoiceField(
        required=False, choices=list(OPS.items()), widget=forms.Select(attrs={"aria-label": "Comparison"})
    )
    value = forms.CharField(
        required=False, max_length=100 * MAX_TEXT, widget=forms.TextInput(attrs={"aria-label": "Value"})
    )

    def matcher(self) -> dict[str, Any] | None:
        label, op, value = (self.cleaned_data.get(name, "") for name in ("label", "op", "value"))
        if not label and not value:
            return None
        texts = [text.strip() for text in value.split(",")]
        return {"label": label, "op": op or "eq", "value": texts if op == "in" else value}


MatcherRows = forms.formset_factory(MatcherForm, extra=_SPARE, max_num=20)


class SilenceForm(forms.Form):
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=10_000,
        label="Why",
        help_text="Others see it at each episode that is held.",
    )
    lasts = forms.TypedChoiceField(choices=_LASTS, coerce=int, initial=60, label="For")
    starts_at = forms.DateTimeField(
        required=False, widget=_MOMENT, label="From", help_text="UTC; from now on when empty."
    )
    ends_at = forms.DateTimeField(required=False, widget=_MOMENT, label="Until", help_text="UTC.")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("lasts") == 0 and not data.get("ends_at") and "ends_at" not in self.errors:
            self.add_error("ends_at", "Say until when.")
        return data

    def times(self) -> tuple[datetime, datetime]:
        starts: datetime = self.cleaned_data["starts_at"] or timezone.now()
        lasts = self.cleaned_data["lasts"]
        ends: datetime = self.cleaned_data["ends_at"] if lasts == 0 else starts + timedelta(minutes=lasts)
        return starts, ends


class SilenceEditForm(forms.Form):
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), max_length=10_000, label="Why")
    ends_at = forms.DateTimeField(widget=_MOMENT, label="Until", help_text="UTC.")

    @classmethod
    def initial_of(cls, silence: Silence) -> dict[str, Any]:
        return {"reason": silence.reason, "ends_at": silence.ends_at}


class SilenceFilter(forms.Form):
    state = forms.ChoiceField(
        required=False,
        choices=[("", "Any state"), ("active", "active"), ("pending", "pending"), ("expired", "expired")],
    )


def rows_of(labels: Mapping[str, str]) -> list[dict[str, str]]:
    """One row for each label, as a link from an episode gives them."""
    return [{"label": label, "op": "eq", "value": value} for label, value in labels.items()]
