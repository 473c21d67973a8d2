"""Keys, signatures and encrypted fields. Needs `pip install 'onex-sdk[crypto]'`."""

try:
    import joserfc as _joserfc  # noqa: F401
except ImportError as missing:
    raise ImportError("Signing and encryption need more: pip install 'onex-sdk[crypto]'") from missing

from onex_sdk._encryption import Decrypted, Encryptor, Undecryptable, decrypt, decrypt_lines
from onex_sdk._keys import DataKey, DataKeys, KeyEncryption, KeyGone, LocalKey, new_encryption_key
from onex_sdk._sensitive import Unresolved
from onex_sdk._signing import Signer, UnusableKey, Verifier, new_signing_key

__all__ = [
    "DataKey",
    "DataKeys",
    "Decrypted",
    "Encryptor",
    "KeyEncryption",
    "KeyGone",
    "LocalKey",
    "Signer",
    "Undecryptable",
    "Unresolved",
    "UnusableKey",
    "Verifier",
    "decrypt",
    "decrypt_lines",
    "new_encryption_key",
    "new_signing_key",
]
