"""How often somebody buys, and how late they are. Plain Python.

Orders of one day of the shop are one purchase. The usual interval is the median of the
days between purchases; it is said from so many purchases on that three gaps are known.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from crm.shared.money import round_half_up

#: Purchases on different days before an interval is said.
LEAST_PURCHASES = 4


def usual_interval(days: Sequence[date]) -> int | None:
    """Return the usual days between purchases, half up; None of too few.

    Args:
        days: of purchases, each once, in any order.

    >>> usual_interval([date(2026, 1, 1), date(2026, 1, 11), date(2026, 1, 31),
    ...                 date(2026, 3, 2)])
    20
    """
    if len(days) < LEAST_PURCHASES:
        return None
    gaps = sorted((b - a).days for a, b in pairwise(sorted(days)))
    middle = len(gaps) // 2
    if len(gaps) % 2:
        return gaps[middle]
    return round_half_up(gaps[middle - 1] + gaps[middle], 2)


def expected_next(last: date, interval_days: int) -> date:
    """Return the day of the next purchase, as far as the past tells."""
    return last + timedelta(days=interval_days)


def days_late(expected: date, today: date) -> int:
    """Return whole days past the expected day; negative before it."""
    return (today - expected).days


def overdue_bp(last: date, interval_days: int, today: date) -> int:
    """Return the time since the last purchase in basis points of the usual interval.

    >>> overdue_bp(date(2026, 1, 1), 20, date(2026, 1, 31))
    15000
    """
    return round_half_up((today - last).days * 10_000, interval_days)
