"""A first order is one order, under every name of its buyer (C12, S21, X5)."""

from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import CouponTemplate, FirstOrder, Promotion
from campaigns.services.holding import hold_coupon
from campaigns.services.promoting import PromotionForFirstOrder, take_promotion_use
from campaigns.services.recognising import note_buyer
from crm import wiring
from crm.shared.errors import Refusal
from crm.shared.outbox import drain
from orders.models import Order, OrderAddress
from orders.services.cancelling import cancel_order
from orders.services.checkout import place_order
from orders.services.quoting import quote_cart
from tests.campaigns.recipes import of_kind
from tests.campaigns.services.test_limits import coupons, order_of
from tests.cast import NOON, make_member, make_variant
from tests.faults.callers import at_once
from tests.orders.shop import fill_cart, pay, place

pytestmark = pytest.mark.django_db
OURS = ["campaigns.offers.PromotionOffers", "campaigns.offers.CouponOffers"]


@pytest.fixture(autouse=True)
def welcome(monkeypatch, db):
    """Take 50.00 off a first order of any goods; return the promotion."""
    monkeypatch.setattr(wiring, "OFFER_SOURCES", OURS)
    make_variant("TEA", 10_000, on_hand=99)
    return promote()


def promote(name="Welcome", off_minor=5_000):
    return Promotion.objects.create(
        name=name,
        state="live",
        starts_at=NOON,
        exclusive_group=name,
        **of_kind("amount", {"off_minor": off_minor}, when={"nth_order": 1}),
    )


def off(member):
    return quote_cart(
        cart=fill_cart({"TEA": 1}, member=member), now=NOON
    ).discount_minor


def take(promotion, order):
    take_promotion_use(
        promotion=promotion.public_id, order_id=order.pk, amount_minor=5_000, now=NOON
    )


def sent_to(order, phone):
    OrderAddress.objects.create(
        order=order, recipient="Wang", phone=phone, country="CN", street="1"
    )


def test_c12_of_orders_placed_before_any_is_paid_one_is_the_first(alice):
    orders = [place(fill_cart({"TEA": 1}, member=alice)) for _time in range(3)]
    assert [each.discount_minor for each in orders] == [5_000, 0, 0]
    for order in orders:
        pay(order)
        drain(now=NOON)
    assert off(alice) == 0


def test_c12_when_the_first_comes_to_nothing_the_next_is_the_first(alice):
    dropped = place(fill_cart({"TEA": 1}, member=alice))
    assert off(alice) == 0
    cancel_order(order_id=dropped.pk, actor="test", reason="x", now=NOON)
    drain(now=NOON)
    assert place(fill_cart({"TEA": 1}, member=alice)).discount_minor == 5_000
    assert off(alice) == 0


def test_c12_who_bought_as_a_guest_has_bought():
    guest = order_of(None, state="paid")
    sent_to(guest, "13800000077")
    note_buyer(order_id=guest.pk)
    known = make_member(70, phone="+8613800000077")
    assert off(known) == 0
    assert off(make_member(71, phone="+8613800000078")) == 5_000
    Order.objects.filter(pk=guest.pk).update(state="refunded")
    assert off(known) == 5_000


def test_c12_one_order_may_have_every_advantage_of_a_first(alice, template):
    promote("Welcome too", 1_000)
    CouponTemplate.objects.update(for_first_order=True, min_spend_minor=0)
    (coupon,) = coupons(template, alice, 1)
    cart = fill_cart({"TEA": 3}, member=alice)
    cart.coupon_codes = [coupon.code]
    cart.save()
    quote = quote_cart(cart=cart, now=NOON)
    assert len(quote.applied) == 3
    order = place_order(
        cart_id=cart.pk, expected_total_minor=quote.total_minor, now=NOON
    )
    assert set(FirstOrder.objects.values_list("order_id", flat=True)) == {order.pk}


def test_c11_c12_the_phone_on_the_parcel_tells_who_buys(template, bob):
    CouponTemplate.objects.update(for_first_order=True, stock=None)
    guest = order_of(None, state="paid")
    sent_to(guest, "13800000077")
    note_buyer(order_id=guest.pk)
    (coupon,) = coupons(template, bob, 1)
    order = order_of(bob)
    sent_to(order, "13800000077")
    with pytest.raises(Refusal) as refused:
        hold_coupon(coupon=coupon.public_id, order_id=order.pk, now=NOON)
    assert refused.value.code == "coupon_first_order_only"


def test_x5_what_was_bought_since_the_quote_is_refused_at_the_order(alice, welcome):
    order_of(alice, state="paid")
    with pytest.raises(PromotionForFirstOrder):
        take(welcome, order_of(alice))


def test_only_who_has_bought_nothing_costs_more_statements(alice):
    off(alice)
    with CaptureQueriesContext(connection) as new:
        off(alice)
    order_of(alice, state="paid")
    with CaptureQueriesContext(connection) as known:
        off(alice)
    assert len(new) - len(known) == 2  # Their names, and what was under these.


@pytest.mark.django_db(transaction=True)
def test_x5_of_many_first_orders_at_once_one_is_the_first(alice, welcome):
    orders = [order_of(alice) for _time in range(8)]

    answers = at_once([partial(take, welcome, order) for order in orders])
    assert answers.count(None) == 1
    refused = {type(each) for each in answers if each is not None}
    assert refused == {PromotionForFirstOrder}
    welcome.refresh_from_db()
    assert welcome.used == 1
