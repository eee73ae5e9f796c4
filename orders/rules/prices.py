"""Which of the prices of a SKU somebody pays (S1 stage 1, S24). Plain Python."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

EVERYBODY = ""
ANY_MEMBER = "member"
#: What wins when amounts are equal: the price that needs the least explaining.
_ORDER = {"list": 0, "sale": 1, "member": 2}


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
class UnitPrice:
    """What one unit costs, which sort of price that is, and its row."""

    amount_minor: int
    kind: str
    id: int


def best_price(
    entries: Iterable[PriceEntry], audiences: Collection[str], at: datetime
) -> UnitPrice:
    """Return the lowest price in force; equal ones by kind: list, sale, member.

    Args:
        entries: prices of one SKU, in any order, of any time and audience.
        audiences: whom the buyer belongs to besides everybody.

    Raises:
        ValueError: no price is in force for this buyer.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 21, 4, tzinfo=UTC)
    >>> usual = PriceEntry(1, "list", "", 10_000, noon, None)
    >>> reduced = PriceEntry(2, "sale", "", 8_000, noon, None)
    >>> best_price([usual, reduced], [], noon)
    UnitPrice(amount_minor=8000, kind='sale', id=2)
    """
    mine = [
        entry
        for entry in entries
        if entry.holds(at)
        and (entry.audience == EVERYBODY or entry.audience in audiences)
    ]
    if not mine:
        raise ValueError("No price is in force.")
    best = min(mine, key=lambda e: (e.amount_minor, _ORDER[e.kind], e.id))
    return UnitPrice(best.amount_minor, best.kind, best.id)


def list_price(entries: Iterable[PriceEntry], at: datetime) -> int | None:
    """Return the list price in force, in minor units; None where there is none."""
    return next(
        (e.amount_minor for e in entries if e.kind == "list" and e.holds(at)), None
    )


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
    ordered = sorted(moments)
    for start, end in zip(ordered, [*ordered[1:], until], strict=True):
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
