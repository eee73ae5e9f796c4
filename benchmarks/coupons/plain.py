"""Codes as a team would write them by hand, and the least PostgreSQL needs for them."""

import secrets
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import connection, models, transaction
from django.utils import timezone

from campaigns.rules.coupon_codes import draw_codes
from campaigns.rules.coupons import ALPHABET

NAIVE = 2_000
CHUNK = 50_000
_INSERT_SORTED = """
INSERT INTO benchmarks_plaincode (batch, code, state, valid_until)
SELECT 1, code, 'free', now() FROM bare_stage ORDER BY code ON CONFLICT DO NOTHING
"""
_INTO_OURS = "COPY campaigns_couponcode (code, batch_id) FROM STDIN"


class PlainCode(models.Model):
    """A code with a unique index, a second one for LIKE, and one of its batch."""

    batch = models.BigIntegerField(db_index=True)
    code = models.CharField(max_length=20, unique=True)
    state = models.CharField(max_length=8, default="free")
    valid_until = models.DateTimeField()

    class Meta:
        app_label = "benchmarks"
        managed = False

    def __str__(self):
        return self.code


def open_tables() -> None:
    """Make the table of the peers, and the stage of the limit."""
    with connection.schema_editor() as editor:
        editor.create_model(PlainCode)
        editor.execute("CREATE UNLOGGED TABLE bare_stage (code varchar(20))")


def get_or_create(codes: int) -> float:
    """Look and write, one by one; return codes a second."""
    until = timezone.now() + timedelta(days=30)

    def work() -> None:
        for _number in range(NAIVE):
            code = "".join(secrets.choice(ALPHABET) for _ in range(14))
            PlainCode.objects.get_or_create(
                code=code, defaults={"batch": 1, "valid_until": until}
            )

    return rate(NAIVE, work)


def bulk_create(codes: int) -> float:
    """Write 5,000 rows a statement, with the quickest codes there are."""
    until = timezone.now() + timedelta(days=30)

    def work() -> None:
        lines = draw_codes("AB", codes).decode().split()
        PlainCode.objects.bulk_create(
            (PlainCode(batch=1, code=code, valid_until=until) for code in lines),
            batch_size=5_000,
            ignore_conflicts=True,
        )

    return rate(codes, work)


def bare_copy(codes: int) -> float:
    """Stage by COPY and insert sorted, in chunks: the limit of the plain table."""

    def work() -> None:
        for start in range(0, codes, CHUNK):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("TRUNCATE bare_stage")
                with cursor.copy("COPY bare_stage FROM STDIN") as copy:
                    copy.write(draw_codes("AC", min(CHUNK, codes - start)))
                cursor.execute(_INSERT_SORTED)

    return rate(codes, work)


def copy_into_ours(prefix: str, count: int) -> float:
    """Copy sorted codes into the table of the shop, with its index and its checks."""

    def work() -> None:
        lines = draw_codes(prefix, count).replace(b"\n", b"\t0\n")
        with (
            transaction.atomic(),
            connection.cursor() as cursor,
            cursor.copy(_INTO_OURS) as copy,
        ):
            copy.write(lines)

    return rate(count, work)


def rate(count: int, work: Callable[[], None]) -> float:
    """Return how many a second ``work`` does."""
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)
