"""Secrets as they lie in the database: encrypted with a key of this instance that the database does not have.

Whoever reads a dump or a replica finds nothing to sign or to page anybody with. The key follows from SECRET_KEY, or from one of
SECRET_KEY_FALLBACKS for what was sealed before SECRET_KEY was changed.
"""

import base64
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.apps.registry import Apps
from django.conf import settings
from django.db import models

from access.errors import SecretLost

_MARK = "sealed:1:"
_PURPOSE = b"secrets in the database\0"
_PIECE = 1_000


class Lost(str):
    """An empty text in place of a secret that was sealed with a key that nobody here has; saved, it stays what it was."""

    __slots__ = ("sealed",)
    sealed: str

    @classmethod
    def of(cls, sealed: str) -> "Lost":
        lost = cls()
        lost.sealed = sealed
        return lost


class SealedField(models.TextField):  # type: ignore[type-arg]  # Django has no such argument when it runs
    """A text that is sealed where it is stored. It cannot be searched for, but for whether it is empty."""

    def get_prep_value(self, value: Any) -> Any:
        return value.sealed if isinstance(value, Lost) else seal(value) if value else value

    def from_db_value(self, value: Any, *_: object) -> Any:
        return opened(value) if value else value


def seal(secret: str) -> str:
    return secret if secret.startswith(_MARK) else _MARK + _keys().encrypt(secret.encode()).decode()


def opened(stored: str) -> str:
    """What was sealed; a text that never was, from before secrets were, as it is; a Lost one where no key fits."""
    if not stored.startswith(_MARK):
        return stored
    try:
        return _keys().decrypt(stored.removeprefix(_MARK).encode()).decode()
    except InvalidToken:
        return Lost.of(stored)


def require_known(secret: str) -> str:
    """The secret. Raises SecretLost when it is not known any more."""
    if isinstance(secret, Lost):
        raise SecretLost(
            "The secret was kept with another SECRET_KEY. Give that one in SECRET_KEY_FALLBACKS, or save a new secret."
        )
    return secret


def reseal() -> Iterator[tuple[str, int, int]]:
    """Seals every stored secret with the present key; table, how many, and how many of them are lost."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, SealedField):
                done, lost = seal_all(model, field.name)
                yield model._meta.db_table, done, lost


def seal_all(model: type[models.Model], name: str) -> tuple[int, int]:
    """Of one field of all rows: how many were sealed, and how many could not, as they are lost."""
    done = lost = 0
    kept = model._base_manager.exclude(**{name: ""}).only("pk", name).order_by("pk")
    rows = list(kept[:_PIECE])
    while rows:
        known = [row for row in rows if not isinstance(getattr(row, name), Lost)]
        model._base_manager.bulk_update(known, [name])
        done, lost = done + len(known), lost + len(rows) - len(known)
        rows = list(kept.filter(pk__gt=rows[-1].pk)[:_PIECE])
    return done, lost


def in_migration(app: str, model: str, name: str = "secret") -> Any:
    """What a migration runs to seal what is stored in clear."""

    def run(known: Apps, _editor: object) -> None:
        seal_all(known.get_model(app, model), name)

    return run


def _keys() -> MultiFernet:
    return _keys_of(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _keys_of(*secrets: str) -> MultiFernet:
    return MultiFernet([_key(secret) for secret in secrets])


def _key(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(_PURPOSE + secret.encode()).digest()))
