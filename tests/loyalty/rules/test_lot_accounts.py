"""Lots that are spent as a program says, and every source once."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.lot_accounts import LotAccount

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def at(days):
    return DAY + timedelta(days=days)


def test_the_next_points_pay_what_is_owed():
    account = LotAccount()
    account.earn(50, source="a", at=at(0))
    account.take(80, source="b", at=at(1))
    assert (account.balance, account.debt) == (-30, 30)
    lot = account.earn(100, source="c", at=at(2))
    assert (lot.remaining, account.balance, account.debt) == (70, 70, 0)


def test_what_has_ended_stays_in_the_balance_until_it_is_expired():
    account = LotAccount()
    account.earn(100, source="a", at=at(0), expires_at=at(10))
    assert (account.balance, account.free(at(10))) == (100, 0)
    assert [account.expire(at(10)), account.expire(at(11))] == [100, 0]
    assert account.balance == 0


def test_given_back_are_the_points_taken_last():
    account = LotAccount()
    first = account.earn(30, source="a", at=at(0), expires_at=at(50))
    second = account.earn(30, source="b", at=at(0))
    account.take(40, source="o", at=at(1))
    assert account.give_back("o", 15) == 15
    assert (first.remaining, second.remaining) == (5, 30)
    assert account.roll_back("o") == 25
    assert (first.remaining, second.remaining) == (30, 30)
    assert account.roll_back("o") == 0


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["earn", "take", "expire", "roll_back"]),
        st.integers(1, 60),
        st.integers(0, 5),
    ),
    max_size=30,
)


@given(MOVES)
def test_the_balance_is_the_sum_of_what_moved(moves):
    account, total = LotAccount(), 0
    for day, (what, points, number) in enumerate(moves):
        source = f"{what}:{number}"
        if what == "earn":
            lot = account.earn(
                points, source=source, at=at(day), expires_at=at(day + 10 * number)
            )
            total += points if lot else 0
        elif what == "take":
            total -= account.take(points, source=source, at=at(day))
        elif what == "expire":
            total -= account.expire(at(day))
        else:
            total += account.roll_back(f"take:{number}")
        assert account.balance == total
        assert all(0 <= lot.remaining <= lot.granted for lot in account.lots)
