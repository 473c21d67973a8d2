"""The embedded PostgreSQL: made, started and reached by us alone.

Every connection needs the password (scram-sha-256, no `trust` line), there is no TCP, and the socket lies in a
folder that only the database's user may enter.
"""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from registry.local import processes
from registry.local.errors import Refusal, about_full_disk
from registry.local.files import write_private
from registry.local.place import Place, installed_programs
from registry.local.supervisor import Program

MAJOR = "18"
ROLE = "onex"
DATABASE = "onex"
PASSWORD_FILE = "postgres-password"  # noqa: S105 -- the name of a file
START_SECONDS = 60.0


def prepare(home: Path, place: Place, say: Callable[[str], None]) -> None:
    """Make the database cluster if there is none. Refuses data of another major version and leaves it alone."""
    data = place.folder / "data"
    if data.exists():
        _refuse_other_major(data)
        if not (home / PASSWORD_FILE).exists():
            _set_password(home, place, data, first_time=False)
        _forget_stale_pid(data)
        return
    say("Making the database …")
    new = place.folder / "data.new"
    shutil.rmtree(new, ignore_errors=True)  # an initdb that was interrupted
    _initdb(home, place, new)
    _set_password(home, place, new, first_time=True)
    new.rename(data)


def program(home: Path, place: Place, sockets: Path, *, durable: bool = True) -> Program:
    """How to run the server; `durable=False` is for test data only, which a power cut may destroy."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": f"{_shared_buffers_mb()}MB",
        "effective_cache_size": f"{_shared_buffers_mb() * 4}MB",
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        "wal_compression": "on",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "log_min_messages": "warning",
        "TimeZone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
    }
    argv = [str(place.programs / "bin" / "postgres"), "-D", str(place.folder / "data")]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    return Program(
        name=processes.DATABASE,
        argv=argv,
        environment=_environment(),
        folder=place.folder,
        uid=place.uid,
        gid=place.gid,
    )


def url(home: Path, sockets: Path) -> str:
    password = (home / PASSWORD_FILE).read_text(encoding="ascii").strip()
    return f"postgres://{ROLE}:{password}@/{DATABASE}?host={sockets}"


def wait_until_ready(place: Place, pid: Callable[[], int]) -> None:
    """Return once the server says it is ready; `pid` tells its process number and may raise when it has died."""
    status = place.folder / "data" / "postmaster.pid"
    deadline = time.monotonic() + START_SECONDS
    while not _says_ready(status, pid()):
        if time.monotonic() > deadline:
            raise Refusal(f"The embedded PostgreSQL is not ready after {START_SECONDS:.0f} s.")
        time.sleep(0.02)


def _says_ready(status: Path, pid: int) -> bool:
    """As pg_ctl does: the file's first line is the server's number, its eighth the state."""
    try:
        lines = status.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def refuse_unreachable(address: str) -> None:
    """Raise Refusal unless the external server at `address` (DATABASE_URL) accepts us."""
    import psycopg  # takes 0.3 s, which a start with the embedded server need not spend

    try:
        psycopg.connect(address, connect_timeout=10).close()
    except psycopg.ProgrammingError:
        raise Refusal(
            "DATABASE_URL is not an address of PostgreSQL. It looks like postgres://user:password@host:5432/database."
        ) from None
    except psycopg.OperationalError as problem:
        raise Refusal(
            f"The database of DATABASE_URL cannot be reached: {_last_line(str(problem))}. "
            "Correct it, or unset it to use the embedded PostgreSQL."
        ) from None


def tool(name: str) -> str:
    """Path of a client program (psql, pg_dump, pg_restore) that came with the dependencies."""
    return str(installed_programs() / "bin" / name)


def _refuse_other_major(data: Path) -> None:
    found = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if found != MAJOR:
        raise Refusal(
            f"The database in {data} was made by PostgreSQL {found}, and this version runs PostgreSQL {MAJOR}. "
            "It has not been touched. To move it: with the version of Onex Registry that made it, `./run backup FILE`; "
            "then move that folder away and, with this version, `./run restore FILE`."
        )


def _initdb(home: Path, place: Place, data: Path) -> None:
    # The superuser is needed only to make our role. Nobody keeps its password; single-user mode can set a new one.
    password = place.folder / "superuser-password"
    write_private(password, secrets.token_hex(24))
    if place.uid is not None and place.gid is not None:
        os.chown(password, place.uid, place.gid)
    command = [
        str(place.programs / "bin" / "initdb"),
        "-D",
        str(data),
        "-U",
        "postgres",
        f"--pwfile={password}",
    ]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    try:
        _run(command, home, place)
    finally:
        password.unlink()


def _set_password(home: Path, place: Place, data: Path, *, first_time: bool) -> None:
    """Give our role a new random password, without a server: single-user mode asks for none."""
    password = secrets.token_hex(24)
    sql = [f"{'CREATE' if first_time else 'ALTER'} ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}';"]
    if first_time:
        sql.append(f"CREATE DATABASE {DATABASE} OWNER {ROLE};")
    command = [str(place.programs / "bin" / "postgres"), "--single", "-D", str(data), "postgres"]
    _run(command, home, place, text="\n".join(sql) + "\n")
    write_private(home / PASSWORD_FILE, password)


def _run(command: list[str], home: Path, place: Place, *, text: str = "") -> None:
    """Run one of PostgreSQL's programs to its end as the database's user; Refusal tells why it failed."""
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd=place.folder,
        env=_environment(),
        user=place.uid,
        group=place.gid,
        extra_groups=None if place.uid is None else [],
    )
    output = done.stdout + done.stderr
    # Single-user mode ends with status 0 even when a statement failed.
    if done.returncode == 0 and "ERROR:" not in output and "FATAL:" not in output:
        return
    log = home / "logs" / "postgres-setup.log"
    log.write_text(output, encoding="utf-8")
    if "No space left on device" in output:
        raise about_full_disk(place.folder)
    raise Refusal(f"{Path(command[0]).name} failed: {_last_line(output)}. All it said is in {log}.")


def _forget_stale_pid(data: Path) -> None:
    """Remove the pid file of a server that was killed, when its number now belongs to some other process.

    PostgreSQL itself recovers from every other stale pid file. The home's lock says that no server of ours runs.
    """
    file = data / "postmaster.pid"
    try:
        pid = int(file.read_text(encoding="ascii").split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ValueError):
        return
    if os.fsencode(data) not in command.split(b"\0"):
        file.unlink()


def _environment() -> dict[str, str]:
    """Nothing of ours: neither secrets nor PG* variables reach the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _shared_buffers_mb() -> int:
    """An eighth of the memory, within 64 to 512 MB: others live on this machine too."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(64, min(512, memory // 8))


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1].strip().rstrip(".")
