"""Lots: points that came in together, and which are spent first. Plain Python."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from loyalty.rules.expiry import is_spent_time

_NEVER = datetime.max.replace(tzinfo=UTC)


class TooFewPoints(ValueError):
    """The lots together hold fewer points than are to be taken."""


@dataclass(slots=True, eq=False)
class Lot:
    """Points with one end. ``remaining`` counts the ``held`` ones too.

    ``asked_back`` of the others are of units that are asked back: they stay pending
    until the return is over (R10). ``id`` is None until the lot is written; such lots
    come after written ones that end at the same time. ``active_at`` is None while
    nobody knows it yet: the lot waits for a delivery (P9).
    """

    granted: int
    remaining: int
    active_at: datetime | None
    expires_at: datetime | None
    held: int = 0
    id: int | None = None
    asked_back: int = 0

    def is_pending(self, at: datetime) -> bool:
        """Return whether its points cannot be spent yet (P9)."""
        return self.active_at is None or self.active_at > at

    def left(self, at: datetime, *, stopped_at: datetime | None = None) -> int:
        """Return what can be taken back at ``at``, pending or not (P16).

        Args:
            stopped_at: since when the lot does not age; None where it does (P14).
        """
        aged = at if stopped_at is None else min(at, stopped_at)
        return 0 if is_spent_time(self.expires_at, aged) else self.remaining - self.held

    def free(self, at: datetime, *, stopped_at: datetime | None = None) -> int:
        """Return what can be taken at ``at``: active, not ended, not held (P2)."""
        left = self.left(at, stopped_at=stopped_at)
        return left - self.pending(at, stopped_at=stopped_at)

    def pending(self, at: datetime, *, stopped_at: datetime | None = None) -> int:
        """Return what can be taken of it although it is not active yet (P16)."""
        left = self.left(at, stopped_at=stopped_at)
        return left if self.is_pending(at) else min(left, self.asked_back)


@dataclass(frozen=True, slots=True)
class Take:
    """``points`` of a lot."""

    lot: Lot
    points: int


def spending_order(lots: Iterable[Lot]) -> list[Lot]:
    """Return lots in the order in which they are spent (P11).

    Earliest end first, then earliest activation, then id; lots without end last.
    """
    return sorted(
        lots,
        key=lambda lot: (
            lot.expires_at or _NEVER,
            lot.active_at or _NEVER,
            lot.id is None,
            lot.id or 0,
        ),
    )


def free_points(lots: Iterable[Lot], at: datetime) -> int:
    """Return what all lots together let go at ``at``."""
    return sum(lot.free(at) for lot in lots)


def choose(lots: Sequence[Lot], points: int, *, at: datetime) -> list[Take]:
    """Choose which lots give ``points``; change nothing.

    Args:
        lots: any order; those at the same place in spending order keep it.
        points: whole points to find, >= 0.
        at: lots that ended by then give nothing.

    Raises:
        TooFewPoints: they hold fewer; all or nothing (P12).
    """
    takes = choose_up_to(spending_order(lots), points, at=at)
    if sum(take.points for take in takes) < points:
        raise TooFewPoints(points)
    return takes


def choose_up_to(
    lots: Sequence[Lot],
    points: int,
    *,
    at: datetime,
    stopped_at: datetime | None = None,
) -> list[Take]:
    """Choose as much of ``points`` as lots give, in the order they come.

    Args:
        stopped_at: since when lots do not age; None where they do (P14).
    """
    assert points >= 0
    takes: list[Take] = []
    missing = points
    for lot in lots:
        if missing == 0:
            break
        part = min(lot.free(at, stopped_at=stopped_at), missing)
        if part > 0:
            takes.append(Take(lot, part))
            missing -= part
    return takes
