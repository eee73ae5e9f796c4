"""Coupons and promotion uses on their way through an order."""

from datetime import timedelta

import pytest

from campaigns.models import Coupon, Promotion
from campaigns.offers import CouponOffers, PromotionOffers
from campaigns.rules.coupons import display_code, new_code
from campaigns.services.holding import (
    CouponGone,
    hold_coupon,
    release_order,
    return_order,
    use_coupons,
)
from campaigns.services.issuing import issue_coupon
from crm.shared.models import AuditEntry
from orders.models import Allocation, Order, OrderLine
from orders.rules.offers import PriceRequest
from orders.rules.quotes import FarOffers
from tests.cast import NOON, make_variant


@pytest.fixture
def coupon(alice, template):
    return issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="x", now=NOON
    )


def make_order(member, number="SO1", **fields):
    return Order.objects.create(
        number=number,
        member=member,
        currency="CNY",
        goods_minor=30000,
        total_minor=30000,
        placed_at=NOON,
        **fields,
    )


def asking(member, *codes, order=None):
    return PriceRequest(
        lines=(),
        currency="CNY",
        now=NOON,
        member_id=member.pk if member else None,
        coupon_codes=codes,
        order_id=order.pk if order else None,
    )


def refusals(request):
    return [(name, why.code) for _, name, why in CouponOffers().offers_for(request)[1]]


def test_c6_an_order_keeps_its_own_hold(alice, coupon):
    order = make_order(alice)
    hold_coupon(coupon=coupon.public_id, order_id=order.pk, now=NOON)
    hold_coupon(coupon=coupon.public_id, order_id=order.pk, now=NOON)

    coupon.refresh_from_db()
    assert (coupon.state, coupon.order) == (Coupon.State.HELD, order)
    assert not refusals(asking(alice, coupon.code, order=order))
    assert refusals(asking(alice, coupon.code)) == [("Twenty off", "coupon_held")]
    with pytest.raises(CouponGone):
        hold_coupon(
            coupon=coupon.public_id, order_id=make_order(alice, "SO2").pk, now=NOON
        )


def test_c9_payment_uses_the_coupon_and_release_frees_it(alice, coupon):
    order = make_order(alice)
    hold_coupon(coupon=coupon.public_id, order_id=order.pk, now=NOON)
    release_order(order_id=order.pk)
    coupon.refresh_from_db()
    assert (coupon.state, coupon.order) == (Coupon.State.AVAILABLE, None)

    hold_coupon(coupon=coupon.public_id, order_id=order.pk, now=NOON)
    assert use_coupons(order_id=order.pk, now=NOON) == 1
    assert use_coupons(order_id=order.pk, now=NOON) == 0
    release_order(order_id=order.pk)
    coupon.refresh_from_db()
    assert (coupon.state, coupon.used_at) == (Coupon.State.USED, NOON)


@pytest.mark.parametrize(
    ("state", "returns", "came_back"),
    [("refunded", True, 1), ("refunded", False, 0), ("paid", True, 0)],
)
def test_c10_only_a_full_refund_brings_a_coupon_back(
    state, returns, came_back, alice, coupon
):
    order = make_order(alice, state=state)
    terms = coupon.terms | {"returns": returns}
    Coupon.objects.update(state=Coupon.State.USED, order=order, terms=terms)

    assert return_order(order_id=order.pk, now=NOON) == came_back


def test_a_coupon_that_left_its_order_stays_and_stands_in_the_trail(alice, coupon):
    order, other = make_order(alice, state="refunded"), make_order(alice, "SO2")
    line = OrderLine.objects.create(
        order=order,
        position=1,
        variant=make_variant("CUP", 3_333),
        sku="CUP",
        name="Cup",
        kind="goods",
        quantity=1,
        unit_price_minor=3_333,
        gross_minor=3_333,
        net_minor=3_333,
    )
    Allocation.objects.create(
        line=line,
        source_kind="coupon",
        source_id=coupon.public_id,
        source_name="Twenty off",
        amount_minor=100,
    )
    Coupon.objects.update(state=Coupon.State.HELD, order=other)

    assert return_order(order_id=order.pk, now=NOON) == 0
    coupon.refresh_from_db()
    assert (coupon.state, coupon.order) == (Coupon.State.HELD, other)
    entry = AuditEntry.objects.get(action="coupons.not_returned")
    assert (entry.object_id, entry.detail) == (coupon.public_id, {"state": "held"})


@pytest.mark.parametrize(
    ("_case", "change", "code"),
    [
        ("expired", {"expires_at": NOON}, "coupon_expired"),
        ("revoked", {"state": "revoked"}, "coupon_disabled"),
    ],
)
def test_c20_says_why_a_coupon_cannot_be_used(_case, change, code, alice, coupon):
    Coupon.objects.update(**change)
    assert refusals(asking(alice, display_code(coupon.code))) == [("Twenty off", code)]
    with pytest.raises(CouponGone):
        hold_coupon(coupon=coupon.public_id, order_id=make_order(alice).pk, now=NOON)


def test_c5_unknown_and_foreign_codes_get_one_answer(alice, mallory, coupon):
    unknown, typo = new_code(), "NOT-A-CODE"
    for member in (mallory, None):
        codes = [
            why.code
            for _, _, why in CouponOffers().offers_for(
                asking(member, coupon.code, unknown, typo)
            )[1]
        ]
        assert codes == ["coupon_not_found"] * 3


@pytest.mark.parametrize(
    ("_case", "change", "live"),
    [
        ("live", {}, 1),
        ("draft", {"state": "draft"}, 0),
        ("not yet", {"starts_at": NOON + timedelta(seconds=1)}, 0),
        ("over", {"starts_at": NOON - timedelta(days=1), "ends_at": NOON}, 0),
        ("used up", {"used": 3}, 0),
    ],
)
def test_only_live_promotions_are_offered(_case, change, live, promotion):
    Promotion.objects.update(**change)
    found, _refused = PromotionOffers().offers_for(asking(None))
    far = [each for each in found if isinstance(each, FarOffers)]
    near = [each for each in found if not isinstance(each, FarOffers)]
    assert len(near) + sum(len(each.listed()) for each in far) == live
