"""Shared by the tests of imports and exports: a catalogue with everything in it, archives as bytes, an empty database."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

from access.actor import SYSTEM, Actor
from registry.change_state import Deprecation, change_state
from registry.configure import set_mode, set_rules
from registry.delete import delete_subject, delete_version
from registry.edit_subject import SubjectSettings, edit_subject
from registry.export_catalogue import export_catalogue
from registry.import_catalogue import import_catalogue
from registry.import_report import Report
from registry.models import (
    Configuration,
    Content,
    Context,
    Reference,
    SchemaId,
    Subject,
    Taxonomy,
    TaxonomyVersion,
    Version,
)
from registry.publish import publish_version
from registry.references import ReferenceTo
from registry.register_migration import Proposed, register_migration
from registry.taxonomy import publish_taxonomy

MONEY = {"type": "object", "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}}}
ODD_NAMES = ("a/b c", "☃ with 50%", "x" * 240, "..x", "A:b")


def publish(subject: str, schema: object, **more):
    more.setdefault("actor", SYSTEM)
    return publish_version(subject=subject, schema=json.dumps(schema), **more)


def publish_everything(actor: Actor = SYSTEM) -> None:
    """One of each thing that a catalogue can hold."""
    publish_taxonomy(actor=actor, document=ERRORS, note="first codes")
    publish_taxonomy(actor=actor, document={**ERRORS, "version": "1.1.0", "description": "More."})
    publish("money", MONEY, semver="1.0.0", note="Amounts")
    publish("money", {**MONEY, "title": "Money"}, metadata={"properties": {"owner": "shop"}})
    order = {"type": "object", "properties": {"total": {"$ref": "money.json"}, "id": {"type": "string"}}}
    publish("orders", order, references=[ReferenceTo("money.json", "money", "^1.0")])
    coded = {"type": "object", "properties": {"code": {"type": "string", "x-taxonomy": "shop-errors@^1"}}}
    publish(
        "failures", coded, rule_set={"domainRules": [{"name": "r", "kind": "CONDITION", "mode": "WRITE"}]}
    )
    for number in range(1, 5):
        publish("states", {"type": "object", "description": f"the {number}th", "properties": {}})
    publish("states", {"type": "object", "description": "not yet"}, draft=True)
    soon = datetime.now(UTC).date() + timedelta(days=90)
    change_state(
        actor=actor,
        subject="states",
        version="1",
        state="deprecated",
        deprecation=Deprecation(sunset=soon, replaced_by="4", note="Old."),
    )
    change_state(
        actor=actor,
        subject="states",
        version="2",
        state="deprecated",
        deprecation=Deprecation(replaced_by="2", replaced_by_subject="money"),
    )
    change_state(actor=actor, subject="states", version="2", state="archived")
    delete_version(actor=actor, subject="states", version="3")
    settings = SubjectSettings(
        owner="shop",
        description="What states look like.",
        strict=True,
        version_when_absent="1.0.0",
        retention_days=30,
        accept_undecided=True,
        assert_formats=True,
        needs_approval=True,
        evolution_rules="ONEX",
        unknown_schema_version="reject",
        max_event_bytes=2_000,
        max_event_depth=9,
        event_profile="onex-v1",
        rename_aliases=True,
        signatures="require",
        sensitive_in_clear="reject",
    )
    edit_subject(actor=actor, subject="states", settings=settings)
    set_rules(actor=actor, subject="states", level="FULL", policy="OPEN")
    set_rules(actor=actor, subject="money", level="NONE", by_wire_api=True, normalize=False)
    set_rules(actor=actor, subject="cash", alias="money")
    for steps in ([{"op": "default", "at": "/currency", "value": "EUR"}], []):
        proposed = Proposed("1", "2", steps, [], note="Amounts have a currency.")
        register_migration(actor=actor, subject="money", proposed=proposed, replace=True)
    # Ids as another registry gave them, one schema with two of them.
    set_mode(actor=actor, subject=":.berlin:", mode="IMPORT")
    publish(":.berlin:orders", MONEY, id=7_000, number=4)
    publish(":.berlin:orders", MONEY, id=7_001, number=9)
    set_rules(actor=actor, subject=":.berlin:", level="FORWARD")
    set_rules(actor=actor, subject="not.yet", level="NONE")
    set_rules(actor=actor, subject="", level="BACKWARD_TRANSITIVE", default_metadata={"tags": {}})
    # An id that nothing uses any more.
    publish("gone", {"type": "string"})
    delete_subject(actor=actor, subject="gone")
    delete_subject(actor=actor, subject="gone", permanent=True)
    for name in ODD_NAMES:
        publish(name, {"type": "object", "title": name})


def exported(actor: Actor = SYSTEM, **more) -> bytes:
    file = io.BytesIO()
    export_catalogue(actor=actor, file=file, **more)
    return file.getvalue()


def imported(archive: bytes, actor: Actor = SYSTEM, **more) -> Report:
    return import_catalogue(actor=actor, file=io.BytesIO(archive), **more)


def members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def manifest(archive: bytes) -> dict:
    return json.loads(members(archive)["manifest.json"])


def empty_catalogue() -> None:
    """As a database is before its first schema."""
    empty_of_subjects()
    TaxonomyVersion.objects.all().delete()
    Taxonomy.objects.all().delete()


def empty_of_subjects() -> None:
    Version.objects.update(replaced_by=None)
    for model in (Reference, Version, Subject, SchemaId, Content, Configuration, Context):
        model.objects.all().delete()


ERRORS = {
    "taxonomy": "shop-errors",
    "version": "1.0.0",
    "prefix": "SHOP",
    "areas": [
        {
            "token": "PAY",
            "name": "Payment",
            "meaning": "Paying",
            "first": 1,
            "last": 99,
            "codes": [
                {
                    "number": 1,
                    "slug": "CARD_REFUSED",
                    "meaning": "The card was refused.",
                    "severity": "ERROR",
                    "recoverable": "retry",
                }
            ],
        }
    ],
}
