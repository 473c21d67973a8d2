"""Migrations between versions travel with a catalogue: what they were, and never over something else."""

import io
import json
import zipfile
from hashlib import sha256

import pytest

from access.actor import SYSTEM
from access.models import AuditEntry
from registry.models import VersionMigration
from registry.register_migration import Proposed, register_migration, retire_migration
from tests.registry.catalogues import MONEY, empty_catalogue, exported, imported, members, publish

pytestmark = pytest.mark.django_db
STEPS = [{"op": "default", "at": "/currency", "value": "EUR"}]


@pytest.fixture(autouse=True)
def money():
    publish("money", MONEY, semver="1.0.0")
    publish("money", {**MONEY, "title": "Money"}, semver="2.0.0")


def register(up, down=None, **more):
    return register_migration(actor=SYSTEM, subject="money", proposed=Proposed("1", "2", up, down), **more)


def changed(archive, member, change):
    """The archive with one member changed, and its sum."""
    held = members(archive)
    told = json.loads(held[member])
    change(told)
    held[member] = (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode()
    manifest = json.loads(held["manifest.json"])
    manifest["members"][member] = {"sha256": sha256(held[member]).hexdigest(), "bytes": len(held[member])}
    held["manifest.json"] = json.dumps(manifest).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name, body in held.items():
            written.writestr(name, body)
    return file.getvalue()


def test_they_come_back_as_they_were_retired_ones_too():
    register(STEPS, [])
    register([], None, replace=True)
    rows = list(VersionMigration.objects.values("number", "up", "down", "state", "evidence", "created_at"))
    archive = exported()
    empty_catalogue()
    report = imported(archive)
    assert (report.refused, report.added["migrations"]) == ([], 2)
    assert exported() == archive
    assert (
        list(VersionMigration.objects.values("number", "up", "down", "state", "evidence", "created_at"))
        == rows
    )
    told = (
        AuditEntry.objects.filter(action="migration.registered")
        .order_by("-id")
        .values_list("details", flat=True)
    )
    assert (told[0]["migration"], told[0]["state"]) == (2, "active")


def test_a_second_import_changes_nothing():
    register(STEPS)
    archive = exported()
    before = AuditEntry.objects.count()
    report = imported(archive)
    assert (report.changed, report.refused, report.unchanged["migrations"]) == (False, [], 1)
    assert AuditEntry.objects.count() == before


def test_they_come_to_versions_that_are_here_already():
    register(STEPS)
    archive = exported()
    VersionMigration.objects.all().delete()
    assert imported(archive).added == {"migrations": 1}


def test_another_one_under_the_number_or_on_the_same_way_refuses_the_subject():
    register(STEPS)
    archive = exported()
    VersionMigration.objects.all().delete()
    register([])
    assert imported(archive).refused == [
        "'money' migration 1 is another one here. A migration never changes."
    ]
    retire_migration(actor=SYSTEM, subject="money", number=1)
    register([], [])
    other = changed(archive, "subjects/money/migrations/1.json", lambda told: told.update(number=1, up=[]))
    assert "it is retired here and active there" in imported(other).kept[0]


def test_steps_that_would_not_be_accepted_here_are_not_smuggled_in():
    register(STEPS)
    archive = exported()
    empty_catalogue()
    steps = [{"op": "expression", "jsonata": "[1..1000000000]"}]
    wrong = changed(archive, "subjects/money/migrations/1.json", lambda told: told.update(up=steps))
    [refusal] = imported(wrong).refused
    assert refusal.startswith("'money' migration 1: Invalid migration: the expression cannot be used: ranges")
    assert not VersionMigration.objects.exists()


def test_a_version_that_is_not_there_refuses_it():
    register(STEPS)
    archive = exported()
    empty_catalogue()
    wrong = changed(archive, "subjects/money/migrations/1.json", lambda told: told.update(to=7))
    assert imported(wrong).refused == [
        "'money' migration 1 leads from version 1 to 7, which are not both here."
    ]
