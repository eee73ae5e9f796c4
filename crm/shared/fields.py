"""Encrypted columns and the blind indexes that find them.

``EncryptedTextField`` reads and writes like a ``CharField`` on the model; the
column holds sealed bytes. A model with blind indexes inherits ``Sealable``.

Writing goes through ``save``, ``create`` or ``bulk_create``; those know the row a
value is bound to. ``QuerySet.update``, ``bulk_update`` and upserts that match on
anything but the row's public id do not, and are refused or do not open: use
``seal`` and ``crm.shared.blind_index.blind`` there.
"""

import base64
from collections.abc import Callable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core import checks
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.lookups import IsNull
from django.db.models.query_utils import DeferredAttribute
from django.forms import Textarea

from crm.shared.blind_index import (
    column_context,
    fingerprint,
    function_at,
    token_fingerprints,
)
from crm.shared.encryption import decrypt, encrypt


class Sealed:
    """A value as the database holds it. Shows nothing; ``reveal`` opens it.

    This is what ``values()`` and ``values_list()`` give for an encrypted column.
    """

    __slots__ = ("blob", "context")

    def __init__(self, blob: bytes, context: str):
        self.blob = bytes(blob)
        self.context = context

    def __repr__(self):
        return "<sealed>"

    def __eq__(self, other):
        return isinstance(other, Sealed) and self.blob == other.blob

    def __hash__(self):
        return hash(self.blob)

    def reveal(self, row: str) -> str:
        """Return the text, given the public id of its row.

        Raises:
            DecryptionFailed: it does not open, see ``crm.shared.encryption``.
        """
        return decrypt(self.blob, f"{self.context}|{row}")


#: Texts that may be longer are edited in a text area.
LONGEST_LINE = 255
#: Stands for a column that was not fetched.
_NOT_LOADED = Sealed(b"", "")


class _UnsealingAttribute(DeferredAttribute):
    """Opens a loaded value when it is first read: lists without it pay nothing."""

    def __get__(self, instance, cls=None):
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = value.reveal(self.field.row_of(instance))
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance, value):
        if value == "" and self.field.null:
            value = None
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.CharField):
    """Text of a person, encrypted at rest and bound to its row.

    Where ``null=True`` the empty text is kept as NULL. The column cannot be
    searched, sorted or compared; ``isnull`` alone works.

    Args:
        row: attribute that names the row and never changes.
        context: the column a value is bound to. Left out it is ``table.column``;
            set it to the old name when a table or column is renamed.
    """

    descriptor_class = _UnsealingAttribute
    description = "Encrypted text (up to %(max_length)s characters)"

    def __init__(self, *args, row: str = "public_id", context: str = "", **kwargs):
        self.row = row
        self.fixed_context = context
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        """Write our own two arguments into migrations, where they are not usual."""
        name, path, args, kwargs = super().deconstruct()
        if self.row != "public_id":
            kwargs["row"] = self.row
        if self.fixed_context:
            kwargs["context"] = self.fixed_context
        return name, path, args, kwargs

    def get_internal_type(self):
        """Return the type that gives the column ``bytea``."""
        return "BinaryField"

    @property
    def context(self) -> str:
        """``table.column``, the fixed part of what a value is bound to."""
        return self.fixed_context or column_context(self)

    def row_of(self, instance: models.Model) -> str:
        """Return the name of the row, the other part.

        Raises:
            ValueError: the row has no name yet.
        """
        row = getattr(instance, self.row)
        if not row:
            raise ValueError(f"{self}: {self.row} must be set first.")
        return str(row)

    def seal(self, row: str, text: str) -> Sealed:
        """Return ``text`` encrypted for the row with this public id."""
        return Sealed(encrypt(text, f"{self.context}|{row}"), self.context)

    def from_db_value(self, value, expression, connection):
        """Wrap what the database gave; it is opened when it is read."""
        return None if value is None else Sealed(value, self.context)

    def pre_save(self, model_instance, add):
        """Seal the text for its row; a loaded value nobody read goes back as it is."""
        value = model_instance.__dict__.get(self.attname)
        if isinstance(value, Sealed) and not add:
            return value
        # A new row made from a loaded one: opens for the same row only.
        value = getattr(model_instance, self.attname)
        if value is None:
            return None
        return self.seal(self.row_of(model_instance), value)

    def get_prep_value(self, value):
        """Return the value as it is: there is nothing to convert."""
        return value

    def get_db_prep_value(self, value, connection, prepared=False):
        """Return the bytes to store.

        Raises:
            TypeError: plain text came, past the model: its row is unknown here.
        """
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise TypeError(
                f"{self} is encrypted per row: set the attribute and call save(), or "
                "use bulk_create(); update() and bulk_update() cannot write it."
            )
        return connection.Database.Binary(value.blob)

    def get_lookup(self, lookup_name):
        """Allow ``isnull`` only.

        Raises:
            FieldError: anything else compares ciphertext and would find nobody.
        """
        if lookup_name == "isnull":
            return IsNull
        raise FieldError(
            f"{self} is encrypted and cannot be searched; filter by its blind index "
            "with blind_lookup() or blind_tokens_lookup()."
        )

    def get_transform(self, lookup_name):
        """Refuse like ``get_lookup``."""
        return self.get_lookup(lookup_name)

    @property
    def is_long(self) -> bool:
        """Tell whether its text may take more than a line."""
        return self.max_length is None or self.max_length > LONGEST_LINE

    def formfield(self, **kwargs):
        """Return a form field; long texts get a text area."""
        if self.is_long:
            kwargs.setdefault("widget", Textarea)
        return super().formfield(**kwargs)

    def value_to_string(self, obj):
        """Return what ``dumpdata`` writes: the sealed bytes, in base64."""
        sealed = self.pre_save(obj, add=False)
        return None if sealed is None else base64.b64encode(sealed.blob).decode()


