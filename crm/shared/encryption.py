"""Personal data at rest: AES-256-GCM under the key ring of the settings.

A sealed value is ``version(1) key number(1) nonce(12) ciphertext and tag``. It is
bound to its place, ``table.column|row``: moved to another row or column it does
not open. See docs/adr/0016-personal-data-at-rest.md.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_VERSION = 1
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEAD_BYTES = 2 + _NONCE_BYTES
#: Bytes of the sealed empty text: a longer value says something.
LENGTH_OF_NOTHING = _HEAD_BYTES + _TAG_BYTES


class DecryptionFailed(Exception):
    """A sealed value does not open: key missing, value changed, or moved.

    The message names the place and the key number, never the content.
    """


def encrypt(text: str, context: str) -> bytes:
    """Seal ``text`` with the newest key, bound to ``context``.

    Args:
        text: any text, also empty.
        context: the place, ``table.column|row``; needed again to open.

    Raises:
        TypeError: ``text`` is no ``str``.
        ValueError: ``context`` is empty.
    """
    if not isinstance(text, str):
        raise TypeError(f"Only text can be encrypted, not {type(text).__name__}.")
    return encrypt_bytes(text.encode(), context)


def encrypt_bytes(content: bytes, context: str) -> bytes:
    """Seal the content of a file; otherwise as ``encrypt``."""
    ring = settings.KEYRING
    head = bytes((_VERSION, ring.primary)) + os.urandom(_NONCE_BYTES)
    sealed = AESGCM(ring.keys[ring.primary]).encrypt(
        head[2:], content, _bound(head, context)
    )
    return head + sealed


def decrypt(blob: bytes, context: str) -> str:
    """Open what ``encrypt`` made for the same ``context``.

    Raises:
        DecryptionFailed: always when the exact text cannot be had; there is no
            fallback to the sealed bytes or to nothing.
    """
    return decrypt_bytes(blob, context).decode()


def decrypt_bytes(blob: bytes, context: str) -> bytes:
    """Open what ``encrypt_bytes`` made; otherwise as ``decrypt``."""
    blob = bytes(blob)
    if len(blob) < _HEAD_BYTES + _TAG_BYTES or blob[0] != _VERSION:
        raise DecryptionFailed(f"{context}: this is no sealed value.")
    head, sealed = blob[:_HEAD_BYTES], blob[_HEAD_BYTES:]
    key = settings.KEYRING.keys.get(head[1])
    if key is None:
        raise DecryptionFailed(f"{context}: encryption key {head[1]} is missing.")
    try:
        return AESGCM(key).decrypt(head[2:], sealed, _bound(head, context))
    except InvalidTag:
        raise DecryptionFailed(
            f"{context}: does not open with key {head[1]}; the value was changed or "
            "moved, or the key is not the one it was written with."
        ) from None


def key_number(blob: bytes) -> int:
    """Return the number of the key that ``blob`` says it was sealed with."""
    return bytes(blob)[1]


def _bound(head: bytes, context: str) -> bytes:
    """Return what is authenticated beside the text: version, key and place."""
    if not context:
        raise ValueError("A sealed value must be bound to a place.")
    return head[:2] + context.encode()
