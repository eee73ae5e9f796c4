"""Codes that become coupons, in the wallet and straight from the cart."""

from datetime import timedelta

import pytest

from campaigns.models import (
    Coupon,
    CouponBatch,
    CouponCode,
    CouponTemplate,
    PublicCode,
)
from campaigns.offers import CouponOffers
from campaigns.rules.coupons import check_character, display_code
from campaigns.services.giving import CouponNotTransferable, offer_coupon
from campaigns.services.holding import CouponUnknown, release_order
from campaigns.services.issuing import issue_coupon
from campaigns.services.redeeming import (
    CodeNotFound,
    CouponForMembersOnly,
    claim_code,
)
from campaigns.services.revoking import revoke_batch, revoke_coupons
from crm.shared.allowances import TooOften
from crm.shared.models import AuditEntry, Fact
from orders.models import Cart, Order
from orders.rules.offers import PriceRequest
from orders.services.carts import CouponRefused, try_coupon
from orders.services.checkout import place_order
from orders.services.guessing import Guesser
from orders.services.quoting import quote_cart
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart
from tests.tables import digest

RANDOM = "VP2222222222222"
UNIQUE = RANDOM + check_character(RANDOM)
NOBODY = Guesser()


@pytest.fixture
def batch(dana, template):
    found = CouponBatch.objects.create(
        template=template, prefix="VP", wanted=1, made=1, asked_by=dana, asked_at=NOON
    )
    CouponCode.objects.create(code=UNIQUE, batch=found)
    return found


@pytest.fixture
def spring(template):
    return PublicCode.objects.create(template=template, code="SPRING26")


def claim(code, member, *, guesser=NOBODY, now=NOON):
    return claim_code(code=code, member_id=member.pk, guesser=guesser, now=now)


def reasons(code, member=None):
    asked = PriceRequest(
        lines=(),
        currency="CNY",
        now=NOON,
        member_id=member.pk if member else None,
        coupon_codes=(code,),
    )
    return [why.code for _, _, why in CouponOffers().offers_for(asked)[1]]


def buy(member, code, total=18_000):
    """Order one thing of 200.00 with a code."""
    cart = fill_cart({"TEA": 1}, member=member)
    Cart.objects.filter(pk=cart.pk).update(coupon_codes=[code])
    return place_order(cart_id=cart.pk, expected_total_minor=total, now=NOON)


@pytest.fixture
def tea(db):
    return make_variant("TEA", 20_000, on_hand=100)


# --- Into the wallet ----------------------------------------------------------


def test_a_unique_code_is_one_members_coupon(alice, mallory, batch):
    coupon = claim(display_code(UNIQUE).lower(), alice)
    assert (coupon.code, coupon.member, coupon.state) == (UNIQUE, alice, "available")
    assert claim(UNIQUE, alice) == coupon
    with pytest.raises(CodeNotFound):
        claim(UNIQUE, mallory)
    assert Coupon.objects.count() == 1
    assert CouponCode.objects.get().state == "taken"


def test_a_public_code_is_a_coupon_for_each(alice, mallory, spring):
    mine, others = claim(" spring-26 ", alice), claim("SPRING26", mallory)
    assert claim("SPRING26", alice) == mine
    assert mine.code != others.code
    assert {mine.public_code, others.public_code} == {spring}
    spring.refresh_from_db()
    assert spring.used == 0, "only holds and uses count (C8)"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "draft"},
        {"state": "ended"},
        {"starts_at": NOON + timedelta(seconds=1)},
        {"ends_at": NOON},
        {"valid_until": NOON},
        {"valid_from": NOON + timedelta(seconds=1)},
    ],
)
def test_c5_codes_of_a_template_that_is_off_are_unknown(change, alice, batch, spring):
    CouponTemplate.objects.update(**change)
    for code in (UNIQUE, "SPRING26"):
        assert reasons(code, alice) == ["coupon_not_found"]
        with pytest.raises(CodeNotFound):
            claim(code, alice)
    assert not Coupon.objects.exists()
    assert CouponCode.objects.get().state == "free"


