"""What protects events on their way out, as the options say: redaction, encryption, signatures.

What cannot be set up as it was asked for is told by `init`, and what cannot be encrypted does not leave: an event in the
clear is no fallback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from onex_sdk._client import RegistryClient
from onex_sdk._options import InvalidOption, Options
from onex_sdk._redaction import Redactor
from onex_sdk._stats import Stats

if TYPE_CHECKING:
    from onex_sdk._encrypting import Encrypting
    from onex_sdk._keys import KeyEncryption

Event = dict[str, Any]


def encrypting(options: Options, registry: RegistryClient, stats: Stats) -> Encrypting | None:
    """The stage that encrypts; None where no key is named. Raises InvalidOption."""
    wraps = _key_encryption(options)
    if wraps is None:
        return None
    encryptor = _crypto().Encryptor(registry, registry.data_keys(wraps))
    from onex_sdk._encrypting import Encrypting

    return Encrypting(encryptor, options, stats)


def redacting(options: Options) -> Callable[[Event], Event] | None:
    """The stage that takes out what looks like a secret; None where it is not asked for."""
    if not options.redact:
        return None
    names, exceptions = options.redact_names.split(","), options.redact_except.split(",")
    return Redactor(names=filter(None, names), exceptions=filter(None, exceptions)).redact


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
