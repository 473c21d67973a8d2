"""What is asked for on the pages of sampling."""

from django import forms

from events.sampling import RuleSpec
from events.sampling_rules import LOWEST_RATE, Rule


class SamplingRuleForm(forms.Form):
    event_type = forms.CharField(
        label="Event types",
        max_length=255,
        widget=forms.TextInput(attrs={"class": "code", "placeholder": "NODE_*"}),
        help_text="A name, or a pattern in which * is any text.",
    )
    node = forms.CharField(
        label="Nodes",
        max_length=255,
        initial="*",
        widget=forms.TextInput(attrs={"class": "code"}),
        help_text="The same for the node's id, or its type: stamper_node fits stamper_node-001, too.",
    )
    rate = forms.FloatField(
        label="Share that is kept",
        min_value=LOWEST_RATE,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "any", "data-behaviour": "rate"}),
        help_text=f"{LOWEST_RATE:g} to 1: 0.05 keeps one tree of events in twenty.",
    )
    keep_failures = forms.BooleanField(
        label="Keep all failures",
        required=False,
        initial=True,
        help_text="Types that end in FAILURE, FAILED or ERROR, success: false, and whatever has an error code.",
    )
    enabled = forms.BooleanField(required=False, initial=True, label="In force")
    note = forms.CharField(
        required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}), help_text="Why."
    )

    def spec(self) -> RuleSpec:
        return RuleSpec(**self.cleaned_data)


def as_initial(rule: Rule) -> dict[str, object]:
    """What the form shows of a rule that is there."""
    return {name: getattr(rule, name) for name in SamplingRuleForm.base_fields}


class EffectiveFilter(forms.Form):
    type = forms.CharField(label="Event type", required=False, max_length=255)
    node = forms.CharField(label="Node", required=False, max_length=255)
