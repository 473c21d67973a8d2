"""The forms of channels: what people may write; the operations decide whether it may be so."""

from typing import Any

from django import forms

from alerts.channel_kinds import KINDS
from alerts.channel_kinds.kind import PARTS
from alerts.channels import MAX_GATHER_SECONDS, MAX_PER_MINUTE
from alerts.models import Channel

_CODE = {"class": "code"}
_ADDRESS_HELP = {
    Channel.Kind.WEBHOOK: "Notifications are posted there as JSON, signed as Standard Webhooks says.",
    Channel.Kind.SLACK: "Of an incoming webhook of Slack, or of a server that understands the same, such as Mattermost.",
    Channel.Kind.TEAMS: "Of the workflow “Post to a channel when a webhook request is received”.",
    Channel.Kind.DISCORD: "Channel settings → Integrations → Webhooks → Copy webhook URL.",
    Channel.Kind.APPRISE: "Of an Apprise API that an operator runs, with the key of its configuration.",
}
_ADDRESS_EXAMPLE = {
    Channel.Kind.WEBHOOK: "https://hooks.example.com/onex",
    Channel.Kind.SLACK: "https://hooks.slack.com/services/…",
    Channel.Kind.TEAMS: "https://….logic.azure.com/workflows/…",
    Channel.Kind.DISCORD: "https://discord.com/api/webhooks/…",
    Channel.Kind.APPRISE: "https://apprise.example.com/notify/onex",
}


_CLOCK = forms.TimeInput(format="%H:%M", attrs={"type": "time"})


class ChannelForm(forms.Form):
    """Of one kind: the fields that such a channel has."""

    name = forms.CharField(max_length=100)
    url = forms.CharField(label="Address", max_length=2000, widget=forms.URLInput(attrs=_CODE))
    secret = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={**_CODE, "autocomplete": "off"}),
        help_text="Of v1: whsec_… of the receiver. Leave it empty, and the present one stays or one is made.",
    )
    signature = forms.ChoiceField(choices=Channel.Signature.choices, required=False)
    recipients = forms.CharField(
        widget=forms.Textarea(attrs={**_CODE, "rows": 3, "placeholder": "ann@example.com"}),
        help_text="One address a line. Each gets a message of its own, and an episode is one thread.",
    )
    title_template = forms.CharField(
        label="Title",
        required=False,
        widget=forms.TextInput(attrs={**_CODE, "placeholder": "{{ title }}"}),
        help_text="In your own words, such as {{ severity|upper }} {{ rule.name }} on {{ group.node_id }}.",
    )
    text_template = forms.CharField(
        label="Text",
        required=False,
        widget=forms.Textarea(attrs={**_CODE, "rows": 4, "placeholder": "{{ sentence }}"}),
        help_text="Facts and links follow by themselves.",
    )
    quiet_from = forms.TimeField(required=False, widget=_CLOCK)
    quiet_until = forms.TimeField(
        required=False,
        widget=_CLOCK,
        help_text="Between the two only what is critical is told at once; what still fires at the end is told then.",
    )
    time_zone = forms.CharField(
        required=False, max_length=64, initial="UTC", help_text="Of the quiet hours, such as Europe/Berlin."
    )
    gather_seconds = forms.IntegerField(
        label="Gather for seconds",
        required=False,
        min_value=0,
        max_value=MAX_GATHER_SECONDS,
        initial=0,
        help_text="What comes within so long of the first is told with it in one message. 0 tells each at once.",
    )
    most_per_minute = forms.IntegerField(
        label="Messages a minute at most",
        required=False,
        min_value=1,
        max_value=MAX_PER_MINUTE,
        help_text="What is beyond is told in one message, as soon as there is room. Empty: no limit.",
    )
    enabled = forms.BooleanField(required=False, initial=True, label="Send notifications")

    def __init__(self, *args: Any, kind: str, stored: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for part in set(PARTS) - KINDS[kind].parts:
            del self.fields[part]
        if "url" in self.fields:
            self.fields["url"].help_text = _ADDRESS_HELP[Channel.Kind(kind)]
            self.fields["url"].widget.attrs["placeholder"] = _ADDRESS_EXAMPLE[Channel.Kind(kind)]
        if kind == Channel.Kind.PAGERDUTY:
            key = self.fields["secret"]
            key.label, key.required = "Integration key", not stored
            key.help_text = "Service → Integrations → Events API V2."
            if stored:
                key.help_text += " Leave it empty, and the present one stays."

    def clean_time_zone(self) -> str:
        return str(self.cleaned_data["time_zone"]).strip() or "UTC"

    def clean_gather_seconds(self) -> int:
        return self.cleaned_data["gather_seconds"] or 0

    def clean_recipients(self) -> list[str]:
        return str(self.cleaned_data["recipients"]).replace(",", " ").split()


class AttemptFilter(forms.Form):
    outcome = forms.ChoiceField(
        required=False, choices=[("", "Every attempt"), ("failed", "Failed"), ("delivered", "Delivered")]
    )
