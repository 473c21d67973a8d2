"""The first page: numbers, latest versions, and the steps that tick themselves off."""

import json
import re
import uuid

import pytest

from registry.models import Content, SchemaId, Subject, Version
from tests.conftest import Person

pytestmark = pytest.mark.django_db


def store(name: str, by: str = "owner", **version: object) -> Version:
    content = Content.objects.create(
        digest=name.encode().ljust(32), text="{}", dialect="x", guid=uuid.uuid4()
    )
    identity = SchemaId.objects.create(
        context=".", number=content.pk, content=content, digest=content.digest, guid=content.guid
    )
    subject = Subject.objects.create(name=name)
    return Version.objects.create(
        subject=subject,
        number=1,
        content=content,
        identity=identity,
        semver="1.0.0",
        published_by=by,
        **version,
    )


def steps(person: Person) -> dict[str, bool]:
    return {step["title"]: step["done"] for step in person.browser.get("/").context["steps"]}


def test_a_new_registry_says_what_to_do_first(owner: Person):
    page = owner.browser.get("/")
    assert page.context["done"] == 0
    assert "Getting started" in page.content.decode()
    assert "No schemas yet" in page.content.decode()


def test_the_first_schema_ticks_itself_off_but_the_built_in_ones_do_not(owner: Person):
    store("onex.envelope", by="system")
    assert not steps(owner)["Register a schema"]
    store("orders.placed")
    assert steps(owner)["Register a schema"]


def test_the_commands_for_a_terminal_work_as_they_are_written(owner: Person):
    browser = owner.browser
    for _ in range(2):
        step = next(
            step for step in browser.get("/").context["steps"] if step["command"] and not step["done"]
        )
        path = re.search(r"http://[^/]+(/api/v1/\S+)", step["command"])[1]
        body = step["command"].partition("-d '")[2].removesuffix("'")
        answer = owner.api.post(path, json.loads(body))
        assert answer.status_code == 200, answer.content
    assert answer.json()["counts"]["stored"] == 1
    assert browser.get("/").context["done"] == 2


def test_the_latest_versions_are_listed_with_their_verdicts(owner: Person):
    store("orders.placed", verdict={"against": [{"version": 1, "status": "undecided"}]})
    page = owner.browser.get("/").content.decode()
    assert "orders.placed" in page
    assert "undecided" in page


def test_one_sees_only_what_one_may_read(owner: Person, teammate: Person, stranger: Person):
    store("team.secret")
    store("other.secret")
    assert "other.secret" in owner.browser.get("/").content.decode()
    page = teammate.browser.get("/").content.decode()
    assert "team.secret" in page
    assert "other.secret" not in page
    assert "team.secret" not in stranger.browser.get("/").content.decode()


def test_an_address_with_nothing_behind_it_is_a_page_for_people_and_json_for_programs(owner: Person, client):
    page = owner.browser.get("/nothing-here")
    assert page.status_code == 404
    assert "There is nothing here" in page.content.decode()
    assert client.get("/nothing-here").status_code == 404
    assert owner.api.get("/api/v1/nothing-here/at/all").json()["error_code"] == 40400


def broken(request: object) -> None:
    """A panel whose code has a defect."""
    raise RuntimeError("the secret reason")


def test_a_broken_page_tells_the_request_id_and_nothing_else(owner: Person, settings):
    settings.HOME_PANELS = [f"{__name__}.broken"]
    browser = owner.browser
    browser.raise_request_exception = False
    page = browser.get("/", headers={"X-Request-Id": "abc123"})
    assert page.status_code == 500
    assert "abc123" in page.content.decode()
    assert "secret reason" not in page.content.decode()
