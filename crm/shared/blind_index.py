"""Find encrypted values without opening them: keyed fingerprints.

A fingerprint is ``key number(1) HMAC-SHA-256(index key, place NUL normalised text)``
cut to 16 bytes (8 for the parts of a name). Equal exactly when the normalised
texts are equal; worthless without the index key. The place keeps two columns from
being compared.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from functools import lru_cache, reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.module_loading import import_string

#: Bytes of the digest kept for a whole value, and for one token of a text.
VALUE_BYTES = 16
TOKEN_BYTES = 8


#: Matches nobody, without asking the database.
_NOBODY = Q(pk__in=[])


def column_context(field: models.Field) -> str:
    """Return the place of a column, ``table.column``."""
    return f"{field.model._meta.db_table}.{field.column}"


def fingerprint(
    text: str, context: str, *, key: int | None = None, size: int = VALUE_BYTES
) -> bytes:
    """Return the fingerprint of a normalised ``text`` in column ``context``.

    Args:
        text: the normalised value.
        context: ``table.column``.
        key: number of the index key; the newest when left out.
        size: bytes of the digest to keep.
    """
    ring = settings.KEYRING
    number = ring.index_primary if key is None else key
    digest = hmac.digest(
        ring.index_keys[number], f"{context}\0{text}".encode(), hashlib.sha256
    )
    return bytes((number,)) + digest[:size]


def fingerprints(text: str, context: str) -> list[bytes]:
    """Return the fingerprints of ``text`` under every index key, newest first."""
    return [fingerprint(text, context, key=key) for key in settings.KEYRING.index_keys]


def token_fingerprints(
    tokens: Iterable[str], context: str, *, key: int | None = None
) -> list[bytes]:
    """Return the fingerprints of the parts of a text, sorted, each once."""
    return sorted(
        {fingerprint(token, context, key=key, size=TOKEN_BYTES) for token in tokens}
    )


@lru_cache
def function_at(path: str) -> Callable:
    """Return the function a dotted path names.

    Fields name their normaliser by path because models may not import rules that
    import models, and because migrations must be able to write it down.
    """
    return import_string(path)


def blind_lookup(model: type[models.Model], name: str, text: str) -> Q:
    """Return the filter for rows whose indexed value equals ``text``.

    Matches under every index key, so it also holds while keys change. Text that
    normalises to nothing matches nobody.

    Args:
        model: the model.
        name: its ``BlindIndexField``.
        text: as typed; normalised here.
    """
    field: Any = model._meta.get_field(name)
    normalised = field.normalised(text)
    if not normalised:
        return _NOBODY
    found = fingerprints(normalised, column_context(field))
    return Q(**{name: found[0]}) if len(found) == 1 else Q(**{f"{name}__in": found})


def blind_tokens_lookup(model: type[models.Model], name: str, text: str) -> Q:
    """Return the filter for rows that hold every part of ``text``.

    Args:
        model: the model.
        name: its ``BlindTokensField``.
        text: as typed; cut into parts here. No parts match nobody.
    """
    field: Any = model._meta.get_field(name)
    parts = field.parts(text)
    if not parts:
        return _NOBODY
    return reduce(
        or_,
        (
            Q(**{f"{name}__contains": token_fingerprints(parts, context, key=key)})
            for context in [column_context(field)]
            for key in settings.KEYRING.index_keys
        ),
    )


def blind(
    model: type[models.Model], name: str, text: str | None
) -> bytes | list[bytes] | None:
    """Return what a blind index column holds for ``text``, for COPY and SQL."""
    field: Any = model._meta.get_field(name)
    return field.index_of(text)
