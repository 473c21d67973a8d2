"""Many registrations of migrations at one moment, each on a connection of its own: the database decides."""

import json

import pytest

from registry.errors import MigrationExists
from registry.models import VersionMigration
from registry.publish import publish_version
from registry.register_migration import Proposed, register_migration
from tests.registry.test_concurrent_uploads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def versions(settings, actor):
    settings.MIGRATION_WITNESSES = []
    for major in (1, 2):
        schema = json.dumps({"type": "object", "title": f"{major}", "properties": {"a": {"type": "string"}}})
        publish_version(actor=actor, subject="orders", schema=schema, semver=f"{major}.0.0")


def register(actor, steps, *, replace=False):
    proposed = Proposed("1.0.0", "2.0.0", steps)
    return register_migration(actor=actor, subject="orders", proposed=proposed, replace=replace)


def test_the_same_one_from_twelve_is_registered_once(actor):
    done = at_once(12, lambda _: register(actor, [{"op": "remove", "at": "/b"}]))
    assert sorted(found.created for found in done) == [False] * 11 + [True]
    assert {found.migration.number for found in done} == {1}


def test_of_twelve_different_ones_one_wins_and_the_others_are_told(actor):
    done = at_once(12, lambda n: register(actor, [{"op": "remove", "at": f"/b{n}"}]))
    assert sum(isinstance(found, MigrationExists) for found in done) == 11
    assert VersionMigration.objects.active().count() == 1


def test_of_twelve_that_replace_one_is_in_use_and_all_are_kept(actor):
    done = at_once(12, lambda n: register(actor, [{"op": "remove", "at": f"/b{n}"}], replace=True))
    assert sorted(found.migration.number for found in done) == list(range(1, 13))
    assert VersionMigration.objects.active().count() == 1
    assert VersionMigration.objects.filter(state="retired").count() == 11
