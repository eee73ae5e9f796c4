"""C17: a coupon that passes by what its price has been lowered for already."""

from datetime import timedelta

import pytest

from campaigns.models import Coupon, CouponTemplate, PublicCode
from campaigns.services.issuing import issue_coupon
from orders.models import AppliedOffer, Cart, Price
from orders.services.quoting import quote_cart
from orders.services.refunding import quote_refund
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, pay, place

DAY = timedelta(days=1)


@pytest.fixture
def goods(db):
    """Tea for 150.00 instead of 200.00, and cups for 90.00."""
    tea = make_variant("TEA", 20_000, on_hand=100)
    make_variant("CUP", 9_000, on_hand=100)
    for kind, amount in (("list", 20_000), ("sale", 15_000)):
        Price.objects.create(
            variant=tea,
            kind=kind,
            amount_minor=amount,
            starts_at=NOON - DAY,
            actor="test",
            created_at=NOON,
        )


@pytest.fixture
def full_price(endless):
    """20.00 off from 100.00, not on what is reduced already."""
    CouponTemplate.objects.update(skips_discounted=True)
    return endless


def issue(template, member, source="x"):
    return issue_coupon(
        template_id=template.pk, member_id=member.pk, source=source, now=NOON
    )


def cart_of(member, items, *codes):
    cart = fill_cart(items, member=member)
    Cart.objects.filter(pk=cart.pk).update(coupon_codes=list(codes))
    cart.refresh_from_db()
    return cart


def quoted(member, items, *codes):
    """Return what coupons take off each SKU, and why the others do not."""
    quote = quote_cart(cart=cart_of(member, items, *codes), now=NOON)
    off = {
        each.line.sku: each.line.gross_minor - each.net_minor for each in quote.lines
    }
    refused = [*quote.turned_down, *quote.skipped]
    return off, [(each.why.code, dict(each.why.params)) for each in refused]


@pytest.mark.parametrize(
    ("items", "off", "why"),
    [
        ({"TEA": 1}, {"TEA": 0}, [("coupon_min_spend_not_met", 10_000)]),
        (
            {"TEA": 1, "CUP": 1},
            {"TEA": 0, "CUP": 0},
            [("coupon_min_spend_not_met", 1_000)],
        ),
        ({"TEA": 1, "CUP": 2}, {"TEA": 0, "CUP": 2_000}, []),
    ],
)
def test_c17_what_is_on_sale_neither_counts_nor_gets_cheaper(
    items, off, why, alice, goods, full_price
):
    taken, refused = quoted(alice, items, issue(full_price, alice).code)
    assert taken == off
    assert [(code, params["missing_minor"]) for code, params in refused] == why


def test_c17_a_code_that_would_become_one_says_the_same(alice, goods, full_price):
    PublicCode.objects.create(template=full_price, code="SPRING26")
    assert quoted(alice, {"TEA": 1, "CUP": 2}, "SPRING26")[0]["TEA"] == 0
    CouponTemplate.objects.update(min_spend_minor=0)
    assert quoted(alice, {"TEA": 1}, "SPRING26")[1] == [
        ("coupon_products_not_eligible", {})
    ]


def test_c23_c17_is_promised_with_the_coupon(alice, goods, endless):
    before = issue(endless, alice)
    CouponTemplate.objects.update(skips_discounted=True)
    endless.refresh_from_db()
    assert endless.version == 2
    after = issue(endless, alice, "later")
    assert quoted(alice, {"TEA": 1}, before.code)[0] == {"TEA": 2_000}
    assert quoted(alice, {"TEA": 1}, after.code)[0] == {"TEA": 0}


def test_r6_c17_holds_for_what_is_kept_of_an_order(alice, goods, full_price):
    CouponTemplate.objects.update(kind="percent", percent_bp=1_000, on_return="reprice")
    coupon = issue(full_price, alice)
    order = place(cart_of(alice, {"TEA": 1, "CUP": 2}, coupon.code))
    pay(order)
    order.refresh_from_db()
    assert order.total_minor == 15_000 + 18_000 - 1_800
    assert AppliedOffer.objects.get().terms["skips_discounted"] is True
    assert Coupon.objects.get().discount_minor == 1_800
    # One cup is below the threshold, which the tea does not help to reach.
    back = quote_refund(order_id=order.pk, items={2: 1}, now=NOON)
    assert back.amount_minor == order.total_minor - 15_000 - 9_000
