"""Prices in time: what held when. Plain Python.

Which of them somebody pays is ``orders.rules.unit_prices``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

EVERYBODY = ""
ANY_MEMBER = "member"


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """A price in minor units during ``[starts_at, ends_at)``, for one audience.

    ``id`` is that of its row; 0 for the price of a SKU without a history.
    """

    id: int
    kind: str
    audience: str
    amount_minor: int
    starts_at: datetime
    ends_at: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether this price is in force at ``at``."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of time with one amount; ``ends_at`` None is open."""

    starts_at: datetime
    ends_at: datetime | None
    amount_minor: int


def lowest_steps(entries: Sequence[PriceEntry], until: datetime) -> list[Step]:
    """Return what everybody paid, step by step, up to ``until``, oldest first.

    Only prices for everybody count. Neighbouring steps of one amount are one.
    """
    entries = [e for e in entries if e.audience == EVERYBODY and e.starts_at < until]
    moments = {e.starts_at for e in entries}
    moments |= {e.ends_at for e in entries if e.ends_at and e.ends_at < until}
    steps: list[Step] = []
    for start, end in pairwise([*sorted(moments), until]):
        held = [e.amount_minor for e in entries if e.holds(start)]
        if not held:
            continue
        amount = min(held)
        last = steps[-1] if steps else None
        if last and last.amount_minor == amount and last.ends_at == start:
            steps[-1] = Step(last.starts_at, end, amount)
        else:
            steps.append(Step(start, end, amount))
    return steps
