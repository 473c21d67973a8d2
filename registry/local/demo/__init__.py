"""`./run demo`: the product's story, told through its front doors on real or generated data."""

from pathlib import Path

from registry.local.connection import Connection
from registry.local.demo import github, onex
from registry.local.demo.api import Api, Refused
from registry.local.demo.console import Console
from registry.local.demo.receiver import Receiver
from registry.local.demo.story import Story, StoryBroke
from registry.local.errors import Refusal

__all__ = ["main"]


def main(connection: Connection, data: Path | None) -> int:
    """Exit status: 0 when every step came out as promised, 1 when one did not (it says which)."""
    try:
        material = github.material(data) if data else onex.material()
    except FileNotFoundError as missing:
        raise Refusal(
            f"{missing.filename} is not there. --data names a folder with schemas/ and examples/."
        ) from None
    host, _, port = connection.receiver.rpartition(":")
    console = Console()
    with Receiver(host, int(port)) as receiver, Api(connection.api + "/", connection.token) as api:
        story = Story(api, connection.url, receiver, console, material)
        try:
            story.tell()
        except (StoryBroke, Refused) as broken:
            console.wrong(str(broken))
            return 1
    console.say("")
    console.ok(f"Done. Sign in as {connection.login} with the password {connection.password}")
    return 0
