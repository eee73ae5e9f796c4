"""Bring stored personal data to the newest keys while the shop runs.

What is done is told by the data itself: each sealed value and each index names its
key. Stopping anywhere and starting again is therefore safe, and so is running twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, models, transaction

from crm.shared.encryption import DecryptionFailed, key_number
from crm.shared.fields import (
    BlindIndexField,
    BlindTokensField,
    EncryptedTextField,
    Sealed,
)

_BATCH = 200


@dataclass(slots=True)
class Rotation:
    """What a run did, or with ``dry_run`` would do, in rows.

    ``overtaken`` rows were changed by somebody else meanwhile and are looked at
    again by the next run. ``failed`` has one sentence per row that needs a person.
    """

    seen: int = 0
    rewritten: int = 0
    overtaken: int = 0
    failed: list[str] = field(default_factory=list)


def rotate_keys(
    *,
    dry_run: bool = False,
    reindex: bool = False,
    progress: Callable[[str, Rotation], None] | None = None,
) -> Rotation:
    """Re-encrypt every value and index that is not under the newest keys.

    A row is written only if it still holds what was read (compare and set), so
    people may edit at the same time.

    Args:
        dry_run: count, write nothing.
        reindex: also compute again the indexes under the newest key, after a
            normaliser changed.
        progress: called after each batch with the model label and the sums so far.
    """
    done = Rotation()
    for model in sealed_models():
        for rows in _batches(model):
            with transaction.atomic():
                for row in rows:
                    done.seen += 1
                    _rotate_row(model, row, done, dry_run=dry_run, reindex=reindex)
            if progress:
                progress(model._meta.label, done)
    return done


def sealed_models() -> list[type[models.Model]]:
    """Return the models that hold encrypted columns."""
    return [
        model
        for model in apps.get_models()
        if not model._meta.proxy and model._meta.managed and encrypted_fields(model)
    ]


def encrypted_fields(model: type[models.Model]) -> list[EncryptedTextField]:
    """Return the encrypted columns of a model."""
    return [
        each
        for each in model._meta.local_concrete_fields
        if isinstance(each, EncryptedTextField)
    ]


def _index_fields(
    model: type[models.Model],
) -> list[BlindIndexField | BlindTokensField]:
    return [
        each
        for each in model._meta.local_concrete_fields
        if isinstance(each, BlindIndexField | BlindTokensField)
    ]


def _batches(model: type[models.Model]) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a table in pages by primary key, still sealed."""
    names = {"pk"}
    for sealed in encrypted_fields(model):
        names |= {sealed.name, sealed.row}
    names |= {index.name for index in _index_fields(model)}
    rows = model._base_manager.order_by("pk").values(*names)
    page = list(rows[:_BATCH])
    while page:
        yield page
        page = list(rows.filter(pk__gt=page[-1]["pk"])[:_BATCH])


def _rotate_row(
    model: type[models.Model],
    row: dict[str, Any],
    done: Rotation,
    *,
    dry_run: bool,
    reindex: bool,
) -> None:
    try:
        changes = _changes(model, row, reindex=reindex)
    except DecryptionFailed as failure:
        done.failed.append(str(failure))
        return
    if not changes:
        return
    if dry_run:
        done.rewritten += 1
        return
    try:
        # A savepoint: one row that cannot be written must not undo the others.
        with transaction.atomic():
            written = _compare_and_set(model, row, changes)
    except IntegrityError as refusal:
        kind = type(refusal.__cause__).__name__
        done.failed.append(f"{model._meta.label} {row['pk']}: {kind}.")
        return
    if written:
        done.rewritten += 1
    else:
        done.overtaken += 1


def _changes(
    model: type[models.Model], row: dict[str, Any], *, reindex: bool
) -> dict[Any, Any]:
    """Return the new value of each column that is not as it should be."""
    changes: dict[Any, Any] = {}
    for sealed in encrypted_fields(model):
        value = row[sealed.name]
        if value and key_number(value.blob) != settings.KEYRING.primary:
            name = str(row[sealed.row])
            changes[sealed] = sealed.seal(name, value.reveal(name)).blob
    for index in _index_fields(model):
        if not (reindex or _is_stale(row[index.name])):
            continue
        source: Any = model._meta.get_field(index.source)
        value = row[index.source]
        text = value.reveal(str(row[source.row])) if value else None
        fresh = index.index_of(text)
        if fresh != _plain(row[index.name]):
            changes[index] = fresh
    return changes


def _is_stale(index: Any) -> bool:
    prints = _plain(index)
    if not prints:
        return False
    prints = prints if isinstance(prints, list) else [prints]
    return any(each[0] != settings.KEYRING.index_primary for each in prints)


def _plain(value: Any) -> Any:
    """Return column bytes as PostgreSQL compares them."""
    if isinstance(value, Sealed):
        return value.blob
    if isinstance(value, list):
        return [bytes(each) for each in value]
    return None if value is None else bytes(value)


def _compare_and_set(
    model: type[models.Model], row: dict[str, Any], changes: dict[Any, Any]
) -> bool:
    """Write ``changes`` unless the row moved on since it was read.

    The sources of changed indexes are compared too: an index must never be written
    beside a text it was not made from.
    """
    quote = connection.ops.quote_name
    guarded: dict[Any, None] = dict.fromkeys(changes)
    for each in changes:
        if isinstance(each, BlindIndexField | BlindTokensField):
            guarded[model._meta.get_field(each.source)] = None
    sets = ", ".join(f"{quote(each.column)} = %s" for each in changes)
    tests = " AND ".join(
        f"{quote(each.column)} IS NOT DISTINCT FROM %s" for each in guarded
    )
    table, key = quote(model._meta.db_table), quote(str(model._meta.pk.column))
    statement = f"UPDATE {table} SET {sets} WHERE {key} = %s AND {tests}"  # noqa: S608
    parameters = [
        *changes.values(),
        row["pk"],
        *(_plain(row[each.name]) for each in guarded),
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount == 1
