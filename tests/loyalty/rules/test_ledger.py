"""A book against a small model: sums agree after any sequence of movements."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from loyalty.rules.ledger import Book, SpentTake
from loyalty.rules.lots import Lot, Take, TooFewPoints, choose, free_points

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START
GRACE = timedelta(days=30)


def book(*lots, **fields):
    return Book(
        member_id=1, balance=sum(lot.remaining for lot in lots), lots=list(lots)
    , **fields)  # fmt: skip


def lot(points, *, days=365, id=1, held=0):
    return Lot(points, points, START, START + timedelta(days=days), held, id)


def claw(book, points, *, own=None, may_owe=True):
    return book.claw_back(
        points,
        own_lot=own,
        may_owe=may_owe,
        at=NOW,
        source="refund:1",
        occurred_at=NOW,
        trace={},
    )


def test_p16_a_claw_back_takes_the_orders_own_lot_first():
    soon, own = lot(50, days=10, id=1), lot(50, days=300, id=2)
    opened = book(soon, own)

    moved = claw(opened, 70, own=own)

    assert (own.remaining, soon.remaining) == (0, 30)
    assert (moved.points, moved.trace) == (-70, {"due": 70})
    assert (opened.balance, opened.debt) == (30, 0)


def test_p17_a_shortfall_is_owed_or_waived_never_dropped():
    owing, waiving = book(lot(30)), book(lot(30))

    owed = claw(owing, 100)
    waived = claw(waiving, 100, may_owe=False)

    assert (owed.points, owing.balance, owing.debt) == (-100, 0, 70)
    assert owed.trace == {"due": 100, "owed": 70}
    assert (waived.points, waiving.balance, waiving.debt) == (-30, 0, 0)
    assert waived.trace == {"due": 100, "waived": 70}


def test_p13_a_claw_back_leaves_held_points_alone():
    held = lot(50, held=20)
    opened = book(held, held=20)

    claw(opened, 50)

    assert (held.remaining, opened.balance, opened.debt) == (20, 20, 20)


def test_p18_new_points_pay_debt_first():
    opened = Book(member_id=1, debt=70)

    moved = opened.add(
        "earn", 100, source="o", occurred_at=NOW, active_at=NOW, expires_at=None
    )

    assert (opened.balance, opened.debt, moved.opens.remaining) == (30, 0, 30)
    assert (moved.points, moved.balance_after) == (100, 30)
    assert moved.trace == {"debt_paid": 70}


def spent(lot, points, *, id=1):
    return SpentTake(id=id, lot=lot, points=points, returned=0, restored=0)


def test_p20_spent_points_go_back_to_their_lots_last_taken_first():
    first, second = lot(0, days=100, id=1), lot(0, days=200, id=2)
    takes = [spent(first, 60), spent(second, 40, id=2)]
    opened = book()

    moved = opened.give_back(50, takes, source="r", now=NOW, grace=GRACE)

    assert (first.remaining, second.remaining) == (10, 40)
    assert (moved.points, moved.opens, opened.balance) == (50, None, 50)
    assert opened.lifetime_earned == 0, "P21"


def test_p20_a_lot_near_its_end_gives_back_into_a_new_lot_of_thirty_days():
    ended = lot(0, days=-1)
    opened = book()

    moved = opened.give_back(50, [spent(ended, 60)], source="r", now=NOW, grace=GRACE)

    assert ended.remaining == 0
    assert (moved.opens.remaining, moved.opens.expires_at) == (
        50,
        NOW + timedelta(days=30),
    )


@pytest.mark.parametrize(
    ("grace_days", "end_days", "new_end_days"),
    [
        (0, 1, None),
        (0, -1, 0),
        (30, 30, None),
        (30, 29, 30),
        (90, 89, 90),
        (90, 90, None),
    ],
)
def test_p20_the_program_says_how_near_an_end_is_put_off(
    grace_days, end_days, new_end_days
):
    lent = lot(0, days=end_days)
    moved = book().give_back(
        50, [spent(lent, 60)], source="r", now=NOW, grace=timedelta(days=grace_days)
    )
    if new_end_days is None:
        assert (lent.remaining, moved.opens) == (50, None)
    else:
        assert moved.opens.expires_at == NOW + timedelta(days=new_end_days)


def test_p20_no_more_comes_back_than_was_spent():
    source = lot(0)
    take = spent(source, 60)
    opened, again = book(), {"now": NOW, "grace": GRACE}

    assert opened.give_back(50, [take], source="a", **again).points == 50
    assert opened.give_back(50, [take], source="b", **again).points == 10
    assert opened.give_back(50, [take], source="c", **again).points == 0
    assert (source.remaining, opened.balance) == (60, 60)


def test_p18_freed_points_pay_debt():
    held = lot(50, held=50)
    opened = book(held, held=50, debt=20)
    (take,) = [  # what the hold had taken
        type("T", (), {"lot": held, "points": 50})()
    ]
    opened.let_go([take])

    moved = opened.pay_debt(source="debt:x", at=NOW)

    assert (moved.points, opened.balance, opened.debt) == (0, 30, 0)
    assert opened.pay_debt(source="debt:y", at=NOW) is None


class Ledger(RuleBasedStateMachine):
    """Moves a book at random; the model is two numbers and the entries."""

    def __init__(self):
        super().__init__()
        self.now = START
        self.book = Book(member_id=1)
        self.number = 0
        self.holds = []
        self.spends = []

    def source(self):
        self.number += 1
        return f"s{self.number}"

    @rule(points=st.integers(0, 300), days=st.one_of(st.none(), st.integers(1, 90)))
    def add(self, points, days):
        ends = None if days is None else self.now + timedelta(days=days)
        self.book.add(
            "earn",
            points,
            source=self.source(),
            occurred_at=self.now,
            active_at=self.now,
            expires_at=ends,
        )
        self.name_lots()

    def name_lots(self):
        for number, each in enumerate(self.book.lots):
            each.id = number + 1

    @rule(points=st.integers(1, 400))
    def spend(self, points):
        before = (self.book.balance, len(self.book.movements))
        free = free_points(self.book.lots, self.now)
        try:
            takes = choose(self.book.lots, points, at=self.now)
        except TooFewPoints:
            assert points > free
            assert before == (self.book.balance, len(self.book.movements))
        else:
            assert points <= free
            self.leave("spend", takes)
            self.spends.append([SpentTake(0, t.lot, t.points, 0, 0) for t in takes])

    def leave(self, kind, takes):
        self.book.take(kind, takes, source=self.source(), occurred_at=self.now)

    @rule(points=st.integers(1, 200))
    def hold(self, points):
        try:
            self.holds.append(self.book.hold(points, at=self.now))
        except TooFewPoints:
            assert points > free_points(self.book.lots, self.now)

    @precondition(lambda self: self.holds)
    @rule(capture=st.booleans())
    def resolve(self, capture):
        takes = self.holds.pop()
        self.book.let_go(takes)
        if capture:
            self.book.take("spend", takes, source=self.source(), occurred_at=self.now)
        else:
            self.book.pay_debt(source=self.source(), at=self.now)

    @rule(points=st.integers(0, 300), may_owe=st.booleans())
    def claw(self, points, may_owe):
        debt = self.book.debt
        moved = self.book.claw_back(
            points,
            own_lot=None,
            may_owe=may_owe,
            at=self.now,
            source=self.source(),
            occurred_at=self.now,
            trace={},
        )
        assert points == -moved.points + moved.trace.get("waived", 0)
        assert self.book.debt - debt == moved.trace.get("owed", 0)

    @precondition(lambda self: self.spends)
    @rule(points=st.integers(1, 200))
    def give_back(self, points):
        self.book.give_back(
            points, self.spends[-1], source=self.source(), now=self.now, grace=GRACE
        )
        self.name_lots()

    @rule(days=st.integers(1, 40))
    def time_passes(self, days):
        self.now += timedelta(days=days)
        for each in self.book.lots:
            ended = each.expires_at is not None and each.expires_at <= self.now
            if ended and each.remaining and not each.held:
                self.leave("expire", [Take(each, each.remaining)])

    @invariant()
    def sums_agree(self):
        entries = sum(move.points for move in self.book.movements)
        assert self.book.balance - self.book.debt == entries
        assert self.book.balance == sum(each.remaining for each in self.book.lots)
        assert self.book.held == sum(each.held for each in self.book.lots)
        assert min(self.book.balance, self.book.debt, self.book.held) >= 0
        assert all(0 <= each.held <= each.remaining for each in self.book.lots)
        assert all(each.remaining <= each.granted for each in self.book.lots)

    @invariant()
    def debt_leaves_nothing_free(self):
        if self.book.debt:
            assert free_points(self.book.lots, self.now) == 0

    @invariant()
    def every_entry_knows_the_balance(self):
        so_far = 0
        for number, move in enumerate(self.book.movements, start=1):
            so_far += move.points
            assert (move.seq, move.balance_after) == (number, so_far)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
