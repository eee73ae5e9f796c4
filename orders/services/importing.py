"""Bring in a file of past orders: all of it, once, and again from where it stopped.

The file is read into a waiting room, then stored in pieces. Each piece commits
together with the batch's cursor, so a program killed at any moment goes on there
when it is started again, and the result is the same. Afterwards one fact tells the
floors above; points, tiers and reports follow from it. No message is sent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.money import minor_digits
from crm.shared.outbox import record
from orders.events import OrdersImported
from orders.models import ImportBatch, ImportIssue
from orders.rules import online_retail
from orders.rules.online_retail import Issue, RowReader
from orders.services.importing_catalogue import store_articles, store_customers
from orders.services.importing_files import (
    FileEmpty,
    SourceFile,
    open_source,
    rows_of,
)
from orders.services.importing_orders import store_adjustments, store_orders
from orders.services.importing_returns import store_returns
from orders.services.importing_session import ImportIsRunning, alone, patience
from orders.services.importing_staging import (
    Piece,
    Staging,
    Work,
    blocks_of,
    note_issues,
)

#: What an import makes, in the order in which people are told.
COUNTS = (
    "members",
    "products",
    "orders",
    "order_lines",
    "refunds",
    "refund_lines",
    "unmatched_returns",
    "adjustments",
)
PROFILES = (online_retail.PROFILE,)
#: Rows per transaction while the file is read.
_BLOCK = 20_000

#: Called as ``step(work, after=where the last piece ended)``.
_Step = Callable[..., Piece]


@dataclass(frozen=True, slots=True)
class _Phase:
    """One kind of thing that is stored in pieces, and where its first piece begins."""

    step: _Step
    first: Any
    label: Any
    #: Tables that grew so much that the planner must look at them again.
    grown: tuple[str, ...] = ()


_PHASES = {
    "customers": _Phase(store_customers, "", _("Customers"), ("members_member",)),
    "articles": _Phase(
        store_articles, "", _("Articles"), ("orders_product", "orders_variant")
    ),
    "orders": _Phase(
        store_orders, 0, _("Orders"), ("orders_order", "orders_orderline")
    ),
    "returns": _Phase(store_returns, None, _("Returns"), ("orders_refund",)),
    "adjustments": _Phase(store_adjustments, None, _("Adjustments")),
}
_READ, _FINISH = "read", "finish"


class UnknownProfile(Refusal):
    """There is no such import profile."""

    code = "unknown_profile"
    status = 422
    message = _("There is no import profile %(profile)s. There is: %(known)s.")


class CurrencyIsNotTheShops(Refusal):
    """The file's currency is not the shop's."""

    code = "currency_mismatch"
    status = 422
    message = _(
        "This shop keeps its books in %(shop)s and cannot add %(file)s. Leave the "
        "currency out to take the amounts as %(shop)s, or set CRM_CURRENCY."
    )


class Progress(Protocol):
    """Who wants to know how far an import is; called inside each transaction."""

    def advance(self, *, done: int, total: int, message: str) -> None:
        """Take note of ``done`` out of ``total`` steps."""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did. ``rows_read = rows_stored + rows_reported``."""

    batch_id: int
    #: True when the same content had been brought in before: nothing was changed.
    is_repeat: bool
    rows_read: int
    rows_stored: int
    rows_reported: int
    #: New rows by name, one of each of ``COUNTS``.
    counts: dict[str, int] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()


def import_orders(
    *,
    path: Path,
    profile: str,
    now: datetime,
    progress: Progress,
    currency: str = "",
    file_name: str = "",
    dry_run: bool = False,
) -> ImportSummary:
    """Bring in a file and publish OrdersImported when all of it is stored.

    Args:
        path: CSV, gzipped CSV or XLSX.
        profile: one of ``PROFILES``.
        currency: of the file; the shop's when empty.
        file_name: to be shown to people; the name in ``path`` when empty.
        dry_run: do everything, then undo it; ``ImportSummary.issues`` holds what
            would be reported.

    Raises:
        UnknownProfile, CurrencyIsNotTheShops, ImportIsRunning: and nothing was read.
        Refusal: the file as a whole cannot be read (``importing_files``); nothing
            was written.
    """
    if profile not in PROFILES:
        raise UnknownProfile(profile=profile, known=", ".join(PROFILES))
    currency = currency or settings.SHOP_CURRENCY
    if currency != settings.SHOP_CURRENCY:
        raise CurrencyIsNotTheShops(file=currency, shop=settings.SHOP_CURRENCY)
    source = open_source(path)
    with patience(), alone(profile):
        run = partial(
            _Run,
            source=source,
            profile=profile,
            currency=currency,
            file_name=file_name,
            now=now,
            progress=progress,
        )
        if not dry_run:
            return run().to_its_end()
        with transaction.atomic():
            summary = run().to_its_end(with_issues=True)
            transaction.set_rollback(True)
        return summary


