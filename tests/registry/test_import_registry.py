"""Another registry, brought in over its wire API: ours as the source, on a socket, and servers that answer oddly."""

import json
import time

import pytest
from django.core.management import CommandError, call_command

from access.actor import SYSTEM
from access.errors import TargetRefused, TargetUnreachable
from access.models import AuditEntry
from registry.configure import configuration_of, set_mode, set_rules
from registry.import_errors import RegistryUnusable
from registry.import_registry import Where, bring_in, fetch_registry, import_registry
from registry.lookup import find_version
from registry.models import Configuration, Reference, Subject, Version
from registry.remote_registry import Credentials
from tests.receiver import Receiver, Reply
from tests.registry.catalogues import MONEY, empty_of_subjects, publish, publish_everything

pytestmark = pytest.mark.django_db
A = {"type": "object", "title": "A"}


def silent(_what, _done, _total):
    pass


@pytest.fixture
def source(live_server, owner, settings):
    """This very server, with everything in it, as the other registry."""
    settings.OUTBOUND_ALLOW = [live_server.url.removeprefix("http://")]
    publish_everything()
    return live_server


def told(version):
    return {
        "id": version.identity.number,
        "schema": version.content.text,
        "references": version.content.references,
        "metadata": version.metadata,
        "rules": version.rule_set,
        "semver": version.semver,
        "state": version.state,
        "deleted": version.deleted_at is not None,
        "sunset": version.sunset,
    }


def everything():
    rows = Version.objects.select_related("subject", "content", "identity").exclude(state="draft")
    return {(row.subject.name, row.number): told(row) for row in rows}


def test_ids_numbers_references_states_and_rules_are_as_they_were(source, owner, tmp_path):
    where = Where(f"{source.url}/api/v1")
    before = everything()
    places = ("money", "states", "", ":.berlin:")
    levels = {name: configuration_of(name).level for name in places}
    fetched = fetch_registry(where, Credentials(token=owner.secret), tmp_path, silent)
    empty_of_subjects()
    report = bring_in(actor=SYSTEM, fetched=fetched, dry_run=False, progress=silent)
    assert report.refused == []
    assert everything() == before
    assert {name: configuration_of(name).level for name in places} == levels
    assert configuration_of("orders") is None
    assert [line for line in report.skipped if "draft" in line] == report.skipped
    again = bring_in(actor=SYSTEM, fetched=fetched, dry_run=False, progress=silent)
    assert (again.refused, again.changed) == ([], False)
    assert again.sentence == "Nothing was changed: all of it is here already."


def test_into_a_context_ids_cannot_clash(source, owner):
    where = Where(f"{source.url}/api/v1", subject_prefix="", into=".copy")
    seen = []
    report = import_registry(
        actor=SYSTEM,
        where=where,
        credentials=Credentials("anybody", owner.secret),
        progress=lambda *step: seen.append(step),
    )
    assert report.refused == []
    copied, original = find_version(":.copy:orders", "1"), find_version("orders", "1")
    assert copied.identity.number == original.identity.number
    assert copied.identity.context == ".copy"
    assert [use.target.subject.name for use in Reference.objects.filter(version=copied)] == [":.copy:money"]
    # Those of other contexts keep theirs, and were here.
    assert report.unchanged["versions"] == 2
    assert configuration_of(":.copy:").level == "BACKWARD_TRANSITIVE"
    total = Version.objects.filter(subject__name__startswith=":.copy:").count() + 2
    assert seen[-1] == ("Versions looked at", total, total)


def test_a_dry_run_says_the_same_and_changes_nothing(source, owner):
    where = Where(f"{source.url}/api/v1", into=".copy")
    credentials = Credentials(token=owner.secret)
    before = (Version.objects.count(), Configuration.objects.count(), AuditEntry.objects.count())
    would = import_registry(actor=SYSTEM, where=where, credentials=credentials, dry_run=True)
    assert (Version.objects.count(), Configuration.objects.count(), AuditEntry.objects.count()) == before
    does = import_registry(actor=SYSTEM, where=where, credentials=credentials)
    assert (would.added, would.refused, would.kept) == (does.added, does.refused, does.kept)


def test_only_what_begins_with_a_prefix(source, owner):
    where = Where(f"{source.url}/api/v1", subject_prefix="mon", into=".copy")
    import_registry(actor=SYSTEM, where=where, credentials=Credentials(token=owner.secret))
    found = Subject.objects.filter(name__startswith=":.copy:").values_list("name", flat=True)
    assert list(found) == [":.copy:money"]


class Other:
    """A registry in a dictionary: subject → versions; `odd` answers take the place of single paths."""

    def __init__(self, subjects, **odd):
        self.subjects, self.odd = subjects, odd

    def __call__(self, received):
        path = received.path.partition("?")[0]
        if path in self.odd:
            return self.odd[path]
        return _json(self._answer(path.strip("/").split("/"), deleted="deleted=true" in received.path))

    def _answer(self, parts, *, deleted):
        if parts == ["subjects"]:
            return list(self.subjects)
        if parts[0] == "subjects":
            versions = [v for v in self.subjects[parts[1]] if deleted or not v.get("gone")]
            if len(parts) == 3:
                return [version["version"] for version in versions]
            return next(version for version in versions if version["version"] == int(parts[3]))
        return None


