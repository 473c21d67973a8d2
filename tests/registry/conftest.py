"""Short ways to publish. Schemas are written as Python values and sent as text."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from access.actor import Actor
from registry.publish import Published, publish_version

Publish = Callable[..., Published]

ONE_FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_FIELDS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
A_REQUIRED = {**ONE_FIELD, "required": ["a"]}
OTHER_TYPE = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.fixture(autouse=True)
def _no_judges_from_above(settings: Any) -> None:
    """What the layers above find about an upload is for their own tests."""
    settings.UPLOAD_JUDGES = []


@pytest.fixture
def publish(actor: Actor) -> Publish:
    """`publish("orders", {...}, semver="1.2.0")` by the owner."""

    def publish(subject: str, schema: Any, **more: Any) -> Published:
        more.setdefault("actor", actor)
        return publish_version(subject=subject, schema=json.dumps(schema), **more)

    return publish