def seal(model: type[models.Model], name: str, row: str, text: str) -> bytes:
    """Return the bytes an encrypted column holds for ``text``, for COPY and SQL.

    Args:
        model: the model.
        name: its ``EncryptedTextField``.
        row: public id of the row the value will stand in.
        text: the text.
    """
    field: Any = model._meta.get_field(name)
    return field.seal(row, text).blob


def dotted_path(function: str | Callable) -> str:
    """Return the path of a function that may be given as one already."""
    if isinstance(function, str):
        return function
    return f"{function.__module__}.{function.__qualname__}"


class _Blind:
    """What both kinds of blind index share."""

    source: str
    model: type[models.Model]

    def check(self, **kwargs):
        """Report a source that is not there and a model that may forget the index."""
        found = super().check(**kwargs)
        names = {field.name for field in self.model._meta.get_fields()}
        if self.source not in names:
            found.append(
                checks.Error(
                    f"source {self.source!r} is no field.", obj=self, id="crm.E001"
                )
            )
        if not issubclass(self.model, Sealable):
            found.append(
                checks.Error(
                    "a model with a blind index must inherit Sealable.",
                    hint="Otherwise save(update_fields=...) leaves the index behind.",
                    obj=self,
                    id="crm.E002",
                )
            )
        return found

    def pre_save(self, model_instance, add):
        """Compute the index, unless nobody read or set the source since loading."""
        loaded = model_instance.__dict__.get(self.source, _NOT_LOADED)
        if isinstance(loaded, Sealed) and not add:
            return getattr(model_instance, self.attname)
        value = self.index_of(getattr(model_instance, self.source))
        setattr(model_instance, self.attname, value)
        return value

    def db_parameters(self, connection):
        """Add a CHECK: where the source is NULL the index must be empty.

        Whatever writes the table, nobody is found by a phone they no longer have.
        """
        parameters = super().db_parameters(connection)
        source = connection.ops.quote_name(
            self.model._meta.get_field(self.source).column
        )
        own = connection.ops.quote_name(self.column)
        parameters["check"] = f"{source} IS NOT NULL OR {self.empty_sql.format(own)}"
        return parameters