def _json(value, status=200):
    if value is None:
        return Reply(404, json.dumps({"error_code": 40401, "message": "not set"}).encode())
    return Reply(status, json.dumps(value).encode())


def a_version(number, id, schema=A, **more):  # noqa: A002 -- as the wire calls it
    return {
        "subject": "s",
        "version": number,
        "id": id,
        "schema": json.dumps(schema),
        "schemaType": "JSON",
        **more,
    }


@pytest.fixture
def other(settings):
    """`other(subjects)` starts a registry and answers with where it is."""
    started = []

    def start(subjects, odd=None):
        receiver = Receiver(Other(subjects, **(odd or {})))
        receiver.__enter__()
        started.append(receiver)
        settings.OUTBOUND_ALLOW = [one.place for one in started]
        return Where(f"http://{receiver.place}")

    yield start
    for receiver in started:
        receiver.__exit__()


def brought(where, **more):
    return import_registry(actor=SYSTEM, where=where, credentials=Credentials(), **more)


def test_other_types_are_listed_and_left_out(other):
    avro = {"version": 1, "id": 5, "schema": '{"type": "string"}'}
    report = brought(
        other({"s": [a_version(1, 4)], "avro": [avro], "p": [{**avro, "schemaType": "PROTOBUF"}]})
    )
    assert report.skipped == [
        "'avro' version 1: its type is AVRO; only JSON is kept here.",
        "'p' version 1: its type is PROTOBUF; only JSON is kept here.",
    ]
    assert list(Subject.objects.values_list("name", flat=True)) == ["s"]


def test_every_clash_is_listed_and_the_rest_comes_in(other):
    publish("taken", {"type": "string"})
    publish("same", MONEY)
    taken, same = find_version("taken", "1"), find_version("same", "1")
    subjects = {
        "taken": [a_version(1, 900_001), a_version(2, 900_002)],
        "same": [a_version(1, 900_003, MONEY)],
        "id": [a_version(1, same.identity.number)],
        "broken": [a_version(1, 900_004, {"type": "no such type"}), a_version(2, 900_005, {"type": 7})],
        "lost": [a_version(1, 900_006, references=[{"name": "n", "subject": "nowhere", "version": 1}])],
        "good": [a_version(3, 900_007)],
    }
    report = brought(other(subjects))
    assert len(report.refused) == 6
    for wanted in (
        "'taken' version 1 is another schema here. A published version never changes.",
        f"'same' version 1 has the id {same.identity.number} here, and 900003 there.",
        "'broken' version 1: Invalid schema",
        "'broken' version 2: Invalid schema",
        "'lost' version 1: The reference 'n' names version 1 of subject 'nowhere'",
        f"'id' version 1: Overwrite new schema with id {same.identity.number}",
    ):
        assert any(line.startswith(wanted) for line in report.refused), report.refused
    assert find_version("good", "3").identity.number == 900_007
    assert report.added == {"subjects": 1, "versions": 1}
    # A subject comes in wholly or not at all.
    assert [version.pk for version in Version.objects.filter(subject__name="taken")] == [taken.pk]
    assert configuration_of("broken") is None


def test_what_refers_to_something_refused_is_refused(other):
    publish("a", {"type": "string"})
    refers = {"references": [{"name": "a", "subject": "a", "version": 1}]}
    report = brought(other({"a": [a_version(1, 900_001)], "b": [a_version(1, 900_002, MONEY, **refers)]}))
    assert report.refused[1:] == ["'b' refers to 'a', which was refused."]
    assert not Subject.objects.filter(name="b").exists()


def test_what_is_deleted_comes_in_deleted_though_something_deleted_refers_to_it(other):
    refers = {"references": [{"name": "a", "subject": "a", "version": 1}]}
    subjects = {
        "a": [a_version(1, 11, gone=True)],
        "b": [a_version(1, 12, MONEY, gone=True, **refers), a_version(2, 13, {"type": "object"})],
    }
    report = brought(other(subjects))
    assert report.refused == []
    deleted = Version.objects.filter(deleted_at__isnull=False)
    assert set(deleted.values_list("subject__name", "number")) == {("a", 1), ("b", 1)}
    assert not brought(other(subjects)).changed


def test_a_chain_of_references_comes_in_from_its_end(other):
    subjects = {
        name: [
            a_version(
                1,
                20 + index,
                {"title": name},
                references=[{"name": uses, "subject": uses, "version": 1}] if uses else [],
            )
        ]
        for index, (name, uses) in enumerate([("a", "b"), ("b", "c"), ("c", None)])
    }
    assert brought(other(subjects)).refused == []
    assert Reference.objects.count() == 2


