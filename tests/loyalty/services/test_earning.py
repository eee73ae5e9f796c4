from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from crm.shared.models import Fact
from loyalty.models import (
    Ladder,
    MemberValue,
    PointsAccount,
    PointsEntry,
    PointsLot,
    QualifyingEntry,
    TierChange,
)
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.tiering import review_tier
from members.services.freezing import move_member
from orders.models import Order
from tests.cast import NOON, make_member
from tests.loyalty.books import (
    account_of,
    assert_sound,
    ledger,
    lots,
    paid_order,
    refund,
)


def earn(order, now=NOON):
    return earn_for_order(order_id=order.pk, now=now)


def facts():
    return list(Fact.objects.order_by("id").values_list("name", flat=True))


def test_p5_p6_a_paid_order_earns_on_goods_after_discounts(alice):
    order = paid_order(
        alice,
        16_890,
        discount_minor=1_000,
        freight_minor=800,
        extra=(("gift_card", 5_000), ("fee", 300)),
    )

    entry = earn(order)

    assert (entry.kind, entry.points, entry.balance_after) == ("earn", 168, 168)
    assert entry.trace == {
        "basis_minor": 16_890,
        "multiplier_bp": 10_000,
        "tier": "member",
        "rules": [
            {
                "code": "base",
                "award": "per_amount",
                "points": 168,
                "each": 1,
                "per_minor": 100,
            }
        ],
        "lines": {"1": 168},
    }
    lot = PointsLot.objects.get()
    assert (lot.granted, lot.remaining, lot.active_at) == (168, 168, NOON)
    assert lot.expires_at.isoformat() == "2028-11-21T16:00:00+00:00", "P10"
    assert QualifyingEntry.objects.get().value_minor == 16_890
    value = MemberValue.objects.get()
    assert (value.orders, value.net_minor) == (1, 16_890 + 800 + 5_000 + 300)
    assert facts() == ["loyalty.PointsEarned"]
    assert_sound()


def test_p4_an_order_earns_once(alice):
    order = paid_order(alice, 10_000)

    first, second = earn(order), earn(order)

    assert first.pk == second.pk
    assert ledger(alice) == [("earn", 100, 100)]
    assert QualifyingEntry.objects.count() == 1
    assert facts() == ["loyalty.PointsEarned"]


def test_p7_the_order_that_lifts_the_tier_earns_at_the_old_rate(alice):
    earn(paid_order(alice, 60_000))
    earn(paid_order(alice, 10_000, at=NOON + timedelta(hours=1)))

    assert ledger(alice) == [("earn", 600, 600), ("earn", 120, 720)]
    change = TierChange.objects.get()
    assert (change.from_tier.code, change.to_tier.code) == ("member", "silver")
    assert (change.value_minor, change.occurred_at) == (60_000, NOON)
    assert account_of(alice).tier.code == "silver"
    assert facts() == [
        "loyalty.PointsEarned",
        "loyalty.TierChanged",
        "loyalty.PointsEarned",
    ]


def test_t4_an_upgrade_may_skip_tiers(alice):
    earn(paid_order(alice, 500_000))
    assert account_of(alice).tier.code == "platinum", "T3: exactly the threshold"
    payload = Fact.objects.get(name="loyalty.TierChanged").payload
    assert (payload["to_tier_code"], payload["is_upgrade"]) == ("platinum", True)


def test_x2_news_of_later_orders_may_come_first(alice, bob):
    for member, turned in [(alice, False), (bob, True)]:
        orders = [
            paid_order(member, 60_000),
            paid_order(member, 10_000, at=NOON + timedelta(hours=1)),
            paid_order(member, 50_000, at=NOON + timedelta(hours=2)),
            paid_order(member, 9_900, at=NOON + timedelta(hours=3)),
        ]
        for order in reversed(orders) if turned else orders:
            earn(order, now=NOON + timedelta(hours=4))

    assert [points for _, points, _ in ledger(alice)] == [600, 120, 600, 148]
    assert ledger(bob) == ledger(alice)


@pytest.mark.parametrize("state", ["pending", "cancelled"])
def test_what_is_not_paid_earns_nothing(alice, state):
    order = paid_order(alice, 10_000)
    Order.objects.filter(pk=order.pk).update(state=state)

    assert earn(order) is None
    assert not PointsEntry.objects.exists()
    assert not Fact.objects.exists()


def test_an_order_of_nobody_earns_nothing(db):
    assert earn(paid_order(None, 10_000)) is None
    assert not PointsAccount.objects.exists()


