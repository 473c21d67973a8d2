"""Subscriptions: an address is told, as signed CloudEvents, whenever a subject that begins with a prefix changes."""

import json
from pathlib import Path
from urllib.parse import unquote

import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from jsonschema import Draft7Validator
from jsonschema_rs import validator_for
from standardwebhooks import Webhook

from access.delivery import deliver_due
from access.models import AuditEntry, Delivery
from events.models import Subscription
from tests.events.conftest import ORDER
from tests.receiver import Receiver
from tests.require import require

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/api/v1/subscriptions"
PUBLISHED, DELETED = "registry.version.published", "registry.version.deleted"


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


@pytest.fixture
def subscribe(owner, receiver):
    """`subscribe(subject_prefix="team.")`: what making it over REST answers."""

    def make(person=owner, **spec):
        body = {"name": "ci", "url": receiver.url, **spec}
        return person.api.post(ADDRESS, body, format="json")

    return make


def upload(person, subject, schema=ORDER):
    body = {"schema": json.dumps(schema)}
    answer = person.api.post(f"/api/v1/subjects/{subject}/versions", body, format="json")
    assert answer.status_code == 200


def arrived(told, receiver, count):
    """What came once changes were told and messages sent."""
    told()
    deliver_due()
    return receiver.wait_for(count)


def test_a_published_version_arrives_as_a_signed_cloudevent(owner, told, receiver, subscribe):
    secret = subscribe(subject_prefix="team.").json()["secret"]
    upload(owner, "team.order")
    [came] = arrived(told, receiver, 1)
    assert came.headers["content-type"].startswith("application/cloudevents+json")
    body = Webhook(secret).verify(came.body, dict(came.headers))
    assert body["specversion"] == "1.0"
    assert body["type"] == PUBLISHED
    assert body["source"] == "http://127.0.0.1:8090"
    assert body["subject"] == "team.order"
    assert body["data"]["semver"] == "1.0.0"
    stored = owner.api.get(f"/api/v1/events/{body['id']}").json()
    assert stored["metadata"] == body["data"]
    assert stored["correlation_id"] == body["correlationid"]


def test_dataschema_is_the_address_of_the_schema_that_the_data_fits(owner, told, receiver, subscribe):
    subscribe()
    upload(owner, "team.order")
    body = orjson.loads(arrived(told, receiver, 1)[0].body)
    address = body["dataschema"].removeprefix("http://127.0.0.1:8090")
    assert address == f"/api/v1/subjects/{PUBLISHED}/versions/1.0.0/schema"
    assert validator_for(owner.api.get(address).json()).is_valid(body["data"])


@pytest.mark.parametrize("format_", ["structured", "binary"])
def test_the_sdk_of_cloudevents_reads_what_arrives(owner, told, receiver, subscribe, format_):
    subscribe(format=format_)
    upload(owner, 'team.größe "50%" 🎉')
    [came] = arrived(told, receiver, 1)
    read = from_http_event(HTTPMessage(headers=dict(came.headers), body=came.body))
    assert read.get_specversion() == "1.0"
    assert read.get_type() == PUBLISHED
    assert read.get_subject() == 'team.größe "50%" 🎉'
    assert read.get_data()["version"] == 1
    assert read.get_dataschema().endswith("/1.0.0/schema")


def test_in_binary_mode_attributes_are_headers_and_the_body_is_the_data(owner, told, receiver, subscribe):
    secret = subscribe(format="binary").json()["secret"]
    upload(owner, "team.größe")
    [came] = arrived(told, receiver, 1)
    assert came.headers["content-type"] == "application/json"
    assert came.headers["ce-specversion"] == "1.0"
    assert came.headers["ce-type"] == PUBLISHED
    assert came.headers["ce-subject"].isascii()
    assert unquote(came.headers["ce-subject"]) == "team.größe"
    assert Webhook(secret).verify(came.body, dict(came.headers))["subject"] == "team.größe"


@pytest.mark.parametrize("version", ["v1.0", "v1.0.1", "v1.0.2"])
def test_every_kind_fits_the_schema_of_the_cloudevents_specification(
    owner, told, receiver, subscribe, version
):
    file = Path(require("data"), "cloudevents", f"{version}.json")
    specification = Draft7Validator(json.loads(file.read_text(encoding="utf-8")))
    subscribe()
    upload(owner, "team.order")
    owner.api.put("/api/v1/config", {"compatibility": "FULL"}, format="json")
    owner.api.put("/api/v1/mode/team.order", {"mode": "READWRITE"}, format="json")
    owner.api.patch("/api/v1/settings/team.order", {"owner": "team"}, format="json")
    owner.api.delete("/api/v1/subjects/team.order")
    for came in arrived(told, receiver, 6):
        specification.validate(orjson.loads(came.body))


def test_only_the_prefix_and_kinds_that_were_asked_for_are_told(owner, told, receiver, subscribe):
    subscribe(subject_prefix="team.", kinds=[DELETED])
    for subject in ("team.order", "teams", "other.order"):
        upload(owner, subject)
        owner.api.delete(f"/api/v1/subjects/{subject}")
    [came] = arrived(told, receiver, 1)
    body = orjson.loads(came.body)
    assert (body["type"], body["subject"]) == (DELETED, "team.order")
    assert Delivery.objects.count() == 1


