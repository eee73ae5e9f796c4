"""One order of the past replayed with a draft, and what many come to."""

import json
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.backtest_totals import (
    MOST_EXAMPLES,
    MOST_OFFERS,
    OTHERS,
    Totals,
    every_day,
    step_of,
)
from campaigns.rules.backtesting import KeptAmount, PastOrder, Tried, replay
from campaigns.rules.benefits import Amount, FreeItem, Percent, UnitPrice
from campaigns.rules.conditions import Carries, Every, Facts, Worth
from campaigns.rules.promotions import Promotion
from orders.rules.baskets import delivery_charge
from orders.rules.gifts import Gift, GiftArticle
from orders.rules.offers import PriceRequest, Stage
from orders.rules.pricing import price_cart
from tests.cast import NOON
from tests.orders.shop import Off, line

DAY = date(2026, 11, 21)


def percent(bp=1_000, **fields):
    return Promotion("prm_draft", "Draft", Percent(Fraction(bp, 10_000)), **fields)


def past(*offers, lines=None, delivery=0, day=DAY, public_id="ord_1", **more):
    """Return an order that was priced with some offers."""
    request = PriceRequest(
        lines=tuple(lines or [line(1, 10_000, cost_minor=4_000)]),
        currency="CNY",
        now=NOON,
        charges=(delivery_charge(delivery, position=-1),) if delivery else (),
    )
    quote = price_cart(request, offers)
    usual = {
        "facts": Facts(now=NOON),
        "total_minor": quote.total_minor,
        "taken": {(a.source_kind, a.source_id): a.amount_minor for a in quote.applied},
    }
    return PastOrder(public_id, day, request, offers=offers, **(usual | more))


def totals_of(*orders, tried, **limits):
    found = Totals(**limits)
    for each in orders:
        found.add(replay(each, found.next_of(tried)))
    return found


# --- One order --------------------------------------------------------------------


def test_what_the_draft_takes_is_what_the_order_pays_less():
    found = replay(past(delivery=800), Tried(percent()))
    assert (found.before_minor, found.after_minor) == (10_800, 9_800)
    assert (found.cost_minor, found.applies, found.change_minor) == (1_000, True, -1000)
    assert found.gross_minor == 10_800
    assert (found.margin_before_minor, found.margin_after_minor) == (6_800, 5_800)


def test_without_the_cost_of_every_line_there_is_no_margin():
    lines = [line(1, 10_000, cost_minor=4_000), line(2, 500)]
    found = replay(past(lines=lines), Tried(percent()))
    assert found.margin_before_minor is found.margin_after_minor is None
    assert found.cost_minor == 1_050


def test_an_order_that_is_not_priced_as_it_was_says_nothing():
    assert replay(past(total_minor=9_999), Tried(percent())) is None
    was = past(Off("prm_old", 500))
    other = replace(was, taken={("promotion", "prm_other"): 500})
    assert replay(other, Tried(percent())) is None


def test_the_draft_takes_the_place_of_what_it_changes():
    was = past(Off("prm_draft", 3_000), Off("prm_old", 500))
    found = replay(was, Tried(percent()))
    assert (found.before_minor, found.after_minor) == (6_500, 8_500)
    assert (found.cost_minor, found.replaced_minor) == (1_000, 3_000)
    assert found.displaced == ()


def test_an_offer_of_its_group_falls_away_where_the_draft_gives_more():
    was = past(Off("prm_old", 500, exclusive_group="order"))
    draft = percent(stage=Stage.ORDER, exclusive_group="order")
    found = replay(was, Tried(draft))
    assert (found.before_minor, found.after_minor) == (9_500, 9_000)
    (gone,) = found.displaced
    assert (gone.source_id, gone.is_gone, gone.less_minor) == ("prm_old", True, 500)


def test_a_draft_that_gives_way_touches_nothing():
    was = past(Off("prm_old", 2_000, exclusive_group="order"))
    draft = percent(stage=Stage.ORDER, exclusive_group="order")
    found = replay(was, Tried(draft))
    assert not found.is_touched
    assert found.after_minor == found.before_minor == 8_000


def test_offers_of_a_share_give_less_of_what_is_left():
    was = past(Off("cpn_1", percent_bp=1_000, stage=Stage.COUPON, source_kind="coupon"))
    found = replay(was, Tried(percent()))
    (less,) = found.displaced
    assert (less.is_gone, less.less_minor) == (False, 100)
    assert found.change_minor == -900


def test_somebody_who_loses_more_than_the_draft_gives_pays_more():
    """What the draft takes first leaves too little for a threshold of before."""
    was = past(Off("prm_old", 2_000, threshold_minor=9_500))
    found = replay(was, Tried(percent()))
    assert (found.before_minor, found.after_minor) == (8_000, 9_000)
    assert found.change_minor == 1_000