def test_a_cheap_order_is_booked_with_no_points(alice):
    earn(paid_order(alice, 99))
    assert ledger(alice) == [("earn", 0, 0)]
    assert lots(alice) == []
    assert_sound()


def test_t11_reviewing_twice_writes_one_history_row(alice):
    earn(paid_order(alice, 60_000))

    again = review_tier(member_id=alice.pk, reason="again", now=NOON)

    assert again is None
    assert TierChange.objects.count() == 1


def test_t6_value_outside_a_rolling_window_does_not_count(alice):
    Ladder.objects.update(window_days=30)
    earn(paid_order(alice, 40_000))
    later = NOON + timedelta(days=30)

    earn(paid_order(alice, 40_000, at=later), now=later)

    assert not TierChange.objects.exists()
    earn(paid_order(alice, 10_000, at=later), now=later)
    assert account_of(alice).tier.code == "silver"


def test_t1_spending_never_lowers_a_tier_and_a_review_may(alice):
    Ladder.objects.update(window_days=30)
    earn(paid_order(alice, 60_000))
    later = NOON + timedelta(days=31)

    earn(paid_order(alice, 100, at=later), now=later)
    assert account_of(alice).tier.code == "silver", "a payment only lifts"

    change = review_tier(member_id=alice.pk, reason="night", now=later)
    assert (change.from_tier.code, change.to_tier.code) == ("silver", "member")
    assert Fact.objects.last().payload["is_upgrade"] is False


def test_the_ledger_refuses_to_be_changed(alice):
    earn(paid_order(alice, 60_000))
    for rows in (PointsEntry, QualifyingEntry, TierChange):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        PointsEntry.objects.update(points=1)


def test_one_order_costs_a_fixed_number_of_statements(
    alice, django_assert_max_num_queries
):
    earn(paid_order(alice, 100))
    order = paid_order(alice, 100, extra=tuple(("goods", 100) for _ in range(20)))
    with django_assert_max_num_queries(24):
        earn(order)


class AnyOrderOfNews(TestCase):
    """X2: payments and refunds told in any order, and again, end the same."""

    @settings(max_examples=12, deadline=None)
    @given(st.permutations(range(7)), st.lists(st.integers(0, 6), max_size=4))
    def test_x2_any_order_of_news_ends_the_same(self, order_of_news, repeats):
        member, twin = make_member(801), make_member(802)
        told = [self.news(member), self.news(twin)]
        later = NOON + timedelta(days=5)
        for index in range(7):
            told[0][index](later)
        for index in [*order_of_news, *repeats]:
            told[1][index](later)

        first, second = account_of(member), account_of(twin)
        assert (first.balance, first.debt, first.lifetime_earned) == (
            second.balance,
            second.debt,
            second.lifetime_earned,
        )
        assert first.tier == second.tier
        values = [
            MemberValue.objects.values_list("orders", "net_minor").get(member=each)
            for each in (member, twin)
        ]
        assert values[0] == values[1]
        assert_sound()

    def news(self, member):
        orders = [
            paid_order(member, amount, at=NOON + timedelta(hours=number), quantity=10)
            for number, amount in enumerate([60_000, 10_000, 55_550, 1_110])
        ]
        refunds = [
            refund(orders[0], 30_000),
            refund(orders[2], 11_110),
            refund(orders[2], 44_440, is_last=True),
        ]
        return [
            *(lambda now, o=order: earn(o, now) for order in orders),
            *(
                lambda now, r=row: settle_refund(refund_id=r.pk, now=now)
                for row in refunds
            ),
        ]


def test_a_closed_membership_earns_nothing_and_the_order_is_still_booked(alice, dana):
    move = {"member_id": alice.pk, "reason": "asked", "actor": dana}
    move_member(**move, to="closed", now=NOON - timedelta(days=2))
    closed = paid_order(alice, 10_000, at=NOON - timedelta(days=1))
    move_member(**move, to="active", now=NOON)
    opened = paid_order(alice, 10_000, at=NOON)

    # Whenever and however often it is asked, the day of the payment counts (X2).
    for order in (opened, closed, closed, opened):
        earn(order)

    assert ledger(alice) == [("earn", 0, 0), ("earn", 100, 100)]
    assert PointsEntry.objects.get(points=0).trace["multiplier_bp"] == 0
    assert_sound()


def test_what_was_paid_before_closing_earns_however_late_the_news(alice, dana):
    order = paid_order(alice, 10_000, at=NOON - timedelta(days=1))
    move_member(member_id=alice.pk, to="closed", reason="x", actor=dana, now=NOON)
    earn(order)
    assert ledger(alice) == [("earn", 100, 100)]
