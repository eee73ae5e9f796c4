"""One quote for preview and execution: re-pricing, protection, statements."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import AppliedOffer, Order
from orders.rules.offers import Stage
from orders.services.exchanging import Swap, exchange_units
from orders.services.refund_preview import RefundPolicy, quote_refund
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.stating import refund_statement
from tests.cast import NOON, make_member, make_variant
from tests.orders.shop import Off, Offers, as_gift, fill_cart, pay, place

#: Names the goods and members of an example: what came before stays in the books.
SERIAL = count(1)
#: 10 % from 300.00, as campaigns store the terms of a coupon.
TEN_PERCENT = {"kind": "percent", "percent_bp": 1_000, "min_spend_minor": 30_000}


@pytest.fixture
def six(alice):
    """Six units at 50.00 with 10 % from 300.00: 270.00."""
    make_variant("BOX", 5_000)
    Offers.offers[:] = [
        Off(
            "cpn_1",
            percent_bp=1_000,
            threshold_minor=30_000,
            stage=Stage.COUPON,
            source_kind="promotion",
        )
    ]
    order = place(fill_cart({"BOX": 6}, member=alice))
    pay(order)
    order.refresh_from_db()
    assert order.total_minor == 27_000
    order.offers.all().delete()
    return order


@pytest.fixture
def repriced(six, monkeypatch):
    """The same order under the policy *re-price*."""
    AppliedOffer.objects.create(
        order=six,
        stage=Stage.COUPON,
        source_kind="promotion",
        source_id="cpn_1",
        source_name="Ten percent",
        amount_minor=3_000,
        terms=TEN_PERCENT,
        on_return="reprice",
    )
    monkeypatch.setattr(
        "crm.wiring.STORED_OFFERS",
        {"promotion": "campaigns.stored_offers.coupon_of_terms"},
    )
    return six


def amount(order, units) -> int:
    return quote_refund(order_id=order.pk, items={1: units}, now=NOON).amount_minor


def refund(order, items, key):
    return refund_order(
        order_id=order.pk,
        items=items,
        reason="",
        actor="dana",
        request_key=key,
        now=NOON,
    )


def test_r6_keep_gives_225_and_reprice_gives_220(six):
    assert amount(six, 5) == 22_500


def test_r6_reprice_gives_220_for_five_of_six(repriced):
    assert amount(repriced, 5) == 22_000
    assert amount(repriced, 6) == 27_000, "nothing is kept, nothing is lost"


def test_r6_any_portions_end_with_all_that_was_paid(repriced):
    given_back = [refund(repriced, {1: 1}, f"k{n}").amount_minor for n in range(6)]
    # The first takes the whole discount of what is kept along; the last brings it back.
    assert given_back == [2_000, 5_000, 5_000, 5_000, 5_000, 5_000]
    assert sum(given_back) == 27_000


def test_r6_todays_terms_play_no_part(repriced):
    Offers.offers[:] = []
    assert amount(repriced, 5) == 22_000


def test_r6_an_order_with_exchanged_units_is_priced_no_more(repriced):
    assert refund(repriced, {1: 1}, "k1").amount_minor == 4_500 - 2_500
    exchange_units(
        order_id=repriced.pk,
        swaps=[Swap(1, 1, make_variant("OTHER", 5_000).pk)],
        reason="",
        actor="dana",
        request_key="x1",
        now=NOON,
    )
    # What the first refund lost comes back with the next one.
    assert refund(repriced, {1: 1}, "k2").amount_minor == 4_500 + 2_500
    assert amount(repriced, 3) == 3 * 4_500


@pytest.mark.parametrize("by", ["order", "setting", "terms"])
def test_r7_protected_orders_and_unknown_terms_are_never_priced_again(
    repriced, settings, by
):
    if by == "order":
        Order.objects.filter(pk=repriced.pk).update(is_protected=True)
    elif by == "setting":
        settings.CONSUMER_PROTECTED = True
    else:
        AppliedOffer.objects.update(terms={})
    assert amount(repriced, 5) == 22_500


def test_a_preview_takes_a_fixed_number_of_statements(
    alice, django_assert_max_num_queries
):
    for number in range(5):
        make_variant(f"V{number}", 1_000)
    order = place(fill_cart({f"V{number}": 3 for number in range(5)}, member=alice))
    pay(order)
    items = dict.fromkeys(range(1, 6), 2)
    with django_assert_max_num_queries(20):
        quote_refund(order_id=order.pk, items=items, now=NOON)


# --- Statements (R22) ---------------------------------------------------------


@pytest.mark.django_db
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_r22_every_statement_adds_up_and_all_of_them_make_what_was_paid(db, data):
    """Random carts, offers, gifts and portions; each refund on paper."""
    number = next(SERIAL)
    prices = data.draw(st.lists(st.integers(1, 99_999), min_size=1, max_size=3))
    skus = [f"P{number}-{n}" for n in range(len(prices))]
    for sku, price in zip(skus, prices, strict=True):
        make_variant(sku, price)
    off = data.draw(st.integers(1, 5_000))
    Offers.offers[:] = [
        Off("prm", off),
        Off("pts", off, stage=Stage.POINTS, points=data.draw(st.integers(1, 500))),
    ]
    order = place(
        fill_cart(
            {sku: data.draw(st.integers(1, 4)) for sku in skus},
            member=make_member(100 + number),
        )
    )
    if order.state == "pending":
        pay(order)
    if len(skus) > 1 and data.draw(st.booleans()):
        gift = order.lines.get(position=2)
        as_gift(gift, 1, listed_minor=gift.list_price_minor)
    papers = []
    while left := {
        line.position: line.quantity - line.refunded_quantity
        for line in order.lines.all()
        if line.refunded_quantity < line.quantity
    }:
        position = data.draw(st.sampled_from(sorted(left)))
        items = {position: data.draw(st.integers(1, left[position]))}
        made = refund(order, items, f"{order.pk}:{len(papers)}")
        papers.append(refund_statement(refund_id=made.pk))
    send_due_refunds(now=NOON, limit=500)
    order.refresh_from_db()
    assert all(paper.adds_up and not paper.elsewhere_minor for paper in papers)
    assert sum(paper.amount_minor for paper in papers) == order.total_minor
    assert sum(paper.points_returned for paper in papers) == order.points_spent
    assert order.state == "refunded"


def test_the_policy_of_another_system_judges_freight_itself(alice, tea, settings):
    settings.FREIGHT_MINOR = 800
    order = place(fill_cart({"TEA": 2}, member=alice))
    pay(order)
    quote = quote_refund(
        order_id=order.pk,
        items={1: 1},
        freight=True,
        policy=RefundPolicy(freight_is_told=True),
        now=NOON,
    )
    assert quote.amount_minor == 10_800
