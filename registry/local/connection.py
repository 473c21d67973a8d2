"""How scripts find the running instance: `connection.json` in its home."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from registry.local.errors import Refusal
from registry.local.files import write_private
from registry.local.processes import started

FILE_NAME = "connection.json"


@dataclass(frozen=True)
class Connection:
    """Address, administrator's login and token of a running instance, and its processes by name.

    `receiver` is the one internal `host:port` to which this instance may deliver webhooks besides those of
    `OUTBOUND_ALLOW`: the supervisor keeps it reserved for its own user, for the demo's receiver to bind
    (with SO_REUSEPORT).
    """

    url: str
    api: str
    login: str
    password: str
    token: str
    receiver: str = ""
    pids: dict[str, int] = field(default_factory=dict)

    def write(self, home: Path) -> None:
        """Replace the file in one step; readable by its owner only."""
        write_private(home / FILE_NAME, json.dumps(asdict(self), indent=2) + "\n")


def find(home: Path) -> Connection | None:
    """The instance that runs in `home`, or None when none does."""
    try:
        text = (home / FILE_NAME).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise Refusal(
            f"{home / FILE_NAME} cannot be read by this user. Run as its owner, or set ONEX_HOME to a folder of your own."
        ) from None
    connection = Connection(**json.loads(text))
    return connection if started(connection.pids.get("supervisor", -1)) else None


def forget(home: Path) -> None:
    (home / FILE_NAME).unlink(missing_ok=True)
