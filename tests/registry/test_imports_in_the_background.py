"""Imports as people start them, over REST and in the browser: durable, one at a time, with progress, first as a dry run."""

import json
import random
from datetime import timedelta

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from access.models import AuditEntry, Role
from registry import work_on_imports
from registry.delete import delete_version
from registry.models import ArchivePart, CatalogueImport, Subject, Version
from registry.start_import import credentials_of
from registry.tasks import work_on_imports as task
from registry.work_on_imports import work_on_next
from tests.database import url_of_test_database
from tests.receiver import Receiver
from tests.registry.catalogues import (
    MONEY,
    empty_catalogue,
    exported,
    imported,
    manifest,
    publish,
    publish_everything,
)
from tests.registry.test_import_registry import Other, a_version
from tests.registry.wire import BASE, assert_error

# The heartbeat has a connection of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def archive():
    publish("money", MONEY)
    publish("orders", {"title": "order"})
    made = exported()
    empty_catalogue()
    return made


def send(api, archive, query=""):
    answer = api.post(f"{BASE}/imports/archive{query}", data=archive, content_type="application/zip")
    assert answer.status_code == 202, answer.json()
    return answer.json()


def state_of(api, number):
    return api.get(f"{BASE}/imports/{number}").json()


def test_the_catalogue_is_downloaded_and_uploaded_again(owner):
    publish_everything()
    answer = owner.api.get(f"{BASE}/catalogue")
    archive = b"".join(answer.streaming_content)
    assert archive == exported()
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == 'attachment; filename="catalogue.zip"'
    assert int(answer["Content-Length"]) == len(archive)
    assert "X-Catalogue-Holds" not in answer
    empty_catalogue()

    started = send(owner.api, archive)
    assert (started["state"], started["kind"], started["dry_run"]) == ("running", "archive", False)
    assert work_on_next()
    ended = state_of(owner.api, started["id"])
    assert (ended["state"], ended["report"]["refused"]) == ("completed", [])
    assert (ended["step"], ended["done"]) == ("Versions looked at", ended["total"])
    assert exported() == archive
    assert not ArchivePart.objects.exists()
    assert AuditEntry.objects.get(action="import.started").details["source"] == "catalogue.zip"
    assert not work_on_next()


def test_a_part_is_said_to_be_one(make_person):
    publish("money", MONEY)
    publish("orders", {"title": "order"})
    ann = make_person("ann", role="admin", prefix="mon")
    answer = ann.api.get(f"{BASE}/catalogue")
    archive = b"".join(answer.streaming_content)
    assert "what ann" in answer["X-Catalogue-Holds"]
    assert manifest(archive)["counts"]["subjects"] == 1
    chosen = ann.api.get(f"{BASE}/catalogue?subjectPrefix=orders")
    assert manifest(b"".join(chosen.streaming_content))["counts"]["subjects"] == 0


def test_what_a_dry_run_tried_is_done_for_real_once(owner, archive):
    tried = send(owner.api, archive, "?dryRun=true")
    work_on_next()
    ended = state_of(owner.api, tried["id"])
    assert ended["report"]["summary"] == "Would add 2 subjects, 2 versions."
    assert not Version.objects.exists()
    repeated = owner.api.post(f"{BASE}/imports/{tried['id']}/repeat")
    assert repeated.status_code == 202
    work_on_next()
    assert state_of(owner.api, repeated.json()["id"])["report"]["summary"] == "Added 2 subjects, 2 versions."
    assert exported() == archive
    assert_error(owner.api.post(f"{BASE}/imports/{tried['id']}/repeat"), 40929)


def test_an_archive_that_is_none_fails_with_its_reasons(owner):
    started = send(owner.api, b"nonsense")
    work_on_next()
    ended = state_of(owner.api, started["id"])
    assert ended["state"] == "failed"
    assert "no zip file" in ended["problem"]
    assert not ArchivePart.objects.exists()
    nothing = send(owner.api, b"")
    work_on_next()
    assert state_of(owner.api, nothing["id"])["state"] == "failed"


def test_an_archive_that_is_too_long_is_refused_at_the_door(owner, settings):
    settings.CATALOGUE_MAX_BYTES = 1_000
    answer = owner.api.post(f"{BASE}/imports/archive", data=b"x" * 1_001, content_type="application/zip")
    assert_error(answer, 41301)
    assert answer.json()["details"]["setting"] == "CATALOGUE_MAX_BYTES"
    assert not CatalogueImport.objects.exists()


