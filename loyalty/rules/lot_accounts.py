"""Points of one member as lots, with what a program may decide otherwise. Plain Python.

Like ``loyalty.rules.ledger``, but for programs whose lots are spent in another order,
whose balance may fall below nothing, or who tell every refusal by name. What is owed
is paid by the next points that come in. Every source moves points once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from loyalty.rules.expiry import is_spent_time
from loyalty.rules.lots import Lot, Take, choose_up_to, spending_order

Consumption = Literal["earliest_expiry_first", "oldest_first"]


@dataclass(slots=True)
class LotAccount:
    """Points of a member while they are moved; whole numbers of the smallest part."""

    consumption: Consumption = "earliest_expiry_first"
    lots: list[Lot] = field(default_factory=list)
    debt: int = 0
    earned: int = 0
    spent: int = 0
    expired: int = 0
    #: Sources that earned, and those that spent with what they took: an order may be
    #: both.
    earned_for: set[str] = field(default_factory=set)
    spent_for: dict[str, list[Take]] = field(default_factory=dict)

    @property
    def balance(self) -> int:
        """Return what the lots hold, less what is owed."""
        return sum(lot.remaining for lot in self.lots) - self.debt

    def free(self, at: datetime) -> int:
        """Return what can be spent: active, not ended, less what is owed."""
        return max(0, sum(lot.free(at) for lot in self.lots) - self.debt)

    def earn(
        self,
        points: int,
        *,
        source: str,
        at: datetime,
        expires_at: datetime | None = None,
        active_at: datetime | None = None,
    ) -> Lot | None:
        """Open a lot; None where the source has earned before, or nothing comes in."""
        if source in self.earned_for or points <= 0:
            return None
        self.earned_for.add(source)
        lot = Lot(points, points, active_at or at, expires_at, id=len(self.lots))
        paid = min(self.debt, points)
        lot.remaining -= paid
        self.debt -= paid
        self.lots.append(lot)
        self.earned += points
        return lot

    def take(self, points: int, *, source: str, at: datetime) -> int:
        """Spend points, beyond what is there on debt; return what this call took.

        A source that has spent before takes nothing more. Whoever may not owe asks
        ``free`` first.
        """
        if source in self.spent_for or points <= 0:
            return 0
        takes = choose_up_to(self._order(self.lots), points, at=at)
        self._empty(takes)
        self.debt += points - sum(part.points for part in takes)
        self.spent_for[source] = takes
        self.spent += points
        return points

    def claw_back(
        self, points: int, *, own: Lot | None, may_owe: bool, at: datetime
    ) -> int:
        """Take back what was earned, first from its own lot; return what was taken.

        What is missing is owed where that is allowed, else let go.
        """
        others = [lot for lot in self._order(self.lots) if lot is not own]
        order = ([own] if own is not None else []) + others
        takes = choose_up_to(order, points, at=at)
        self._empty(takes)
        missing = points - sum(part.points for part in takes)
        if may_owe:
            self.debt += missing
        return points if may_owe else points - missing

    def roll_back(self, source: str) -> int:
        """Return what a source spent to its lots; 0 where that was done before."""
        takes = self.spent_for.get(source) or []
        points = sum(part.points for part in takes)
        for part in takes:
            part.lot.remaining += part.points
        if points:
            self.spent_for[source] = []
            self.spent -= points
        return points

    def give_back(self, source: str, points: int) -> int:
        """Return part of what a source spent, last taken first; return how much."""
        left, kept = points, []
        for part in reversed(self.spent_for.get(source) or []):
            back = min(left, part.points)
            part.lot.remaining += back
            left -= back
            if part.points > back:
                kept.append(Take(part.lot, part.points - back))
        if source in self.spent_for:
            self.spent_for[source] = kept[::-1]
        self.spent -= points - left
        return points - left

    def expire(self, at: datetime) -> int:
        """Empty the lots that ended by then; return how many points are gone."""
        ended = [lot for lot in self.lots if is_spent_time(lot.expires_at, at)]
        gone = sum(lot.remaining for lot in ended)
        for lot in ended:
            lot.remaining = 0
        self.expired += gone
        return gone

    def clear(self) -> int:
        """Take everything, as at a reset; return how many points there were."""
        gone = sum(lot.remaining for lot in self.lots)
        for lot in self.lots:
            lot.remaining = 0
        return gone

    def _order(self, lots: Iterable[Lot]) -> list[Lot]:
        if self.consumption == "oldest_first":
            return sorted(lots, key=lambda lot: (lot.active_at, lot.id or 0))
        return spending_order(lots)

    @staticmethod
    def _empty(takes: Sequence[Take]) -> None:
        for part in takes:
            part.lot.remaining -= part.points