class BlindIndexField(_Blind, models.BinaryField):
    """Keyed fingerprint of an encrypted text, to find it exactly.

    Filled from ``source`` whenever the row is saved. ``unique=True`` keeps two rows
    from sharing a value as long as one index key is in use; while keys change, also
    ask ``blind_lookup``.

    Args:
        source: name of the encrypted field.
        normalise: function ``str -> str | None`` or its dotted path; None and ""
            mean that there is nothing to find.
    """

    empty_sql = "{} IS NULL"

    def __init__(self, *args, source: str, normalise: str | Callable, **kwargs):
        self.source = source
        self.normalise = dotted_path(normalise)
        kwargs.update(null=True, blank=True)
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        """Write our arguments into migrations; ``null`` and ``blank`` follow."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("null", None)
        kwargs.pop("blank", None)
        kwargs.update(source=self.source, normalise=self.normalise)
        return name, path, args, kwargs

    def normalised(self, text: str | None) -> str:
        """Return what is compared; empty when there is nothing to find."""
        return (function_at(self.normalise)(text) or "") if text else ""

    def index_of(self, text: str | None) -> bytes | None:
        """Return the index of ``text`` under the newest key."""
        normalised = self.normalised(text)
        return fingerprint(normalised, column_context(self)) if normalised else None

    def get_db_prep_value(self, value, connection, prepared=False):
        """Return the bytes to store or to compare with.

        Raises:
            TypeError: plain text came.
        """
        if isinstance(value, str):
            raise TypeError(f"{self} holds fingerprints; use blind_lookup() to search.")
        return super().get_db_prep_value(value, connection, prepared)


class BlindTokensField(_Blind, ArrayField):
    """Keyed fingerprints of the parts of an encrypted text, to search by part.

    Args:
        source: name of the encrypted field.
        tokens: function ``str -> set[str]`` or its dotted path; applied to the
            stored text and to what is searched for.
    """

    empty_sql = "cardinality({}) = 0"

    def __init__(self, *args, source: str, tokens: str | Callable, **kwargs):
        self.source = source
        self.tokens = dotted_path(tokens)
        kwargs.update(
            base_field=models.BinaryField(), default=list, blank=True, editable=False
        )
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        """Write our arguments into migrations; the rest follows from them."""
        name, _path, args, kwargs = super().deconstruct()
        for fixed in ("base_field", "size", "default", "blank", "editable"):
            kwargs.pop(fixed, None)
        kwargs.update(source=self.source, tokens=self.tokens)
        return name, f"{type(self).__module__}.{type(self).__name__}", args, kwargs

    def parts(self, text: str | None) -> set[str]:
        """Return the parts of ``text`` that are looked for."""
        return set(function_at(self.tokens)(text)) if text else set()

    def index_of(self, text: str | None) -> list[bytes]:
        """Return the index of ``text`` under the newest key."""
        return token_fingerprints(self.parts(text), column_context(self))


def is_blind(field: models.Field) -> bool:
    """Return whether a column is a blind index, which follows its source."""
    return isinstance(field, _Blind)


class Sealable(models.Model):
    """Base of models with blind indexes: a saved source takes its indexes along."""

    class Meta:
        abstract = True

    def save(self, **kwargs: Any) -> None:
        """Save; ``update_fields`` that name a source also save its indexes."""
        named = kwargs.get("update_fields")
        if named is not None:
            indexes = {
                field.name
                for field in self._meta.concrete_fields
                if isinstance(field, _Blind) and field.source in named
            }
            kwargs["update_fields"] = {*named, *indexes}
        super().save(**kwargs)