def test_the_instances_own_settings_are_told_to_those_who_subscribed_to_everything(
    owner, told, receiver, subscribe
):
    subscribe(subject_prefix="team.")
    subscribe(name="all")
    owner.api.put("/api/v1/config", {"compatibility": "FULL"}, format="json")
    [came] = arrived(told, receiver, 1)
    assert "subject" not in orjson.loads(came.body)
    assert Delivery.objects.get().about_id == str(Subscription.objects.get(name="all").pk)


def test_messages_arrive_in_the_order_of_the_changes(owner, told, receiver, subscribe):
    subscribe()
    for number in range(4):
        upload(owner, f"team.order{number}")
    arrived(told, receiver, 4)
    subjects = [orjson.loads(came.body)["subject"] for came in receiver.received]
    assert subjects == [f"team.order{number}" for number in range(4)]


def test_a_paused_subscription_is_told_nothing_and_goes_on_with_what_comes(owner, told, receiver, subscribe):
    pk = subscribe().json()["subscription"]["id"]
    body = {"name": "ci", "url": receiver.url, "enabled": False}
    assert owner.api.put(f"{ADDRESS}/{pk}", body, format="json").json()["enabled"] is False
    upload(owner, "team.first")
    told()
    owner.api.put(f"{ADDRESS}/{pk}", body | {"enabled": True}, format="json")
    upload(owner, "team.second")
    [came] = arrived(told, receiver, 1)
    assert orjson.loads(came.body)["subject"] == "team.second"


def test_a_test_message_goes_the_same_way_and_its_delivery_is_listed(owner, receiver, subscribe):
    made = subscribe().json()
    pk = made["subscription"]["id"]
    assert owner.api.post(f"{ADDRESS}/{pk}/test").status_code == 202
    deliver_due()
    [came] = receiver.wait_for(1)
    assert Webhook(made["secret"]).verify(came.body, dict(came.headers))["type"] == "registry.test"
    [sent] = owner.api.get(f"{ADDRESS}/{pk}/deliveries").json()["items"]
    assert (sent["state"], sent["log"][0]["status"]) == ("delivered", 204)


def test_deleting_it_ends_it_and_is_in_the_audit_log(owner, told, receiver, subscribe):
    pk = subscribe().json()["subscription"]["id"]
    assert owner.api.delete(f"{ADDRESS}/{pk}").status_code == 204
    upload(owner, "team.order")
    told()
    assert not Delivery.objects.exists()
    actions = AuditEntry.objects.filter(target=f"subscription/{pk}").order_by("pk")
    assert [entry.action for entry in actions] == ["subscription.create", "subscription.delete"]


def test_the_secret_is_shown_once(owner, subscribe):
    made = subscribe().json()
    pk = made["subscription"]["id"]
    assert made["secret"].startswith("whsec_")
    shown = [
        owner.api.get(ADDRESS),
        owner.api.get(f"{ADDRESS}/{pk}"),
        owner.browser.get(f"/subscriptions/{pk}"),
    ]
    assert not any(made["secret"] in answer.content.decode() for answer in shown)
    assert made["secret"] not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"url": "http://127.0.0.1:1/hook"}, "/url"),
        ({"url": "http://169.254.169.254/latest"}, "/url"),
        ({"url": "file:///etc/passwd"}, "/url"),
        ({"secret": "abc"}, "/secret"),
        ({"kinds": [PUBLISHED, "order.placed"]}, "/kinds/1"),
        ({"format": "batched"}, "/format"),
        ({"subject_prefix": "x" * 256}, "/subject_prefix"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "ci"}, "/name"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(subscribe, changes, pointer):
    assert subscribe().status_code == 201
    answer = subscribe(**{"name": "other", **changes})
    assert answer.status_code in {409, 422}
    assert answer.json()["details"]["pointer"] == pointer
    assert Subscription.objects.count() == 1


def test_it_takes_alert_and_read_on_the_whole_prefix(make_person, subscribe):
    operator = make_person("op", role="operator", prefix="team.")
    assert subscribe(operator, subject_prefix="team.order").status_code == 201
    for prefix in ("", "tea", "other."):
        assert subscribe(operator, name=f"of {prefix}", subject_prefix=prefix).status_code == 403
    alone = make_person("alone", role="operator", scopes=["alert"])
    assert subscribe(alone, name="alone", subject_prefix="team.").status_code == 403


def test_others_do_not_see_it(make_person, owner, receiver, subscribe):
    pk = subscribe(subject_prefix="other.").json()["subscription"]["id"]
    operator = make_person("op", role="operator", prefix="team.")
    assert operator.api.get(ADDRESS).json()["items"] == []
    body = {"name": "mine", "url": receiver.url, "subject_prefix": "team."}
    for answer in (
        operator.api.get(f"{ADDRESS}/{pk}"),
        operator.api.put(f"{ADDRESS}/{pk}", body, format="json"),
        operator.api.delete(f"{ADDRESS}/{pk}"),
        operator.api.post(f"{ADDRESS}/{pk}/test"),
        operator.api.get(f"{ADDRESS}/{pk}/deliveries"),
    ):
        assert answer.status_code == 404
    assert make_person("vic", role="viewer").api.get(ADDRESS).status_code == 403


def test_how_far_changes_are_told_can_be_asked(owner, told):
    upload(owner, "team.order")
    before = owner.api.get("/api/v1/changes").json()
    assert (before["enabled"], before["waiting"]) == (True, 1)
    assert PUBLISHED in before["kinds"]
    told()
    assert owner.api.get("/api/v1/changes").json()["waiting"] == 0