class _Run:
    """One program working on one batch."""

    def __init__(self, *, source, profile, currency, file_name, now, progress):
        self.source: SourceFile = source
        self.progress: Progress = progress
        self.batch, _new = ImportBatch.objects.get_or_create(
            profile=profile,
            sha256=source.sha256,
            defaults={
                "file_name": (file_name or source.name)[:255],
                "cursor": {"phase": _READ},
                "started_at": now,
            },
        )
        self.work = Work(
            staging=Staging(self.batch.pk), source=profile, currency=currency, now=now
        )

    def to_its_end(self, *, with_issues: bool = False) -> ImportSummary:
        """Do what is left of the batch."""
        is_repeat = self.batch.state == ImportBatch.State.DONE
        if not is_repeat:
            self._read_if_needed()
            while (name := self.batch.cursor["phase"]) != _FINISH:
                self._store_piece(name)
            self._finish()
        return _summary(self.batch, is_repeat=is_repeat, with_issues=with_issues)

    def _read_if_needed(self) -> None:
        starts_here = self.batch.cursor["phase"] == _READ
        if not starts_here and self.work.staging.is_whole():
            return
        if starts_here:
            self.batch.issues.all().delete()  # Of a reading that was killed.
        try:
            self._read()
        except Refusal:
            self.work.staging.drop()
            if starts_here:
                self.batch.delete()
            raise
        if starts_here:
            self._move({"phase": "customers", "next": "", "counts": {}})

    def _read(self) -> None:
        reader = RowReader(
            digits=minor_digits(self.work.currency),
            zone=ZoneInfo(settings.SHOP_TIME_ZONE),
            latest=self.work.now,
        )
        rows_read = 0
        self.work.staging.prepare()
        lines = rows_of(
            self.source, columns=online_retail.COLUMNS, aliases=online_retail.ALIASES
        )
        for block in blocks_of(lines, size=_BLOCK):
            rows, issues = [], []
            for number, cells in block:
                row, found = _read_row(reader, number, cells)
                issues += found
                if row:
                    rows.append(row)
            rows_read += len(block)
            with transaction.atomic():
                self.work.staging.copy(rows)
                note_issues(issues, batch_id=self.batch.pk)
                self._tell(rows_read, _("Reading"))
        if not rows_read:
            raise FileEmpty(file=self.source.name)
        with transaction.atomic():
            self.work.staging.sort()
            self.batch.rows_read = rows_read
            self.batch.save(update_fields=["rows_read"])

    def _store_piece(self, name: str) -> None:
        phase, cursor = _PHASES[name], self.batch.cursor
        with transaction.atomic():
            self._lock()
            piece = phase.step(self.work, after=cursor["next"])
            counts = dict(cursor["counts"])
            for what, count in piece.counts.items():
                counts[what] = counts.get(what, 0) + count
            self.batch.rows_stored += piece.rows
            if piece.next is not None:
                self._move({"phase": name, "next": piece.next, "counts": counts})
            else:
                self._look_again(phase.grown)
                self._move({**_after(name), "counts": counts})
            done = self.source.lines + self.batch.rows_stored
            self._tell(done, phase.label)

    def _lock(self) -> None:
        """Make sure that nobody else has moved this batch.

        Raises:
            ImportIsRunning: somebody has.
        """
        there = ImportBatch.objects.select_for_update().filter(pk=self.batch.pk)
        if there.values_list("cursor", flat=True).first() != self.batch.cursor:
            raise ImportIsRunning

    def _move(self, cursor: dict[str, Any]) -> None:
        self.batch.cursor = cursor
        self.batch.save(update_fields=["cursor", "rows_stored"])

    def _tell(self, done: int, label: Any) -> None:
        total = max(self.source.lines * 2, done)
        self.progress.advance(done=done, total=total, message=str(label))

    def _look_again(self, tables: tuple[str, ...]) -> None:
        for table in tables:
            self.work.staging.run(f"ANALYZE {table}")

    @transaction.atomic
    def _finish(self) -> None:
        self._lock()
        left_out = self.batch.issues.filter(is_stored=False)
        self.batch.rows_reported = left_out.values("row").distinct().count()
        accounted = self.batch.rows_stored + self.batch.rows_reported
        if accounted != self.batch.rows_read:
            raise RuntimeError(
                f"{self.batch.rows_read} rows were read but {accounted} accounted for."
            )
        self.batch.state = ImportBatch.State.DONE
        self.batch.finished_at = self.work.now
        self.batch.save()
        self.work.staging.drop()
        record(OrdersImported(batch_id=self.batch.pk, source=self.work.source))


def _read_row(reader: RowReader, number: int, cells: tuple[str, ...] | None):
    if cells is None:
        return None, [Issue(number, "", "wrong_number_of_cells")]
    return reader.read(number, cells)


def _after(name: str) -> dict[str, Any]:
    names = list(_PHASES)
    place = names.index(name) + 1
    if place == len(names):
        return {"phase": _FINISH}
    return {"phase": names[place], "next": _PHASES[names[place]].first}


def _summary(
    batch: ImportBatch, *, is_repeat: bool, with_issues: bool
) -> ImportSummary:
    return ImportSummary(
        batch_id=batch.pk,
        is_repeat=is_repeat,
        rows_read=batch.rows_read,
        rows_stored=batch.rows_stored,
        rows_reported=batch.rows_reported,
        counts={name: batch.cursor.get("counts", {}).get(name, 0) for name in COUNTS},
        issues=tuple(issues_of(batch.pk)) if with_issues else (),
    )


def issues_of(batch_id: int) -> Iterator[Issue]:
    """Yield what was odd about a batch's file, in the order of the file."""
    columns = ["row", "column", "code", "value", "invoice", "is_stored"]
    kept = ImportIssue.objects.filter(batch_id=batch_id).order_by("row", "id")
    for values in kept.values_list(*columns).iterator():
        yield Issue(*values)