def test_c5_ten_wrong_codes_and_then_even_a_right_one_waits(
    alice, mallory, batch, spring
):
    phone, desk = (
        Guesser(member_id=alice.pk, device=device, address="203.0.113.7/32")
        for device in ("phone", "desk")
    )
    claim("SPRING26", alice, guesser=phone)
    for number in range(10):
        with pytest.raises(CodeNotFound):
            claim(f"WRONG{number}", alice, guesser=phone)
    before = digest()
    others = Guesser(member_id=mallory.pk, device="x", address="203.0.113.7/32")
    for guesser in (phone, desk, others):
        with pytest.raises(TooOften):
            claim(UNIQUE, alice, guesser=guesser)
    assert digest() == before
    elsewhere = Guesser(member_id=mallory.pk, device="y", address="203.0.113.8/32")
    claim("SPRING26", mallory, guesser=elsewhere)
    claim(UNIQUE, alice, guesser=phone, now=NOON + timedelta(minutes=10))


def test_c5_carts_and_wallets_count_together_and_right_codes_do_not(
    alice, batch, tea, template
):
    guesser = Guesser(member_id=alice.pk)
    cart = fill_cart({"TEA": 1}, member=alice)
    small = fill_cart({}, member=alice)
    for _number in range(12):
        # Known, but below its threshold: no wrong code.
        with pytest.raises(CouponRefused):
            try_coupon(cart_id=small.pk, code=UNIQUE, guesser=guesser, now=NOON)
    for number in range(5):
        with pytest.raises(CouponRefused):
            try_coupon(cart_id=cart.pk, code=f"BAD{number}", guesser=guesser, now=NOON)
        with pytest.raises(CodeNotFound):
            claim(f"WORSE{number}", alice, guesser=guesser)
    with pytest.raises(TooOften):
        try_coupon(cart_id=cart.pk, code=UNIQUE, guesser=guesser, now=NOON)


# --- Straight from the cart ---------------------------------------------------


def test_a_code_in_a_cart_becomes_a_held_coupon_with_the_order(alice, batch, tea):
    assert reasons(UNIQUE, alice) == reasons(UNIQUE) == []
    order = buy(alice, UNIQUE)
    coupon = Coupon.objects.get()
    assert (coupon.code, coupon.state, coupon.order) == (UNIQUE, "held", order)
    assert (coupon.discount_minor, CouponCode.objects.get().state) == (2000, "taken")
    release_order(order_id=order.pk)
    assert reasons(UNIQUE, alice) == [], "it waits in the wallet"


def test_a_visitor_sees_the_price_and_must_sign_in_to_order(batch, tea):
    cart = fill_cart({"TEA": 1})
    Cart.objects.update(coupon_codes=[UNIQUE])
    assert quote_cart(cart=Cart.objects.get(), now=NOON).total_minor == 18_000
    with pytest.raises(CouponForMembersOnly):
        place_order(cart_id=cart.pk, expected_total_minor=18_000, now=NOON)
    assert not Order.objects.exists()
    assert CouponCode.objects.get().state == "free"


def test_c8_uses_of_a_public_code_are_limited(alice, mallory, spring, tea):
    PublicCode.objects.update(limit_total=1)
    order = buy(alice, "SPRING26")
    spring.refresh_from_db()
    assert spring.used == 1
    assert reasons("SPRING26", mallory) == ["coupon_redemption_limit"]
    release_order(order_id=order.pk)
    spring.refresh_from_db()
    assert spring.used == 0
    # Its first buyer has it in the wallet; whoever orders first uses it.
    buy(mallory, "SPRING26")
    assert reasons("SPRING26", alice) == ["coupon_redemption_limit"]


def test_a_public_code_that_was_used_once_may_be_used_again(alice, spring, tea):
    first = buy(alice, "SPRING26")
    Coupon.objects.update(state="used", used_at=NOON)
    second = buy(alice, "SPRING26")
    assert set(Coupon.objects.values_list("order_id", flat=True)) == {
        first.pk,
        second.pk,
    }


def test_c6_an_order_keeps_the_coupon_of_its_public_code(alice, spring, tea):
    CouponTemplate.objects.update(limit_member=1)
    order = buy(alice, "SPRING26")
    cart = Cart.objects.get()
    again = quote_cart(cart=cart, now=NOON, order_id=order.pk)
    assert [each.source_id for each in again.applied] == [
        Coupon.objects.get().public_id
    ]
    assert reasons("SPRING26", alice) == ["coupon_member_limit"]


