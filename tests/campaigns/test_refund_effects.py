"""What a refund does to coupons (C10, C25), and what the member is told."""

from datetime import timedelta

import pytest

from campaigns.models import Coupon, Message
from campaigns.refund_effects import CouponEffects, refund_message
from campaigns.rules.coupons import ReturnOf, return_of
from campaigns.services.holding import hold_coupon, return_order, use_coupons
from campaigns.services.issuing import issue_coupon
from campaigns.stored_offers import coupon_of_terms, promotion_of_terms
from campaigns.subscribers import tell_of_refund
from crm.shared.models import Fact
from orders.models import Order, Refund
from orders.rules.offers import PriceRequest, Stage
from orders.rules.pricing import price_cart
from orders.rules.refund_effects import PlannedRefund
from orders.rules.repricing import StoredOffer
from tests.campaigns.services.test_holding import make_order
from tests.cast import NOON
from tests.orders.shop import line

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("returns", "ends_in", "closes", "outcome"),
    [
        (True, 1, True, ReturnOf.RETURNS),
        (True, 0, True, ReturnOf.EXPIRED),
        (False, 1, True, ReturnOf.STAYS),
        (True, 1, False, ReturnOf.STAYS_PARTIAL),
    ],
)
def test_c10_when_a_coupon_returns(returns, ends_in, closes, outcome):
    assert (
        return_of(
            returns=returns,
            expires_at=NOON + ends_in * DAY,
            closes_order=closes,
            now=NOON,
        )
        is outcome
    )


@pytest.fixture
def used(alice, template):
    """Return an order and the coupon it used."""
    coupon = issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="x", now=NOON
    )
    order = make_order(alice)
    hold_coupon(coupon=coupon.public_id, order_id=order.pk, now=NOON)
    use_coupons(order_id=order.pk, now=NOON)
    return order, coupon


def said(order, *, closes: bool) -> list[str]:
    planned = PlannedRefund(
        order_id=order.pk,
        root_id=order.pk,
        member_id=order.member_id,
        amount_minor=0,
        points=0,
        closes_order=closes,
    )
    return [effect.code for effect in CouponEffects().preview(planned, now=NOON)]


def give_back(order, kind="money") -> Refund:
    refund = Refund.objects.create(
        order=order,
        kind=kind,
        state="completed",
        amount_minor=30_000,
        exchanged_minor=30_000 if kind == "exchange" else 0,
        points_returned=1_200,
        requested_at=NOON,
        completed_at=NOON,
    )
    Order.objects.filter(pk=order.pk).update(state="refunded")
    return refund


def test_c10_r12_what_was_said_is_what_happens(used):
    order, coupon = used
    assert said(order, closes=False) == ["coupon_stays_partial"]
    assert said(order, closes=True) == ["coupon_returns"]
    refund = give_back(order)
    assert return_order(order_id=order.pk, now=NOON) == 1
    coupon.refresh_from_db()
    assert coupon.state == Coupon.State.AVAILABLE
    assert CouponEffects().booked(refund.pk) == []


def test_c25_an_exchange_keeps_the_coupon_used(used):
    order, coupon = used
    refund = give_back(order, kind="exchange")
    assert return_order(order_id=order.pk, now=NOON) == 0
    coupon.refresh_from_db()
    assert coupon.state == Coupon.State.USED
    codes = [effect.code for effect in CouponEffects().booked(refund.pk)]
    assert codes == ["coupon_stays_partial"]


# --- Offers of the past -------------------------------------------------------


def stored(kind, terms) -> StoredOffer:
    return StoredOffer(
        stage=Stage.ORDER,
        source_kind=kind,
        source_id="x",
        name="X",
        terms=terms,
        is_repriced=True,
        shares={},
    )


def test_r6_offers_are_made_again_from_their_terms():
    offer = promotion_of_terms(
        stored("promotion", {"rungs": [[30_000, 5_000]], "repeats": True})
    )
    assert (offer.rungs, offer.repeats, offer.max_times) == (
        ((30_000, 5_000),),
        True,
        1,
    )
    coupon = coupon_of_terms(
        stored("coupon", {"kind": "percent", "percent_bp": 1_000, "on_return": "keep"})
    )
    assert (coupon.promise.kind, coupon.promise.percent_bp) == ("percent", 1_000)


@pytest.mark.parametrize(
    ("kind", "gives", "of_two", "of_one"),
    [
        ("nth_item", {}, 5_000, 0),
        ("percent", {"percent_bp": 1_000}, 2_000, 1_000),
        ("bundle", {"units": 2, "price_minor": 15_000}, 5_000, 0),
        ("amount", {"off_minor": 300}, 300, 300),
        ("flash_price", {"price_minor": 9_000}, 2_000, 1_000),
    ],
)
def test_r6_any_kind_of_promotion_is_made_again(kind, gives, of_two, of_one):
    recipe = {"gives": gives, "when": {"audience": ["tier:gold"], "since": "23:59"}}
    offer = promotion_of_terms(stored("promotion", {"kind": kind, "recipe": recipe}))
    for units, off in ((2, of_two), (1, of_one)):
        lines = (line(1, 10_000, units),)
        asked = PriceRequest(lines=lines, currency="CNY", now=NOON)
        assert price_cart(asked, [offer]).discount_minor == off


def test_r6_terms_nobody_can_read_keep_the_price():
    assert promotion_of_terms(stored("promotion", {})) is None
    unknown = {"kind": "percent", "recipe": {"gives": {"percent_bp": 0}}}
    assert promotion_of_terms(stored("promotion", unknown)) is None
    assert coupon_of_terms(stored("coupon", {"amount_minor": 1})) is None


# --- The message --------------------------------------------------------------


@pytest.mark.parametrize(("language", "word"), [("en", "went back"), ("zh-hans", "")])
def test_the_preview_of_the_message_is_the_message(used, language, word):
    order, _coupon = used
    order.member.language = language
    order.member.save()
    refund = give_back(order)
    for _again in range(2):
        tell_of_refund({"refund_id": refund.pk}, fact=Fact(pk=1), now=NOON)
    message = Message.objects.get(template="refund_done_points")
    shown = refund_message(
        order_number=order.number,
        amount_minor=30_000,
        currency="CNY",
        points=1_200,
        language=language,
    )
    assert shown == (message.subject, message.body)
    assert word in message.body
    assert "¥300.00" in message.body
    assert "1,200" in message.body


def test_an_exchange_is_told_by_nobody(used):
    refund = give_back(used[0], kind="exchange")
    tell_of_refund({"refund_id": refund.pk}, fact=Fact(pk=1), now=NOON)
    assert not Message.objects.filter(template__startswith="refund").exists()
