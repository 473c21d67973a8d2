"""Forms about episodes."""

from typing import Any

from django import forms

from alerts.attend import ACKNOWLEDGED_FOR, MAX_TEXT
from alerts.models import Rule, RuleQuerySet, Severity

_LENGTHS = [
    (30, "30 minutes"),
    (60, "an hour"),
    (240, "4 hours"),
    (720, "12 hours"),
    (1440, "a day"),
    (10080, "a week"),
]
_TEXT = forms.Textarea(attrs={"rows": 2})


class EpisodeFilter(forms.Form):
    rule = forms.ModelChoiceField(Rule.objects.none(), required=False, empty_label="Every rule")
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Any state"),
            ("firing", "firing"),
            ("unattended", "firing, nobody sees to it"),
            ("acknowledged", "firing, acknowledged"),
            ("resolved", "resolved"),
        ],
    )
    severity = forms.ChoiceField(required=False, choices=[("", "Any severity"), *Severity.choices])
    owner = forms.CharField(required=False, max_length=200, label="Acknowledged by")
    group = forms.CharField(required=False, max_length=200)

    def __init__(self, *args: Any, rules: RuleQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule = self.fields["rule"]
        assert isinstance(rule, forms.ModelChoiceField)
        rule.queryset = rules

    def chosen(self) -> dict[str, Any]:
        """The filters that are filled in and readable."""
        self.is_valid()
        rule = self.cleaned_data.get("rule")
        return {**self.cleaned_data, "rule": rule.pk if rule else None}


class AcknowledgeForm(forms.Form):
    minutes = forms.TypedChoiceField(
        label="For",
        choices=_LENGTHS,
        coerce=int,
        initial=int(ACKNOWLEDGED_FOR.total_seconds() // 60),
    )
    reason = forms.CharField(required=False, max_length=MAX_TEXT, widget=_TEXT, label="What you know or do")


class ResolveForm(forms.Form):
    reason = forms.CharField(required=False, max_length=MAX_TEXT, widget=_TEXT, label="Why it is over")


class NoteForm(forms.Form):
    text = forms.CharField(max_length=MAX_TEXT, widget=_TEXT, label="Note")
