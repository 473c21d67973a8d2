"""What protects events on their way out, as the options say: redaction, encryption, signatures.

What cannot be set up as it was asked for is told by `init`, and what cannot be encrypted does not leave: an event in the
clear is no fallback.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from onex_sdk._client import RegistryClient
from onex_sdk._errors import RegistryError
from onex_sdk._options import InvalidOption, Options
from onex_sdk._redaction import Redactor
from onex_sdk._stats import Stats

if TYPE_CHECKING:
    from onex_sdk._encryption import Encryptor
    from onex_sdk._keys import KeyEncryption

_log = logging.getLogger("onex_sdk")
Event = dict[str, Any]
Encrypt = Callable[[Event], "Event | None"]


def encrypting(options: Options, registry: RegistryClient, stats: Stats) -> Encrypt | None:
    """The stage that encrypts and redacts; None where neither is asked for. Raises InvalidOption."""
    encryptor = _encryptor(options, registry)
    redactor = None
    if options.redact:
        names, exceptions = options.redact_names.split(","), options.redact_except.split(",")
        redactor = Redactor(names=filter(None, names), exceptions=filter(None, exceptions))
    if encryptor is None:
        return redactor.redact if redactor else None

    def encrypt(event: Event) -> Event | None:
        encrypted = _encrypted(encryptor, event, stats)
        return encrypted if encrypted is None or redactor is None else redactor.redact(encrypted)

    return encrypt


def _encrypted(encryptor: Encryptor, event: Event, stats: Stats) -> Event | None:
    from onex_sdk.crypto import KeyGone, Unresolved

    try:
        return encryptor.encrypt(event)
    except (RegistryError, KeyGone, Unresolved) as error:
        stats.settle("dropped_unencrypted", event["event_type"])
        _log.warning(
            "An event of type %s was dropped, since it cannot be encrypted: %s", event["event_type"], error
        )
        return None


def signing(options: Options) -> Callable[[bytes], bytes] | None:
    """The stage that signs; None where no key is named. Raises InvalidOption."""
    if not options.signing_key and not options.signing_key_file:
        return None
    crypto = _crypto()
    try:
        if options.signing_key:
            return crypto.Signer(options.signing_key).sign  # type: ignore[no-any-return]
        return crypto.Signer.from_file(options.signing_key_file).sign  # type: ignore[no-any-return]
    except crypto.UnusableKey as error:
        raise InvalidOption(f"signing_key: {error}") from error


def _encryptor(options: Options, registry: RegistryClient) -> Encryptor | None:
    wraps = _key_encryption(options)
    if wraps is None:
        return None
    return _crypto().Encryptor(registry, registry.data_keys(wraps))  # type: ignore[no-any-return]


def _key_encryption(options: Options) -> KeyEncryption | None:
    if options.key_management is not None:
        return options.key_management  # type: ignore[no-any-return]
    if not options.encryption_key and not options.encryption_key_file:
        return None
    crypto = _crypto()
    try:
        if options.encryption_key:
            return crypto.LocalKey.read(options.encryption_key)  # type: ignore[no-any-return]
        return crypto.LocalKey.from_file(options.encryption_key_file)  # type: ignore[no-any-return]
    except crypto.UnusableKey as error:
        raise InvalidOption(f"encryption_key: {error}") from error


def _crypto() -> Any:
    try:
        from onex_sdk import crypto
    except ImportError as missing:
        raise InvalidOption(str(missing)) from missing
    return crypto
