"""What offers ask besides the cart, and that the rest ask nothing."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from campaigns.rules.benefits import FreeItem, Percent, Tiered
from campaigns.rules.conditions import (
    AnyOf,
    Carries,
    Every,
    InGroup,
    Not,
    NthOrder,
    PriceListIn,
    Quantity,
    SinceLastOrder,
    Worth,
)
from campaigns.rules.needs import NOTHING, Needs, Told, all_of, needs_of
from campaigns.rules.promotions import Promotion, SpendAndSave
from orders.rules.gifts import GiftArticle
from orders.rules.offers import Gift
from tests.cast import NOON

TEN = Percent(Fraction(1, 10))
MUG, PEN = FreeItem((Gift("MUG", 1),)), FreeItem((Gift("PEN", 1), Gift("CAP", 2)))
ORDERS = Needs(orders=True)


def promotion(*conditions, benefit=TEN) -> Promotion:
    return Promotion("prm", "Offer", benefit, conditions=Every(conditions))


@pytest.mark.parametrize(
    ("offer", "needs"),
    [
        (SpendAndSave("prm", "Offer", ((100, 10),)), None),
        (promotion(), None),
        (promotion(Worth(100), Quantity(2)), None),
        (promotion(NthOrder(1)), ORDERS),
        (promotion(Worth(100), AnyOf((Quantity(2), Not(NthOrder(1))))), ORDERS),
        (promotion(SinceLastOrder(30)), ORDERS),
        (promotion(PriceListIn(frozenset({"vip"}))), NOTHING),
        (
            promotion(Carries(frozenset({"code:SAVE"}))),
            Needs(codes=frozenset({"code:SAVE"})),
        ),
        (
            promotion(Carries(frozenset({"code:SAVE", "tier:gold"}))),
            Needs(audiences=frozenset({"tier:gold"}), codes=frozenset({"code:SAVE"})),
        ),
        (
            promotion(InGroup(frozenset({"staff"}))),
            Needs(audiences=frozenset({"staff"})),
        ),
        (replace(promotion(), budget_id=7), Needs(budgets=frozenset({7}))),
        (promotion(benefit=PEN), Needs(gifts=frozenset({"PEN", "CAP"}))),
        (
            promotion(NthOrder(1), benefit=Tiered(((100, TEN), (200, MUG)), base=PEN)),
            Needs(orders=True, gifts=frozenset({"MUG", "PEN", "CAP"})),
        ),
    ],
)
def test_c12_s16_an_offer_needs_what_it_asks(offer, needs):
    assert needs_of(offer) == needs


def test_several_offers_need_what_each_needs():
    found = all_of([ORDERS, Needs(gifts=frozenset({"MUG"})), NOTHING])
    assert found == Needs(orders=True, gifts=frozenset({"MUG"}))
    assert found.covers(ORDERS)
    assert not ORDERS.covers(found)
    assert NOTHING.covers(Needs(audiences=frozenset({"tier:gold"}))), "is not read here"


def test_what_was_read_twice_is_known_together():
    mug = GiftArticle("MUG", 1, "prd_1", "Mug", "", 1_500, 400, 2)
    bought = Told(ORDERS, 3, NOON - timedelta(days=1))
    stock = Told(Needs(gifts=frozenset({"MUG"})), articles={"MUG": mug})
    fewer = replace(stock, articles={"MUG": replace(mug, free=1)})
    for both in (bought | stock, stock | bought):
        assert both == Told(
            Needs(orders=True, gifts=frozenset({"MUG"})),
            3,
            NOON - timedelta(days=1),
            {"MUG": mug},
        )
    assert (stock | fewer).articles["MUG"].free == 1, "what was read later"
