from datetime import timedelta

import pytest

from crm.shared.models import Fact
from loyalty.models import (
    MemberValue,
    PointsEntry,
    PointsLot,
    Program,
    QualifyingEntry,
)
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.expiring import expire_lots
from loyalty.services.holding import hold_points
from orders.models import Order, Refund
from tests.cast import NOON
from tests.loyalty.books import (
    account_of,
    assert_sound,
    ledger,
    lots,
    paid_order,
    refund,
)

LATER = NOON + timedelta(days=1)


def earn(order):
    return earn_for_order(order_id=order.pk, now=NOON)


def settle(row, now=LATER):
    return settle_refund(refund_id=row.pk, now=now)


def test_p19_a_partial_refund_takes_back_its_share(alice):
    order = paid_order(alice, 9_700, quantity=1)
    earned = earn(order)

    entry = settle(refund(order, 3_200))

    assert (entry.kind, entry.points, entry.balance_after) == ("claw_back", -32, 65)
    assert entry.reverses_id == earned.pk, "P1"
    assert entry.trace == {
        "refunded_minor": 3_200,
        "basis_minor": 9_700,
        "units": {"1": 1},
        "due": 32,
    }
    assert lots(alice) == [(97, 65)]
    value = MemberValue.objects.get()
    assert (value.orders, value.net_minor) == (1, 6_500)
    assert_sound()


def test_p19_three_refunds_take_back_exactly_what_was_earned(alice):
    order = paid_order(alice, 9_700)
    earn(order)
    for amount in (3_233, 3_233, 3_234):
        settle(refund(order, amount))

    assert [points for _, points, _ in ledger(alice)] == [97, -32, -32, -33]
    assert_sound()


def test_x2_a_refund_told_twice_counts_once(alice):
    order = paid_order(alice, 10_000)
    earn(order)
    row = refund(order, 5_000)

    first, second = settle(row), settle(row)

    assert first.pk == second.pk
    assert ledger(alice) == [("earn", 100, 100), ("claw_back", -50, 50)]
    assert QualifyingEntry.objects.count() == 2


def test_x2_a_refund_may_be_told_before_its_payment(alice):
    order = paid_order(alice, 10_000)

    settle(refund(order, 10_000, is_last=True))
    earn(order)

    assert ledger(alice) == [("earn", 100, 100), ("claw_back", -100, 0)]
    assert_sound()


def test_r10_only_a_completed_refund_takes_back(alice):
    order = paid_order(alice, 10_000)
    earn(order)
    row = refund(order, 5_000)
    Refund.objects.update(state=Refund.State.REQUESTED)

    assert settle(row) is None
    assert ledger(alice) == [("earn", 100, 100)]


def test_refunded_freight_takes_no_points_back(alice):
    order = paid_order(alice, 10_000, extra=(("freight", 900),))
    earn(order)

    entry = settle(refund(order, 900, position=2))

    assert entry.points == 0
    assert account_of(alice).balance == 100
    assert MemberValue.objects.get().net_minor == 10_000


def test_t2_t9_a_refund_falls_on_the_day_of_the_order_and_undoes_the_lift(alice):
    order = paid_order(alice, 60_000)
    earn(order)

    settle(refund(order, 20_000))

    back = QualifyingEntry.objects.get(value_minor__lt=0)
    assert (back.value_minor, back.occurred_at) == (-20_000, NOON)
    assert account_of(alice).tier.code == "member"
    change = alice.tier_changes.order_by("id").last()
    assert (change.value_minor, change.occurred_at) == (40_000, LATER)
    assert Fact.objects.last().payload["is_upgrade"] is False


def test_r19_a_fully_refunded_order_does_not_count(alice):
    first = paid_order(alice, 10_000)
    second = paid_order(alice, 5_000, at=LATER)
    for order in (first, second):
        earn(order)

    settle(refund(first, 10_000, is_last=True))

    value = MemberValue.objects.get()
    assert (value.orders, value.net_minor) == (1, 5_000)
    assert value.first_order_at == LATER


def test_p16_debt_is_kept_when_the_points_are_gone(alice):
    order = paid_order(alice, 10_000)
    earn(order)
    spend(alice, 80)

    entry = settle(refund(order, 10_000, is_last=True))

    assert (entry.points, entry.balance_after) == (-100, -80)
    assert entry.trace["owed"] == 80
    account = account_of(alice)
    assert (account.balance, account.debt) == (0, 80)
    assert_sound()


def test_p17_or_waived_and_written_down_by_policy(alice):
    Program.objects.update(claw_back=Program.ClawBack.TO_ZERO)
    order = paid_order(alice, 10_000)
    earn(order)
    spend(alice, 80)

    entry = settle(refund(order, 10_000, is_last=True))

    assert (entry.points, entry.trace["waived"]) == (-20, 80)
    assert (account_of(alice).balance, account_of(alice).debt) == (0, 0)
    assert_sound()


