"""S26: what staff take off a cart by hand, from the cart to the refund."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from campaigns.models import Promotion
from campaigns.services.issuing import issue_coupon
from crm.shared.models import AuditEntry
from loyalty.services.adjusting import grant_points
from orders.models import Allocation, Cart
from orders.rules.staff_discounts import StaffDiscount
from orders.services.cancelling import cancel_order
from orders.services.carts import CartOrdered, add_item
from orders.services.checkout import CartTotalChanged, place_order
from orders.services.merging_carts import merge_cart
from orders.services.quoting import quote_cart
from orders.services.reducing_by_hand import (
    ReasonTooShort,
    StaffDiscountTooLarge,
    StaffDiscountWithoutEffect,
    give_staff_discount,
    take_staff_discount_back,
)
from orders.services.refunding import refund_order
from tests.campaigns.recipes import of_kind
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, pay, place

TENTH = StaffDiscount(percent_bp=1_000)


@pytest.fixture(autouse=True)
def limit(settings):
    settings.STAFF_DISCOUNT_LIMIT_BP = 2_000


@pytest.fixture
def cart(db) -> Cart:
    """Return a cart of 299.99: three cups and a pot."""
    make_variant("CUP", 3_333, on_hand=50)
    make_variant("POT", 20_000, on_hand=50)
    return fill_cart({"CUP": 3, "POT": 1})


def give(cart, discount=TENTH, *, actor=None, reason="spilled tea", now=NOON):
    return give_staff_discount(
        cart_id=cart.pk, discount=discount, reason=reason, actor=actor, now=now
    )


def amount(off_minor: int) -> StaffDiscount:
    return StaffDiscount(off_minor=off_minor)


def quote(cart):
    cart.refresh_from_db()
    return quote_cart(cart=cart, now=NOON)


def taken(found) -> dict[str, int]:
    return {each.source_kind: each.amount_minor for each in found.applied}


def live(kind, gives, **parts) -> Promotion:
    return Promotion.objects.create(
        name="P",
        state=Promotion.State.LIVE,
        starts_at=NOON - timedelta(days=1),
        **of_kind(kind, gives, **parts),
    )


@pytest.mark.parametrize(
    ("discount", "off"), [(TENTH, 3_000), (amount(1_234), 1_234), (amount(1), 1)]
)
def test_s26_a_share_or_an_amount_comes_off_the_goods(cart, dana, discount, off):
    given = give(cart, discount, actor=dana)
    found = quote(cart)
    assert (found.discount_minor, found.total_minor) == (off, 29_999 - off)
    assert found.hash == given.hash
    [applied] = found.applied
    assert (applied.source_kind, applied.name) == ("staff", "Staff discount")
    assert sum(part for _at, part in applied.shares) == off, "X8"


def test_s26_it_says_who_gave_it_and_why_in_the_audit_trail_alone(cart, dana):
    give(cart, actor=dana)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("dana", "orders.cart.give_discount")
    assert (entry.object_id, entry.reason) == (cart.public_id, "spilled tea")
    assert entry.detail == {"percent_bp": 1_000}
    told = repr(quote(cart))
    assert "dana" not in told
    assert "spilled" not in told


@pytest.mark.parametrize("reason", ["", "ab", "  ab ", "x" * 201])
def test_s26_it_wants_a_reason(cart, reason):
    with pytest.raises(ReasonTooShort):
        give(cart, reason=reason)
    with pytest.raises(ReasonTooShort):
        take_staff_discount_back(cart_id=cart.pk, reason=reason, actor=None, now=NOON)


@pytest.mark.parametrize(
    ("discount", "most"),
    [
        (StaffDiscount(percent_bp=2_001), "20 %"),
        (amount(6_001), "60.00"),
        (amount(10**9), "60.00"),
    ],
)
def test_s26_it_is_capped_by_a_share_of_the_goods(cart, discount, most):
    give(cart, StaffDiscount(percent_bp=2_000))
    with pytest.raises(StaffDiscountTooLarge) as refused, transaction.atomic():
        give(cart, discount)
    assert most in str(refused.value)
    assert taken(quote(cart)) == {"staff": 6_000}


def test_s26_it_never_exceeds_the_cap_whatever_the_cart_becomes(cart, settings):
    give(cart, amount(5_000))
    cart.lines.get(variant__sku="POT").delete()
    assert taken(quote(cart)) == {"staff": 2_000}, "a fifth of 99.99"
    settings.STAFF_DISCOUNT_LIMIT_BP = 0
    assert taken(quote(cart)) == {}


def test_s26_the_cap_goes_by_what_goods_cost_after_promotions(cart):
    live("percent", {"percent_bp": 5_000})
    with pytest.raises(StaffDiscountTooLarge), transaction.atomic():
        give(cart, amount(3_001))
    assert taken(give(cart, amount(2_999)))["staff"] == 2_999


def test_s26_a_cart_has_at_most_one(cart):
    give(cart)
    give(cart, amount(500))
    assert taken(quote(cart)) == {"staff": 500}
    with pytest.raises(IntegrityError), transaction.atomic():
        Cart.objects.update(staff_percent_bp=1)


def test_s26_it_is_taken_back_once(cart, dana):
    give(cart, actor=dana)
    for _again in range(2):
        take_staff_discount_back(
            cart_id=cart.pk, reason="a mistake", actor=dana, now=NOON
        )
    assert taken(quote(cart)) == {}
    verbs = AuditEntry.objects.order_by("pk").values_list("action", "reason")
    assert list(verbs)[1:] == [("orders.cart.take_discount_back", "a mistake")]


def test_s26_what_takes_nothing_is_refused(db):
    with pytest.raises(StaffDiscountWithoutEffect):
        give(fill_cart({}))


def test_s26_it_stands_beside_promotions_and_coupons(cart, alice, template):
    live("percent", {"percent_bp": 1_000})
    coupon = issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="x", now=NOON
    )
    Cart.objects.filter(pk=cart.pk).update(member=alice, coupon_codes=[coupon.code])
    give(cart)
    found = taken(quote(cart))
    assert set(found) == {"promotion", "coupon", "staff"}
    # 249.99 is left after promotion and coupon (S8).
    assert (found["promotion"], found["coupon"], found["staff"]) == (
        3_000,
        2_000,
        2_500,
    )


def test_s26_a_flash_price_stays_closed_to_it(cart):
    live("flash_price", {"price_minor": 10_000}, goods={"skus": ["POT"]})
    give(cart)
    assert taken(quote(cart))["staff"] == 1_000, "of the cups alone (S2)"


def test_s26_an_order_keeps_it_shares_it_and_gives_it_back(cart, alice, dana):
    Cart.objects.filter(pk=cart.pk).update(member=alice)
    give(cart, actor=dana)
    cart.refresh_from_db()
    order = place(cart)
    offer = order.offers.get()
    assert (offer.source_kind, offer.source_name) == ("staff", "Staff discount")
    assert offer.terms["percent_bp"] == 1_000
    assert "spilled" not in str(offer.terms)
    shares = Allocation.objects.filter(line__order=order)
    assert sum(each.amount_minor for each in shares) == order.discount_minor == 3_000
    pay(order)
    how = {"reason": "broken", "actor": "dana", "now": NOON, "order_id": order.pk}
    first = refund_order(items={1: 1}, request_key="k1", **how)
    assert first.amount_minor == 3_000, "a cup at its share: 33.33 less 3.33"
    refund_order(items={1: 2, 2: 1}, request_key="k2", **how)
    order.refresh_from_db()
    assert order.refunded_minor == order.total_minor == 26_999


def test_s26_an_order_given_up_has_used_it_up(cart, alice, dana):
    """Like the cart itself: what buyers get back are things they own."""
    Cart.objects.filter(pk=cart.pk).update(member=alice)
    give(cart)
    cart.refresh_from_db()
    order = place(cart)
    for verb in ("give", "cancel and give"):
        if verb != "give":
            cancel_order(order_id=order.pk, reason="x", actor="dana", now=NOON)
        with pytest.raises(CartOrdered), transaction.atomic():
            give(cart)
    again = fill_cart({"CUP": 1}, member=alice)
    assert taken(quote(again)) == {}


def test_s26_s27_who_saw_another_price_does_not_order(cart):
    seen = quote(cart).hash
    give(cart)
    with pytest.raises(CartTotalChanged):
        place_order(cart_id=cart.pk, quote_hash=seen, now=NOON)


def test_s26_it_goes_where_the_cart_goes(cart, alice):
    mine = fill_cart({"CUP": 1}, member=alice)
    give(cart)
    merge_cart(visitor_cart=cart.public_id, member_id=alice.pk, now=NOON)
    mine.refresh_from_db()
    assert mine.staff_discount == TENTH
    other = fill_cart({"CUP": 1})
    give(other, amount(100))
    merge_cart(visitor_cart=other.public_id, member_id=alice.pk, now=NOON)
    mine.refresh_from_db()
    assert mine.staff_discount == TENTH, "one a cart"


def test_s26_quote_and_checkout_ask_no_more(cart, alice):
    grant_points(
        member_id=alice.pk, points=1, reason="x", actor="x", source="x", now=NOON
    )
    Cart.objects.filter(pk=cart.pk).update(member=alice)
    other = fill_cart({"CUP": 3, "POT": 1}, member=alice)
    give(cart)
    counts = []
    for each in (other, cart):
        seen = quote(each)
        with CaptureQueriesContext(connection) as asked:
            seen = quote_cart(cart=each, now=NOON)
            place_order(cart_id=each.pk, quote_hash=seen.hash, now=NOON)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_s26_a_share_and_an_amount_is_no_discount():
    for both in ({}, {"percent_bp": 1, "off_minor": 1}):
        with pytest.raises(ValueError, match="one of them"):
            StaffDiscount(**both)


def test_s26_adding_goods_keeps_it(cart):
    give(cart)
    add_item(cart_id=cart.pk, sku="POT", quantity=1, now=NOON)
    assert taken(quote(cart)) == {"staff": 5_000}
