"""What an order used comes back with it, whatever news come first (C9, C22, S21, X2)."""

from datetime import timedelta

import pytest

from campaigns.models import Budget, Coupon, CouponTemplate, Promotion, PromotionUse
from campaigns.services.holding import hold_coupon, return_order, settle_order
from campaigns.services.issuing import issue_coupon
from campaigns.services.settling_groups import settle_due_groups
from crm import wiring
from crm.shared.outbox import drain
from orders.models import Order
from orders.services.exchanging import Swap, exchange_units
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from tests.campaigns.groups import make_deal, paid_seat
from tests.campaigns.recipes import of_kind
from tests.campaigns.services.test_limits import order_of
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, pay, place

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sources(monkeypatch):
    """Price with promotions and coupons alone."""
    names = ["campaigns.offers.PromotionOffers", "campaigns.offers.CouponOffers"]
    monkeypatch.setattr(wiring, "OFFER_SOURCES", names)


@pytest.fixture
def budget():
    return Budget.objects.create(name="Autumn", amount_minor=5_000)


def money(budget):
    budget.refresh_from_db()
    return budget.reserved_minor, budget.spent_minor


def promote(kind, recipe, **more):
    goods = {"goods": more.pop("goods")} if "goods" in more else {}
    told = of_kind(kind, recipe, **goods)
    return Promotion.objects.create(
        name="Autumn", state="live", starts_at=NOON, **told, **more
    )


def bought(skus, member):
    order = place(fill_cart(skus, member=member))
    pay(order)
    drain(now=NOON)
    return order


def test_x2_a_refund_told_before_its_payment_gives_coupon_and_budget_back(
    alice, budget, template
):
    CouponTemplate.objects.update(budget=budget)
    coupon = issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="x", now=NOON
    )
    order = order_of(alice)
    hold_coupon(
        coupon=coupon.public_id, order_id=order.pk, discount_minor=2_000, now=NOON
    )
    Order.objects.update(state=Order.State.REFUNDED)
    assert return_order(order_id=order.pk, now=NOON) == 1
    settle_order(order_id=order.pk, now=NOON)
    coupon.refresh_from_db()
    assert coupon.state == Coupon.State.AVAILABLE
    assert money(budget) == (0, 0)


def test_g6_c22_the_order_of_a_failed_group_gives_back_what_it_reserved(
    alice, budget, settings
):
    settings.FREIGHT_MINOR, settings.FREE_FREIGHT_FROM_MINOR = 800, None
    promotion = promote("free_freight", {}, budget=budget, limit_total=5)
    paid_seat(deal=make_deal(), member_id=alice.pk)
    assert money(budget) == (800, 0)
    due = NOON + timedelta(hours=24)
    settle_due_groups(now=due)
    drain(now=due)
    send_due_refunds(now=due)
    drain(now=due)
    promotion.refresh_from_db()
    assert (money(budget), promotion.used) == ((0, 0), 0)


def test_c22_r13_what_is_exchanged_keeps_the_money_it_cost(alice, budget):
    make_variant("CUP", 30_000, on_hand=10)
    mug = make_variant("MUG", 30_000, on_hand=10)
    promote("amount", {"off_minor": 5_000}, budget=budget)
    first = bought({"CUP": 1}, alice)
    exchange_units(
        order_id=first.pk,
        swaps=[Swap(1, 1, mug.pk)],
        reason="size",
        actor="dana",
        request_key="x1",
        now=NOON,
    )
    drain(now=NOON)
    assert money(budget) == (0, 5_000)
    assert place(fill_cart({"CUP": 1}, member=alice)).discount_minor == 0


def test_s21_pieces_for_each_member_do_not_come_back_with_the_goods(alice):
    make_variant("TEA", 1_000, on_hand=99)
    promotion = promote(
        "flash_price",
        {"price_minor": 400},
        goods={"skus": ["TEA"]},
        limit_units=5,
        limit_member_units=2,
    )
    paid = []
    for number in range(3):
        order = bought({"TEA": 2}, alice)
        paid.append(order.goods_minor - order.discount_minor)
        refund_order(
            order_id=order.pk,
            items={1: 2},
            reason="",
            actor="dana",
            request_key=f"r{number}",
            now=NOON,
        )
        send_due_refunds(now=NOON)
        drain(now=NOON)
    promotion.refresh_from_db()
    assert (paid, promotion.used_units) == ([800, 2_000, 2_000], 2)
    assert PromotionUse.objects.get().state == PromotionUse.State.RETURNED
