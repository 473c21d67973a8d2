"""`./run backup` and `./run restore`: all of it comes back, or nothing changes."""

import zipfile
from pathlib import Path

import psycopg
import pytest

from registry.local import archive, stack
from registry.local.errors import Refusal


@pytest.fixture
def filled(home: Path) -> Path:
    """A home whose database holds two tables, one of them partitioned, and its secret key."""
    (home / "secret-key").write_text("the key of this instance")
    run_sql(
        home,
        "CREATE TABLE subject (name text PRIMARY KEY)",
        "INSERT INTO subject VALUES ('shop.order'), ('quo''ted')",
        "CREATE TABLE event (id int, day date) PARTITION BY RANGE (day)",
        "CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
        "INSERT INTO event SELECT n, '2026-01-05' FROM generate_series(1, 1000) n",
    )
    return home


def run_sql(home: Path, *statements: str) -> object:
    """The value of the last statement, if it has one."""
    with stack.supervised(home) as supervisor, psycopg.connect(stack.start_database(supervisor)) as session:
        for statement in statements:
            result = session.execute(statement)
        return result.fetchone()[0] if result.description else None


@pytest.fixture
def backup(filled: Path, tmp_path: Path) -> Path:
    file = tmp_path / "backup.onex"
    assert archive.backup(file) == 0
    return file


def test_a_backup_is_private_and_complete(backup, capsys):
    assert backup.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(backup) as members:
        assert sorted(members.namelist()) == ["database.dump", "manifest.json", "secret-key"]
    assert not backup.with_name("backup.onex.part").exists()


def test_what_was_backed_up_replaces_what_came_later(filled, backup):
    run_sql(filled, "DELETE FROM subject", "CREATE TABLE later (id int)")
    (filled / "secret-key").write_text("another key")

    assert archive.restore(backup, replace=True) == 0

    assert run_sql(filled, "SELECT string_agg(name, ',' ORDER BY name) FROM subject") == "quo'ted,shop.order"
    assert run_sql(filled, "SELECT count(*) FROM event") == 1000
    assert run_sql(filled, "SELECT to_regclass('later') IS NULL") is True
    assert (filled / "secret-key").read_text() == "the key of this instance"
    assert [file.read_text() for file in filled.glob("secret-key.before-*")] == ["another key"]


def test_a_database_that_is_not_empty_is_replaced_only_on_request(filled, backup):
    with pytest.raises(Refusal, match=r"not empty \(2 tables\).*--replace"):
        archive.restore(backup, replace=False)


def test_a_damaged_backup_changes_nothing(filled, backup):
    content = bytearray(backup.read_bytes())
    content[len(content) // 2] ^= 0xFF
    backup.write_bytes(bytes(content))
    run_sql(filled, "DELETE FROM subject")

    with pytest.raises(Refusal, match="Nothing was changed"):
        archive.restore(backup, replace=True)

    assert run_sql(filled, "SELECT count(*) FROM subject") == 0


def test_rows_that_do_not_arrive_undo_the_whole_restore(filled, backup, monkeypatch):
    wrong = archive._comparison({"subject": 3})
    monkeypatch.setattr(archive, "_comparison", lambda _: wrong)
    run_sql(filled, "INSERT INTO subject VALUES ('later')")

    with pytest.raises(Refusal, match="subject has 2 rows instead of 3"):
        archive.restore(backup, replace=True)

    assert run_sql(filled, "SELECT count(*) FROM subject") == 3


def test_a_database_in_use_is_not_restored(filled, backup, monkeypatch):
    with stack.supervised(filled) as supervisor:
        url = stack.start_database(supervisor)
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("ONEX_HOME", str(filled.with_name("other")))
        with psycopg.connect(url), pytest.raises(Refusal, match="1 other sessions use this database"):
            archive.restore(backup, replace=True)
        assert archive.restore(backup, replace=True) == 0


def test_an_existing_file_is_not_overwritten(filled, backup):
    with pytest.raises(Refusal, match="exists already"):
        archive.backup(backup)


@pytest.mark.parametrize("content", [b"", b"no backup at all", b"PK\x03\x04"])
def test_what_is_no_backup_is_refused(home, tmp_path, content):
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(Refusal, match="is not a backup"):
        archive.restore(file, replace=True)


def test_a_backup_that_breaks_off_leaves_no_half_file(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(archive.postgres, "tool", lambda _: "/bin/false")
    with pytest.raises(Refusal, match="false failed"):
        archive.backup(tmp_path / "backup.onex")
    assert list(tmp_path.glob("backup*")) == []


def test_a_dump_that_breaks_off_while_loading_undoes_the_whole_restore(filled, backup, monkeypatch):
    whole = archive._script
    monkeypatch.setattr(archive, "_script", lambda *given: [next(iter(whole(*given)))[:700]])
    monkeypatch.setattr(archive, "_comparison", lambda _: "SELECT 1;")
    run_sql(filled, "INSERT INTO subject VALUES ('later')")

    with pytest.raises(Refusal, match="the database is as it was"):
        archive.restore(backup, replace=True)

    assert run_sql(filled, "SELECT count(*) FROM subject") == 3
