"""Unique codes in bulk: asked for by staff, made by a job, downloaded as a file."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from psycopg import sql

from campaigns.models import CouponBatch
from campaigns.rules.coupon_codes import PREFIX, draw_codes
from campaigns.services.issuing import take_stock
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.jobs import enqueue

#: Key of ``crm.wiring.JOBS``.
JOB = "campaigns.make_codes"
MOST_CODES = 5_000_000
#: Codes a transaction writes: about half a second.
CHUNK = 50_000

#: How long the slowest download may take.
_DOWNLOAD_SECONDS = 600

_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS campaigns_drawn_code (
    code varchar(20) COLLATE "C" NOT NULL) ON COMMIT DELETE ROWS
"""
#: Codes that are there already, or twice in the stage, are left out and drawn again.
#: They were drawn sorted: neighbours go to one page of the index.
_TAKE_IN = """
INSERT INTO campaigns_couponcode (code, batch_id, state)
SELECT code, %s, 'free' FROM campaigns_drawn_code ON CONFLICT DO NOTHING
"""
_DOWNLOAD = """
COPY (SELECT code, state FROM campaigns_couponcode WHERE batch_id = {batch})
TO STDOUT WITH (FORMAT csv, HEADER)
"""


class BadPrefix(Refusal):
    """Use 2 to 6 letters and digits, but not 0, O, 1, I or L."""

    code = "bad_prefix"
    status = 422
    message = _("Use 2 to 6 letters and digits, but not 0, O, 1, I or L.")


class BadCount(Refusal):
    """Choose a number of codes between 1 and the most there may be."""

    code = "bad_count"
    status = 422
    message = _("Choose a number of codes between 1 and %(most)s.")


@transaction.atomic
def order_codes(
    *, template_id: int, prefix: str, count: int, actor: Any, now: datetime
) -> CouponBatch:
    """Ask for a batch of unique codes and start the job that makes them.

    The template's stock is taken at once, for the whole batch.

    Args:
        prefix: 2 to 6 characters that codes begin with.
        count: 1 to ``MOST_CODES``.

    Raises:
        BadPrefix, BadCount: as they say.
        CouponsAllGone: the template has not so many left.
    """
    if not PREFIX.fullmatch(prefix):
        raise BadPrefix
    if not 1 <= count <= MOST_CODES:
        raise BadCount(most=MOST_CODES)
    take_stock(template_id=template_id, count=count)
    batch = CouponBatch.objects.create(
        template_id=template_id,
        prefix=prefix,
        wanted=count,
        asked_by=actor,
        asked_at=now,
    )
    batch.job = enqueue(
        kind=JOB, params={"batch": batch.public_id}, owner=actor, now=now
    )
    batch.save(update_fields=["job"])
    record_audit(
        actor=actor,
        action="coupons.order_codes",
        obj=batch,
        detail={"codes": count, "prefix": prefix},
        now=now,
    )
    return batch


def make_chunk(*, batch_id: int) -> CouponBatch:
    """Make the next codes of a batch, inside the caller's transaction.

    Exactly as many as the chunk has: codes that exist already are drawn again.

    Returns:
        The batch, with how many codes it has now.
    """
    batch = CouponBatch.objects.select_for_update(no_key=True).get(pk=batch_id)
    if batch.revoked_at is not None:
        return batch
    missing = min(CHUNK, batch.wanted - batch.made)
    batch.made += missing
    while missing > 0:
        missing -= _write_codes(batch, missing)
    batch.save(update_fields=["made"])
    return batch


def _write_codes(batch: CouponBatch, count: int) -> int:
    """Write codes that are new; return how many of ``count`` were."""
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        cursor.execute("TRUNCATE campaigns_drawn_code")
        with cursor.copy("COPY campaigns_drawn_code FROM STDIN") as copy:
            copy.write(draw_codes(batch.prefix, count))
        cursor.execute(_TAKE_IN, [batch.pk])
        return cursor.rowcount


@transaction.atomic
def note_download(*, batch: CouponBatch, actor: Any, now: datetime) -> None:
    """Write down who took the codes of a batch out: they are worth money."""
    record_audit(
        actor=actor,
        action="coupons.download_codes",
        obj=batch,
        detail={"codes": batch.made},
        now=now,
    )


def read_codes(*, batch_id: int) -> Iterator[bytes]:
    """Yield the codes of a batch as CSV, as PostgreSQL writes it: ``code,state``.

    Memory does not grow with the batch. Codes stand in the order they were made.
    """
    command = sql.SQL(_DOWNLOAD).format(batch=sql.Literal(batch_id))
    with transaction.atomic(), connection.cursor() as cursor:
        # Whoever reads slowly is not cut off like a page that takes too long.
        cursor.execute(f"SET LOCAL statement_timeout = '{_DOWNLOAD_SECONDS}s'")
        with cursor.copy(command) as copy:
            for block in copy:
                yield bytes(block)
