"""A member's coupons beside a cart: usable or not, why, and what they save."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Coupon, CouponTemplate
from campaigns.services.choosing import coupons_for_cart
from campaigns.services.issuing import issue_coupon
from orders.models import Cart
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, place


def template_of(code, **terms):
    fields = {"kind": "amount", "amount_minor": 1000, "starts_at": NOON, **terms}
    return CouponTemplate.objects.create(
        code=code, name=code, name_en=code, state="live", **fields
    )


def give(member, template, **changes):
    coupon = issue_coupon(
        template_id=template.pk, member_id=member.pk, source="x", now=NOON
    )
    Coupon.objects.filter(pk=coupon.pk).update(**changes)
    return coupon


@pytest.fixture
def cart(alice):
    make_variant("TEA", 10_000, on_hand=10)
    return fill_cart({"TEA": 1}, member=alice)


def told(cart, member, now=NOON):
    return [
        (
            choice.coupon.terms["name"],
            choice.saves_minor,
            choice.why and choice.why.code,
        )
        for choice in coupons_for_cart(cart=cart, member_id=member.pk, now=now)
    ]


def test_c20_each_coupon_says_what_it_saves_or_why_not(alice, mallory, cart):
    give(alice, template_of("ten", min_spend_minor=10_000))
    give(alice, template_of("third", kind="percent", percent_bp=3333))
    give(alice, template_of("big", amount_minor=2000, min_spend_minor=10_500))
    give(alice, template_of("used up", limit_total=1), state="available")
    soon = template_of("soon", valid_from=NOON + timedelta(days=1))
    give(alice, soon)
    give(mallory, template_of("hers", amount_minor=5000))
    other = CouponTemplate.objects.get(code="used up")
    give(mallory, other)
    stranger = fill_cart({"TEA": 1}, member=mallory)
    Cart.objects.filter(pk=stranger.pk).update(
        coupon_codes=[Coupon.objects.get(member=mallory, template=other).code]
    )
    stranger.refresh_from_db()
    place(stranger)

    assert told(cart, alice)[:2] == [("third", 3333, None), ("ten", 1000, None)]
    choices = coupons_for_cart(cart=cart, member_id=alice.pk, now=NOON)
    refused = {c.coupon.terms["name"]: c.why for c in choices if not c.is_usable}
    assert {name: why.code for name, why in refused.items()} == {
        "big": "coupon_min_spend_not_met",
        "used up": "coupon_redemption_limit",
        "soon": "coupon_not_started",
    }
    assert refused["big"].params == {"missing_minor": 500}
    assert refused["soon"].params == {"from": "2026-11-22 12:00"}


def test_c19_equal_savings_are_ranked_by_expiry_face_value_and_id(alice, cart):
    later = NOON + timedelta(days=9)
    give(alice, template_of("b", amount_minor=20_000), expires_at=later)
    give(alice, template_of("a", amount_minor=10_000), expires_at=later)
    give(alice, template_of("first", amount_minor=30_000))
    Coupon.objects.filter(terms__name="first").update(
        expires_at=later - timedelta(days=1)
    )
    give(alice, template_of("c", amount_minor=20_000), expires_at=later)
    give(alice, template_of("small", amount_minor=1), expires_at=NOON + timedelta(1))
    names = [name for name, _saves, _why in told(cart, alice)]
    assert names == ["first", "a", "b", "c", "small"]


def test_a_coupon_held_by_an_unpaid_order_names_it(alice, cart):
    coupon = give(alice, template_of("ten"))
    other = fill_cart({"TEA": 1}, member=alice)
    Cart.objects.filter(pk=other.pk).update(coupon_codes=[coupon.code])
    other.refresh_from_db()
    order = place(other)
    (choice,) = coupons_for_cart(cart=cart, member_id=alice.pk, now=NOON)
    assert (choice.why.code, choice.why.params) == (
        "coupon_held",
        {"order": order.public_id},
    )


def test_many_coupons_cost_as_many_questions_as_one(alice, cart):
    def questions():
        with CaptureQueriesContext(
            connection,
        ) as asked:
            coupons_for_cart(cart=cart, member_id=alice.pk, now=NOON)
        return len(asked)

    give(alice, template_of("one", limit_member=5))
    few = questions()
    for number in range(12):
        give(alice, template_of(f"t{number}", limit_member=5, period="day"))
    assert questions() == few <= 8