def test_a_long_archive_is_kept_in_parts_and_put_together_again(owner):
    noise = random.Random(7)
    for number in range(40):
        publish(f"s{number}", {"description": noise.randbytes(25_000).hex()})
    archive = exported()
    empty_catalogue()
    started = send(owner.api, archive)
    parts = ArchivePart.objects.filter(belongs_to=started["id"])
    assert parts.count() > 1
    assert b"".join(bytes(part.body) for part in parts) == archive
    work_on_next()
    assert Subject.objects.count() == 40


def test_another_registry_is_brought_in_and_its_secret_is_gone_afterwards(owner, settings):
    with Receiver(Other({"s": [a_version(1, 11)]})) as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        asked = {"url": f"http://{receiver.place}/", "user": "me", "password": "hush-hush", "into": "copy"}
        answer = owner.api.post(f"{BASE}/imports/registry", asked)
        assert answer.status_code == 202
        assert "hush-hush" not in answer.content.decode()
        row = CatalogueImport.objects.get()
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM registry_catalogueimport")
            assert "hush-hush" not in cursor.fetchone()[0]
        assert credentials_of(row).password == "hush-hush"
        work_on_next()
    row.refresh_from_db()
    assert (row.state, row.secret) == ("completed", "")
    assert row.report["added"] == {"subjects": 1, "versions": 1}
    assert receiver.received[0].headers["authorization"] == "Basic bWU6aHVzaC1odXNo"
    assert Subject.objects.get().name == ":.copy:s"
    assert "hush" not in json.dumps([entry.details for entry in AuditEntry.objects.all()])


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, 40000),
        ({"url": 7}, 40000),
        ({"url": "http://127.0.0.1:8081"}, 42200),
        ({"url": "http://example.com", "into": "a/b"}, 40000),
        ({"url": "http://example.com", "password": ["x"]}, 40000),
    ],
    ids=str,
)
def test_a_registry_that_cannot_be_called_is_refused_at_once(owner, settings, asked, code):
    settings.OUTBOUND_ALLOW = []
    assert_error(owner.api.post(f"{BASE}/imports/registry", asked), code)
    assert not CatalogueImport.objects.exists()


def test_a_cancelled_import_is_not_worked_on(owner, archive):
    started = send(owner.api, archive)
    assert owner.api.post(f"{BASE}/imports/{started['id']}/cancel").json()["state"] == "cancelled"
    assert not work_on_next()
    assert not Version.objects.exists()
    assert not ArchivePart.objects.exists()
    assert owner.api.post(f"{BASE}/imports/{started['id']}/cancel").json()["state"] == "cancelled"


def test_one_that_was_stopped_or_killed_is_gone_on_with(owner, archive):
    started = send(owner.api, archive)
    assert not work_on_next(stopping=lambda: True)
    assert state_of(owner.api, started["id"])["state"] == "running"
    # As a killed worker leaves it, with a lease that nobody renews.
    CatalogueImport.objects.update(leased_until=timezone.now() + timedelta(seconds=60))
    assert not work_on_next()
    CatalogueImport.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert work_on_next()
    assert state_of(owner.api, started["id"])["state"] == "completed"


def test_one_import_at_a_time_and_the_next_is_rung_for(owner, archive):
    first, second = send(owner.api, archive), send(owner.api, archive)
    CatalogueImport.objects.filter(pk=first["id"]).update(leased_until=timezone.now() + timedelta(seconds=60))
    assert not work_on_next()
    CatalogueImport.objects.filter(pk=first["id"]).update(leased_until=None)
    task()
    task()
    assert state_of(owner.api, second["id"])["report"]["summary"].startswith("Nothing was changed")


def test_a_worker_that_lost_the_import_writes_nothing_more(owner, archive, monkeypatch):
    monkeypatch.setattr(work_on_imports, "_BEAT_SECONDS", 0.01)
    started = send(owner.api, archive)

    def cancelled():
        owner.api.post(f"{BASE}/imports/{started['id']}/cancel")
        return False

    work_on_next(stopping=cancelled)
    assert state_of(owner.api, started["id"])["state"] == "cancelled"


def test_the_rights_of_whoever_started_it_count_when_it_runs(owner, archive):
    started = send(owner.api, archive)
    Role.objects.all().delete()
    work_on_next()
    row = CatalogueImport.objects.get(pk=started["id"])
    assert (row.state, "needs the scope 'admin'" in row.problem) == ("failed", True)
    assert not Version.objects.exists()


