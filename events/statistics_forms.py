from django import forms
from django.http import QueryDict

from events.timeframe import STEPS

DEFAULT_RANGE = "24h"
_RANGES = [
    (DEFAULT_RANGE, "Last 24 hours"),
    ("1h", "Last hour"),
    ("6h", "Last 6 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
    ("90d", "Last 90 days"),
    ("1y", "Last year"),
    ("", "as chosen beside"),
]
_WORDS = {
    "5m": "5 minutes",
    "15m": "15 minutes",
    "1h": "hours",
    "3h": "3 hours",
    "6h": "6 hours",
    "1d": "days",
    "7d": "weeks",
}


class FrameForm(forms.Form):
    """Which time; `events.timeframe.Frame` reads the same names."""

    range = forms.ChoiceField(required=False, label="Time", choices=_RANGES)
    step = forms.ChoiceField(
        required=False,
        label="Steps",
        choices=[("", "that fit"), *((name, _WORDS[name]) for name in STEPS)],
    )
    to = forms.CharField(required=False, label="Until")

    def __init__(self, given: QueryDict) -> None:
        asked = given.copy()
        if not asked.get("from"):
            asked.setdefault("range", DEFAULT_RANGE)
        super().__init__(asked)
        # A word of Python's.
        self.fields["from"] = forms.CharField(required=False, label="From")
        self.order_fields(["type", "range", "step", "sort", "from", "to"])
        self.fields["from"].widget.attrs["placeholder"] = "2026-11-23T14:00Z"
        self.fields["to"].widget.attrs["placeholder"] = "now"


class StatisticsFilters(FrameForm):
    type = forms.CharField(required=False, label="Type", help_text="* stands for any text")
    sort = forms.ChoiceField(
        required=False,
        label="Order",
        choices=[
            ("", "most events first"),
            ("violations", "highest violation rate first"),
            ("last_seen", "last seen first"),
            ("name", "by name"),
        ],
    )


class ProducerFilters(forms.Form):
    service = forms.CharField(required=False, label="Service")
    type = forms.CharField(required=False, label="Event type")
    producer = forms.CharField(required=False, label="Account")
