"""The story, step by step, over HTTP only. Each step says what it did and checks what it claims."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import compat
from registry.local.demo.api import Api, Refused
from registry.local.demo.console import Console
from registry.local.demo.material import Material, Upload
from registry.local.demo.receiver import Message, Receiver

T = TypeVar("T")
R = TypeVar("R")

_BATCH = 100
_AT_ONCE = 4
_CAUSES_SHOWN = 3
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
    sent_at: float = 0.0
    # An earlier demo's notifications may still be on their way: ours go to paths of our own.
    alert_path: str = field(default_factory=lambda: f"/alert/{secrets.token_hex(4)}")
    replay_path: str = field(default_factory=lambda: f"/replay/{secrets.token_hex(4)}")

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
        self.leave_quietly()
        self.show_links()

    def register_older(self) -> None:
        self.console.step(f"Register schemas ({self.material.name})")
        answers = self._each(
            "schemas registered",
            lambda upload: self.api.register(upload.subject, upload.schema)["id"],
            self.material.older,
        )
        self.console.ok(f"{len(answers)} subjects; the highest id is {max(answers)}")
        self.links["subjects"] = "/subjects"

    def upload_newer(self) -> None:
        """Refused ones are shown with their counterexample, then published as the major version they are."""
        self.console.step("Upload the next edition on top")
        answers = self._each("schemas uploaded", self._refusal, self.material.newer)
        refused = [one for one in answers if one is not None]
        witnessed = [one for one in refused if one[1].details["witness"]]
        self.console.ok(
            f"{len(self.material.newer) - len(refused)} accepted, {len(witnessed)} refused with a "
            f"counterexample, {len(refused) - len(witnessed)} refused as undecided"
        )
        if refused:
            self._publish_as_major(refused)
        else:
            witnessed = self._ask_again()
        if not witnessed:
            raise StoryBroke("None of the uploads was shown to be incompatible.")
        self._show_refusal(*min(witnessed, key=lambda one: len(json.dumps(one[1].details["witness"]))))

    def _refusal(self, upload: Upload) -> tuple[Upload, Refused] | None:
        """None when the upload was accepted."""
        try:
            self.api.register(upload.subject, upload.schema)
        except Refused as refusal:
            if refusal.status != HTTPStatus.CONFLICT:
                raise
            return upload, refusal
        return None

    def _each(self, label: str, do: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """`do` for every item, some at the same time, as the services of a team would."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(self.console.over(label, pool.map(do, items), len(items)))

    def _publish_as_major(self, refused: list[tuple[Upload, Refused]]) -> None:
        """A declared major is how one passes a change that the level refuses."""
        self._each(
            "published as a new major version",
            lambda one: self.api.register(
                one[0].subject, one[0].schema, semver=one[1].details["semver"]["version"]
            ),
            refused,
        )

    def _ask_again(self) -> list[tuple[Upload, Refused]]:
        """An earlier demo published them all: the same question without an upload."""
        self.console.say(
            "All of them are published already, by an earlier demo; asking about version 1 again."
        )
        found = []
        for upload in self.material.newer[:20]:
            answer = self.api.check(upload.subject, 1, upload.schema)
            if not answer["is_compatible"]:
                found.append((upload, Refused(HTTPStatus.CONFLICT, answer)))
        return found

    def _show_refusal(self, upload: Upload, refusal: Refused) -> None:
        self.console.wrong(f"{upload.subject}: {_first_sentence(refusal)}")
        witness = refusal.details["witness"]["instance"]
        self.console.say(f"  this was valid and would be rejected: {_short(witness)}")
        self.links["a refused subject"] = f"/subjects/{quote(upload.subject, safe='')}"

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
        name = self.material.alert_name
        rule_id = self._named("alerts/rules", name)
        if rule_id is None:
            rule_id = self.api.post("alerts/rules", {"name": name, **fields})["rule"]["id"]
        self.console.ok(f"“{name}”: {self.material.alert_threshold} events within 5 minutes, per node")
        self.links["the alert rule"] = f"/alerts/rules/{rule_id}"
        return rule_id

    def _channel(self) -> int:
        """The demo's own channel, pointed at this run's receiver."""
        body = {
            "name": "demo",
            "url": self.receiver.url(self.alert_path),
            "secret": self.receiver.secret,
            "enabled": True,
        }
        channel_id = self._named("alerts/channels", "demo")
        if channel_id is None:
            channel_id = self.api.post("alerts/channels", body)["channel"]["id"]
        else:
            self.api.put(f"alerts/channels/{channel_id}", body)
        return channel_id

    def _named(self, path: str, name: str) -> int | None:
        """The id of what an earlier demo made under this name."""
        after: str | None = ""
        while after is not None:
            page = self.api.get(path, after=after)
            for item in page["items"]:
                if item["name"] == name:
                    found: int = item["id"]
                    return found
            after = page["next"]
        return None

    def send_events(self) -> None:
        self.console.step("Send the events")
        self.sent_at = time.monotonic()
        counts: dict[str, int] = {}
        events = self.material.events
        batches = [events[i : i + _BATCH] for i in range(0, len(events), _BATCH)]
        for batch in self.console.over("batches acknowledged", batches, len(batches)):
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
        for event in self.api.get("events", valid="false", limit=3)["items"]:
            first = event["violations"][0]
            self.console.wrong(
                f"{event['event_type']} at {first['pointer'] or '/'}: {_short(first['message'])}"
            )
        self.links["violations"] = "/violations"

    def wait_for_alert(self, rule: int) -> None:
        self.console.step("Wait for the alert")
        arrived = self.receiver.wait_for(self.alert_path, 1, _PATIENCE)
        if not arrived:
            raise StoryBroke(
                f"No alert arrived within {_PATIENCE:.0f} s. The page /alerts/rules/{rule} says why."
            )
        message = arrived[0]
        if not message.signed:
            raise StoryBroke("The alert's signature does not hold.")
        data = json.loads(message.body)["data"]
        self.console.ok(
            f"delivered {message.at - self.sent_at:.1f} s after sending began, signature verified: "
            f"{data['rule']['name']} "
            f"({data['count']} events, {data['group']})"
        )
        self.links["the episode"] = f"/alerts/episodes/{data['episode']['id']}"

    def replay(self) -> None:
        self.console.step(f"Replay what happened, {_REPLAY_SPEED:g} times as fast")
        body = {
            "correlation_id": self.material.replayed,
            "target": self.receiver.url(self.replay_path),
            "secret": self.receiver.secret,
            "speed": _REPLAY_SPEED,
        }
        run = self.api.post("replays", body)
        self.links["the replay"] = f"/replays/{run['id']}"
        while run["state"] not in ("completed", "cancelled", "failed"):
            time.sleep(0.2)
            run = self.api.get(f"replays/{run['id']}")["replay"]
            self.console.bar("events replayed", min(run["done"], run["total"] - 1), run["total"])
        self.console.bar("events replayed", run["done"], run["total"])
        if run["state"] != "completed":
            raise StoryBroke(f"The replay ended as {run['state']}: {run['problem']}")
        self._check_replay(self.receiver.wait_for(self.replay_path, run["total"], 5))

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

    def leave_quietly(self) -> None:
        """The receiver ends with the demo: what the rule finds later would fail to arrive."""
        body = {"name": "demo", "url": self.receiver.url(self.alert_path), "enabled": False}
        self.api.put(f"alerts/channels/{self._named('alerts/channels', 'demo')}", body)

    def show_links(self) -> None:
        self.console.step("Look around")
        for name, path in self.links.items():
            self.console.say(f"{name:<20} {self.pages}{path}")


def _first_sentence(refused: Refused) -> str:
    changes = refused.details.get("changes") or []
    return str(changes[0]["sentence"] if changes else refused.message)


def _event_of(message: Message) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(message.body)
    return event


def _short(value: object, width: int = 140) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else text[: width - 1] + "…"
