"""The story, step by step, over HTTP only. Each step says what it did and checks what it claims."""

import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import compat
from registry.local.demo.api import Api, Refused
from registry.local.demo.console import Console
from registry.local.demo.material import Material, Upload
from registry.local.demo.receiver import Message, Receiver

_BATCH = 100
_PATIENCE = 30.0
_REPLAY_SPEED = 4.0
# How far a replayed event may arrive from its planned moment before the demo calls the timing wrong.
_TIMING_TOLERANCE = 0.25


class StoryBroke(Exception):
    """A step did not come out as the product promises; the message says which and how."""


@dataclass
class Story:
    api: Api
    pages: str
    receiver: Receiver
    console: Console
    material: Material
    links: dict[str, str] = field(default_factory=dict)

    def tell(self) -> None:
        """Raises StoryBroke when the product does not do what the story says."""
        self.register_older()
        self.upload_newer()
        self.validate_in_the_client()
        rule = self.make_rule()
        self.send_events()
        self.show_violations()
        self.wait_for_alert(rule)
        self.replay()
        self.show_links()

    def register_older(self) -> None:
        self.console.step(f"Register schemas ({self.material.name})")
        answers = [
            self.api.register(upload.subject, upload.schema)
            for upload in self.console.over("schemas registered", self.material.older)
        ]
        self.console.ok(f"{len(answers)} subjects; the last one has id {answers[-1]['id']}")
        self.links["subjects"] = "/subjects"

    def upload_newer(self) -> None:
        """Refused ones are shown with their counterexample, then published as the major version they are."""
        self.console.step("Upload the next edition on top")
        refusals: list[tuple[Upload, Refused]] = []
        for upload in self.console.over("schemas uploaded", self.material.newer):
            try:
                self.api.register(upload.subject, upload.schema)
            except Refused as refused:
                if refused.status != 409:
                    raise
                refusals.append((upload, refused))
        accepted = len(self.material.newer) - len(refusals)
        self.console.ok(f"{accepted} accepted as compatible, {len(refusals)} refused")
        if refusals:
            self._show_refusal(*min(refusals, key=lambda r: len(json.dumps(r[1].details.get("witness")))))
            self._publish_as_major(refusals)

    def _show_refusal(self, upload: Upload, refused: Refused) -> None:
        witness = refused.details.get("witness")
        if witness is None:
            raise StoryBroke(f"{upload.subject} was refused without a witness: {refused.body}")
        self.console.wrong(f"{upload.subject}: {_first_sentence(refused)}")
        self.console.say(f"  this was valid and would be rejected: {_short(witness['instance'])}")
        self.links["a refused subject"] = f"/subjects/{upload.subject}"

    def _publish_as_major(self, refusals: list[tuple[Upload, Refused]]) -> None:
        """A declared major is how one passes a change that the level refuses."""
        for upload, refused in refusals:
            required = refused.details["required_semver"]
            self.api.register(upload.subject, upload.schema, semver=required)
        self.console.ok(f"{len(refusals)} published after declaring them a new major version")

    def validate_in_the_client(self) -> None:
        self.console.step("Fetch a schema and validate on the client's side")
        upload = self.material.newer[0]
        latest = self.api.get(f"subjects/{upload.subject}/versions/latest")
        by_id = self.api.get(f"schemas/ids/{latest['id']}")
        validator = compat.compile_validator(json.loads(by_id["schema"]))
        errors = list(validator.errors({}))
        self.console.ok(f"schema {latest['id']} of {upload.subject} fetched by id and compiled")
        self.console.say(f"  an empty event would break it: {errors[0].message if errors else 'no'}")

    def make_rule(self) -> int:
        self.console.step("Make an alert rule with a signed webhook")
        channel = self._channel()
        fields = {
            "selector": self.material.alert,
            "threshold": self.material.alert_threshold,
            "window_seconds": 300,
            "group_by": ["node_id"],
            "keep_firing_seconds": 60,
            "severity": "error",
            "channels": [channel],
        }
        existing = {rule["name"]: rule["id"] for rule in self.api.get("alerts/rules")["rules"]}
        name = self.material.alert_name
        rule_id: int = existing.get(name) or self.api.post("alerts/rules", {"name": name, **fields})["id"]
        self.console.ok(f"“{name}”: {self.material.alert_threshold} events within 5 minutes, per node")
        self.links["the alert rule"] = f"/alerts/rules/{rule_id}"
        return rule_id

    def _channel(self) -> int:
        body = {"name": f"demo receiver :{self.receiver.port}", "url": self.receiver.url("/alert")}
        channel = self.api.post("alerts/channels", {**body, "secret": self.receiver.secret})
        channel_id: int = channel["id"]
        return channel_id

    def send_events(self) -> None:
        self.console.step("Send the events")
        counts: dict[str, int] = {}
        events = self.material.events
        batches = [events[i : i + _BATCH] for i in range(0, len(events), _BATCH)]
        for batch in self.console.over("batches acknowledged", batches):
            answer = self.api.post("events", batch)
            for status, count in answer["counts"].items():
                counts[status] = counts.get(status, 0) + count
        told = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items() if count)
        self.console.ok(f"{len(events)} sent: {told}")
        violating = counts.get("stored_with_violations", 0)
        if violating != self.material.expected_violations:
            raise StoryBroke(
                f"The registry counted {violating} violations; validating directly counts "
                f"{self.material.expected_violations}."
            )
        self.console.ok(f"{violating} violations, exactly as many as validating directly finds")

    def show_violations(self) -> None:
        self.console.step("Look at the violations")
        for event in self.api.get("events", valid="false", limit=3)["events"]:
            first = event["violations"][0]
            self.console.wrong(
                f"{event['event_type']} at {first['pointer'] or '/'}: {_short(first['message'])}"
            )
        self.links["violations"] = "/violations"

    def wait_for_alert(self, rule: int) -> None:
        self.console.step("Wait for the alert")
        began = time.monotonic()
        arrived = self.receiver.wait_for("/alert", 1, _PATIENCE)
        if not arrived:
            raise StoryBroke(
                f"No alert arrived within {_PATIENCE:.0f} s. The page /alerts/rules/{rule} says why."
            )
        message = arrived[0]
        if not message.signed:
            raise StoryBroke("The alert's signature does not hold.")
        data = json.loads(message.body)["data"]
        self.console.ok(
            f"delivered {message.at - began:.1f} s later, signature verified: {data['rule']['name']} "
            f"({data['count']} events, {data['group']})"
        )
        self.links["the episode"] = f"/alerts/episodes/{data['episode']['id']}"

    def replay(self) -> None:
        self.console.step(f"Replay what happened, {_REPLAY_SPEED:g} times as fast")
        body = {
            "correlation_id": self.material.replayed,
            "target": self.receiver.url("/replay"),
            "secret": self.receiver.secret,
            "speed": _REPLAY_SPEED,
        }
        run = self.api.post("replays", body)
        self.links["the replay"] = f"/replays/{run['id']}"
        while run["state"] not in ("completed", "cancelled", "failed"):
            time.sleep(0.2)
            run = self.api.get(f"replays/{run['id']}")
            self.console.bar("events replayed", min(run["done"], run["total"] - 1), run["total"])
        self.console.bar("events replayed", run["done"], run["total"])
        if run["state"] != "completed":
            raise StoryBroke(f"The replay ended as {run['state']}: {run['problem']}")
        self._check_replay(self.receiver.wait_for("/replay", run["total"], 5))

    def _check_replay(self, arrived: list[Message]) -> None:
        """Order by event id, and each arrival against the original gaps divided by the speed."""
        wanted = [e for e in self.material.events if e["correlation_id"] == self.material.replayed]
        got = [_event_of(message) for message in arrived]
        if [e["event_id"] for e in got] != [e["event_id"] for e in wanted]:
            raise StoryBroke("The replay did not keep the order of the events.")
        moments = [datetime.fromisoformat(str(e["timestamp"])) for e in wanted]
        offsets = [(moment - moments[0]).total_seconds() / _REPLAY_SPEED for moment in moments]
        errors = [abs((m.at - arrived[0].at) - planned) for m, planned in zip(arrived, offsets, strict=True)]
        if max(errors) > _TIMING_TOLERANCE:
            raise StoryBroke(f"The replay's timing was off by {max(errors):.2f} s.")
        self.console.ok(
            f"{len(got)} events arrived in order; timing off by {max(errors) * 1000:.0f} ms at most"
        )

    def show_links(self) -> None:
        self.console.step("Look around")
        for name, path in self.links.items():
            self.console.say(f"{name:<20} {self.pages}{path}")


def _first_sentence(refused: Refused) -> str:
    changes = refused.details.get("changes") or []
    return str(changes[0]["sentence"] if changes else refused.body["message"])


def _event_of(message: Message) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(message.body)
    return event


def _short(value: object, width: int = 140) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else text[: width - 1] + "…"
