"""Many uploads at one moment, each on a connection of its own."""

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest
from django.db import connection, transaction

from access.models import AuditEntry
from registry.delete import delete_subject
from registry.errors import (
    Incompatible,
    InvalidReference,
    ReferenceExists,
    SubjectNotFound,
    SubjectNotSoftDeleted,
)
from registry.models import Content, Subject, Version
from registry.publish import publish_version
from registry.references import ReferenceTo

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count, act):
    """Runs `act(n)` in `count` threads that begin together; results or the exceptions they ended with."""
    barrier = Barrier(count)

    def run(n):
        barrier.wait()
        try:
            return act(n)
        except Exception as error:  # noqa: BLE001 -- the tests look at what came out
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.fixture(autouse=True)
def _room_for_fifty(settings):
    """Threads wait for a connection out of the pool instead of giving up."""
    assert connection.pool is not None
    connection.pool.timeout = 60


def test_fifty_uploads_of_one_schema_are_one_id_and_one_version(actor):
    schema = json.dumps({"type": "object", "properties": {"a": {"type": "string"}}})
    results = at_once(50, lambda _: publish_version(actor=actor, subject="s", schema=schema))
    assert {(r.content_id, r.number, r.semver) for r in results} == {(results[0].content_id, 1, "1.0.0")}
    assert sum(r.created for r in results) == 1
    assert (Version.objects.count(), Content.objects.count(), AuditEntry.objects.count()) == (1, 1, 1)


def test_different_compatible_schemas_get_consecutive_numbers_and_labels(actor):
    def publish(n):
        schema = json.dumps({"type": "object", "title": f"number {n}"})
        return publish_version(actor=actor, subject="s", schema=schema)

    results = at_once(16, publish)
    assert sorted(r.number for r in results) == list(range(1, 17))
    versions = Version.objects.order_by("number")
    assert [v.semver for v in versions] == [f"1.0.{n}" for n in range(16)]
    for before, after in itertools.pairwise(versions):
        assert after.verdict["against"][0]["version"] == before.number


def test_of_conflicting_schemas_only_those_that_agree_with_the_first_get_in(actor):
    def publish(n):
        schema = json.dumps({"type": "string" if n % 2 else "integer", "title": f"number {n}"})
        return publish_version(actor=actor, subject="s", schema=schema)

    results = at_once(12, publish)
    refused = [r for r in results if isinstance(r, Incompatible)]
    kept = {json.loads(v.content.text)["type"] for v in Version.objects.select_related("content")}
    assert len(refused) == 6
    assert len(kept) == 1
    assert list(Version.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]


def test_publishing_while_the_subject_is_deleted_for_good_leaves_nothing_half(actor):
    schema = json.dumps({"type": "object"})

    def act(n):
        if n % 2:
            return publish_version(actor=actor, subject="s", schema=schema)
        delete_subject(actor=actor, subject="s")
        return delete_subject(actor=actor, subject="s", permanent=True)

    publish_version(actor=actor, subject="s", schema=schema)
    results = at_once(12, act)
    unexpected = [
        r
        for r in results
        if isinstance(r, Exception) and not isinstance(r, SubjectNotFound | SubjectNotSoftDeleted)
    ]
    assert [r for r in unexpected if type(r).__name__ != "SubjectSoftDeleted"] == []
    for subject in Subject.objects.all():
        assert subject.versions.exists()


@contextmanager
def subject_held(name):
    """Nobody else can store a version of the subject until the end of this."""
    with transaction.atomic():
        Subject.objects.select_for_update().get(name=name)
        yield


def wait_until_somebody_waits():
    """For a lock, in this database."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees one moment only
            cursor.execute(waiting)
            if cursor.fetchone():
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


def delete_in_another_connection(actor, subject, permanent):
    def act(_):
        delete_subject(actor=actor, subject=subject)
        if permanent:
            delete_subject(actor=actor, subject=subject, permanent=True)

    assert at_once(1, act) == [None]


@pytest.mark.parametrize("permanent", [False, True])
def test_what_is_referred_to_may_not_go_while_the_schema_is_judged(actor, permanent):
    for name in ("target", "user"):
        publish_version(actor=actor, subject=name, schema=json.dumps({"type": "object"}))
    schema = json.dumps({"type": "object", "properties": {"a": {"$ref": "t"}}})
    to_target = [ReferenceTo("t", "target", 1)]
    with ThreadPoolExecutor(1) as pool:
        with subject_held("user"):
            upload = pool.submit(
                at_once,
                1,
                lambda _: publish_version(
                    actor=actor, subject="user", schema=schema, references=to_target, semver="2.0.0"
                ),
            )
            wait_until_somebody_waits()
            delete_in_another_connection(actor, "target", permanent)
        refused = upload.result()[0]
    assert isinstance(refused, InvalidReference), refused
    assert Version.objects.filter(subject__name="user").count() == 1


def test_a_deletion_waits_for_an_upload_that_refers_to_what_it_deletes(actor):
    publish_version(actor=actor, subject="target", schema=json.dumps({"type": "object"}))
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            publish_version(
                actor=actor,
                subject="user",
                schema=json.dumps({"properties": {"a": {"$ref": "t"}}}),
                references=[ReferenceTo("t", "target", 1)],
            )
            deletion = pool.submit(at_once, 1, lambda _: delete_subject(actor=actor, subject="target"))
            wait_until_somebody_waits()
        refused = deletion.result()[0]
    assert isinstance(refused, ReferenceExists), refused
