"""Where the registry is and which token opens it: said on the spot, in the environment, in `onex.toml`, or by `onex login`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onex_sdk._cli.exits import Impossible, WrongUsage


@dataclass(frozen=True)
class Credentials:
    """An address with its token, and where each was found."""

    url: str
    token: str = field(repr=False)
    url_from: str
    token_from: str


def file() -> Path:
    """Where `onex login` keeps tokens."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "onex" / "credentials.json"


def find(url: str | None, said_in_project: str = "") -> Credentials:
    """Raises WrongUsage when no address or no token is known, with what to type."""
    kept = _read()
    candidates = (
        (url, "--url"),
        (os.environ.get("ONEX_URL"), "ONEX_URL"),
        (said_in_project, "onex.toml"),
        (kept["default"], "onex login"),
    )
    chosen, url_from = next(((one.rstrip("/"), origin) for one, origin in candidates if one), ("", ""))
    if not chosen:
        raise WrongUsage("Which registry? Run `onex login`, set ONEX_URL, or say --url.")
    token = os.environ.get("ONEX_TOKEN", "").strip()
    if token:
        return Credentials(chosen, token, url_from, "ONEX_TOKEN")
    if chosen not in kept["tokens"]:
        raise WrongUsage(
            f"There is no token for {chosen}. Run `onex login --url {chosen}`, or set ONEX_TOKEN."
        )
    return Credentials(chosen, kept["tokens"][chosen], url_from, "onex login")


def keep(url: str, token: str) -> None:
    """The address becomes the default one. Nobody else can read the file."""
    kept = _read()
    kept["tokens"][url.rstrip("/")] = token
    _write({**kept, "default": url.rstrip("/")})


def forget(url: str) -> bool:
    """Whether there was a token."""
    kept = _read()
    had = kept["tokens"].pop(url.rstrip("/"), None) is not None
    if kept["default"] == url.rstrip("/"):
        kept["default"] = next(iter(kept["tokens"]), "")
    _write(kept)
    return had


def default_url() -> str:
    return str(_read()["default"])


def _read() -> dict[str, Any]:
    try:
        kept = json.loads(file().read_text(encoding="utf-8"))
        return {"default": str(kept["default"]), "tokens": dict(kept["tokens"])}
    except FileNotFoundError:
        return {"default": "", "tokens": {}}
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise Impossible(
            f"{file()} cannot be read: {problem!r}. Delete it and run `onex login` again."
        ) from problem


def _write(kept: dict[str, Any]) -> None:
    place = file()
    new = place.with_suffix(".new")
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            json.dump(kept, opened, indent=2)
        new.replace(place)
    except OSError as problem:
        raise Impossible(f"{place} cannot be written: {problem}") from problem
