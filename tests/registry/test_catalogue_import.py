"""What an import of an archive refuses, keeps and lists; and archives that are damaged or made with bad intent."""

import hashlib
import io
import json
import struct
import zipfile

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.actor import SYSTEM
from access.errors import Forbidden
from access.models import AuditEntry
from registry.change_state import change_state
from registry.configure import configuration_of, set_mode, set_rules
from registry.delete import delete_version
from registry.edit_subject import SubjectSettings, edit_subject
from registry.import_catalogue import import_catalogue
from registry.import_errors import ArchiveTooLarge, InvalidArchive
from registry.lookup import find_version
from registry.models import SchemaId, Subject, TaxonomyVersion, Version
from tests.registry.catalogues import (
    MONEY,
    empty_catalogue,
    exported,
    imported,
    manifest,
    members,
    publish,
    publish_everything,
)

pytestmark = pytest.mark.django_db


def zipped(held: dict[str, bytes], *, mend: bool = True) -> bytes:
    """An archive of these members, with a manifest that fits them unless it is to be left as it is."""
    held = dict(held)
    if mend:
        told = json.loads(held["manifest.json"])
        told["members"] = {
            name: {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
            for name, body in held.items()
            if name != "manifest.json"
        }
        held["manifest.json"] = json.dumps(told).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in held.items():
            archive.writestr(name, body)
    return file.getvalue()


def changed(archive: bytes, member: str, **new: object) -> bytes:
    """The archive with a member's JSON changed, and a manifest that fits; None takes something away."""
    held = members(archive)
    told = {**json.loads(held[member]), **new}
    held[member] = json.dumps({name: value for name, value in told.items() if value is not None}).encode()
    return zipped(held)


@pytest.fixture
def archive():
    """Of a catalogue with everything; the database is empty afterwards."""
    publish_everything()
    made = exported()
    empty_catalogue()
    return made


def problems(archive: bytes) -> list[str]:
    with pytest.raises(InvalidArchive) as refused:
        imported(archive)
    assert not Version.objects.exists()
    return refused.value.facts["problems"]


# --- what is here already ---------------------------------------------------------------------


def test_every_clash_is_listed_and_everything_else_comes_in(archive):
    held = members(archive)
    taken = json.loads(held["subjects/failures/versions/1.json"])["id"]
    set_mode(actor=SYSTEM, subject="mine", mode="IMPORT")
    publish("mine", {"title": "somebody else's"}, id=taken, number=1)
    publish("money", {"title": "another first"})
    publish("money", {"title": "another second"})
    report = imported(archive)
    assert report.refused == [
        f"'failures' version 1 has the id {taken}, which means another schema here. An id never changes.",
        "'money' version 1 is another schema here. A published version never changes.",
        "'money' version 2 is another schema here. A published version never changes.",
        # It would mean something else than it did.
        "'orders' version 1 refers to 'money' version 2, which is another schema here.",
    ]
    assert find_version(":.berlin:orders", "9").identity.number == 7_001
    assert report.added["versions"] == manifest(archive)["counts"]["versions"] - 4
    assert not Subject.objects.filter(name__in=["orders", "failures"]).exists()


def test_a_label_and_an_id_of_the_present_are_not_taken_over(archive):
    publish("states", {"title": "first here"}, semver="1.0.3")
    report = imported(archive)
    assert "'states' version 1 is another schema here. A published version never changes." in report.refused
    assert "'states' version 4 is called 1.0.3, which is the label of version 1 here." in report.refused


def test_what_people_said_later_stays_as_it_is_here(archive):
    imported(archive)
    change_state(actor=SYSTEM, subject="money", version="1", state="deprecated")
    delete_version(actor=SYSTEM, subject="failures", version="1")
    edit_subject(
        actor=SYSTEM, subject="money", settings=SubjectSettings("bank", "", False, "latest", None, None)
    )
    set_rules(actor=SYSTEM, subject="money", level="FULL")
    report = imported(archive)
    assert (report.changed, report.refused) == (False, [])
    assert report.kept == [
        "'failures' version 1: deleted is true here and false there.",
        "'money' version 1: state is deprecated here and active there.",
        "'money': owner is 'bank' here.",
        "The rules of 'money' differ in by_wire_api, level.",
    ]
    assert configuration_of("money").level == "FULL"


def test_an_import_that_was_interrupted_goes_on_when_it_is_repeated(archive):
    class Stop(Exception):
        pass

    def stop(step, done, total):
        if step == "Versions looked at" and done > total / 2:
            raise Stop

    with pytest.raises(Stop):
        imported(archive, progress=stop)
    half = Version.objects.count()
    total = manifest(archive)["counts"]["versions"]
    assert 0 < half < total
    report = imported(archive)
    assert (report.added["versions"], report.unchanged["versions"]) == (total - half, half)
    assert exported() == archive


def test_progress_is_shown_up_to_the_end(archive):
    seen = []
    imported(archive, progress=lambda *step: seen.append(step))
    steps = {step: (done, total) for step, done, total in seen}
    counts = manifest(archive)
    assert steps["Members checked"] == (len(counts["members"]),) * 2
    assert steps["Versions looked at"] == (counts["counts"]["versions"],) * 2


def test_a_dry_run_says_the_same_and_changes_nothing(archive):
    publish("money", {"title": "another first"})
    before = exported()
    audited = AuditEntry.objects.count()
    would = imported(archive, dry_run=True)
    assert exported() == before
    assert AuditEntry.objects.count() == audited
    assert would.sentence.startswith("Would add")
    does = imported(archive)
    assert (would.added, would.refused, would.kept) == (does.added, does.refused, does.kept)


def test_a_read_only_subject_is_not_added_to(archive):
    set_mode(actor=SYSTEM, subject="money", mode="READONLY")
    report = imported(archive)
    assert any("Subject money is in read-only mode" in line for line in report.refused)
    assert not Subject.objects.filter(name="money").exists()


def test_an_edition_of_a_taxonomy_that_is_another_one_here(archive):
    held = members(archive)
    name = "taxonomies/shop-errors/editions/2.json"
    imported(archive)
    document = json.loads(held[name])["document"] | {"description": "Something else."}
    report = imported(changed(archive, name, document=document))
    assert report.refused == [
        "The taxonomy 'shop-errors': edition 2 is another one here. Editions never change."
    ]
    assert TaxonomyVersion.objects.count() == 2


def test_a_part_that_needs_what_it_does_not_hold(archive):
    imported(archive)
    part = exported(subject_prefix="ord")
    told = manifest(part)
    assert (told["complete"], told["counts"]["versions"]) == (False, 1)
    assert told["holds"] == "Not the whole catalogue: subjects that begin with 'ord'."
    empty_catalogue()
    report = imported(part)
    assert report.refused == [
        "'orders' version 1 refers to 'money' version 2, which is not here. Bring that one in first."
    ]
    assert report.holds == told["holds"]
    assert not Version.objects.exists()
    # With what it needs, it comes in.
    imported(archive)


# --- rights ------------------------------------------------------------------------------------


def test_an_export_holds_what_the_actor_may_read_and_says_so(make_person, archive):
    imported(archive)
    ann = make_person("ann", role="admin", prefix="mon")
    part = exported(actor=ann.actor)
    told = manifest(part)
    assert (told["complete"], told["counts"]["subjects"]) == (False, 1)
    assert "what ann may read (names that begin with 'mon')" in told["holds"]
    assert not any("states" in name for name in members(part))
    assert b"berlin" not in b"".join(members(part).values())
    with pytest.raises(Forbidden):
        imported(archive, actor=ann.actor)


def test_a_developer_exports_nothing(teammate):
    with pytest.raises(Forbidden):
        exported(actor=teammate.actor)


# --- damaged archives ----------------------------------------------------------------------------


def test_what_is_no_archive_is_told(archive):
    assert "no zip file" in problems(b"PK nonsense")[0]
    assert "no zip file" in problems(archive[: len(archive) // 2])[0]
    assert (
        problems(zipped({"readme.json": b"{}"}, mend=False))[0]
        == "'readme.json' is no member of such an archive."
    )
    held = members(archive)
    del held["manifest.json"]
    assert "it is no archive of a catalogue" in problems(zipped(held, mend=False))[0]


def test_all_damaged_members_are_listed(archive):
    held = members(archive)
    held["subjects/money/subject.json"] += b" "
    held["contexts.json"] = b"[]"
    found = problems(zipped(held, mend=False))
    assert found == [
        "'contexts.json' is not what the manifest says: it was changed or damaged.",
        "'subjects/money/subject.json' is not what the manifest says: it was changed or damaged.",
    ]


def test_members_that_are_missing_or_too_many_are_listed(archive):
    held = members(archive)
    del held["subjects/money/versions/2.json"]
    held["subjects/extra/subject.json"] = held["subjects/money/subject.json"]
    assert problems(zipped(held, mend=False)) == [
        "'subjects/money/versions/2.json' is missing.",
        "The manifest does not name 'subjects/extra/subject.json'.",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "../money.json",
        "/etc/passwd",
        "subjects/../../x/subject.json",
        "schemas/..%2f.json",
        "subjects/a/b/subject.json",
        "C:\\x",
    ],
)
def test_no_member_leads_out_of_the_archive(archive, name):
    assert "is no member of such an archive" in problems(zipped(members(archive) | {name: b"{}"}))[0]


def test_a_member_that_occurs_twice_is_refused(archive):
    file = io.BytesIO(archive)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(file, "a") as opened:
        opened.writestr("contexts.json", b"[]")
    assert "A member occurs twice." in problems(file.getvalue())


@pytest.mark.parametrize(
    ("setting", "limit", "told"),
    [
        ("CATALOGUE_MAX_MEMBERS", 5, "members; 5 is the limit"),
        ("CATALOGUE_MAX_UNPACKED_BYTES", 1_000, "bytes when it is unpacked; 1,000 is the limit"),
        ("CATALOGUE_MAX_MEMBER_BYTES", 100, "100 is the limit"),
    ],
)
def test_limits_have_settings_that_are_named(archive, settings, setting, limit, told):
    setattr(settings, setting, limit)
    with pytest.raises(ArchiveTooLarge) as refused:
        imported(archive)
    assert told in refused.value.message
    assert refused.value.facts["setting"] == setting


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_is(archive, settings):
    held = members(archive) | {"schemas/" + "0" * 64 + ".json": b"0" * 50_000_000}
    bomb = zipped(held)
    assert len(bomb) < 1_000_000
    settings.CATALOGUE_MAX_MEMBER_BYTES = 10_000_000
    with pytest.raises(ArchiveTooLarge):
        imported(bomb)
    # One that says it is small is read no further than it says.
    size = struct.pack("<I", 50_000_000)
    assert bomb.count(size) == 2
    found = problems(bomb.replace(size, struct.pack("<I", 5)))
    assert any("cannot be unpacked" in line for line in found), found


def test_another_format_is_told(archive):
    held = members(archive)
    held["manifest.json"] = json.dumps(json.loads(held["manifest.json"]) | {"format": 2}).encode()
    assert problems(zipped(held, mend=False)) == ["Its format is 2; this version of the product reads 1."]


VERSION = "subjects/money/versions/1.json"
USE = {"name": "n", "subject": "failures", "version": 1, "schema": "0" * 64}


@pytest.mark.parametrize(
    ("member", "new", "told"),
    [
        (VERSION, {"number": 7}, "belongs under another name"),
        (VERSION, {"semver": 1}, "at /semver"),
        (VERSION, {"state": "unknown"}, "at /state"),
        (VERSION, {"published_at": "yesterday"}, "at /published_at"),
        (VERSION, {"published_at": "2026-02-30T00:00:00+00:00"}, "at /published_at"),
        (VERSION, {"extra": 1}, "extra"),
        (VERSION, {"schema": None}, "schema"),
        (VERSION, {"note": "\0"}, "U+0000"),
        (VERSION, {"note": "\ud800"}, "half of a surrogate pair"),
        (VERSION, {"id": 2**31}, "at /id"),
        ("subjects/money/subject.json", {"name": "other"}, "belongs under another name"),
        ("manifest.json", {"counts": []}, "at /counts"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_members_that_are_not_as_they_should_be(archive, member, new, told):
    assert any(told in line for line in problems(changed(archive, member, **new)))


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"semver": "one"}, "'one' is no SemVer"),
        ({"state": "archived"}, "'deprecation' belongs to deprecated and archived versions"),
        ({"schema": "0" * 64}, "of which the archive says nothing"),
        ({"id": 5_555}, "what the archive says about id 5555 does not fit"),
        ({"references": [USE | {"subject": "nowhere"}]}, "refers to 'nowhere' version 1, which is not here"),
        ({"references": [USE]}, "refers to 'failures' version 1, which is another schema here"),
    ],
    ids=str,
)
def test_a_version_that_cannot_be_is_refused_with_its_subject(archive, new, told):
    report = imported(changed(archive, VERSION, **new))
    assert any(told in line for line in report.refused), report.refused
    assert not Subject.objects.filter(name="money").exists()
    assert Subject.objects.filter(name="failures").exists()


def test_two_versions_with_one_label_are_refused(archive):
    report = imported(changed(archive, "subjects/money/versions/2.json", semver="1.0.0"))
    assert any("one_live_version_per_label" in line for line in report.refused), report.refused


def test_a_schema_is_what_its_name_says_and_is_a_schema(archive):
    held = members(archive)
    name = f"schemas/{json.loads(held[VERSION])['schema']}.json"
    report = imported(zipped(held | {name: b'{"type": "null"}'}))
    assert any("is another one than its name says" in line for line in report.refused)
    empty_catalogue()
    report = imported(zipped(held | {name: b"{"}))
    assert any("is not JSON" in line for line in report.refused)


def test_a_text_that_is_no_schema_is_not_smuggled_in(archive):
    held = members(archive)
    told = json.loads(held[VERSION])
    text = b'{"type": 7}'
    digest = hashlib.sha256(b'{"type":7}').hexdigest()
    lines = held["contents.jsonl"].decode().replace(told["schema"], digest)
    ids = held["ids.jsonl"].decode().replace(told["schema"], digest)
    del held[f"schemas/{told['schema']}.json"]
    held |= {f"schemas/{digest}.json": text, "contents.jsonl": lines.encode(), "ids.jsonl": ids.encode()}
    for name in [name for name in held if "/versions/" in name]:
        held[name] = held[name].replace(told["schema"].encode(), digest.encode())
    report = imported(zipped(held))
    assert any("'money' version 1: Invalid schema" in line for line in report.refused), report.refused
    assert not Subject.objects.filter(name="money").exists()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_byte_is_never_a_crash(small, place, byte, cut):
    at = int(place * (len(small) - 1))
    damaged = small[:at] if cut else small[:at] + bytes([byte]) + small[at + 1 :]
    try:
        import_catalogue(actor=SYSTEM, file=io.BytesIO(damaged), dry_run=True)
    except (InvalidArchive, ArchiveTooLarge):
        return


@pytest.fixture
def small():
    publish("money", MONEY)
    made = exported()
    empty_catalogue()
    return made


# --- commands ------------------------------------------------------------------------------------


def test_the_commands(tmp_path, capsys):
    publish_everything()
    file = tmp_path / "catalogue.zip"
    call_command("export_catalogue", str(file))
    assert f"{file}: 1 context, 1 taxonomy," in capsys.readouterr().out
    assert file.read_bytes() == exported()
    assert list(tmp_path.iterdir()) == [file]
    call_command("import_catalogue", str(file))
    assert capsys.readouterr().out.strip().endswith("Nothing was changed: all of it is here already.")
    empty_catalogue()
    call_command("import_catalogue", str(file), "--dry-run")
    assert "Would add 1 taxonomy, 2 editions," in capsys.readouterr().out
    assert not Version.objects.exists()
    publish("money", {"title": "another"})
    with pytest.raises(CommandError, match="refused; everything else"):
        call_command("import_catalogue", str(file))
    assert "refused: 'money' version 1 is another schema here" in capsys.readouterr().err


def test_the_commands_tell_what_is_wrong_with_a_file(tmp_path, capsys):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_catalogue", str(tmp_path / "nothing.zip"))
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_catalogue", str(tmp_path / "no" / "folder.zip"))
    (tmp_path / "bad.zip").write_bytes(b"x")
    with pytest.raises(CommandError, match="no zip file"):
        call_command("import_catalogue", str(tmp_path / "bad.zip"))


def test_ids_of_nothing_are_kept_too(archive):
    imported(archive)
    assert SchemaId.objects.filter(versions=None).count() == 1
