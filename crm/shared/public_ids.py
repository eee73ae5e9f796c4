"""Ids that leave the house: a prefix that tells the kind, and a ULID.

``mem_01JD…`` sorts by birth to the millisecond and carries 80 random bits, so it
can be neither guessed nor counted. The primary key stays inside.
"""

import secrets
import time
from functools import partial

from django.db import models
from django.utils.translation import gettext_lazy as _

#: Crockford's base 32: no I, L, O, U; sorts like the number it writes.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80


def new_public_id(prefix: str) -> str:
    """Return a new id such as ``mem_01JD2V7Q4N8Z6XK3M5T9W0RYHB``.

    Made from 48 bits of milliseconds since 1970 and 80 bits of secure chance.
    """
    # Real time, not the shop's: the demo clock must not reorder ids.
    milliseconds = time.time_ns() // 1_000_000
    number = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    digits = [_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"


#: What follows from the field's class and stays out of migrations.
_FIXED = (
    *("max_length", "unique", "editable", "db_collation", "default"),
    "verbose_name",
)


class PublicIdField(models.CharField):
    """The public id of a row: made with the object, unique, never edited.

    Args:
        prefix: the kind, such as ``mem``; lower-case letters.
    """

    def __init__(self, *args, prefix: str, **kwargs):
        self.prefix = prefix
        if not args:
            kwargs.setdefault("verbose_name", _("public id"))
        kwargs.update(
            max_length=40,
            unique=True,
            editable=False,
            db_collation="C",
            default=partial(new_public_id, prefix),
        )
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        """Write only the prefix into migrations; the rest follows from it."""
        name, path, args, kwargs = super().deconstruct()
        for fixed in _FIXED:
            kwargs.pop(fixed, None)
        return name, path, args, {"prefix": self.prefix, **kwargs}

    def db_type(self, connection):
        """Return the column type by its long name.

        Django adds a second index for LIKE to every unique ``varchar``; under
        collation C the first one already serves LIKE.
        """
        return f"character varying({self.max_length})"
