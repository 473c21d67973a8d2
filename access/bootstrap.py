"""The first administrator: so that a fresh installation can be signed in to, and scripts find a token."""

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from django.contrib.auth.models import User
from django.db import connection, transaction

from access import audit
from access.actor import SCOPES, SYSTEM
from access.errors import Unauthenticated
from access.tokens import actor_of_secret, actor_of_user, issue_token

LOGIN = "admin"
FILE = "admin.json"
# Two containers that start together must not both make the administrator.
_LOCK = 7_265_002


@dataclass(frozen=True, slots=True)
class Credentials:
    """`password` is None when it was changed since, or when another installation made the administrator."""

    login: str
    password: str | None
    token: str


def bootstrap(*, home: Path) -> Credentials:
    """Makes the administrator and a token with every scope, or finds those of an earlier start.

    They are kept in `home/admin.json`, readable by its owner only. Calling it again changes nothing as long
    as the kept token still works; a revoked or expired one is replaced.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        kept = _read(home / FILE)
        user, password = _administrator(kept)
        token = kept.token if kept and _works(kept.token) else _new_token(user)
        credentials = Credentials(user.username, password, token)
        # Before the commit: a crash in between leaves a file whose token does not work, and the next start
        # replaces it. The other way round the password would be lost.
        if credentials != kept:
            _write(home / FILE, credentials)
    return credentials


def _administrator(kept: Credentials | None) -> tuple[User, str | None]:
    user = User.objects.filter(username=LOGIN).first()
    if user is None:
        password = secrets.token_urlsafe(15)
        user = User.objects.create_superuser(username=LOGIN, password=password)
        audit.record(actor=SYSTEM, action="user.created", target=f"user/{LOGIN}", details={"role": "admin"})
        return user, password
    known = kept is not None and kept.password is not None and user.check_password(kept.password)
    return user, kept.password if kept and known else None


def _works(secret: str) -> bool:
    try:
        return actor_of_secret(secret).may_everywhere("admin")
    except Unauthenticated:
        return False


def _new_token(user: User) -> str:
    _, secret = issue_token(actor=actor_of_user(user), name="made at the first start", scopes=SCOPES)
    return secret


def _read(file: Path) -> Credentials | None:
    try:
        return Credentials(**json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        # A file cut short by a full disk counts as none.
        return None


def _write(file: Path, credentials: Credentials) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file readable by its owner only.
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".admin-")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(asdict(credentials), out)
        out.flush()
        os.fsync(out.fileno())
    Path(draft).replace(file)
