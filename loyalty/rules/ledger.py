"""One member's points as a book: every movement keeps the sums equal. Plain Python.

A book is read from the account row and the lots that matter, moved, and written by
``loyalty.services.posting``. At any time (P3) the balance is what the lots hold, and
balance − debt is the sum of all entries. Debt is left standing only while nothing
free is there to pay it (P18).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from loyalty.rules.expiry import is_spent_time, keeps_its_end
from loyalty.rules.lots import Lot, Take, choose, choose_up_to, spending_order


@dataclass(slots=True, eq=False)
class Movement:
    """An entry to be written. ``points`` is signed.

    ``entry_id`` is known once it is written; ``reverses`` is what it corrects.
    """

    kind: str
    points: int
    source: str
    occurred_at: datetime
    seq: int
    balance_after: int
    takes: list[Take] = field(default_factory=list)
    opens: Lot | None = None
    trace: dict[str, Any] = field(default_factory=dict)
    reason_code: str = ""
    reason: str = ""
    actor: str = ""
    reverses: "Movement | int | None" = None
    entry_id: int | None = None


@dataclass(slots=True, eq=False)
class SpentTake:
    """A take of an earlier spending, and what of it was given back since."""

    id: int
    lot: Lot
    points: int
    returned: int
    restored: int
    #: False where the lot belongs to another account since a merge was undone.
    is_own: bool = True


@dataclass(slots=True, eq=False)
class Book:
    """The points of one member, while they are being moved."""

    member_id: int
    balance: int = 0
    held: int = 0
    debt: int = 0
    lifetime_earned: int = 0
    seq: int = 0
    #: What comes in while nobody may spend is pending until the account is open (P14).
    is_frozen: bool = False
    #: Since when lots do not age; None where they do (P14).
    term_stopped_at: datetime | None = None
    lots: list[Lot] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    #: Earlier takes that changed because their points came back.
    given_back: list[SpentTake] = field(default_factory=list)

    def add(
        self,
        kind: str,
        points: int,
        *,
        source: str,
        occurred_at: datetime,
        active_at: datetime | None,
        expires_at: datetime | None,
        at: datetime | None = None,
        **told: Any,
    ) -> Movement:
        """Book points that come in: they open a lot, and pay debt first (P18).

        0 points open no lot; the entry still shows that the source was booked.

        Args:
            active_at: when they can be spent; None until that is known (P9).
            at: now; points that are pending then pay no debt yet. When left out they
                count from ``active_at``.

        In a frozen account they have no dates until it is open (P14).
        """
        assert points >= 0
        if self.is_frozen:
            active_at = expires_at = None
        lot = Lot(points, points, active_at, expires_at) if points else None
        self.balance += points
        if kind == "earn":
            self.lifetime_earned += points
        movement = self._move(kind, points, source, occurred_at, told)
        if lot is not None:
            movement.opens = lot
            self.lots.append(lot)
            paying_at = at or active_at
            if paying_at is not None and not self.is_frozen:
                self._pay_debt(movement, [lot], at=paying_at)
        return movement

    def take(
        self,
        kind: str,
        takes: Sequence[Take],
        *,
        source: str,
        occurred_at: datetime,
        owed: int = 0,
        **told: Any,
    ) -> Movement:
        """Book that points leave chosen lots; ``owed`` more become debt."""
        for part in takes:
            part.lot.remaining -= part.points
        taken = sum(part.points for part in takes)
        self.balance -= taken
        self.debt += owed
        movement = self._move(kind, -taken - owed, source, occurred_at, told)
        movement.takes = list(takes)
        return movement

    def claw_back(
        self,
        points: int,
        *,
        own_lot: Lot | None,
        may_owe: bool,
        at: datetime,
        source: str,
        occurred_at: datetime,
        trace: dict[str, Any],
        only_pending: bool = False,
        **told: Any,
    ) -> Movement:
        """Take back what was not deserved (P16), dropping nothing (P17).

        First from the lot the order opened, pending or not, then from others in
        spending order. Lots that stand still are there past their ends (P14). What is
        missing becomes debt, or is waived; the trace says how much.

        Args:
            only_pending: take nothing that could be spent already.
        """
        stopped = self.term_stopped_at
        takes = []
        if own_lot is not None:
            there = own_lot.pending if only_pending else own_lot.left
            own = min(points, there(at, stopped_at=stopped))
            takes = [Take(own_lot, own)] if own else []
        if not only_pending:
            others = [lot for lot in spending_order(self.lots) if lot is not own_lot]
            rest = points - sum(part.points for part in takes)
            takes += choose_up_to(others, rest, at=at, stopped_at=stopped)
        missing = points - sum(part.points for part in takes)
        trace |= {"due": points}
        if missing:
            trace["owed" if may_owe else "waived"] = missing
        return self.take(
            "claw_back",
            takes,
            source=source,
            occurred_at=occurred_at,
            owed=missing if may_owe else 0,
            trace=trace,
            **told,
        )

    def give_back(
        self,
        points: int,
        takes: Sequence[SpentTake],
        *,
        source: str,
        now: datetime,
        grace: timedelta,
        **told: Any,
    ) -> Movement:
        """Return spent points to their lots, last taken first (P20).

        Where the end is past or nearer than the grace they open one new lot that ends
        after the grace. They never count as earned (P21). Returns fewer when fewer of
        the spending are still out.
        """
        left, late = points, 0
        changed: list[Lot] = []
        for spent in reversed(takes):
            part = min(left, spent.points - spent.returned)
            if part <= 0:
                continue
            left -= part
            spent.returned += part
            self.given_back.append(spent)
            if spent.is_own and keeps_its_end(
                spent.lot.expires_at, now=now, grace=grace
            ):
                spent.restored += part
                spent.lot.remaining += part
                changed.append(spent.lot)
            else:
                late += part
        self.balance += points - left
        movement = self._move("return", points - left, source, now, told)
        if late:
            movement.opens = Lot(late, late, now, now + grace)
            self.lots.append(movement.opens)
            changed.append(movement.opens)
        self._pay_debt(movement, changed, at=now)
        return movement

    def hold(self, points: int, *, at: datetime) -> list[Take]:
        """Reserve points of the lots that would be spent first (P13).

        Raises:
            TooFewPoints: fewer are free at ``at``.
        """
        takes = choose(self.lots, points, at=at)
        for part in takes:
            part.lot.held += part.points
        self.held += points
        return takes

    def let_go(self, takes: Iterable[Take]) -> None:
        """End a reservation; what is captured is taken afterwards."""
        for part in takes:
            part.lot.held -= part.points
            self.held -= part.points

    def owe_again(
        self, takes: Sequence[SpentTake], *, source: str, at: datetime
    ) -> Movement | None:
        """Undo a payment of debt: an entry of 0 points, or None.

        What came out of a lot that has ended since stays paid.
        """
        points = 0
        for spent in takes:
            if is_spent_time(spent.lot.expires_at, at):
                continue
            part = spent.points - spent.returned
            spent.returned += part
            spent.restored += part
            spent.lot.remaining += part
            self.given_back.append(spent)
            points += part
        if not points:
            return None
        self.balance += points
        self.debt += points
        return self._move("return", 0, source, at, {"trace": {"debt_back": points}})

    def hand_over(
        self,
        taker: "Book",
        lots: Sequence[Lot],
        *,
        debt: int,
        earned: int,
        source: str,
        at: datetime,
    ) -> None:
        """Give lots with their ends and holds, and debt, to another book.

        One entry in each book, equal but for the sign; it stands also where it is 0.

        Args:
            debt: points owed that go along.
            earned: points of ``lifetime_earned`` that go along.
        """
        points = sum(lot.remaining for lot in lots)
        held = sum(lot.held for lot in lots)
        for book, sign in ((self, -1), (taker, 1)):
            book.balance += sign * points
            book.held += sign * held
            book.debt += sign * debt
            book.lifetime_earned += sign * earned
            trace = {"points": sign * points, "debt": sign * debt}
            told = {"trace": trace | {"earned": sign * earned}}
            book._move("transfer", sign * (points - debt), source, at, told)
        given = {id(lot) for lot in lots}
        self.lots = [lot for lot in self.lots if id(lot) not in given]
        taker.lots = [*taker.lots, *lots]

    def pass_on(
        self, taker: "Book", points: int, *, kind: str, source: str, at: datetime
    ) -> None:
        """Give points to another book, first to end first; they keep their ends (P25).

        Each end is two entries, equal but for the sign, whose sources are numbered.

        Raises:
            TooFewPoints: fewer are free at ``at``.
        """
        ends: dict[datetime | None, list[Take]] = {}
        for part in choose(self.lots, points, at=at):
            ends.setdefault(part.lot.expires_at, []).append(part)
        for number, (end, parts) in enumerate(ends.items(), start=1):
            name = f"{source}:{number}"
            self.take(kind, parts, source=name, occurred_at=at)
            taker.add(
                kind,
                sum(part.points for part in parts),
                source=name,
                occurred_at=at,
                active_at=at,
                expires_at=end,
            )

    def pay_debt(self, *, source: str, at: datetime) -> Movement | None:
        """Pay debt from what became free; an entry of 0 points, or None."""
        payable = min(self.debt, sum(lot.free(at) for lot in self.lots))
        if payable <= 0:
            return None
        movement = self._move("claw_back", 0, source, at, {})
        self._pay_debt(movement, self.lots, at=at)
        return movement

    def _pay_debt(self, movement: Movement, lots: Sequence[Lot], *, at: datetime):
        takes = choose_up_to(spending_order(lots), self.debt, at=at)
        for part in takes:
            part.lot.remaining -= part.points
        paid = sum(part.points for part in takes)
        self.balance -= paid
        self.debt -= paid
        if paid:
            movement.takes = movement.takes + takes
            movement.trace["debt_paid"] = paid

    def _move(
        self,
        kind: str,
        points: int,
        source: str,
        occurred_at: datetime,
        told: dict[str, Any],
    ) -> Movement:
        self.seq += 1
        movement = Movement(
            kind=kind,
            points=points,
            source=source,
            occurred_at=occurred_at,
            seq=self.seq,
            balance_after=self.balance - self.debt,
            **told,
        )
        self.movements.append(movement)
        return movement
