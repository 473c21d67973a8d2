"""The first page: what there is, what happened last, and for a new registry what to do next.

Upper layers add to it through the setting HOME_PANELS, dotted names of `(request) -> Panel`.
"""

from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string

from access.actor import SYSTEM
from access.caller import caller
from registry.models import Approval, Subject, Version, VersionMigration
from registry.sunset import notices_for

LATEST = 6


class Tile(TypedDict):
    """One number at the top of the page; templates/_stat.html shows it."""

    label: str
    value: str
    url: str
    note: NotRequired[str]
    tone: NotRequired[str]


class Panel(TypedDict):
    """A card of the home page, and the numbers it adds to the row at the top."""

    template: str
    context: dict[str, Any]
    tiles: NotRequired[list[Tile]]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do with a new registry; the rows of `model` say whether it was done, nothing else remembers it.

    The model is named by string, like every place above this layer. What is `not_by` somebody does not count.
    """

    title: str
    text: str
    model: str
    url_name: str
    action: str
    not_by: dict[str, str] = field(default_factory=dict)
    # The same from a terminal; API stands for the address of this server's API.
    command: str = ""

    def is_done(self) -> bool:
        return bool(apps.get_model(self.model)._default_manager.exclude(**self.not_by).exists())


STEPS = (
    Step(
        "Register a schema",
        "Upload one here, or point an existing registry client at /api/v1.",
        "registry.Version",
        "upload",
        "Register a schema",
        not_by={"published_by": SYSTEM.label},
        command="""\
curl API/subjects/orders.placed/versions -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{
  "schema": {
    "type": "object",
    "required": ["order_id", "amount"],
    "properties": {"order_id": {"type": "string"}, "amount": {"type": "integer", "minimum": 0}}
  }
}'""",
    ),
    Step(
        "Send an event",
        "A service needs a token with the scope ingest; it posts JSON to /api/v1/events.",
        "events.Event",
        "token-new",
        "Create a token",
        # What the registry tells of itself was sent by nobody.
        not_by={"node_id": "onex-registry"},
        command="""\
curl API/events -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{
  "event_type": "orders.placed",
  "schema_version": "1.0.0",
  "node_id": "checkout-1",
  "timestamp": "NOW",
  "correlation_id": "order-1001",
  "metadata": {"order_id": "1001", "amount": 4200}
}'""",
    ),
    Step(
        "Write an alert rule",
        "Say which events, how many and in what time; a webhook tells you when it fires.",
        "alerts.Rule",
        "rule-new",
        "New rule",
    ),
    Step(
        "Replay what happened",
        "Pick a correlation and send its events to a webhook again, as fast or slow as you like.",
        "events.Replay",
        "replay-new",
        "New replay",
    ),
)


def home(request: HttpRequest) -> HttpResponse:
    panels: list[Panel] = [import_string(name)(request) for name in settings.HOME_PANELS]
    steps = [_shown(step) for step in STEPS]
    context = {
        "tiles": [tile for panel in panels for tile in panel.get("tiles", [])],
        "panels": [render_to_string(panel["template"], panel["context"], request) for panel in panels],
        "steps": steps,
        "done": sum(step["done"] for step in steps),
    }
    return render(request, "registry/home.html", context)


def _shown(step: Step) -> dict[str, Any]:
    return {
        "title": step.title,
        "text": step.text,
        "done": step.is_done(),
        "command": step.command.replace("API/", f"{settings.PUBLIC_URL}/api/v1/").replace(
            "NOW", timezone.now().isoformat("T", "seconds")
        ),
        "id": f"command-{step.url_name}",
        "url": reverse(step.url_name),
        "action": step.action,
    }


def panel(request: HttpRequest) -> Panel:
    """The catalogue's own: how much there is, and the latest versions with their verdicts."""
    actor = caller(request)
    subjects = Subject.objects.readable_by(actor).with_live_versions().count()
    versions = Version.objects.live().readable_by(actor)
    tiles: list[Tile] = [
        {
            "label": "Subjects",
            "value": f"{subjects:,}",
            "note": f"{versions.count():,} versions",
            "url": reverse("subjects"),
        }
    ]
    if waiting := Approval.objects.waiting().readable_by(actor).count():
        tiles.append(
            {
                "label": "Uploads to approve",
                "value": f"{waiting:,}",
                "url": reverse("approvals"),
                "tone": "warn",
            }
        )
    if steps := VersionMigration.objects.waiting().readable_by(actor).count():
        tiles.append(
            {
                "label": "Migrations to approve",
                "value": f"{steps:,}",
                "url": reverse("approvals") + "#migrations",
                "tone": "warn",
            }
        )
    return {
        "template": "registry/_home_panel.html",
        "context": {"versions": versions.latest_first()[:LATEST], "sunsets": notices_for(actor)[:LATEST]},
        "tiles": tiles,
    }