def test_p18_the_next_earning_pays_the_debt(alice):
    test_p16_debt_is_kept_when_the_points_are_gone(alice)

    earn(paid_order(alice, 20_000))

    account = account_of(alice)
    assert (account.balance, account.debt, account.available) == (120, 0, 120)
    assert lots(alice)[-1] == (200, 120)
    assert_sound()


def test_p16_own_points_go_before_older_ones(alice):
    grant(alice, 500)
    order = paid_order(alice, 10_000)
    earn(order)

    settle(refund(order, 10_000, is_last=True))

    assert lots(alice) == [(500, 500), (100, 0)]


def test_p20_points_spent_come_back_and_keep_their_end(alice):
    grant(alice, 500)
    order = spent_order(alice, 300)

    settle(refund(order, 10_000, points=300, is_last=True))

    assert ledger(alice) == [
        ("grant", 500, 500),
        ("spend", -300, 200),
        ("earn", 100, 300),
        ("return", 300, 600),
        ("claw_back", -100, 500),
    ]
    assert lots(alice) == [(500, 500), (100, 0)]
    assert account_of(alice).lifetime_earned == 100, "P21"
    assert_sound()


def test_p20_points_that_ended_meanwhile_get_thirty_days(alice):
    grant(alice, 300)
    order = spent_order(alice, 300)
    long_after = PointsLot.objects.get(granted=300).expires_at + timedelta(days=1)

    settle(refund(order, 10_000, points=300, at=long_after, is_last=True), long_after)

    newest = PointsLot.objects.order_by("id").last()
    assert (newest.granted, newest.remaining) == (300, 300 - 100), "claw-back follows"
    assert newest.expires_at == long_after + timedelta(days=30)
    assert_sound()


@pytest.mark.parametrize("days", [0, 30, 90])
def test_p20_points_that_ended_meanwhile_get_the_days_of_the_program(alice, days):
    Program.objects.update(return_grace_days=days, claw_back="to_zero")
    grant(alice, 300)
    order = spent_order(alice, 300)
    after = PointsLot.objects.get(granted=300).expires_at + timedelta(days=1)

    settle(refund(order, 10_000, points=300, at=after, is_last=True), after)

    newest = PointsLot.objects.order_by("id").last()
    assert newest.expires_at == after + timedelta(days=days)
    expire_lots(now=after)
    assert account_of(alice).balance == (200 if days else 0)
    assert_sound()


def test_p20_only_the_refunded_part_comes_back(alice):
    grant(alice, 300)
    order = spent_order(alice, 300)

    settle(refund(order, 4_000, points=120))
    settle(refund(order, 6_000, points=180, is_last=True))

    returned = PointsEntry.objects.filter(kind="return").order_by("seq")
    assert [entry.points for entry in returned] == [120, 180]
    assert account_of(alice).balance == 300
    assert_sound()


def test_p20_a_refund_told_before_its_payment_still_gives_points_back(alice):
    grant(alice, 300)
    order = paid_order(alice, 10_000, points_spent=300)
    hold_points(
        member_id=alice.pk, points=300, source=f"order:{order.public_id}", now=NOON
    )

    settle(refund(order, 10_000, points=300, is_last=True))
    earn(order)

    assert account_of(alice).balance == 300
    assert account_of(alice).held == 0
    assert_sound()


def test_p26_points_of_an_order_that_expired_are_owed_whenever_the_job_ran(alice, bob):
    for member, expire_first in [(alice, True), (bob, False)]:
        order = paid_order(member, 10_000)
        earn(order)
        late = NOON + timedelta(days=800)
        if expire_first:
            expire_lots(now=late)
        settle(refund(order, 10_000, at=late, is_last=True), late)
        expire_lots(now=late)

    assert account_of(alice).debt == account_of(bob).debt == 100
    assert account_of(bob).balance == 0
    assert_sound()


def test_a_refund_of_nobodys_order_is_no_business_of_points(db):
    order = paid_order(None, 10_000)
    assert settle(refund(order, 10_000)) is None


@pytest.fixture(autouse=True)
def _sound_in_the_end(db):
    yield
    assert_sound()


def grant(member, points):
    grant_points(
        member_id=member.pk,
        points=points,
        reason="welcome",
        actor="test",
        source="test:1",
        now=NOON,
    )


def spend(member, points):
    deduct_points(
        member_id=member.pk,
        points=points,
        reason="gone",
        actor="test",
        source="test:2",
        now=NOON,
    )


def spent_order(member, points) -> Order:
    order = paid_order(member, 10_000, points_spent=points)
    hold_points(
        member_id=member.pk, points=points, source=f"order:{order.public_id}", now=NOON
    )
    earn(order)
    return order
