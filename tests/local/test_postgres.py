"""The embedded PostgreSQL: nobody else gets in, nothing else is touched, and it comes back from any death."""

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from registry.local import place, stack
from registry.local.errors import Refusal
from registry.local.home import discard, open_home

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture(scope="module")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for all tests here: making a database takes two seconds."""
    home = open_home(tmp_path_factory.mktemp("postgres") / "home")
    yield home
    discard(home)


@pytest.fixture(autouse=True)
def _embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as session:
        return session.execute(query).fetchone()[0]


def as_nobody(command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["su", "-s", "/bin/sh", "nobody", "-c", command], capture_output=True, text=True, check=False, cwd="/"
    )


def test_it_keeps_its_promises_about_durability_and_reach(made_home):
    with stack.supervised(made_home) as supervisor:
        url = stack.start_database(supervisor)
        assert value(url, "SHOW fsync") == "on"
        assert value(url, "SHOW synchronous_commit") == "on"
        assert value(url, "SHOW listen_addresses") == ""
        assert value(url, "SHOW password_encryption") == "scram-sha-256"
        assert value(url, "SELECT usesuper FROM pg_user WHERE usename = current_user") is False


def test_nobody_is_trusted_without_the_password(made_home):
    with stack.supervised(made_home) as supervisor:
        url = stack.start_database(supervisor)
        password = (made_home / "postgres-password").read_text()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(password, "guess"))
        data = (made_home / "postgres").resolve() / "data"
        rules = [
            line.split() for line in (data / "pg_hba.conf").read_text().splitlines() if line[:1].isalpha()
        ]
        assert {rule[-1] for rule in rules} == {"scram-sha-256"}


@as_root
def test_another_user_can_neither_connect_nor_read_the_data(made_home):
    with stack.supervised(made_home) as supervisor:
        url = stack.start_database(supervisor)
        programs = next(place.SYSTEM_FOLDER.glob("programs-*")) / place.PROGRAMS / "bin"
        sockets = supervisor.socket_folder
        # Even with the right password.
        assert as_nobody(f"{programs}/psql --version").returncode == 0
        assert "Permission denied" in as_nobody(f"{programs}/psql '{url}' -c 'select 1'").stderr
        assert "Permission denied" in as_nobody(f"ls {sockets}").stderr
        assert "Permission denied" in as_nobody(f"ls {(made_home / 'postgres').resolve()}").stderr
        assert as_nobody(f"cat {made_home}/database-url").returncode != 0
        assert Path(f"/proc/{supervisor.pids()['postgres']}").stat().st_uid != 0


def test_no_existing_folder_changes_its_mode_or_owner(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    before = {folder: _mode_and_owner(folder) for folder in [closed, *closed.parents, Path("/var/lib")]}

    with stack.supervised(open_home(home)) as supervisor:
        stack.start_database(supervisor)
        during = {folder: _mode_and_owner(folder) for folder in before}

    discard(home)
    assert during == before
    assert {folder: _mode_and_owner(folder) for folder in before} == before


def _mode_and_owner(folder: Path) -> tuple[int, int, int]:
    found = folder.stat()
    return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid


def test_it_is_started_again_after_kill_9_with_what_was_committed(made_home):
    with stack.supervised(made_home) as supervisor:
        url = stack.start_database(supervisor)
        with psycopg.connect(url) as session:
            session.execute("CREATE TABLE kept AS SELECT 7 AS number")
        first = supervisor.pids()["postgres"]
        os.kill(first, signal.SIGKILL)

        stack.stay(supervisor, until=lambda: supervisor.pids()["postgres"] != first and _answers(url))

        assert value(url, "SELECT number FROM kept") == 7


def _answers(url: str) -> bool:
    try:
        return value(url, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def test_a_pid_file_whose_number_belongs_to_another_process_does_not_hinder(made_home):
    with stack.supervised(made_home) as supervisor:
        stack.start_database(supervisor)
    pid_file = (made_home / "postgres").resolve() / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n/nowhere\n1\n5432\n/nowhere\n\n")

    with stack.supervised(made_home) as supervisor:
        assert _answers(stack.start_database(supervisor))


def test_a_lost_password_is_replaced(made_home):
    with stack.supervised(made_home) as supervisor:
        stack.start_database(supervisor)
    (made_home / "postgres-password").unlink()

    with stack.supervised(made_home) as supervisor:
        assert _answers(stack.start_database(supervisor))


def test_an_interrupted_first_start_is_begun_again(home):
    where = place.place_for(home)
    half = where.folder / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    with stack.supervised(home) as supervisor:
        assert _answers(stack.start_database(supervisor))
    assert not half.exists()


def test_data_of_another_major_version_is_reported_and_not_touched(home):
    data = place.place_for(home).folder / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("17\n")

    with (
        pytest.raises(Refusal, match=r"made by PostgreSQL 17.*runs PostgreSQL 18.*/run restore FILE"),
        stack.supervised(home) as supervisor,
    ):
        stack.start_database(supervisor)

    assert [file.name for file in data.iterdir()] == ["PG_VERSION"]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres://nobody@127.0.0.1:1/none", "cannot be reached: .*unset it to use the embedded"),
        ("some text", "is not an address of PostgreSQL"),
    ],
)
def test_a_wrong_database_url_is_explained(home, monkeypatch, url, sentence):
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(Refusal, match=sentence), stack.supervised(home) as supervisor:
        stack.start_database(supervisor)


def test_the_socket_has_a_short_path_even_when_the_temporary_folder_has_a_long_one(
    home, monkeypatch, tmp_path
):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    folder = place.socket_folder(place.place_for(home))

    assert len(os.fsencode(folder)) <= place.LONGEST_SOCKET_FOLDER
    assert folder.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(folder)