def test_nobody_else_sees_or_starts_imports(teammate, owner, archive):
    started = send(owner.api, archive)
    for method, address in [
        ("get", "imports"),
        ("get", f"imports/{started['id']}"),
        ("post", f"imports/{started['id']}/cancel"),
        ("post", f"imports/{started['id']}/repeat"),
        ("post", "imports/registry"),
        ("get", "catalogue"),
    ]:
        assert getattr(teammate.api, method)(f"{BASE}/{address}").status_code == 403
    refused = teammate.api.post(f"{BASE}/imports/archive", data=archive, content_type="application/zip")
    assert refused.status_code == 403
    assert_error(owner.api.get(f"{BASE}/imports/999999"), 40423)


def test_a_subject_that_others_hold_is_told_and_comes_in_the_next_time(owner, archive):
    publish("money", MONEY, semver="1.0.0")
    publish("money", {"title": "second", **MONEY})
    made = exported()
    delete_version(actor=owner.actor, subject="money", version="2")
    delete_version(actor=owner.actor, subject="money", version="2", permanent=True)
    with psycopg.connect(url_of_test_database()) as somebody, connection.cursor() as cursor:
        somebody.execute("SELECT * FROM registry_subject WHERE name = 'money' FOR UPDATE")
        cursor.execute("SET lock_timeout = '50ms'")
        busy = imported(made)
        cursor.execute("RESET lock_timeout")
    assert busy.refused == ["'money': others hold it at the moment. Repeat the import."]
    assert imported(made).added == {"versions": 1}
    assert exported() == made


# --- pages ---------------------------------------------------------------------------------------


def test_the_page_looks_first_and_imports_when_told(owner, archive):
    browser = owner.browser
    page = browser.get("/catalogue").content.decode()
    assert 'action="/api/v1/catalogue"' in page
    file = SimpleUploadedFile("backup.zip", archive, content_type="application/zip")
    answer = browser.post("/imports/archive", {"archive-file": file})
    assert answer.status_code == 302
    address = answer["Location"]
    assert "Waiting for a worker" in browser.get(address).content.decode()
    work_on_next()
    shown = browser.get(address).content.decode()
    assert "Would add 2 subjects, 2 versions." in shown
    assert not Version.objects.exists()
    answer = browser.post(f"{address}/repeat")
    work_on_next()
    assert "Added 2 subjects, 2 versions." in browser.get(answer["Location"]).content.decode()
    assert exported() == archive
    assert "backup.zip" in browser.get("/catalogue").content.decode()


def test_the_page_lists_what_is_refused(owner, archive):
    publish("money", {"title": "another"})
    file = SimpleUploadedFile("backup.zip", archive, content_type="application/zip")
    answer = owner.browser.post("/imports/archive", {"archive-file": file, "archive-at_once": "on"})
    work_on_next()
    shown = owner.browser.get(answer["Location"]).content.decode()
    assert "Refused: 1" in shown
    assert "&#x27;money&#x27; version 1 is another schema here." in shown
    part = owner.browser.get(answer["Location"] + "?part=yes").content.decode()
    assert "<html" not in part


def test_forms_say_what_is_wrong_with_them(owner, settings):
    settings.OUTBOUND_ALLOW = []
    browser = owner.browser
    assert "This field is required" in browser.post("/imports/archive", {}).content.decode()
    refused = browser.post(
        "/imports/registry", {"registry-url": "http://127.0.0.1:8081", "registry-password": "hush"}
    )
    assert refused.status_code == 422
    assert "OUTBOUND_ALLOW" in refused.content.decode() or "OUTBOUND_PORTS" in refused.content.decode()
    assert "hush" not in refused.content.decode()
    wrong = browser.post("/imports/registry", {"registry-url": "http://example.com", "registry-into": "a/b"})
    assert "A context is named like .berlin." in wrong.content.decode()


def test_a_registry_from_the_page(owner, settings):
    with Receiver(Other({"s": [a_version(1, 11)]})) as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        asked = {"registry-url": f"http://{receiver.place}", "registry-into": ".copy"}
        answer = owner.browser.post("/imports/registry", asked)
        work_on_next()
    shown = owner.browser.get(answer["Location"]).content.decode()
    assert "into the context .copy" in shown
    assert "Would add 1 subject, 1 version." in shown


def test_only_who_administers_everything_finds_the_page(teammate, owner):
    assert "Import and export" in owner.browser.get("/").content.decode()
    assert "Import and export" not in teammate.browser.get("/").content.decode()
    assert teammate.browser.get("/catalogue").status_code == 403
