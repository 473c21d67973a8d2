"""`./run backup FILE` and `./run restore FILE`: database and secret key in one file.

The file is a zip of three members: `manifest.json`, `secret-key`, and `database.dump` in pg_dump's custom format.
The manifest holds the dump's SHA-256 and how many rows each table had in the very snapshot that was dumped.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from registry.local import connection, postgres, stack
from registry.local import home as homes
from registry.local.errors import Refusal
from registry.local.files import write_private
from registry.local.home import home_named, open_home
from registry.local.stack import say

FORMAT = 1
CHUNK = 1024 * 1024
# pg_restore of 17 and later asks for this setting, which older servers do not know.
NEWER_SETTING = b"SET transaction_timeout = 0;\n"
EMPTY_SCHEMA = b"""
    BEGIN;
    SET client_min_messages = warning;
    DROP SCHEMA public CASCADE;
    CREATE SCHEMA public;
"""


def backup(file: Path) -> int:
    """Write the backup; FILE appears only when it is complete, readable by its owner only."""
    home = open_home(home_named())
    with _database(home) as url, _new_file(file) as new:
        tables = _dump(url, home, new)
    size = file.stat().st_size
    say(f"{file}: {len(tables)} tables, {sum(tables.values()):,} rows, {size / 2**20:.1f} MB.")
    say("It holds the secret key and every token's hash: keep it as you keep a password.")
    return 0


def restore(file: Path, *, replace: bool) -> int:
    """Read a backup into the database in one transaction: all of it or nothing.

    Refuses a damaged file, a database that others are using, and one that holds something unless `replace`.
    """
    home = open_home(home_named())
    running = connection.find(home)
    if running:
        raise Refusal(f"The registry is running at {running.url}. Stop it, restore, and start it again.")
    with _open_backup(file) as backup_file:
        manifest = _verified(backup_file, file)
        with _database(home) as url:
            _refuse_occupied(url, replace=replace)
            _load(url, backup_file, manifest, home)
        _restore_key(home, backup_file.read("secret-key").decode())
    say(
        f"Restored {sum(manifest['tables'].values()):,} rows in {len(manifest['tables'])} tables, as of {manifest['made_at']}."
    )
    return 0


@contextlib.contextmanager
def _database(home: Path) -> Iterator[str]:
    """URL of the home's database: external, of the running instance, or started for the occasion."""
    external = os.environ.get("DATABASE_URL")
    if external:
        postgres.refuse_unreachable(external)
        yield external
    elif connection.find(home):
        yield (home / homes.DATABASE_URL_FILE).read_text(encoding="ascii").strip()
    else:
        with stack.supervised(home) as supervisor:
            yield stack.start_database(supervisor)


@contextlib.contextmanager
def _new_file(file: Path) -> Iterator[Path]:
    """A file beside `file` that takes its name when the body has succeeded."""
    if not file.parent.is_dir():
        raise Refusal(f"{file.parent} is not a folder. Make it first, or name another file.")
    if file.exists():
        raise Refusal(f"{file} exists already. Name another file, or move it away.")
    new = file.with_name(file.name + ".part")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield new
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _dump(url: str, home: Path, new: Path) -> dict[str, int]:
    """Rows of each table in the snapshot that was dumped."""
    with psycopg.connect(url) as session, zipfile.ZipFile(new, "w") as archive:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.read_only = True
        snapshot = _one(session, "SELECT pg_export_snapshot()")
        server = _one(session, "SHOW server_version")
        tables = _row_counts(session)
        digest = hashlib.sha256()
        command = [postgres.tool("pg_dump"), "--format=custom", "--no-owner", "--no-privileges"]
        command += [f"--snapshot={snapshot}", f"--dbname={url}"]
        with archive.open("database.dump", "w", force_zip64=True) as member:
            for chunk in _output_of(command, "Dumping"):
                digest.update(chunk)
                member.write(chunk)
        manifest = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "server_version": server,
            "sha256": digest.hexdigest(),
            "tables": tables,
        }
        archive.writestr("secret-key", _secret_key(home))
        archive.writestr("manifest.json", json.dumps(manifest, indent=2))
    return tables


def _one(session: psycopg.Connection[Any], query: sql.SQL | str) -> str:
    row = session.execute(sql.SQL(query) if isinstance(query, str) else query).fetchone()
    assert row is not None
    return str(row[0])


def _row_counts(session: psycopg.Connection[Any]) -> dict[str, int]:
    """Of every table; a partitioned one counts as a whole."""
    names = session.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
    ).fetchall()
    count = sql.SQL("SELECT count(*) FROM public.{}")
    return {
        name: session.execute(count.format(sql.Identifier(name))).fetchone()[0]  # type: ignore[index]
        for (name,) in names
    }


def _secret_key(home: Path) -> str:
    given = os.environ.get("SECRET_KEY")
    if given:
        return given
    try:
        return (home / "secret-key").read_text(encoding="ascii")
    except FileNotFoundError:
        raise Refusal(
            f"{home} has no secret key, so there is nothing to back up yet. Start ./run once first."
        ) from None