# --- Holders (C24) ------------------------------------------------------------


@pytest.fixture
def coupon(alice, template):
    CouponTemplate.objects.update(is_transferable=True)
    return issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="x", now=NOON
    )


def test_c24_a_coupon_works_for_its_holder_only(alice, mallory, coupon):
    assert reasons(coupon.code, alice) == []
    assert reasons(coupon.code, mallory) == ["coupon_not_found"]
    with pytest.raises(CodeNotFound):
        claim(coupon.code, mallory)


def offer(coupon, member, *, is_offered=True):
    return offer_coupon(
        coupon=coupon.public_id, member_id=member.pk, is_offered=is_offered, now=NOON
    )


def test_c24_a_transfer_is_an_explicit_step(alice, mallory, coupon):
    offer(coupon, alice)
    taken = claim(coupon.code, mallory)
    assert (taken.pk, taken.member, taken.is_offered) == (coupon.pk, mallory, False)
    assert taken.code != coupon.code
    assert reasons(coupon.code, alice) == ["coupon_not_found"]
    with pytest.raises(CodeNotFound):
        claim(coupon.code, alice)
    fact = Fact.objects.get(name="campaigns.CouponGivenAway")
    assert fact.payload == {
        "coupon_id": coupon.pk,
        "from_member_id": alice.pk,
        "to_member_id": mallory.pk,
    }


def test_c24_an_offer_can_be_called_off(alice, mallory, coupon):
    offer(coupon, alice)
    offer(coupon, alice, is_offered=False)
    with pytest.raises(CodeNotFound):
        claim(coupon.code, mallory)


@pytest.mark.parametrize(
    "change", [{"is_transferable": False}, {"state": "revoked"}, {"expires_at": NOON}]
)
def test_c24_what_may_not_be_given_away_is_not(change, alice, mallory, coupon):
    Coupon.objects.update(**change)
    with pytest.raises(CouponNotTransferable):
        offer(coupon, alice)
    with pytest.raises(CouponUnknown):
        offer(coupon, mallory)
    assert not Coupon.objects.filter(is_offered=True).exists()


# --- Revoking (C21) -----------------------------------------------------------


def test_c21_a_revoked_batch_reports_what_it_skipped(alice, dana, batch, tea):
    held = buy(alice, UNIQUE)
    other = RANDOM[:-1] + "3"
    other += check_character(other)
    CouponCode.objects.create(code=other, batch=batch)
    outcome = revoke_batch(batch_id=batch.pk, actor=dana, reason="leaked", now=NOON)

    assert (outcome.codes, outcome.coupons, outcome.skipped) == (1, 0, 1)
    assert Coupon.objects.get().order == held
    assert reasons(other, alice) == ["coupon_not_found"]
    with pytest.raises(CodeNotFound):
        claim(other, alice)
    entry = AuditEntry.objects.get(action="coupons.revoke_batch")
    assert (entry.reason, entry.detail) == (
        "leaked",
        {"codes": 1, "coupons": 0, "skipped": 1},
    )


def test_c21_revoking_touches_no_held_and_no_used_coupon(alice, dana, template):
    CouponTemplate.objects.update(stock=None)
    for state in ("available", "used", "expired"):
        coupon = issue_coupon(
            template_id=template.pk, member_id=alice.pk, source=state, now=NOON
        )
        order = Order.objects.create(
            number=state, currency="CNY", goods_minor=1, total_minor=1, placed_at=NOON
        )
        Coupon.objects.filter(pk=coupon.pk).update(
            state=state, order=order if state == "used" else None
        )
    outcome = revoke_coupons(
        template_id=template.pk, actor=dana, reason="wrong", now=NOON
    )
    assert (outcome.codes, outcome.coupons, outcome.skipped) == (0, 1, 1)
    assert sorted(Coupon.objects.values_list("source", "state")) == [
        ("available", "revoked"),
        ("expired", "expired"),
        ("used", "used"),
    ]
