"""What is asked for on the pages of subscriptions."""

from typing import Any

from django import forms

from events.changes import EVENT_TYPES
from events.models import Subscription
from events.subscribe import SubscriptionSpec


class SubscriptionForm(forms.Form):
    name = forms.CharField(max_length=100)
    subject_prefix = forms.CharField(
        label="Subjects that begin with",
        required=False,
        max_length=255,
        strip=False,
        widget=forms.TextInput(attrs={"class": "code", "placeholder": "orders."}),
        help_text="Empty: every subject and taxonomy, and the settings of the whole registry.",
    )
    kinds = forms.MultipleChoiceField(
        label="Changes",
        required=False,
        choices=[
            (name, name.removeprefix("registry.").replace(".", " ").replace("_", " "))
            for name in sorted(EVENT_TYPES)
        ],
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked means all of them, those that are added later included.",
    )
    url = forms.CharField(
        label="Address",
        max_length=2000,
        widget=forms.URLInput(attrs={"class": "code", "placeholder": "https://ci.example.com/schemas"}),
        help_text="CloudEvents are posted there, signed as Standard Webhooks says.",
    )
    format = forms.ChoiceField(
        choices=[
            ("structured", "Structured: the whole CloudEvent is the body"),
            ("binary", "Binary: attributes are headers, the data is the body"),
        ],
    )
    secret = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "code", "autocomplete": "off"}),
        help_text="whsec_… of the receiver. Leave it empty, and the present one stays or one is made.",
    )
    enabled = forms.BooleanField(required=False, initial=True, label="Tell it about changes")

    def spec(self) -> SubscriptionSpec:
        return SubscriptionSpec(**self.cleaned_data)


def as_initial(row: Subscription) -> dict[str, Any]:
    """What the form shows of a subscription that is there."""
    return {name: getattr(row, name) for name in SubscriptionForm.base_fields if name != "secret"}
