"""Prices agreed elsewhere, orders that wait, and money back without units."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from crm.shared.models import Fact
from members.services.addressing import AddressGone, add_address
from orders.models import Cart, CartLine, FreightRule, Order, Payment, Price, Refund
from orders.queries.carts import contents_of
from orders.queries.refunds import goods_minor
from orders.rules.refunds import PaidLine, overpaid_kept_minor
from orders.services.agreed_orders import Agreement, place_agreed_order
from orders.services.exchange_preview import PriceFellAfterwards
from orders.services.exchanging import Swap, exchange_units
from orders.services.moving import OrderWaits
from orders.services.overpaid import refund_overpaid
from orders.services.refund_preview import NothingToRefund, OrderNotRefundable
from orders.services.refunding import RefundKeyReused, refund_order
from orders.services.returning import send_due_refunds
from orders.services.waiting import stop_waiting
from orders.services.writing_orders import OrderTerms
from tests.cast import NOON
from tests.orders.shop import Off, Offers, fill_cart, pay, place

pytestmark = pytest.mark.django_db
WAITS = OrderTerms(waits_for="group")


def agreed(tea, member, *, price=8_000, quantity=1, **more) -> Order:
    return place_agreed_order(
        member_id=member.pk,
        agreement=Agreement(tea.pk, price, "group", quantity),
        now=NOON,
        **more,
    )


# --- The price ----------------------------------------------------------------


def test_s2_an_agreed_price_is_closed_to_prices_and_offers_on_goods(
    tea, alice, monkeypatch
):
    monkeypatch.setattr(Offers, "offers", [Off("prm_half", percent_bp=5_000)])
    for kind, amount in (("list", 12_000), ("sale", 4_000)):
        Price.objects.create(
            variant=tea,
            kind=kind,
            amount_minor=amount,
            starts_at=NOON - timedelta(days=1),
            actor="test",
            created_at=NOON,
        )
    order = agreed(tea, alice, quantity=2)
    line = order.lines.get()
    assert (line.unit_price_minor, line.list_price_minor) == (8_000, 12_000)
    assert (line.price_kind, line.discount_minor, line.net_minor) == (
        "group",
        0,
        16_000,
    )
    tea.refresh_from_db()
    assert tea.reserved == 2


def test_a_line_without_an_agreement_is_priced_as_always(tea, alice):
    cart = fill_cart({"TEA": 1}, member=alice)
    (item,) = contents_of(cart_id=cart.pk, at=NOON).items
    assert (item.agreed_minor, item.agreed_kind) == (None, "")
    assert not item.priced_at(1).is_closed


@pytest.mark.parametrize(
    "changes", [{"agreed_minor": 1}, {"agreed_kind": "x"}, {"agreed_minor": -1}]
)
def test_an_agreed_price_has_a_kind_and_is_not_negative(tea, alice, changes):
    fill_cart({"TEA": 1}, member=alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        CartLine.objects.update(**changes)


def test_freight_and_the_time_to_pay_are_those_of_the_agreement(tea, alice):
    FreightRule.objects.create(name="浙江", provinces=["浙江省"], first_minor=900)
    lines = {"recipient": "王静", "street": "1", "province": "浙江省", "country": "CN"}
    home = add_address(member_id=alice.pk, lines=lines, is_default=True, now=NOON)
    soon = NOON + timedelta(minutes=3)
    order = agreed(tea, alice, address=home.public_id, terms=OrderTerms(pay_by=soon))
    assert (order.total_minor, order.region) == (8_900, "浙江省")
    assert (order.payment_due_at, order.waits_for) == (soon, "")
    late = agreed(tea, alice, terms=OrderTerms(pay_by=NOON + timedelta(days=1)))
    assert late.payment_due_at == NOON + timedelta(minutes=30)


def test_somebody_elses_address_writes_nothing(tea, alice):
    with pytest.raises(AddressGone):
        agreed(tea, alice, address="adr_of_bob")
    assert not (Order.objects.exists() or Cart.objects.exists())


# --- Waiting ------------------------------------------------------------------


def test_g15_a_waiting_order_is_paid_but_no_purchase(tea, alice):
    order = agreed(tea, alice, terms=WAITS)
    pay(order)
    order.refresh_from_db()
    assert (order.state, order.paid_minor, order.paid_at) == ("paid", 8_000, None)
    names = set(Fact.objects.values_list("name", flat=True))
    assert "orders.OrderPaidWaiting" in names
    assert "orders.OrderPaid" not in names
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.update(paid_at=NOON)


def test_waiting_stops_once_and_only_for_paid_orders(tea, alice, bob):
    paid, unpaid = (agreed(tea, who, terms=WAITS) for who in (alice, bob))
    usual = place(fill_cart({"TEA": 1}, member=bob))
    for order in (paid, usual):
        pay(order)
    ids = [paid.pk, unpaid.pk, usual.pk]
    later = NOON + timedelta(hours=3)
    assert stop_waiting(order_ids=ids, now=later) == [paid.pk]
    assert stop_waiting(order_ids=ids, now=later) == []
    paid.refresh_from_db()
    assert (paid.waits_for, paid.paid_at) == ("", later)
    unpaid.refresh_from_db()
    assert unpaid.waits_for == "group"
    told = Fact.objects.filter(name="orders.OrderPaid")
    assert [fact.payload["order_id"] for fact in told.order_by("pk")] == [
        usual.pk,
        paid.pk,
    ]


# --- Overpaid -----------------------------------------------------------------


def back(order: Order, amount: int, key: str = "k") -> Refund:
    return refund_overpaid(
        order_id=order.pk,
        amount_minor=amount,
        reason="lower",
        actor="group",
        request_key=key,
        now=NOON,
    )


def units_back(order: Order, units: int, key: str) -> Refund:
    return refund_order(
        order_id=order.pk,
        items={1: units},
        reason="",
        actor="dana",
        request_key=key,
        now=NOON,
    )


def test_g11_money_without_units_goes_back_once(tea, alice):
    order = agreed(tea, alice)
    pay(order)
    refund = back(order, 1_999)
    assert back(order, 1_999).pk == refund.pk
    send_due_refunds(now=NOON)
    order.refresh_from_db()
    assert (order.state, order.refunded_minor) == ("paid", 1_999)
    assert order.lines.get().refunded_quantity == 0
    refund.refresh_from_db()
    assert (refund.state, refund.amount_minor) == ("completed", 1_999)
    assert goods_minor([refund.pk]) == {refund.pk: 1_999}
    assert Payment.objects.get().refunded_minor == 1_999


def test_g11_units_give_back_what_is_left_of_their_price(tea, alice):
    order = agreed(tea, alice, quantity=3)
    pay(order)
    back(order, 1_000)
    amounts = [units_back(order, 1, f"u{n}").amount_minor for n in range(3)]
    assert amounts == [7_667, 7_667, 7_666]
    order.refresh_from_db()
    assert order.refunded_minor == order.total_minor == 24_000


@pytest.mark.parametrize("amount", [0, -1, 8_001])
def test_more_than_was_paid_does_not_go_back(tea, alice, amount):
    order = agreed(tea, alice)
    pay(order)
    with pytest.raises(NothingToRefund):
        back(order, amount)
    assert not Refund.objects.exists()


def test_what_is_unpaid_waits_or_has_another_key_gives_nothing_back(tea, alice):
    order, other = agreed(tea, alice), agreed(tea, alice, terms=WAITS)
    with pytest.raises(OrderNotRefundable):
        back(order, 1)
    pay(order)
    pay(other)
    with pytest.raises(OrderWaits):
        back(other, 1)
    back(order, 1)
    with pytest.raises(RefundKeyReused):
        back(other, 1)
    assert Refund.objects.count() == 1


def test_what_was_lowered_is_not_exchanged(tea, cup, alice):
    order = agreed(tea, alice)
    pay(order)
    back(order, 500)
    with pytest.raises(PriceFellAfterwards):
        exchange_units(
            order_id=order.pk,
            swaps=[Swap(1, 1, cup.pk)],
            reason="",
            actor="dana",
            request_key="x",
            now=NOON,
        )
    assert Order.objects.filter(refunded_minor=F("total_minor")).count() == 0


@pytest.mark.parametrize(
    ("given", "refunded", "items", "kept"),
    [
        (0, 0, {1: 1}, 0),
        (-3_000, 0, {}, -3_000),
        (-3_000, 0, {1: 1}, -2_000),
        (-2_000, 1, {1: 1}, -1_000),
        (-1_000, 2, {1: 1}, 0),
        (-3_000, 0, {1: 9}, 0),
        (0, 3, {1: 1}, 0),
    ],
)
def test_g11_an_over_payment_belongs_to_the_units_that_are_kept(
    given, refunded, items, kept
):
    lines = [PaidLine(1, 3, 24_000, refunded_quantity=refunded)]
    assert overpaid_kept_minor(given, lines, items) == kept