def _output_of(command: list[str], doing: str) -> Iterator[bytes]:
    """What the program writes, in chunks, with progress; Refusal when it fails."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        progress = Progress(doing)
        while chunk := process.stdout.read(CHUNK):
            progress.add(len(chunk))
            yield chunk
        progress.end()
        said = process.stderr.read().decode(errors="replace")
    if process.returncode:
        raise Refusal(f"{Path(command[0]).name} failed: {said.strip() or 'no reason given'}")


@contextlib.contextmanager
def _open_backup(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(file)
    except FileNotFoundError:
        raise Refusal(f"{file} does not exist. Name a file that ./run backup made.") from None
    except (zipfile.BadZipFile, IsADirectoryError):
        raise Refusal(f"{file} is not a backup, or it is not complete. Nothing was changed.") from None
    with archive:
        yield archive


def _verified(archive: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    """The manifest, after the whole dump has been read and found to be what was written."""
    try:
        manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
        if manifest["format"] != FORMAT:
            raise Refusal(
                f"{file} was made by a newer version (format {manifest['format']}). Restore it with that one."
            )
        digest = hashlib.sha256()
        with archive.open("database.dump") as dump:
            progress = Progress("Verifying")
            while chunk := dump.read(CHUNK):
                digest.update(chunk)
                progress.add(len(chunk))
            progress.end()
        intact = digest.hexdigest() == manifest["sha256"] and "secret-key" in archive.namelist()
    except (KeyError, ValueError, zipfile.BadZipFile):
        intact = False
    if not intact:
        raise Refusal(f"{file} is damaged: it is not what was backed up. Nothing was changed.")
    return manifest


def _refuse_occupied(url: str, *, replace: bool) -> None:
    with psycopg.connect(url) as session:
        others = int(
            _one(
                session,
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'",
            )
        )
        tables = len(_row_counts(session))
    if others:
        raise Refusal(
            f"{others} other sessions use this database. Stop what uses it, restore, and start it again."
        )
    if tables and not replace:
        raise Refusal(
            f"The database is not empty ({tables} tables). Take a backup of it and repeat with --replace to replace it all."
        )


def _load(url: str, archive: zipfile.ZipFile, manifest: dict[str, Any], home: Path) -> None:
    """One transaction: empty the schema, load, compare the rows with the manifest. Any error leaves all as it was."""
    log = home / "logs" / "restore.log"
    with psycopg.connect(url) as session:
        server = session.info.server_version // 10_000
    command = [postgres.tool("psql"), "--no-psqlrc", "--quiet", "--output=/dev/null"]
    command += ["--set=ON_ERROR_STOP=1", f"--dbname={url}"]
    with (
        log.open("wb") as said,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said) as psql,
    ):
        assert psql.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # psql says why in its log
            psql.stdin.write(EMPTY_SCHEMA)
            for chunk in _script(archive, server):
                psql.stdin.write(chunk)
            psql.stdin.write(_comparison(manifest["tables"]).encode())
            # Not --single-transaction: that would also commit a script that breaks off.
            psql.stdin.write(b"COMMIT;\n")
            psql.stdin.close()
    if psql.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no reason given"]
        raise Refusal(
            f"The backup could not be loaded, and the database is as it was: {lines[0]} All of it is in {log}."
        )


def _script(archive: zipfile.ZipFile, server: int) -> Iterator[bytes]:
    """The dump as SQL that a server of this major version understands."""
    command = [postgres.tool("pg_restore"), "--no-owner", "--no-privileges", "--file=-"]
    with (
        archive.open("database.dump") as dump,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        feeder = threading.Thread(target=_feed, args=(dump, process.stdin))
        feeder.start()
        progress = Progress("Restoring")
        first = process.stdout.read(CHUNK)
        yield first.replace(NEWER_SETTING, b"", 1) if server < 17 else first
        while chunk := process.stdout.read(CHUNK):
            progress.add(len(chunk))
            yield chunk
        progress.end()
        feeder.join()
    if process.returncode:
        raise Refusal("pg_restore cannot read the dump in this backup. The database is as it was.")


def _feed(dump: IO[bytes], program: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError), program:  # whoever reads may have failed, and says so itself
        shutil.copyfileobj(dump, program, CHUNK)


def _comparison(tables: dict[str, int]) -> str:
    """SQL that fails, and so undoes everything, unless each table has the rows it had."""
    count = sql.SQL("SELECT {}, (SELECT count(*) FROM public.{}), {}")
    counts = [
        count.format(sql.Literal(name), sql.Identifier(name), sql.Literal(rows))
        for name, rows in tables.items()
    ]
    return (
        sql.SQL(
            """
        DO $check$ DECLARE different text; BEGIN
            SELECT string_agg(format('%s has %s rows instead of %s', name, rows, wanted), ', ') INTO different
            FROM ({}) AS counted (name, rows, wanted) WHERE rows <> wanted;
            IF different IS NOT NULL THEN RAISE EXCEPTION '%', different; END IF;
        END $check$;
        """
        )
        .format(sql.SQL(" UNION ALL ").join(counts))
        .as_string()
    )


def _restore_key(home: Path, key: str) -> None:
    """Put the backup's secret key in place; the one that was there is kept beside it."""
    if os.environ.get("SECRET_KEY"):
        if os.environ["SECRET_KEY"] != key:
            say(
                "SECRET_KEY is not the key of this backup: sessions end, and what was encrypted with it cannot be read."
            )
        return
    file = home / "secret-key"
    if file.exists() and file.read_text(encoding="ascii") != key:
        file.replace(home / f"secret-key.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    write_private(file, key)


class Progress:
    """Megabytes so far: one rewritten line on a terminal, nothing elsewhere."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.done = 0
        self.shown = 0.0

    def add(self, size: int) -> None:
        self.done += size
        if sys.stderr.isatty() and time.monotonic() - self.shown > 0.2:
            self.shown = time.monotonic()
            print(f"\r{self.doing}: {self.done / 2**20:.1f} MB", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.shown:
            print(f"\r{self.doing}: {self.done / 2**20:.1f} MB", file=sys.stderr, flush=True)