def test_points_pay_as_much_as_they_did_and_no_more_than_is_due():
    kept = KeptAmount(Stage.POINTS, "points", "points", "Points", ((1, 600), (2, 200)))
    lines = [line(1, 800), line(2, 800)]
    dear = Promotion(
        "prm_draft", "Draft", Amount(700, "unit"), stage=Stage.ITEM, most_times=None
    )
    found = replay(past(kept, lines=lines), Tried(dear))
    assert found.before_minor == 800
    assert (found.cost_minor, found.after_minor) == (1_400, 0)
    (less,) = found.displaced
    assert less.less_minor == 600


def test_the_buyer_of_that_day_decides_whether_it_applies():
    gold = percent(conditions=Every((Carries(frozenset({"tier:gold"})),)))
    was = past(facts=Facts(now=NOON, marks=frozenset({"tier:gold"}), is_known=True))
    assert replay(was, Tried(gold)).applies
    assert not replay(past(), Tried(gold)).applies


def test_a_gift_costs_what_it_costs_the_shop():
    mug = GiftArticle("MUG", 9, "prd_1", "Mug", "", 900, 350, None)
    draft = Promotion(
        "prm_draft", "Draft", FreeItem((Gift("MUG", 2),)), stage=Stage.ORDER
    )
    was = past(facts=Facts(now=NOON, articles={"MUG": mug}))
    found = replay(was, Tried(draft))
    assert (found.applies, found.cost_minor, found.change_minor) == (True, 0, 0)
    assert (found.margin_before_minor, found.margin_after_minor) == (6_000, 5_300)
    assert found.is_touched


def test_a_gift_that_falls_away_costs_nothing_any_more():
    old = Promotion(
        *("prm_old", "Old", FreeItem((Gift("MUG", 1),))),
        stage=Stage.ORDER,
        exclusive_group="order",
    )
    was = past(old, gift_costs={("promotion", "prm_old"): 350})
    draft = percent(stage=Stage.ORDER, exclusive_group="order", is_alone=True)
    found = replay(was, Tried(draft))
    assert (found.margin_before_minor, found.margin_after_minor) == (5_650, 5_000)
    assert [each.source_id for each in found.displaced] == ["prm_old"]


# --- Budget and uses ------------------------------------------------------------------


def test_a_budget_gives_what_is_left_of_it_and_then_nothing():
    days = [DAY + timedelta(days=n) for n in range(4)]
    orders = [past(day=day, public_id=f"ord_{day}") for day in days]
    found = totals_of(*orders, tried=Tried(percent(budget_minor=0)), left_minor=2_500)
    assert [row[2] for row in found.days.values()] == [1_000, 1_000, 500, 0]
    assert (found.cost_minor, found.left_minor) == (2_500, 0)
    assert found.ran_out == days[2].isoformat()


def test_uses_end_after_the_last_one():
    days = [DAY + timedelta(days=n) for n in range(4)]
    orders = [past(day=day) for day in days]
    found = totals_of(*orders, tried=Tried(percent()), left_uses=2)
    assert (found.applied, found.cost_minor, found.left_uses) == (2, 2_000, 0)
    assert found.ran_out == days[1].isoformat()


def test_pieces_of_a_flash_price_end_with_the_last_one():
    """Three of four on the first day, and the last of the price on the second."""
    days = [DAY + timedelta(days=n) for n in range(3)]
    orders = [past(day=day, lines=[line(1, 1_000, 3)]) for day in days]
    flash = Promotion(
        *("prm_draft", "Draft", UnitPrice(400)), stage=Stage.PRICE, units_left=4
    )
    found = totals_of(*orders, tried=Tried(flash), left_units=4)
    assert [row[2] for row in found.days.values()] == [1_800, 600, 0]
    assert (found.applied, found.left_units) == (2, 0)
    assert found.ran_out == days[1].isoformat()
    plenty = totals_of(*orders, tried=Tried(flash), left_units=99)
    assert (plenty.left_units, plenty.ran_out) == (90, None)


def test_without_limits_nothing_runs_out():
    assert totals_of(past(), past(), tried=Tried(percent())).ran_out is None


# --- Totals ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gross", "paid", "step"),
    [
        (0, 0, 0),
        (1000, 1000, 0),
        (1000, 1100, 0),
        (1000, 950, 1),
        (3, 2, 7),
        (9, 0, 11),
    ],
)
def test_steps_of_the_histogram(gross, paid, step):
    assert step_of(gross, paid) == step


def test_left_out_orders_are_in_no_other_number():
    found = totals_of(past(total_minor=1), tried=Tried(percent()))
    assert (found.left_out, found.orders, found.before_minor) == (1, 0, 0)
    assert sum(found.shares_before) == 0


