"""Score every buyer by recency, frequency and money, once a night (ADR 0014)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from crm.shared.money import minor_digits
from loyalty.models import MemberScore, ScoreMonth
from loyalty.rules.rfm import RfmBounds, amount_bands, segment_table
from loyalty.services.forecasting import forecast_buyers
from loyalty.services.tallying import tally_purchases

_STATEMENT_TIMEOUT = "10min"

_BOUNDS = """
SELECT percentile_disc(%(fifths)s) WITHIN GROUP (ORDER BY %(day)s - last_day),
       percentile_disc(%(fifths)s) WITHIN GROUP (ORDER BY orders),
       percentile_disc(%(fifths)s) WITHIN GROUP (ORDER BY net_minor)
  FROM purchase_history
"""
#: The rules of ``loyalty.rules.rfm`` and ``intervals``, for everybody at once: a score
#: counts the bounds below, which for whole numbers are those up to one less.
_SCORE = """
WITH counted AS (
    SELECT h.*, 5 - width_bucket(%(day)s - last_day - 1, %(recency)s::int[]) AS r,
           1 + width_bucket(orders - 1, %(frequency)s::int[]) AS f,
           1 + width_bucket(net_minor - 1, %(money)s::bigint[]) AS m
      FROM purchase_history h
), scored AS (
    SELECT *, (%(segments)s::text[])[(r - 1) * 5 + (f + m + 1) / 2] AS segment,
           (last_day + interval_days)::timestamp AT TIME ZONE %(zone)s AS due_at
      FROM counted
), kept_now AS (
    INSERT INTO loyalty_memberscore AS s (
        member_id, recency, frequency, money, segment, interval_days, due_at)
    SELECT member_id, r, f, m, segment, interval_days, due_at
      FROM scored WHERE %(is_newest)s
    ON CONFLICT (member_id) DO UPDATE
       SET recency = excluded.recency, frequency = excluded.frequency,
           money = excluded.money, segment = excluded.segment,
           interval_days = excluded.interval_days, due_at = excluded.due_at
     WHERE (s.recency, s.frequency, s.money, s.segment, s.interval_days, s.due_at)
           IS DISTINCT FROM
           (excluded.recency, excluded.frequency, excluded.money, excluded.segment,
            excluded.interval_days, excluded.due_at)
), no_longer AS (
    DELETE FROM loyalty_memberscore s
     WHERE %(is_newest)s
       AND NOT EXISTS (SELECT FROM scored c WHERE c.member_id = s.member_id)
), no_longer_then AS (
    DELETE FROM loyalty_pastscore p
     WHERE p.month = %(month)s
       AND NOT EXISTS (SELECT FROM scored c WHERE c.member_id = p.member_id)
), kept_then AS (
    INSERT INTO loyalty_pastscore AS p (
        member_id, month, recency, frequency, money, segment)
    SELECT member_id, %(month)s, r, f, m, segment FROM scored
    ON CONFLICT (member_id, month) DO UPDATE
       SET recency = excluded.recency, frequency = excluded.frequency,
           money = excluded.money, segment = excluded.segment
     WHERE (p.recency, p.frequency, p.money)
           IS DISTINCT FROM (excluded.recency, excluded.frequency, excluded.money)
)
SELECT r, (f + m + 1) / 2, count(*), sum(net_minor)::bigint
  FROM scored GROUP BY 1, 2 ORDER BY 1, 2
"""
_AMOUNTS = """
SELECT width_bucket(net_minor, %(bands)s::bigint[]), count(*)
  FROM purchase_history GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Scored:
    """How many buyers were scored, and of how many something is forecast."""

    buyers: int = 0
    forecast: int = 0


@transaction.atomic
def score_buyers(*, day: date, now: datetime) -> Scored:
    """Score every buyer as of the end of a day of the shop, and write what changed.

    May be run again, also for a past day: a month keeps the scores of its last day
    scored, members those of the newest. An earlier day than the month's last writes
    nothing. Bounds and model of a month are those of its first scoring.
    """
    with connection.cursor() as cursor:
        _settle_in(cursor)
        month = day.replace(day=1)
        kept = ScoreMonth.objects.filter(pk=month).first()
        if kept is not None and kept.scored_on > day:
            return Scored()
        tally_purchases(cursor, day=day)
        bounds = _bounds(cursor, kept, day)
        is_newest = not ScoreMonth.objects.filter(scored_on__gt=day).exists()
        grid = _write_scores(cursor, bounds, day, is_newest)
        if not grid:
            ScoreMonth.objects.filter(pk=month).delete()
            return Scored()
        buyers = sum(cell[2] for cell in grid)
        forecast = forecast_buyers(cursor, kept=kept, day=day, is_newest=is_newest)
        ScoreMonth.objects.update_or_create(
            month=month,
            defaults={
                "scored_on": day,
                "scored_at": now,
                "buyers": buyers,
                "recency_bounds": bounds.recency,
                "frequency_bounds": bounds.frequency,
                "money_bounds": bounds.money,
                "model": forecast.model,
                "silence": forecast.silence,
                "grid": grid,
                "amounts": _amounts(cursor),
                "expected_minor": forecast.expected_minor,
            },
        )
    return Scored(buyers, forecast.buyers)


def forget_score(*, member_id: int) -> None:
    """Drop the score of a member whose orders went to somebody else."""
    MemberScore.objects.filter(pk=member_id).delete()


def _settle_in(cursor: CursorWrapper) -> None:
    """Take the time it takes, one scoring after the other."""
    for name, value in (
        ("lock_timeout", "0"),
        ("statement_timeout", _STATEMENT_TIMEOUT),
        # The model is fitted in memory between statements.
        ("idle_in_transaction_session_timeout", "120s"),
    ):
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
    cursor.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
        ["loyalty.score_buyers"],
    )


def _bounds(cursor: CursorWrapper, kept: ScoreMonth | None, day: date) -> RfmBounds:
    """Return the bounds of the month, those of today if it has none yet."""
    if kept is not None:
        return RfmBounds(kept.recency_bounds, kept.frequency_bounds, kept.money_bounds)
    cursor.execute(_BOUNDS, {"fifths": [0.2, 0.4, 0.6, 0.8], "day": day})
    # Where nobody bought there is nothing to score.
    return RfmBounds(*(found or [0] * 4 for found in cursor.fetchone()))


def _write_scores(
    cursor: CursorWrapper, bounds: RfmBounds, day: date, is_newest: bool
) -> list[list[Any]]:
    """Write all scores in one statement and return the cells of the grid."""
    cursor.execute(
        _SCORE,
        {
            "day": day,
            "month": day.replace(day=1),
            "recency": list(bounds.recency),
            "frequency": list(bounds.frequency),
            "money": list(bounds.money),
            "segments": segment_table(),
            "zone": settings.SHOP_TIME_ZONE,
            "is_newest": is_newest,
        },
    )
    return [list(row) for row in cursor.fetchall()]


def _amounts(cursor: CursorWrapper) -> list[list[int | None]]:
    """Return how many buyers there are in each band of lifetime spend, gaps filled."""
    cursor.execute("SELECT max(net_minor) FROM purchase_history")
    unit = 10 ** minor_digits(settings.SHOP_CURRENCY)
    bands = amount_bands(cursor.fetchone()[0], unit=unit)
    cursor.execute(_AMOUNTS, {"bands": bands})
    found = dict(cursor.fetchall())
    starts = [None, *bands]
    return [
        [starts[place], found.get(place, 0)]
        for place in range(min(found), max(found) + 1)
    ]
