"""Fill the shop of the environment, score its buyers in turn, print the table."""

# isort: off
import django

django.setup()
# isort: on

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

from django.conf import settings
from django.db import connection, transaction
from django.utils.timezone import localdate

from benchmarks.measuring import in_turn, ratio, said, table
from crm.shared import clock
from loyalty.models import MemberScore, PastScore, ScoreMonth
from loyalty.services.scoring import score_buyers
from members.models import Member
from members.rules.numbers import member_number

_FILL = """
INSERT INTO orders_order (public_id, number, member_id, source, region, state,
           currency, goods_minor, discount_minor, freight_minor, total_minor,
           paid_minor, refunded_minor, points_spent, quote_hash, waits_for, placed_at,
           paid_at)
       SELECT 'ord_' || lpad(g::text, 26, '0'), 'V' || g, m.id, 'storefront', '',
              'completed', 'CNY', minor, 0, 0, minor, minor, 0, 0, '', '', at, at
         FROM (SELECT g, 1 + floor(%(members)s * power(random(), 1.5))::int AS place,
                      1000 + floor(random() * 90000)::int AS minor,
                      %(now)s - interval '400 days' * random() - interval '1 day' AS at
                 FROM generate_series(1, %(orders)s) g) drawn
         JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place
                 FROM members_member) m USING (place)
"""
#: What any team would write by hand: from the orders, in one statement, kept nowhere.
_BARE = """
WITH b AS MATERIALIZED (
  SELECT %(day)s - max((placed_at AT TIME ZONE %(zone)s)::date) AS rec,
         count(*) AS freq, sum(paid_minor)::bigint AS mon
    FROM orders_order WHERE paid_at IS NOT NULL GROUP BY member_id
), c AS (
  SELECT percentile_disc(array[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY rec) AS rs,
         percentile_disc(array[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY freq) AS fs,
         percentile_disc(array[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY mon) AS ms
    FROM b
)
SELECT 5 - width_bucket(rec - 1, rs),
       (3 + width_bucket(freq - 1, fs) + width_bucket(mon - 1, ms)) / 2, count(*)
  FROM b, c GROUP BY 1, 2 ORDER BY 1, 2
"""


def main(members: int, orders: int, turns: int) -> None:
    """Measure ``turns`` times with so many members and orders."""
    now = clock.now()
    day = localdate(now) - timedelta(days=1)
    with said(f"Filling {members:,d} members, {orders:,d} orders"):
        Member.objects.bulk_create(
            (
                Member(number=member_number(serial), joined_at=now)
                for serial in range(1, members + 1)
            ),
            batch_size=5_000,
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT setseed(0.6)")
            cursor.execute(_FILL, {"now": now, "members": members, "orders": orders})
            cursor.execute("ANALYZE")

    def bare() -> float:
        nonlocal expected
        started = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(_BARE, {"day": day, "zone": settings.SHOP_TIME_ZONE})
            expected = [list(row) for row in cursor.fetchall()]
        return time.perf_counter() - started

    def ours(*, anew: bool) -> float:
        if anew:
            with transaction.atomic():
                for model in (MemberScore, PastScore, ScoreMonth):
                    model.objects.all().delete()
        started = time.perf_counter()
        score_buyers(day=day, now=now)
        return time.perf_counter() - started

    expected: list[list[int]] = []
    with said(f"Scoring {turns} times in turn"):
        found = in_turn(
            {
                "bare SQL over orders, kept nowhere": bare,
                "ours, first night: model, scores, forecasts": lambda: ours(anew=True),
                "ours, another night": lambda: ours(anew=False),
            },
            turns=turns,
        )
    _check("ours", [cell[:3] for cell in ScoreMonth.objects.get().grid], expected)
    limit = found["bare SQL over orders, kept nowhere"]
    rows = [
        [name, f"{median(seconds):.3f}", str(ratio(seconds, limit))]
        for name, seconds in found.items()
    ]
    rows += _pandas(str(day), turns, expected, median(limit))
    print(f"\n{table(['scoring', 'seconds', 'so many times the bare SQL'], rows)}\n")
    month = ScoreMonth.objects.get()
    print(f"{month.buyers:,d} buyers; model: {month.model or month.silence}")


def _check(side: str, found: list[list[int]], expected: list[list[int]]) -> None:
    if found != expected:
        sys.exit(f"{side} counts other cells than the bare SQL.")


def _pandas(
    day: str, turns: int, expected: list[list[int]], limit: float
) -> list[list[str]]:
    python = os.environ.get("PANDAS_PYTHON")
    if not python:
        print("PANDAS_PYTHON names no interpreter: without the peer.")
        return []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "orders.csv"
        with (
            connection.cursor() as cursor,
            file.open("wb") as out,
            cursor.copy(
                "COPY (SELECT member_id, (placed_at AT TIME ZONE "
                f"'{settings.SHOP_TIME_ZONE}')::date AS day, paid_minor AS minor "
                "FROM orders_order) TO STDOUT (FORMAT csv, HEADER)"
            ) as rows,
        ):
            for chunk in rows:
                out.write(chunk)
        script = Path(__file__).with_name("pandas_peer.py")
        told = subprocess.run(
            [python, str(script), str(file), day, str(turns)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    peer = json.loads(told)
    _check("pandas", peer["grid"], expected)
    seconds = median(peer["seconds"])
    return [["pandas, CSV at hand", f"{seconds:.3f}", f"{seconds / limit:.3g}"]]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
