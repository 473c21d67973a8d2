from typing import Any

from django import forms

from events.signatures import SENTENCES, VERIFIED


class EventFilters(forms.Form):
    """The explorer's filters; `events.query.Filters` reads the same names."""

    type = forms.CharField(required=False, label="Type", help_text="* stands for any text")
    node = forms.CharField(required=False, label="Node")
    correlation_id = forms.CharField(required=False, label="Correlation")
    trace_id = forms.CharField(required=False, label="Trace")
    error_code = forms.CharField(required=False, label="Error code", help_text="or an area")
    error_pattern = forms.CharField(required=False, label="Failure")
    where = forms.CharField(required=False, label="Fields")
    valid = forms.ChoiceField(
        required=False,
        label="Validity",
        choices=[("", "All"), ("true", "Valid"), ("false", "With violations")],
    )
    signature = forms.ChoiceField(
        required=False,
        label="Signature",
        choices=[("", "All"), *((state, state.replace("_", " ")) for state in SENTENCES)],
    )
    since = forms.CharField(required=False, label="Since")
    until = forms.CharField(required=False, label="Until")
    live = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # One comes here from a failure: whoever looks for one by typing finds it there.
        if not self.data.get("error_pattern"):
            del self.fields["error_pattern"]
        self.fields["where"].widget.attrs["placeholder"] = "metadata.amount >= 3"
        for name in ("since", "until"):
            self.fields[name].widget.attrs["placeholder"] = "2026-11-23T14:00Z"


class QuarantineFilters(forms.Form):
    type = forms.CharField(required=False, label="Type", help_text="* stands for any text")
    reason = forms.ChoiceField(
        required=False,
        label="Reason",
        choices=[
            ("", "All"),
            ("unknown_event_type", "Unknown event type"),
            ("unknown_schema_version", "Unknown version"),
            ("violates_schema", "Violates its schema"),
            ("violates_taxonomy", "No code of its taxonomy"),
            ("violates_envelope", "Violates the envelope"),
            ("violates_profile", "Violates its profile"),
            *((state, SENTENCES[state]) for state in SENTENCES if state != VERIFIED),
        ],
    )
    aside = forms.ChoiceField(
        required=False, label="Show", choices=[("", "What waits"), ("yes", "What was set aside")]
    )
    place = forms.CharField(required=False, label="Place", help_text="# is the whole event")
    keyword = forms.CharField(required=False, label="Keyword")
    producer = forms.CharField(required=False, label="Sent by")
