"""A balance as a line in time: what it was, and what it will be as points end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: How long the last step is drawn.
_TAIL = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of time with one balance; ``is_ahead`` is a forecast."""

    starts_at: datetime
    ends_at: datetime
    points: int
    is_ahead: bool = False


def balance_steps(
    moved: Sequence[tuple[datetime, int]],
    ending: Sequence[tuple[datetime, int]],
    *,
    now_points: int,
    at: datetime,
) -> list[Step]:
    """Return the balance step by step, oldest first; empty where nothing ever moved.

    Args:
        moved: moments before ``at`` and how much moved there, oldest first.
        ending: moments after ``at`` and how many points end there, soonest first. What
            comes in or is spent before is not known. The forecast begins at ``at``.
        now_points: the balance after all of ``moved``.

    >>> day = [datetime(2026, 1, n) for n in range(1, 5)]
    >>> steps = balance_steps(
    ...     [(day[0], 50), (day[1], -20)], [(day[3], 10)], now_points=30, at=day[2]
    ... )
    >>> [(step.starts_at.day, step.points, step.is_ahead) for step in steps]
    [(1, 50, False), (2, 30, False), (3, 30, True), (4, 20, True)]
    """
    points = now_points - sum(count for _, count in moved)
    known: list[tuple[datetime, int, bool]] = []
    for moment, count in moved:
        points += count
        known.append((moment, points, False))
    if ending:
        known.append((at, points, True))
    for moment, count in ending:
        points -= count
        known.append((moment, points, True))
    ends = [moment for moment, _, _ in known[1:]]
    if known:
        ends.append(max(at, known[-1][0] + _TAIL))
    return [
        Step(start, end, points, is_ahead)
        for (start, points, is_ahead), end in zip(known, ends, strict=True)
    ]
