"""What a producer may decide. Every option is an argument of `init` and, in capitals, `ONEX_…` in the environment."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from onex_sdk._events import EventResult
from onex_sdk._stores import ValueStore, store_at

Overflow = Literal["drop_oldest", "drop_new", "block", "spool"]
Validation = Literal["off", "warn", "strict"]
Fsync = Literal["always", "interval", "never"]


_log = logging.getLogger("onex_sdk")
_PREFIX = "ONEX_"
_WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


class InvalidOption(ValueError):
    """An option of `init` that cannot be: its name, what was given, and what may be given."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Sizes are bytes, times are seconds unless the name says otherwise."""

    #: Where the registry is. Without one nothing is sent: events are counted and dropped as `not_configured`.
    url: str = ""
    token: str = field(default="", repr=False)
    #: The name of the program that emits; with the host's name it is the `node_id` of events that name none.
    service: str = "unnamed"
    node_id: str = ""
    #: False makes every `emit` do nothing.
    enabled: bool = True
    timeout: float = 10.0

    #: What happens to an event for which the queue has no room.
    overflow: Overflow = "drop_oldest"
    #: How long `block` waits for room before the event is dropped.
    block_timeout: float = 1.0
    queue_events: int = 10_000
    queue_bytes: int = 32 * 1024 * 1024

    #: A batch leaves when it has so many events, so many bytes, or when its first event is so old.
    batch_events: int = 100
    batch_age_ms: int = 1_000
    batch_bytes: int = 512 * 1024

    #: Bodies over so many bytes are compressed, and those that hold an event over so many.
    compress: bool = True
    compress_batch_bytes: int = 1024
    compress_event_bytes: int = 10 * 1024

    #: So many failures in a row, and the server is left alone for so long.
    breaker_failures: int = 5
    breaker_seconds: float = 60.0

    #: A folder for what cannot be sent yet; several processes may share it. Without one it waits in memory only.
    spool_dir: str = ""
    #: Of one process.
    spool_bytes: int = 256 * 1024 * 1024
    #: When what was appended is forced to the disk: with each batch, once a second, or when the system pleases.
    spool_fsync: Fsync = "interval"
    #: A file for events that the server refused; `dead-letters.ndjson` in `spool_dir` when that is set.
    dead_letter_file: str = ""
    dead_letter_bytes: int = 16 * 1024 * 1024

    #: `warn` counts and logs what violates its schema, `strict` keeps it from being sent.
    validation: Validation = "off"
    #: How long a schema may lag behind the registry's.
    schema_ttl: float = 60.0
    #: A file of schemas, as `onex pull` writes it: what judges until the registry was asked, or while it is away.
    bundle: str = ""

    #: Whether the registry's sampling rules are followed.
    sampling: bool = True
    #: Where the rules that the registry told last are kept; `sampling.json` in `spool_dir` when that is set.
    sampling_file: str = ""

    #: Which release of the service this is: profiles say it, so that releases can be compared.
    release: str = ""

    #: The Ed25519 private key that signs events, as PEM or JWK, or the file that it is in.
    signing_key: str = field(default="", repr=False)
    signing_key_file: str = ""
    #: What wraps the keys of sensitive fields: 32 bytes in base64, or the file that they are in. After a comma, older ones.
    encryption_key: str = field(default="", repr=False)
    encryption_key_file: str = ""
    #: Instead of these an `onex_sdk.crypto.KeyEncryption`, which asks a key management service.
    key_management: Any = None
    #: Replace values under names such as `password` or `api_key`; further names and exceptions, separated by commas.
    redact: bool = False
    redact_names: str = ""
    redact_except: str = ""

    max_event_bytes: int = 1024 * 1024
    warn_event_bytes: int = 100 * 1024
    max_depth: int = 64
    warn_depth: int = 10
    #: Where large values go: a directory, `s3+https://host/bucket/prefix`, or a ValueStore. Nowhere without one.
    value_store: ValueStore | str | None = None
    #: In events over so many bytes, members of `metadata` over a quarter of that are replaced by a reference.
    reference_bytes: int = 100 * 1024

    #: Called by the sending thread with the type and the result of each event that the server answered for.
    on_result: Callable[[str, EventResult], None] | None = None
    #: How often the server is told what became of events; 0 is never.
    report_seconds: float = 60.0
    #: How long the end of the process may be held up by what has not been sent yet.
    exit_timeout: float = 2.0

    @classmethod
    def read(cls, given: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Options:
        """What was given, else what the environment says, else the default.

        Raises InvalidOption for what was given; what the environment says wrongly is logged and not used.
        """
        hints = get_type_hints(cls)
        for name in given:
            if name not in hints:
                raise InvalidOption(f"There is no option {name!r}; there are {', '.join(sorted(hints))}.")
        chosen = {**_said(environment, hints), **{k: v for k, v in given.items() if v is not None}}
        return cls(**{name: _checked(name, value, hints[name]) for name, value in chosen.items()})

    @property
    def node(self) -> str:
        """Which running instance speaks."""
        return self.node_id or f"{self.service}-{socket.gethostname()}"

    @property
    def named(self) -> dict[str, str]:
        """What a profile says about the program."""
        return {"service": self.service, **({"release": self.release} if self.release else {})}


def _said(environment: Mapping[str, str], hints: Mapping[str, Any]) -> dict[str, Any]:
    said = {}
    for option in fields(Options):
        text = environment.get(_PREFIX + option.name.upper())
        if text is None or option.name == "on_result":
            continue
        try:
            said[option.name] = _checked(option.name, _parsed(text, hints[option.name]), hints[option.name])
        except ValueError as error:
            _log.warning("%s%s is not used: %s", _PREFIX, option.name.upper(), error)
    return said


def _parsed(text: str, kind: Any) -> Any:
    if kind is bool:
        return _WORDS.get(text.strip().lower(), text)
    return kind(text) if kind in (int, float) else text


def _checked(name: str, value: Any, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise InvalidOption(f"{name} is one of {', '.join(get_args(kind))}, not {value!r}.")
        return value
    if name == "key_management" and not callable(getattr(value, "wrap", None)):
        raise InvalidOption(f"{name} is an object with name, wrap and unwrap, not {value!r}.")
    if kind in (int, float):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not value >= 0:
            raise InvalidOption(f"{name} is a number from 0 on, not {value!r}.")
        return kind(value)
    if name == "value_store":
        return _store(value)
    if name == "on_result" and not callable(value):
        raise InvalidOption(f"on_result is called with a type and a result; {value!r} cannot be called.")
    if isinstance(kind, type) and not isinstance(value, kind):
        raise InvalidOption(f"{name} is a {kind.__name__}, not {value!r}.")
    return value


def _store(value: Any) -> ValueStore:
    if isinstance(value, ValueStore):
        return value
    try:
        return store_at(str(value))
    except ValueError as error:
        raise InvalidOption(f"value_store: {error}") from error
