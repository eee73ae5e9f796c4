"""Offers that share a budget share what is left of it, within one quote (S21, C22)."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.benefits import Amount, Percent
from campaigns.rules.coupons import CouponOffer, Terms
from campaigns.rules.policies import SHOP
from campaigns.rules.promotions import Promotion
from orders.rules.offers import PriceRequest, Stage
from orders.rules.pricing import price_cart
from tests.cast import NOON
from tests.orders.shop import line

#: A reduction that the budget cannot pay for is not given at all.
WHOLE = replace(SHOP, budget_overrun="reject_whole")
LINES = (line(1, 1_000), line(2, 700))
STAGES = st.sampled_from([Stage.ITEM, Stage.ORDER])


def promotion(name, benefit, **fields):
    return Promotion(name, name, benefit, **fields)


def coupon(amount_minor, **budget):
    terms = Terms("amount", amount_minor=amount_minor)
    return CouponOffer("cpn", "cpn", terms, **budget)


def taken(*offers):
    """Return what each offer takes, by its name."""
    asked = PriceRequest(lines=LINES, currency="CNY", now=NOON)
    quote = price_cart(asked, offers)
    return {each.source_id: each.amount_minor for each in quote.applied}


def test_s21_the_second_of_two_gets_what_the_first_left():
    shared = {"budget_id": 1, "budget_minor": 300}
    first = promotion("a", Amount(200, "order"), stage=Stage.ITEM, **shared)
    second = promotion("b", Amount(200, "order"), stage=Stage.ORDER, **shared)
    assert taken(first, second) == {"a": 200, "b": 100}
    assert taken(second) == {"b": 200}


def test_s21_what_the_first_left_is_not_enough_for_the_whole():
    shared = {"budget_id": 1, "budget_minor": 300}
    first = promotion(
        "a", Amount(200, "order"), stage=Stage.ITEM, policies=WHOLE, **shared
    )
    second = promotion(
        "b", Amount(200, "order"), stage=Stage.ORDER, policies=WHOLE, **shared
    )
    other = promotion(
        "c", Amount(200, "order"), stage=Stage.ORDER, budget_id=2, budget_minor=300
    )
    assert taken(first, second) == {"a": 200}
    assert taken(first, other) == {"a": 200, "c": 200}


def test_c22_a_coupon_shares_with_promotions():
    first = promotion("a", Amount(200, "order"), budget_id=1, budget_minor=300)
    assert taken(first, coupon(100, budget_id=1, budget_left_minor=300)) == {
        "a": 200,
        "cpn": 100,
    }
    assert taken(first, coupon(101, budget_id=1, budget_left_minor=300)) == {"a": 200}


@st.composite
def offers(draw):
    """Draw promotions, rivals among them, and a coupon over two budgets."""
    left = {1: draw(st.integers(0, 1_500)), 2: draw(st.integers(0, 1_500)), None: None}
    found = []
    for number in range(draw(st.integers(1, 5))):
        key = draw(st.sampled_from(list(left)))
        share = Percent(Fraction(draw(st.integers(1, 100)), 100))
        found.append(
            promotion(
                f"p{number}",
                draw(
                    st.sampled_from([Amount(draw(st.integers(1, 900)), "order"), share])
                ),
                stage=draw(STAGES),
                policies=draw(st.sampled_from([SHOP, WHOLE])),
                exclusive_group=draw(st.sampled_from(["", "", "g"])),
                budget_id=key,
                budget_minor=left[key],
            )
        )
    key = draw(st.sampled_from(list(left)))
    minor = draw(st.integers(1, 900))
    found.append(coupon(minor, budget_id=key, budget_left_minor=left[key]))
    return left, found


@settings(max_examples=300, deadline=None)
@given(offers())
def test_s21_what_is_quoted_never_exceeds_what_is_left(drawn):
    left, found = drawn
    keys = {each.source_id: each.budget_id for each in found}
    sums = Counter()
    for name, amount in taken(*found).items():
        sums[keys[name]] += amount
    assert all(sums[key] <= left[key] for key in (1, 2))
