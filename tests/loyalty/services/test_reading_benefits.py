"""Every kind of benefit is read somewhere; here those that nobody uses up."""

from datetime import timedelta

import pytest
from django.urls import reverse

from loyalty.models import Benefit, PointsLot, Program
from loyalty.queries.rewards import shown_reward, shown_rewards
from loyalty.services.activating import date_lots
from loyalty.services.earning import earn_for_order
from loyalty.services.redeeming_rewards import RewardNotOnOffer
from orders.models import Order
from tests.cast import NOON
from tests.loyalty.books import assert_sound, paid_order
from tests.loyalty.catalogue import (
    give,
    make_benefit,
    make_reward,
    put_in_tier,
    redeem,
)
from tests.staff import client_in_role

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)

#: Kind -> who reads it: a list that must be complete.
READERS = {
    "free_freight": "loyalty.freight_offers",
    "birthday_gift": "loyalty.services.giving_benefits",
    "upgrade_gift": "loyalty.services.giving_benefits",
    "coupon_drip": "loyalty.services.giving_benefits",
    "priority": "crm.console.queries.member_page",
    "early_access": "loyalty.queries.rewards",
    "points_term": "loyalty.services.order_points",
    # Staff write down each use.
    "custom": "loyalty.admin.benefit",
}


def test_every_kind_has_its_reader():
    assert set(READERS) == set(Benefit.Kind.values)


# --- Early access -------------------------------------------------------------


def test_early_access_opens_a_reward_so_many_hours_before_it_begins(alice, bob):
    make_benefit("early", {"audience": "tier:gold", "number": 24}, kind="early_access")
    put_in_tier(alice, "gold")
    give(alice, 500)
    give(bob, 500)
    reward = make_reward(500, starts_at=NOON + 24 * HOUR)

    seen = [
        len(shown_rewards(member_id=who.pk, at=at))
        for who in (alice, bob)
        for at in (NOON - timedelta(seconds=1), NOON, NOON + 24 * HOUR)
    ]

    assert seen == [0, 1, 1, 0, 0, 1]
    with pytest.raises(RewardNotOnOffer):
        redeem(bob, reward, now=NOON)
    assert redeem(alice, reward, now=NOON).points == 500


def test_nothing_opens_longer_than_thirty_days_before(alice):
    make_benefit("early", {"number": 10_000}, kind="early_access")
    reward = make_reward(500, starts_at=NOON + timedelta(days=30, seconds=1))
    told = {"public_id": reward.public_id, "member_id": alice.pk}
    assert shown_reward(at=NOON, **told) is None
    assert shown_reward(at=NOON + timedelta(seconds=1), **told) is not None


def test_where_nothing_begins_soon_nobody_asks_for_early_access(
    alice, django_assert_max_num_queries
):
    make_benefit("early", {"number": 24}, kind="early_access")
    make_reward(500).prices.create(position=1, points=400)
    with django_assert_max_num_queries(5):
        shown_rewards(member_id=alice.pk, at=NOON)


# --- Longer term of points ----------------------------------------------------


def ends(member) -> list:
    lots = PointsLot.objects.filter(account_id=member.pk).order_by("pk")
    return [None if lot.expires_at is None else lot.expires_at.date() for lot in lots]


def test_p10_t18_points_of_orders_last_longer_by_the_better_benefit(alice, bob):
    Program.objects.update(valid_months=12)
    make_benefit(
        "longer",
        {"audience": "tier:gold", "number": 6},
        {"number": 1},
        kind="points_term",
    )
    put_in_tier(alice, "gold")
    for member in (alice, bob):
        order = paid_order(member, 10_000)
        earn_for_order(order_id=order.pk, now=NOON)

    assert [str(day) for day in ends(alice) + ends(bob)] == ["2028-05-21", "2027-12-21"]
    assert_sound()


def test_p9_points_that_wait_for_the_delivery_last_longer_from_then(alice, settings):
    settings.RETURN_DAYS = 0
    Program.objects.update(valid_months=12, activation="after_returns")
    make_benefit("longer", {"number": 2}, kind="points_term")
    order = paid_order(alice, 10_000)
    earn_for_order(order_id=order.pk, now=NOON)
    assert ends(alice) == [None]
    Order.objects.update(state="delivered", delivered_at=NOON)
    date_lots(order_id=order.pk, now=NOON + 24 * HOUR)
    assert str(ends(alice)[0])[:7] == "2028-01"


def test_points_that_never_end_are_lengthened_by_nothing(alice):
    Program.objects.update(valid_months=None)
    make_benefit("longer", {"number": 2}, kind="points_term")
    earn_for_order(order_id=paid_order(alice, 10_000).pk, now=NOON)
    assert ends(alice) == [None]


# --- Priority service ---------------------------------------------------------


def test_whoever_is_served_first_stands_out_on_their_page(alice, bob):
    make_benefit("first", {"audience": "tier:gold"}, kind="priority")
    put_in_tier(alice, "gold")
    client = client_in_role("support")
    shown = [
        "priority service"
        in client.get(
            reverse("admin:member_page", args=[member.public_id]),
            headers={"accept-language": "en"},
        ).content.decode()
        for member in (alice, bob)
    ]
    assert shown == [True, False]
