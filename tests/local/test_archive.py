"""`./run backup` and `./run restore`: all of it comes back, or nothing changes."""

import json
import os
import secrets
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from registry.local import archive, stack
from registry.local.errors import Refusal
from registry.local.home import discard, open_home
from tests.require import require


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One database server for all tests here."""
    home = open_home(tmp_path_factory.mktemp("archive") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        with stack.supervised(home) as supervisor:
            yield stack.start_database(supervisor, durable=False)
    discard(home)


@pytest.fixture
def filled(server: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with its secret key, whose database holds two tables, one of them partitioned."""
    monkeypatch.setenv("DATABASE_URL", server)
    (home / "secret-key").write_text("the key of this instance")
    run_sql("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", *TABLES)
    return home


TABLES = [
    "CREATE TABLE subject (name text PRIMARY KEY)",
    "INSERT INTO subject VALUES ('shop.order'), ('quo''ted')",
    "CREATE TABLE event (id int, day date) PARTITION BY RANGE (day)",
    "CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
    "INSERT INTO event SELECT n, '2026-01-05' FROM generate_series(1, 1000) n",
]


def run_sql(*statements: str) -> object:
    """The value of the last statement, if it has one."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as session:
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
    run_sql("DELETE FROM subject", "CREATE TABLE later (id int)")
    (filled / "secret-key").write_text("another key")

    assert archive.restore(backup, replace=True) == 0

    assert run_sql("SELECT string_agg(name, ',' ORDER BY name) FROM subject") == "quo'ted,shop.order"
    assert run_sql("SELECT count(*) FROM event") == 1000
    assert run_sql("SELECT to_regclass('later') IS NULL") is True
    assert (filled / "secret-key").read_text() == "the key of this instance"
    assert [file.read_text() for file in filled.glob("secret-key.before-*")] == ["another key"]


def test_a_database_that_is_not_empty_is_replaced_only_on_request(filled, backup):
    with pytest.raises(Refusal, match=r"not empty \(2 tables\).*--replace"):
        archive.restore(backup, replace=False)


def test_a_damaged_backup_changes_nothing(filled, backup):
    content = bytearray(backup.read_bytes())
    content[len(content) // 2] ^= 0xFF
    backup.write_bytes(bytes(content))
    run_sql("DELETE FROM subject")

    with pytest.raises(Refusal, match="Nothing was changed"):
        archive.restore(backup, replace=True)

    assert run_sql("SELECT count(*) FROM subject") == 0


def test_rows_that_do_not_arrive_undo_the_whole_restore(filled, backup, monkeypatch):
    wrong = archive._comparison({"subject": 3})
    monkeypatch.setattr(archive, "_comparison", lambda _: wrong)
    run_sql("INSERT INTO subject VALUES ('later')")

    with pytest.raises(Refusal, match="subject has 2 rows instead of 3"):
        archive.restore(backup, replace=True)

    assert run_sql("SELECT count(*) FROM subject") == 3


def test_a_database_in_use_is_not_restored(backup, server):
    with psycopg.connect(server), pytest.raises(Refusal, match="1 other sessions use this database"):
        archive.restore(backup, replace=True)


def test_the_embedded_database_is_started_for_the_occasion(backup, home, monkeypatch):
    monkeypatch.delenv("DATABASE_URL")
    (home / "secret-key").unlink()

    assert archive.restore(backup, replace=False) == 0
    assert archive.backup(backup.with_name("again")) == 0

    assert (home / "secret-key").read_text() == "the key of this instance"
    with zipfile.ZipFile(backup.with_name("again")) as again:
        assert json.loads(again.read("manifest.json"))["tables"] == {"event": 1000, "subject": 2}


def test_a_backup_can_be_restored_into_an_older_postgresql(backup, monkeypatch):
    name = sql.Identifier(f"onex_restore_{secrets.token_hex(4)}")
    older = require("production-database")
    with psycopg.connect(older, autocommit=True) as session:
        session.execute(sql.SQL("CREATE DATABASE {}").format(name))
        monkeypatch.setenv("DATABASE_URL", older.rpartition("/")[0] + "/" + name.as_string(None).strip('"'))
        try:
            assert archive.restore(backup, replace=False) == 0
            assert run_sql("SELECT count(*) FROM event") == 1000
        finally:
            session.execute(sql.SQL("DROP DATABASE {}").format(name))


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

    def broken(*given):
        yield next(whole(*given))
        raise Refusal("it broke off")

    monkeypatch.setattr(archive, "_script", broken)
    run_sql("INSERT INTO subject VALUES ('later')")

    with pytest.raises(Refusal, match="it broke off"):
        archive.restore(backup, replace=True)

    assert run_sql("SELECT count(*) FROM subject") == 3
