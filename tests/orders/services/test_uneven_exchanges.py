"""Uneven exchanges (R14): the difference is paid, or goes back, to the unit."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.shared.models import AuditEntry
from crm.shared.outbox import drain
from orders.models import (
    Allocation,
    Order,
    OrderLine,
    Payment,
    Refund,
    RefundTender,
    ReturnRequest,
)
from orders.providers.test import TestProvider
from orders.rules.offers import Stage
from orders.services.cancelling import cancel_order, release_unpaid
from orders.services.exchanging import (
    StaleExchangeQuote,
    Swap,
    exchange_units,
    quote_exchange,
)
from orders.services.mending import withdraw_refund
from orders.services.payment import OrderNotPayable, start_payment
from orders.services.refund_preview import NothingToRefund, OrderNotRefundable
from orders.services.refunding import (
    RefundAboveLimit,
    RefundUnderWay,
    refund_order,
)
from orders.services.return_requests import (
    ReturnMoveRefused,
    Wish,
    approve_return,
    receive_return,
    refuse_request,
    request_return,
)
from orders.services.returning import send_due_refunds
from orders.services.settling_exchanges import (
    exchange_return,
    quote_exchange_of_return,
)
from orders.services.settling_returns import Finding, inspect_return, refund_return
from tests.cast import NOON, make_variant
from tests.orders.shop import Off, Offers, fill_cart, notify, pay, place

LATE = NOON + timedelta(hours=48)


@pytest.fixture
def dear(db):
    return make_variant("DEAR", 4_000, on_hand=5)


@pytest.fixture
def cheap(db):
    return make_variant("CHEAP", 2_000, on_hand=5)


@pytest.fixture
def paid(alice, cup, tea):
    """Three cups and a tea: 199.99 with 10.00 off and 5.00 by 50 points."""
    Offers.offers[:] = [
        Off("prm_a", 1000),
        Off("pts", 500, stage=Stage.POINTS, points=50),
    ]
    order = place(fill_cart({"CUP": 3, "TEA": 1}, member=alice))
    pay(order)
    order.refresh_from_db()
    return order


def swap(order, variant, *, units=1, key="x1", **fields):
    return exchange_units(
        order_id=order.pk,
        swaps=[Swap(1, units, variant.pk)],
        reason="too small",
        actor="dana",
        request_key=key,
        now=NOON,
        **fields,
    )


def give_back(order, items, key):
    return refund_order(
        order_id=order.pk,
        items=items,
        reason="",
        actor="dana",
        request_key=key,
        now=NOON,
    )


def left(variant) -> tuple[int, int]:
    variant.refresh_from_db()
    return variant.on_hand, variant.reserved


def money_of(order) -> tuple[str, int, int, int]:
    order.refresh_from_db()
    return order.state, order.total_minor, order.paid_minor, order.refunded_minor


# --- Dearer goods ---------------------------------------------------------------


def test_dearer_goods_wait_for_the_difference(paid, dear):
    quote = quote_exchange(paid, swaps=[Swap(1, 1, dear.pk)], now=NOON)
    # 30.83 were paid for a cup of 33.33; its 2.50 of reductions go along.
    assert (quote.value_minor, quote.net_minor) == (3_083, 3_750)
    assert (quote.due_minor, quote.back_minor, quote.points) == (667, 0, 0)
    new = swap(paid, dear, expected_hash=quote.hash)
    assert money_of(new) == ("pending", 3_750, 3_083, 0)
    assert new.payment_due_at == LATE
    refund = Refund.objects.get()
    assert (refund.state, refund.exchanged_minor, refund.replaced_by) == (
        "requested",
        3_083,
        new,
    )
    assert left(dear) == (5, 1), "put aside while the difference is open"
    assert pay(new).amount_minor == 667
    drain(now=NOON)
    refund.refresh_from_db()
    assert (money_of(new)[0], refund.state) == ("paid", "completed")
    assert left(dear) == (4, 0)
    assert TestProvider.given_back == {}


def test_what_lowered_the_old_unit_goes_along(paid, dear):
    line = swap(paid, dear).lines.get()
    assert (line.unit_price_minor, line.discount_minor) == (4_000, 250)
    shares = Allocation.objects.filter(line=line).order_by("source_id")
    assert list(shares.values_list("amount_minor", "points")) == [(167, 0), (83, 8)]


def test_a_difference_that_is_not_paid_in_time_undoes_it(paid, dear):
    before = money_of(paid)
    new = swap(paid, dear)
    with pytest.raises(OrderNotRefundable):
        give_back(new, {1: 1}, "k1")
    with pytest.raises(OrderNotPayable):
        start_payment(order_id=new.pk, provider="test", now=LATE)
    assert release_unpaid(now=LATE - timedelta(seconds=1)) == 0
    assert release_unpaid(now=LATE) == 1
    drain(now=LATE)
    assert money_of(new)[0] == "cancelled"
    assert money_of(paid) == before
    assert paid.lines.get(position=1).refunded_quantity == 0
    assert left(dear) == (5, 0)
    assert list(Payment.objects.order_by("id").values_list("provider", "state")) == [
        ("test", "captured"),
        ("exchange", "cancelled"),
    ]
    assert Refund.objects.get().state == "failed"
    assert AuditEntry.objects.filter(action="orders.exchange_lapsed").count() == 1
    assert send_due_refunds(now=LATE) == 0
    # All of it can be given back as if nothing had been.
    assert give_back(paid, {1: 3, 2: 1}, "k2").amount_minor == paid.total_minor


def test_a_part_of_the_difference_goes_back_when_the_rest_does_not_come(paid, dear):
    new = swap(paid, dear, units=2)
    part = start_payment(order_id=new.pk, provider="test", amount_minor=100, now=NOON)
    notify(Payment.objects.select_related("order").get(pk=part.pk))
    cancel_order(order_id=new.pk, actor="dana", reason="", now=NOON)
    drain(now=NOON)
    assert send_due_refunds(now=NOON) == 1
    assert list(TestProvider.given_back.values()) == [100]
    assert paid.lines.get(position=1).refunded_quantity == 0


def test_no_exchange_is_withdrawn_as_a_refund(paid, dear):
    swap(paid, dear)
    with pytest.raises(RefundUnderWay):
        withdraw_refund(
            refund_id=Refund.objects.get().pk, actor="dana", reason="", now=NOON
        )


# --- Cheaper goods --------------------------------------------------------------


def test_cheaper_goods_give_the_difference_back(paid, cheap):
    quote = quote_exchange(paid, swaps=[Swap(1, 1, cheap.pk)], now=NOON)
    # 2.50 of reductions in proportion: 1.50 of them, and 4 of 8 points.
    assert (quote.value_minor, quote.net_minor) == (3_083, 1_850)
    assert (quote.due_minor, quote.back_minor, quote.points) == (0, 1_233, 4)
    new = swap(paid, cheap, expected_hash=quote.hash)
    assert money_of(new) == ("paid", 1_850, 1_850, 0)
    refund = Refund.objects.get()
    assert (refund.state, refund.money_minor, refund.points_returned) == (
        "requested",
        1_233,
        4,
    )
    assert RefundTender.objects.get().amount_minor == 1_233
    send_due_refunds(now=NOON)
    refund.refresh_from_db()
    assert refund.state == "completed"
    assert list(TestProvider.given_back.values()) == [1_233]
    assert left(cheap) == (4, 0)


def test_a_quote_that_changed_and_a_limit_are_refused_and_write_nothing(paid, cheap):
    with pytest.raises(StaleExchangeQuote):
        swap(paid, cheap, expected_hash="0" * 64)
    with pytest.raises(RefundAboveLimit):
        swap(paid, cheap, most_minor=1_232)
    assert (Order.objects.count(), Refund.objects.count()) == (1, 0)
    assert left(cheap) == (5, 0)
    assert swap(paid, cheap, most_minor=1_233).paid_minor == 1_850


def test_gift_cards_are_no_goods_to_exchange(paid):
    card = make_variant("CARD", 3_333)
    card.product.kind = "gift_card"
    card.product.save(update_fields=["kind"])
    with pytest.raises(NothingToRefund):
        swap(paid, card)


@pytest.mark.parametrize(
    ("policy", "net"), [("lower", 3_750), ("today", 4_750), ("order_day", 3_750)]
)
def test_the_shop_says_which_price_counts(paid, dear, settings, policy, net):
    settings.EXCHANGE_PRICE = policy
    later = NOON + timedelta(days=1)
    dear.prices.create(
        kind="list", amount_minor=5_000, starts_at=later, created_at=later
    )
    quote = quote_exchange(paid, swaps=[Swap(1, 1, dear.pk)], now=later)
    assert quote.net_minor == net


# --- Money in, money out ----------------------------------------------------------


def test_r4_money_goes_back_the_way_each_order_was_paid(paid, dear):
    new = swap(paid, dear)
    pay(new)
    drain(now=NOON)
    give_back(new, {1: 1}, "k1")
    parts = RefundTender.objects.order_by("payment_id").values_list(
        "payment__order_id", "amount_minor"
    )
    assert list(parts) == [(paid.pk, 3_083), (new.pk, 667)]
    assert give_back(paid, {1: 2, 2: 1}, "k2").amount_minor == paid.total_minor - 3_083
    gateway = Payment.objects.filter(provider="test")
    assert all(each.refunded_minor == each.amount_minor for each in gateway)


def live(alice, prices, units, way):
    """Buy four, exchange some, exchange some of those, give everything back."""
    Offers.offers[:] = [Off("prm_a", 1000), Off("pts", 500, stage=Stage.POINTS)]
    stem = f"V{Order.objects.count()}"
    goods = [make_variant(f"{stem}-{n}", price) for n, price in enumerate(prices)]
    order = place(fill_cart({goods[0].sku: 4}, member=alice))
    if order.total_minor:
        pay(order)
    chain = [order]
    for article, count in zip(goods[1:], units, strict=True):
        new = swap(chain[-1], article, units=count, key=f"{stem}:{article.sku}")
        if new.state == "pending":
            pay(new)
        drain(now=NOON)
        chain.append(new)
    assert_books(chain)
    for each in way(chain):
        line = each.lines.get()
        while line.refunded_quantity < line.quantity:
            give_back(each, {1: 1}, f"{each.pk}:{line.refunded_quantity}")
            line.refresh_from_db()
            assert_books(chain)
    assert assert_books(chain) == 0


def assert_books(chain) -> int:
    """Money in = money out + what the shop keeps; return what that is."""
    orders = Order.objects.filter(pk__in=[each.pk for each in chain])
    kept = sum(each.total_minor - each.refunded_minor for each in orders)
    own = Payment.objects.filter(order__in=orders, provider="test", state="captured")
    came_in = sum(own.values_list("amount_minor", flat=True))
    went_out = sum(own.values_list("refunded_minor", flat=True))
    tenders = RefundTender.objects.filter(refund__order__in=orders)
    assert went_out == sum(tenders.values_list("amount_minor", flat=True))
    assert came_in == went_out + kept
    lines = OrderLine.objects.filter(order__in=orders)
    assert all(line.refunded_minor <= line.net_minor for line in lines)
    return kept


price = st.integers(0, 9_999)
cases = given(
    st.tuples(price, price, price),
    st.tuples(st.integers(1, 4), st.just(1)),
    st.sampled_from([list, lambda chain: chain[::-1]]),
)
as_it_is = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=3, deadline=None, suppress_health_check=as_it_is)
@cases
def test_money_in_is_money_out_and_what_the_shop_keeps(alice, prices, units, way):
    live(alice, prices, units, way)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=as_it_is)
@cases
def test_money_in_is_money_out_at_length(alice, prices, units, way):
    live(alice, prices, units, way)


# --- By a return ------------------------------------------------------------------


def step(verb, request, **fields):
    return verb(return_id=request.pk, actor="dana", now=NOON, **fields)


@pytest.fixture
def came_back(paid, dear):
    """Of two cups that are to become dear ones, one was accepted."""
    wish = Wish(
        kind="exchange", items={1: 2}, reason_code="wrong_size", wanted={1: "DEAR"}
    )
    request = request_return(order_id=paid.pk, wish=wish, actor="member", now=NOON)
    step(approve_return, request)
    step(receive_return, request)
    return step(inspect_return, request, findings={1: Finding(1, False, "opened")})


def promised(order) -> tuple[int, int]:
    line = order.lines.get(position=1)
    return line.returning_quantity, line.refunded_quantity


def test_a_return_is_exchanged_when_the_difference_is_paid(came_back, paid, dear):
    quote = quote_exchange_of_return(return_id=came_back.pk, now=NOON)
    assert quote.due_minor == 667
    assert left(dear) == (5, 2)
    asked = {"reason": "ok", "expected_hash": quote.hash}
    new = step(exchange_return, came_back, **asked)
    assert step(exchange_return, came_back, **asked) == new
    came_back.refresh_from_db()
    assert (came_back.state, came_back.awaits_difference) == ("inspected", True)
    assert (left(dear), promised(paid)) == ((5, 1), (1, 1))
    with pytest.raises(ReturnMoveRefused):
        step(refund_return, came_back, reason="ok")
    with pytest.raises(ReturnMoveRefused):
        step(refuse_request, came_back, note="no, sorry")
    pay(new)
    drain(now=NOON)
    came_back.refresh_from_db()
    assert (came_back.state, came_back.refund.replaced_by) == ("exchanged", new)
    assert (left(dear), promised(paid)) == ((4, 0), (0, 1))
    assert step(exchange_return, came_back, **asked) == new


def test_a_return_whose_difference_nobody_pays_is_refunded(came_back, paid, dear):
    new = step(exchange_return, came_back, reason="ok")
    cancel_order(order_id=new.pk, actor="member", reason="", now=NOON)
    drain(now=NOON)
    came_back.refresh_from_db()
    assert (came_back.state, came_back.kind, came_back.refund) == (
        ReturnRequest.State.INSPECTED,
        ReturnRequest.Kind.RETURN,
        None,
    )
    assert (left(dear), promised(paid)) == ((5, 0), (2, 0))
    with pytest.raises(ReturnMoveRefused):
        step(exchange_return, came_back, reason="ok")
    refund = step(refund_return, came_back, reason="money then")
    assert (refund.kind, refund.amount_minor) == ("money", 3_083)
    assert (left(dear), promised(paid)) == ((5, 0), (0, 1))
