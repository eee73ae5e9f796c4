"""The keys of personal data at rest. Plain Python: settings read it first.

Two variables, ``CRM_ENCRYPTION_KEYS`` and ``CRM_INDEX_KEYS``, hold keys written
as ``2:BASE64,1:BASE64``: a number from 1 to 255 and 32 random bytes. The **first**
key is the newest and the one that writes; all of them read. A data folder without
the variables keeps the same two lines in ``keys.json``.
"""

import base64
import binascii
import contextlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

KEY_BYTES = 32
ENCRYPTION_VARIABLE = "CRM_ENCRYPTION_KEYS"
INDEX_VARIABLE = "CRM_INDEX_KEYS"


class KeyringError(Exception):
    """The keys are missing or unusable; the sentence names the variable."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by number. ``primary`` and ``index_primary`` are the ones that write.

    The bytes never show in ``repr``, so a logged setting gives nothing away.
    """

    primary: int
    index_primary: int
    keys: dict[int, bytes] = field(repr=False)
    index_keys: dict[int, bytes] = field(repr=False)


def load_keyring(
    *, keys: str, index_keys: str, file: Path, may_create: bool
) -> Keyring:
    """Return the key ring from the environment, else from ``file``, else new.

    Args:
        keys: value of ``CRM_ENCRYPTION_KEYS``, empty when unset.
        index_keys: value of ``CRM_INDEX_KEYS``, empty when unset.
        file: JSON with the same two values, used when both are unset.
        may_create: write ``file`` with fresh keys when there is none. Only for
            shops whose data folder and keys live and die together.

    Raises:
        KeyringError: nothing to read and nothing may be made, or a bad key.
    """
    if bool(keys) != bool(index_keys):
        missing, other = (
            (INDEX_VARIABLE, ENCRYPTION_VARIABLE)
            if keys
            else (ENCRYPTION_VARIABLE, INDEX_VARIABLE)
        )
        raise KeyringError(f"{missing} is not set although {other} is; set both.")
    if keys:
        return _keyring(keys, index_keys, ENCRYPTION_VARIABLE, INDEX_VARIABLE)
    if not file.exists():
        if not may_create:
            raise KeyringError(
                f"{ENCRYPTION_VARIABLE} and {INDEX_VARIABLE} are not set and there is "
                f"no {file}; personal data cannot be read or written without keys."
            )
        _create(file)
    try:
        kept = json.loads(file.read_text("utf-8"))
        keys, index_keys = kept["keys"], kept["index_keys"]
        if not isinstance(keys, str) or not isinstance(index_keys, str):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise KeyringError(
            f"{file} cannot be read; put it back from a backup or set "
            f"{ENCRYPTION_VARIABLE} and {INDEX_VARIABLE}."
        ) from fault
    return _keyring(keys, index_keys, f"keys in {file}", f"index_keys in {file}")


def new_key(number: int) -> str:
    """Return a fresh random key, written as the variables hold it."""
    return f"{number}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _keyring(keys: str, index_keys: str, keys_name: str, index_name: str) -> Keyring:
    encryption, index = _parse(keys, keys_name), _parse(index_keys, index_name)
    if set(encryption.values()) & set(index.values()):
        raise KeyringError(f"{index_name} repeats a key of {keys_name}; use another.")
    return Keyring(
        primary=next(iter(encryption)),
        index_primary=next(iter(index)),
        keys=encryption,
        index_keys=index,
    )


def _parse(text: str, name: str) -> dict[int, bytes]:
    """Return keys by number, newest first. Messages never quote a key."""
    keys: dict[int, bytes] = {}
    for position, entry in enumerate(text.split(","), start=1):
        number, colon, encoded = entry.strip().partition(":")
        if not colon or not (number.isascii() and number.isdigit()):
            raise KeyringError(
                f"{name}: entry {position} is not a number, a colon and a base64 key."
            )
        if not 1 <= int(number[:4]) <= 255:
            raise KeyringError(f"{name}: key numbers go from 1 to 255.")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise KeyringError(f"{name}: key {number} is not base64.") from None
        if len(key) != KEY_BYTES:
            raise KeyringError(
                f"{name}: key {number} has {len(key)} bytes; it must have {KEY_BYTES}."
            )
        if int(number) in keys or key in keys.values():
            raise KeyringError(f"{name}: key {number} is there twice.")
        keys[int(number)] = key
    return keys


def _create(file: Path) -> None:
    """Write fresh keys, whole or not at all; a rival that was faster wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    content = json.dumps({"keys": new_key(1), "index_keys": new_key(1)}, indent=1)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        # link() refuses to overwrite: two first starts agree on one set of keys.
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