def test_a_subject_that_is_read_only_here_is_refused_and_goes_on_when_it_is_not(other):
    set_mode(actor=SYSTEM, subject="s", mode="READONLY")
    where = other({"s": [a_version(1, 11)]})
    report = brought(where)
    assert report.refused == ["'s' is read-only here. Set its mode to READWRITE and repeat the import."]
    set_mode(actor=SYSTEM, subject="s", mode="READWRITE")
    assert brought(where).added["versions"] == 1


def test_rules_that_are_set_here_stay_and_are_told(other):
    set_rules(actor=SYSTEM, subject="s", level="FULL")
    odd = {
        "/config/s": _json({"compatibilityLevel": "NONE", "unknown": 1}),
        "/mode/s": _json({"mode": "READONLY"}),
    }
    report = brought(other({"s": [a_version(1, 11)]}, odd))
    assert report.kept == ["The rules of 's' differ in level."]
    assert (configuration_of("s").level, configuration_of("s").mode) == ("FULL", "READONLY")


LONG = b"[" + b'"s",' * 600_000
ODD = {
    "not let in": (
        Reply(401, b'{"error_code": 401, "message": "who?"}'),
        "does not let this user read (status 401)",
    ),
    "a page": (
        Reply(200, b"<html>welcome</html>", {"Content-Type": "text/html"}),
        "text/html that is not JSON",
    ),
    "nothing": (Reply(200, b""), "is not JSON"),
    "half a list": (Reply(200, b'["s", "t'), "is not JSON"),
    "an object": (Reply(200, b"{}"), "is no list: is this the address of a schema registry?"),
    "numbers": (Reply(200, b"[1, 2]"), "is no list"),
    "not found": (Reply(404, b"<h1>404</h1>"), "it answers with status 404"),
    "broken": (Reply(500, b'{"message": "out of order"}'), "status 500, and says: out of order"),
    "elsewhere": (
        Reply(302, b"", {"Location": "http://169.254.169.254/"}),
        "redirects to http://169.254.169.254/",
    ),
    "too long": (Reply(200, LONG), "is longer than 1,000,000 bytes"),
    "deep": (Reply(200, b"[" * 200_000), "is not JSON"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_answers_are_told_and_nothing_comes_in(other, settings, name):
    settings.IMPORT_MAX_ANSWER_BYTES = 1_000_000
    reply, told = ODD[name]
    with pytest.raises(RegistryUnusable) as refused:
        brought(other({}, {"/subjects": reply}))
    assert told in refused.value.message
    assert not Version.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"id": "7"},
        {"id": -1},
        {"id": 2**31},
        {"schema": {}},
        {"references": [{"name": "n"}]},
        {"metadata": "m"},
        {"sunset": "soon"},
    ],
    ids=str,
)
def test_a_version_that_is_none_is_told(other, change):
    with pytest.raises(RegistryUnusable, match="is not as it should be at /"):
        brought(other({"s": [{**a_version(1, 4), **change}]}))


def test_internal_addresses_are_not_called(settings):
    settings.OUTBOUND_ALLOW = []
    settings.OUTBOUND_PORTS = [80, 8081]
    for url in (
        "http://127.0.0.1:8081",
        "http://169.254.169.254",
        "file:///etc/passwd",
        "http://a:b@example.com",
    ):
        with pytest.raises(TargetRefused):
            brought(Where(url))


def test_an_answer_without_an_end_is_given_up(other, settings):
    settings.OUTBOUND_TIMEOUT_SECONDS = 0.3
    began = time.monotonic()
    with pytest.raises(TargetUnreachable, match="did not answer within"):
        brought(other({}, {"/subjects": Reply(200, b"[]", delay=20)}))
    assert time.monotonic() - began < 10


def test_nobody_without_the_scope_admin_everywhere(teammate, other):
    where = other({"s": [a_version(1, 4)]})
    with pytest.raises(Exception, match="needs the scope 'admin'"):
        import_registry(actor=teammate.actor, where=where, credentials=Credentials())


def test_the_command_takes_the_secret_from_the_environment_and_shows_it_nowhere(
    source, owner, monkeypatch, capsys, caplog
):
    monkeypatch.setenv("IMPORT_TOKEN", owner.secret)
    call_command("import_registry", f"{source.url}/api/v1", "--into", "copy", "--dry-run")
    call_command("import_registry", f"{source.url}/api/v1", "--into", "copy")
    said = capsys.readouterr()
    assert "Would add" in said.out
    assert "Added" in said.out
    assert owner.secret not in said.out + said.err + caplog.text
    monkeypatch.setenv("IMPORT_TOKEN", "wrong")
    with pytest.raises(CommandError, match="does not let this user read"):
        call_command("import_registry", f"{source.url}/api/v1")


def test_secrets_are_not_in_what_credentials_show():
    assert "hush" not in repr(Credentials("me", "hush", "hush"))
