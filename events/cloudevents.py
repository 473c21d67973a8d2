"""Changes as CloudEvents 1.0 over HTTP, to those who subscribed to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, unquote

import orjson
from django.conf import settings

from access.delivery import ALERT_SCHEDULE, AS_JSON, enqueue_delivery
from access.models import Delivery
from events.changes import Change
from events.models import Subscription

ABOUT = "events.subscription"
STRUCTURED = "application/cloudevents+json; charset=utf-8"
# What may stand in a header as it is; the rest is percent-encoded, as the HTTP binding of CloudEvents says.
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


def cloudevent_of(change: Change) -> dict[str, Any]:
    """The JSON format of CloudEvents; `dataschema` is where the registered schema of `data` is."""
    schema = f"/api/v1/subjects/{quote(change.event_type)}/versions/{quote(change.schema_version)}/schema"
    return {
        "specversion": "1.0",
        "id": change.event_id,
        "source": settings.PUBLIC_URL,
        "type": change.event_type,
        **({"subject": change.subject} if change.subject else {}),
        "time": change.at.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": settings.PUBLIC_URL + schema,
        "correlationid": change.correlation_id,
        "data": change.metadata,
    }


def tell_subscribers(told: Sequence[Change]) -> None:
    """Writes the messages of those who subscribed, in the caller's transaction."""
    subscriptions = list(Subscription.objects.filter(enabled=True)) if told else []
    for change in told:
        for subscription in subscriptions:
            if subscription.wants(change.event_type, change.subject):
                send(subscription, cloudevent_of(change), message_id=f"{change.event_id}-{subscription.pk}")


def send(
    subscription: Subscription,
    event: Mapping[str, Any],
    *,
    message_id: str,
    schedule: Sequence[float] = ALERT_SCHEDULE,
) -> Delivery:
    """Writes one message in the form that was subscribed to."""
    binary = subscription.format == Subscription.Format.BINARY
    return enqueue_delivery(
        message_id=message_id,
        about=ABOUT,
        about_id=subscription.pk,
        url=subscription.url,
        secret=subscription.secret,
        payload=event["data"] if binary else event,
        headers=_headers_of(event) if binary else {"content-type": STRUCTURED},
        schedule=schedule,
    )


@dataclass(frozen=True, slots=True)
class About:
    """Of which change a message tells: the type of the event, and the subject, "" where it has none."""

    type: str
    subject: str

    @classmethod
    def of(cls, sent: Delivery) -> Self:
        """Read from the message as it was written, in either form."""
        if "ce-type" in sent.headers:
            return cls(sent.headers["ce-type"], unquote(sent.headers.get("ce-subject", "")))
        event = orjson.loads(bytes(sent.body))
        return cls(event["type"], event.get("subject", ""))


def _headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """Binary mode: the attributes as headers, the body is the data alone."""
    attributes = {name: value for name, value in event.items() if name not in {"data", "datacontenttype"}}
    return AS_JSON | {f"ce-{name}": quote(value, safe=_PLAIN) for name, value in attributes.items()}