def test_coupons_of_one_name_are_one_offer_and_the_rest_is_one():
    def order(n, name):
        coupon = Off(f"cpn_{n}", percent_bp=1_000, stage=Stage.COUPON)
        return past(replace(coupon, source_kind="coupon"), lines=[line(1, 10_000 + n)])

    found = totals_of(
        *[order(n, "x") for n in range(MOST_OFFERS + 5)], tried=Tried(percent())
    )
    # ``Off`` is named after its id, so these have as many names.
    assert len(found.displaced) == MOST_OFFERS + 1
    assert found.displaced[OTHERS][3] == 5
    again = totals_of(order(1, "x"), order(1, "x"), tried=Tried(percent()))
    assert again.displaced == {
        "coupon:Offer cpn_1": ["coupon", "Offer cpn_1", 0, 2, 200]
    }


def test_the_largest_changes_are_the_examples_the_earlier_first():
    orders = [
        past(lines=[line(1, 1_000 + 100 * (n % 30))], public_id=f"ord_{n}")
        for n in range(60)
    ]
    found = totals_of(*orders, tried=Tried(percent()))
    assert (len(found.gaining), found.losing) == (MOST_EXAMPLES, [])
    assert [each[0] for each in found.gaining[:4]] == [
        *("ord_29", "ord_59", "ord_28", "ord_58")
    ]


def test_days_without_orders_are_shown_as_nothing():
    found = totals_of(past(), tried=Tried(percent()))
    first = DAY - timedelta(days=2)
    assert [cost for _day, cost in every_day(found, first=first, last=DAY)] == [
        *(0, 0, 1_000)
    ]


amounts = st.integers(0, 50_000)
cart = st.lists(st.tuples(amounts, st.integers(1, 3)), min_size=1, max_size=4)
carts = st.lists(cart, max_size=6)


def orders_of(drawn, *offers):
    return [
        past(
            *offers,
            lines=[line(at, price, units) for at, (price, units) in enumerate(each, 1)],
            day=DAY + timedelta(days=n % 5),
            public_id=f"ord_{n}",
        )
        for n, each in enumerate(drawn)
    ]


@given(carts, st.integers(0, 3_000))
def test_a_draft_that_cannot_match_changes_nothing(drawn, off):
    never = percent(conditions=Every((Worth(10_000_000),)))
    orders = orders_of(drawn, Off("prm_old", off))
    found = totals_of(*orders, tried=Tried(never))
    assert (found.touched, found.cost_minor, found.displaced) == (0, 0, {})
    assert found.before_minor == found.after_minor
    assert found.shares_before == found.shares_after


@given(carts, st.integers(1, 10_000))
def test_a_share_of_everything_costs_that_share_of_what_was_paid(drawn, bp):
    orders = orders_of(drawn)
    found = totals_of(*orders, tried=Tried(percent(bp)))
    paid = [order.total_minor for order in orders]
    # The engine rounds once an order, half up.
    rounded = sum((each * bp + 5_000) // 10_000 for each in paid)
    assert found.cost_minor == rounded == sum(paid) - found.after_minor


@given(carts, st.integers(0, 4_000), st.none() | st.integers(0, 20_000))
def test_parts_add_up_to_the_whole_and_go_on_where_they_stood(drawn, off, left):
    tried = Tried(percent(2_000, exclusive_group="order", budget_minor=0))
    orders = orders_of(drawn, Off("prm_old", off, exclusive_group="order"))
    if left is None:
        tried = Tried(percent(2_000, exclusive_group="order"))
    found = totals_of(*orders, tried=tried, left_minor=left)
    assert found.orders + found.left_out == len(orders)
    assert found.orders == sum(row[0] for row in found.days.values())
    assert found.touched == sum(row[1] for row in found.days.values())
    assert found.cost_minor == sum(row[2] for row in found.days.values())
    change = found.after_minor - found.before_minor
    assert change == sum(row[3] for row in found.days.values())
    assert change == found.lost_minor - found.won_minor
    assert sum(found.shares_before) == sum(found.shares_after) == found.orders
    examples = [*found.gaining, *found.losing]
    assert found.touched == len(examples)
    assert found.losers == len(found.losing)
    assert found.cost_minor == sum(each[4] for each in examples)
    assert change == sum(each[3] - each[2] for each in examples)
    if left is not None:
        assert found.cost_minor + found.left_minor == left
        assert found.left_minor >= 0
    # Kept as JSON after every order, the totals are the same.
    kept = json.dumps(Totals(left_minor=left).as_json())
    for each in orders:
        step = Totals.of(json.loads(kept))
        step.add(replay(each, step.next_of(tried)))
        kept = json.dumps(step.as_json())
    assert Totals.of(json.loads(kept)) == found
