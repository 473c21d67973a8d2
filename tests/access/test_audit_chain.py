"""The audit log: append-only, and a change behind its back shows."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from access import audit
from access.actor import SYSTEM
from access.models import AuditEntry

pytestmark = pytest.mark.django_db


def write(count):
    return [
        audit.record(actor=SYSTEM, action="thing.changed", target=f"thing/{n}", details={"n": n})
        for n in range(count)
    ]


def tamper(statement, *values):
    """What somebody with the database's own rights could do."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE access_auditentry DISABLE TRIGGER append_only")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE access_auditentry ENABLE TRIGGER append_only")


def test_committed_rows_are_chained_in_order_and_check_out():
    entries = write(5)
    assert audit.verify().waiting == 5
    assert audit.chain() == 5
    assert audit.chain() == 0
    check = audit.verify()
    assert (check.checked, check.waiting, check.broken_at, check.problem) == (5, 0, None, "")
    assert list(AuditEntry.objects.order_by("link").values_list("pk", flat=True)) == [e.pk for e in entries]


def test_the_chain_goes_on_where_it_ended_and_in_bounded_steps():
    write(7)
    assert [audit.chain(limit=3), audit.chain(limit=3), audit.chain(limit=3)] == [3, 3, 1]
    assert audit.verify().checked == 7


@pytest.mark.parametrize("details", [{"n": 2**70}, {"x": 1e300, "ü": None}, {}])
def test_odd_details_do_not_stop_the_chain(details):
    audit.record(actor=SYSTEM, action="odd", target="x" * 400, details=details)
    audit.chain()
    assert audit.verify().checked == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_auditentry SET actor = 'somebody else'",
        "UPDATE access_auditentry SET details = '{}'",
        "UPDATE access_auditentry SET link = NULL, hash = NULL",
        "UPDATE access_auditentry SET link = link + 1",
        "DELETE FROM access_auditentry",
    ],
)
def test_the_database_itself_refuses_to_change_or_remove_entries(statement):
    write(3)
    audit.chain()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "somebody else"),
        ("action", "nothing"),
        ("target", "thing/99"),
        ("details", '{"n": 99}'),
        ("at", "2020-01-01T00:00:00Z"),
    ],
)
def test_a_changed_entry_is_named(column, value):
    entries = write(5)
    audit.chain()
    tamper(f"UPDATE access_auditentry SET {column} = %s WHERE id = %s", value, entries[2].pk)
    check = audit.verify()
    assert (check.checked, check.broken_at) == (2, entries[2].pk)


def test_a_removed_entry_is_noticed():
    entries = write(5)
    audit.chain()
    tamper("DELETE FROM access_auditentry WHERE id = %s", entries[2].pk)
    check = audit.verify()
    assert (check.checked, check.broken_at) == (2, entries[3].pk)
    assert "link 3 is missing" in check.problem


def test_a_removed_end_is_noticed_against_an_anchor_kept_elsewhere():
    entries = write(5)
    audit.chain()
    link, _, digest = audit.verify().anchor.partition(":")
    anchor = (int(link), digest)
    write(2)
    audit.chain()
    assert audit.verify(anchor=anchor).problem == ""

    tamper("DELETE FROM access_auditentry WHERE id >= %s", entries[3].pk)
    assert audit.verify().problem == ""
    assert "ends at link 3" in audit.verify(anchor=anchor).problem


def test_a_chain_computed_anew_is_noticed_against_an_anchor():
    entries = write(5)
    audit.chain()
    link, _, digest = audit.verify().anchor.partition(":")
    tamper("UPDATE access_auditentry SET actor = 'somebody else' WHERE id = %s", entries[1].pk)
    tamper("UPDATE access_auditentry SET link = NULL, hash = NULL WHERE true")
    audit.chain()
    assert audit.verify().problem == ""
    assert "rewritten" in audit.verify(anchor=(int(link), digest)).problem


def test_the_command_says_whole_or_fails():
    entries = write(3)
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "3 entries are as they were written" in out.getvalue()
    anchor = out.getvalue().rsplit("anchor ", 1)[1].strip()
    call_command("verify_audit", "--anchor", anchor, stdout=StringIO())

    tamper("UPDATE access_auditentry SET actor = 'x' WHERE id = %s", entries[0].pk)
    with pytest.raises(CommandError, match="is not what was chained"):
        call_command("verify_audit")
    with pytest.raises(CommandError, match="looks like"):
        call_command("verify_audit", "--anchor", "rubbish")


def test_only_an_administrator_reads_it_over_rest(owner, teammate, stranger):
    write(3)
    audit.chain()
    for person, status in ((owner, 200), (teammate, 403), (stranger, 403)):
        assert person.api.get("/api/v1/audit").status_code == status
        assert person.api.get("/api/v1/audit/check").status_code == status
    assert owner.api.get("/api/v1/audit/check").json()["whole"] is True
    items = owner.api.get("/api/v1/audit?target=thing/1&action=thing.changed").json()["items"]
    assert [item["details"] for item in items] == [{"n": 1}]
    assert owner.api.get("/api/v1/audit?since=2999-01-01T00:00:00Z").json()["items"] == []
    assert owner.api.get("/api/v1/audit?since=yesterday").status_code == 422
