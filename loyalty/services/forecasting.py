"""Forecast what buyers will buy, from the purchases tallied in this transaction."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db.backends.utils import CursorWrapper

from loyalty.models import MemberScore, ScoreMonth
from loyalty.rules.lifetime_value import (
    BgNbd,
    CannotSay,
    GammaGamma,
    Histories,
    chance_alive,
    expected_purchases,
    fit_amounts,
    fit_purchases,
    future_purchases,
    mean_amounts,
)

#: So many buyers teach the model, drawn by a hash: the same ones every time.
_SAMPLE = 20_000
_CHUNK = 20_000
_SHORT_WEEKS, _YEAR_WEEKS = 90 / 7, 365 / 7
#: Nothing larger fits its column, nor means anything.
_MOST_MILLI = 2_000_000_000

_COLUMNS = """
SELECT member_id, days - 1, last_day - first_day, %(day)s - first_day, repeat_minor
  FROM purchase_history
"""
_SAMPLED = f"""{_COLUMNS}
 ORDER BY hashtextextended(member_id::text, 0), member_id LIMIT %(size)s
"""
_CHUNKED = f"""{_COLUMNS}
 WHERE member_id > %(after)s ORDER BY member_id LIMIT %(size)s
"""
_WRITE = """
UPDATE loyalty_memberscore s
   SET alive_bp = n.alive, purchases_90_milli = n.short, purchases_365_milli = n.year,
       value_365_minor = n.worth
  FROM unnest(%(members)s::bigint[], %(alive)s::int[], %(short)s::int[],
              %(year)s::int[], %(worth)s::bigint[])
       AS n (member_id, alive, short, year, worth)
 WHERE s.member_id = n.member_id
   AND (s.alive_bp, s.purchases_90_milli, s.purchases_365_milli, s.value_365_minor)
       IS DISTINCT FROM (n.alive, n.short, n.year, n.worth)
"""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The model of a month by name of parameter, or a code for why there is none."""

    model: dict[str, float] | None = None
    silence: str = ""
    buyers: int = 0
    expected_minor: int | None = None


def forecast_buyers(
    cursor: CursorWrapper, *, kept: ScoreMonth | None, day: date, is_newest: bool
) -> Forecast:
    """Forecast every buyer by the month's model; fit one where the month has none.

    Where the history carries none, nobody has a forecast rather than a poor one.

    Args:
        cursor: after ``tally_purchases``.
        kept: the month as scored before, if it was.
        is_newest: whether members get what is found; else it is summed up only.
    """
    model = kept.model if kept else None
    if model is None:
        try:
            model = _fit(cursor, day)
        except CannotSay as reason:
            if is_newest:
                _clear()
            return Forecast(silence=reason.reason)
    often = BgNbd(*(model[name] for name in ("r", "alpha", "a", "b")))
    much = GammaGamma(*(model[name] for name in ("p", "q", "v")))
    buyers = expected = 0
    for members, known in _chunks(cursor, day):
        columns = _forecast(often, much, known)
        if is_newest:
            lists = {name: column.tolist() for name, column in columns.items()}
            cursor.execute(_WRITE, {"members": members, **lists})
        buyers += len(members)
        expected += int(columns["worth"].sum())
    return Forecast(model, "", buyers, expected)


def _clear() -> None:
    MemberScore.objects.filter(alive_bp__isnull=False).update(
        alive_bp=None,
        purchases_90_milli=None,
        purchases_365_milli=None,
        value_365_minor=None,
    )


def _fit(cursor: CursorWrapper, day: date) -> dict[str, float]:
    cursor.execute(_SAMPLED, {"day": day, "size": _SAMPLE})
    _members, known = _histories(cursor.fetchall())
    often, much = fit_purchases(known), fit_amounts(known)
    try:
        # Of all histories the empty one is the hardest to add up.
        newcomer = expected_purchases(often, _YEAR_WEEKS)
    except ArithmeticError as error:
        raise CannotSay("not_settled") from error
    if not 0 <= newcomer < _MOST_MILLI / 1_000:
        raise CannotSay("not_settled")
    return {**asdict(often), **asdict(much)}


def _chunks(cursor: CursorWrapper, day: date) -> Iterator[tuple[list[int], Histories]]:
    after = 0
    cursor.execute("CREATE UNIQUE INDEX ON purchase_history (member_id)")
    while True:
        cursor.execute(_CHUNKED, {"day": day, "after": after, "size": _CHUNK})
        rows = cursor.fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield _histories(rows)


def _histories(rows: list[tuple[Any, ...]]) -> tuple[list[int], Histories]:
    """Return members, and what rules know of them: weeks, and means of repeats."""
    if not rows:
        nobody = np.zeros(0)
        return [], Histories(nobody, nobody, nobody, nobody)
    x, recency, watched, repeat = np.array([row[1:] for row in rows], np.float64).T
    # What was given back in full and more says nothing about the next amount.
    value = np.maximum(repeat, 0) / np.maximum(x, 1)
    return [row[0] for row in rows], Histories(x, recency / 7, watched / 7, value)


def _forecast(
    often: BgNbd, much: GammaGamma, known: Histories
) -> dict[str, np.ndarray]:
    year = future_purchases(often, known, _YEAR_WEEKS)
    short = future_purchases(often, known, _SHORT_WEEKS)
    found = {
        "alive": chance_alive(often, known) * 10_000,
        "short": np.clip(short * 1_000, 0, _MOST_MILLI),
        "year": np.clip(year * 1_000, 0, _MOST_MILLI),
        "worth": np.maximum(year * mean_amounts(much, known), 0),
    }
    return {name: np.rint(each).astype(np.int64) for name, each in found.items()}
