"""What people may write on the replay pages; the operations decide whether it may be so."""

from django import forms

from events.models import Replay

_CODE = forms.TextInput(attrs={"class": "code"})


class SpeedForm(forms.Form):
    speed = forms.FloatField(
        label="Speed",
        initial=1.0,
        min_value=0,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
        help_text="2 is twice as fast, 0.5 half as fast, 0 as fast as the target takes them.",
    )


class ReplayForm(SpeedForm):
    correlation_id = forms.CharField(label="Correlation", max_length=255, widget=_CODE)
    target = forms.CharField(
        label="Send to",
        max_length=2000,
        widget=forms.URLInput(attrs={"class": "code", "placeholder": "https://…"}),
        help_text="A webhook: every event arrives as a POST with the producer's own bytes, marked as a replay.",
    )
    max_gap = forms.FloatField(
        label="Longest wait",
        required=False,
        min_value=0,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
        help_text="Idle stretches longer than so many seconds of original time are cut. Empty keeps them.",
    )
    secret = forms.CharField(
        label="Signing secret",
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"class": "code", "autocomplete": "off"}, render_value=True),
        help_text="whsec_…: requests carry a Standard Webhooks signature made with it.",
    )
    field_order = ("correlation_id", "target", "speed", "max_gap", "secret")


class ReplayFilter(forms.Form):
    correlation_id = forms.CharField(label="Correlation", required=False, widget=_CODE)
    state = forms.ChoiceField(required=False, choices=[("", "Any state"), *Replay.State.choices])
