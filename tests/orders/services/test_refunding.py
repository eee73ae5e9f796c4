"""Refunds: exact shares, once, retried with one key, undone when refused."""

from datetime import timedelta

import pytest

from crm.shared.models import AuditEntry, Fact
from orders.models import Order, Payment, Refund
from orders.providers.base import RefundAnswer
from orders.providers.test import TestProvider
from orders.rules.offers import Stage
from orders.services.mending import withdraw_refund
from orders.services.refund_preview import FreightStays
from orders.services.refunding import (
    NothingToRefund,
    OrderNotRefundable,
    RefundPolicy,
    RefundUnderWay,
    StaleRefundQuote,
    complete_refund,
    quote_refund,
    refund_order,
)
from orders.services.returning import send_due_refunds, settle_tender
from orders.services.shipping import ship
from tests.cast import NOON
from tests.orders.shop import Off, Offers, as_gift, fill_cart, pay, place, refuse


@pytest.fixture
def paid(alice, tea, cup, settings):
    """Three cups and a tea: 199.99 with 10.00 off, 5.00 by points and 8.00 freight."""
    settings.FREIGHT_MINOR = 800
    Offers.offers[:] = [
        Off("prm_a", 1000),
        Off("pts", 500, stage=Stage.POINTS, points=50),
    ]
    order = place(fill_cart({"TEA": 1, "CUP": 3}, member=alice))
    pay(order)
    order.refresh_from_db()
    assert (order.goods_minor, order.total_minor) == (19_999, 19_299)
    return order


def refund(order, items, key, **fields):
    return refund_order(
        order_id=order.pk,
        items=items,
        reason="broken",
        actor="dana",
        request_key=key,
        now=NOON,
        **fields,
    )


def completed():
    facts = Fact.objects.filter(name="orders.RefundCompleted")
    return [fact.payload["refund_id"] for fact in facts.order_by("id")]


def test_a_refund_is_requested_then_paid_then_told(paid):
    first = refund(paid, {2: 1}, "k1")
    assert (first.state, completed()) == ("requested", [])
    paid.refresh_from_db()
    assert (paid.refunded_minor, paid.state) == (first.amount_minor, "paid")

    assert send_due_refunds(now=NOON) == 1
    first.refresh_from_db()
    assert (first.state, first.completed_at) == ("completed", NOON)
    assert completed() == [first.pk]
    assert TestProvider.given_back == {first.public_id: first.amount_minor}
    audit = AuditEntry.objects.get(action="orders.refund")
    assert (audit.actor, audit.reason) == ("dana", "broken")
    assert audit.object_id == paid.public_id


def test_r2_r4_unit_by_unit_everything_comes_back_and_the_order_is_refunded(paid):
    refunds = [
        refund(paid, {2: 1}, "k1"),
        refund(paid, {2: 1}, "k2"),
        refund(paid, {2: 1}, "k3"),
        refund(paid, {1: 1}, "k4", freight=True),
    ]
    assert send_due_refunds(now=NOON) == 4
    paid.refresh_from_db()
    assert sum(r.amount_minor for r in refunds) == paid.total_minor == 19_299
    assert sum(r.points_returned for r in refunds) == 50
    assert [r.freight_minor for r in refunds] == [0, 0, 0, 800]
    assert (paid.state, paid.refunded_minor) == ("refunded", 19_299)
    payment = Payment.objects.get(state="captured")
    assert payment.refunded_minor == 19_299
    assert completed() == [r.pk for r in refunds]
    with pytest.raises(OrderNotRefundable):
        refund(paid, {1: 1}, "k5")


def test_r1_todays_prices_and_offers_play_no_part(paid, cup):
    before = quote_refund(order_id=paid.pk, items={2: 2}, now=NOON)
    Offers.offers[:] = []
    cup.price_minor = 1
    cup.save()
    assert quote_refund(order_id=paid.pk, items={2: 2}, now=NOON) == before
    assert not Refund.objects.exists()


def test_x1_the_same_request_is_one_refund(paid):
    first = refund(paid, {2: 1}, "k1")
    again = refund(paid, {2: 1}, "k1")
    assert first.pk == again.pk
    assert paid.lines.get(position=2).refunded_quantity == 1


@pytest.mark.parametrize("items", [{}, {2: 4}, {2: 0}, {2: -1}, {9: 1}])
def test_r3_what_is_not_there_is_refused_and_nothing_is_written(paid, items):
    with pytest.raises(NothingToRefund):
        refund(paid, items, "k1")
    assert not Refund.objects.exists()
    paid.refresh_from_db()
    assert paid.refunded_minor == 0


def test_an_unpaid_order_cannot_be_refunded(alice, tea):
    order = place(fill_cart({"TEA": 1}, member=alice))
    with pytest.raises(OrderNotRefundable):
        refund(order, {1: 1}, "k1")


def test_r5_freight_is_given_back_once_where_the_shop_erred(paid):
    broken = RefundPolicy(reason_code="damaged")
    first = refund(paid, {2: 1}, "k1", freight=None, policy=broken)
    assert (first.freight_minor, first.reason_code) == (800, "damaged")
    again = refund(paid, {2: 1}, "k2", freight=True, policy=broken)
    assert again.freight_minor == 0


def test_r5_freight_stays_with_a_part_and_goes_back_with_all_before_shipping(paid):
    with pytest.raises(FreightStays):
        refund(paid, {2: 1}, "k1", freight=True)
    assert not Refund.objects.exists()
    assert refund(paid, {2: 1}, "k2", freight=None).freight_minor == 0
    assert refund(paid, {1: 1, 2: 2}, "k3", freight=None).freight_minor == 800


def test_r5_freight_stays_once_goods_are_on_their_way(paid):
    Order.objects.filter(pk=paid.pk).update(state="shipped")
    assert refund(paid, {1: 1, 2: 3}, "k1", freight=None).freight_minor == 0


def test_r18_an_outage_is_asked_again_with_the_same_key_and_pays_once(paid):
    TestProvider.outages = 2
    wanted = refund(paid, {1: 1}, "k1")
    now = NOON
    assert send_due_refunds(now=now) == 0
    assert send_due_refunds(now=now + timedelta(seconds=29)) == 0
    assert TestProvider.asked[wanted.public_id] == 1
    assert send_due_refunds(now=now + timedelta(seconds=30)) == 0
    assert send_due_refunds(now=now + timedelta(seconds=90)) == 1
    assert TestProvider.asked[wanted.public_id] == 3
    assert TestProvider.given_back == {wanted.public_id: wanted.amount_minor}
    assert completed() == [wanted.pk]


def test_r18_the_answer_was_lost_after_the_money_went(paid, monkeypatch):
    wanted = refund(paid, {1: 1}, "k1")
    lost = "orders.services.returning.settle_tender"
    with monkeypatch.context() as patch:
        patch.setattr(lost, lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send_due_refunds(now=NOON)
    wanted.refresh_from_db()
    assert (wanted.state, completed()) == ("requested", [])
    assert send_due_refunds(now=NOON + timedelta(minutes=1)) == 1
    assert TestProvider.given_back == {wanted.public_id: wanted.amount_minor}
    assert completed() == [wanted.pk]


def test_what_a_provider_refuses_stays_open_until_staff_withdraw_it(paid):
    TestProvider.refuses = True
    wanted = refund(paid, {2: 3}, "k1")
    assert send_due_refunds(now=NOON) == 1
    assert send_due_refunds(now=NOON + timedelta(days=1)) == 0, "nobody asks again"
    wanted.refresh_from_db()
    paid.refresh_from_db()
    assert (wanted.state, paid.refunded_minor) == ("requested", wanted.amount_minor)
    assert AuditEntry.objects.filter(action="orders.refund_refused").count() == 1

    assert withdraw_refund(refund_id=wanted.pk, actor="dana", reason="no", now=NOON)
    wanted.refresh_from_db()
    paid.refresh_from_db()
    assert (wanted.state, paid.refunded_minor, paid.state) == ("failed", 0, "paid")
    assert paid.lines.get(position=2).refunded_quantity == 0
    assert Payment.objects.get(state="captured").refunded_minor == 0
    assert completed() == []
    TestProvider.refuses = False
    again = refund(paid, {2: 3}, "k2")
    assert (again.amount_minor, again.points_returned) == (
        wanted.amount_minor,
        wanted.points_returned,
    )


def test_r18_a_refund_that_may_have_been_paid_is_not_withdrawn(paid):
    TestProvider.outages = 1
    wanted = refund(paid, {2: 3}, "k1")
    send_due_refunds(now=NOON)
    with pytest.raises(RefundUnderWay):
        withdraw_refund(refund_id=wanted.pk, actor="dana", reason="no", now=NOON)
    wanted.refresh_from_db()
    assert wanted.state == "requested"


def test_x2_an_answer_told_twice_completes_once(paid):
    wanted = refund(paid, {1: 1}, "k1")
    tender = wanted.tenders.get()
    assert not complete_refund(refund_id=wanted.pk, now=NOON), "no money went yet"
    done = {"tender_id": tender.pk, "answer": RefundAnswer.DONE, "now": NOON}
    assert settle_tender(**done)
    assert not settle_tender(**done)
    assert not complete_refund(refund_id=wanted.pk, now=NOON)
    assert completed() == [wanted.pk]


def test_r5_freight_given_back_too_early_goes_off_the_next_refund(paid):
    """The last cups seem to go back with the tea; then the tea stays after all."""
    tea = refund(paid, {1: 1}, "k1")
    last = refund(paid, {2: 3}, "k2", freight=None)
    assert last.freight_minor == 800
    assert refuse(tea)
    paid.refresh_from_db()
    assert paid.refunded_minor == last.amount_minor, "what was given stays"
    unshipped = quote_refund(order_id=paid.pk, items={1: 1}, freight=None, now=NOON)
    assert (unshipped.freight_minor, unshipped.deductions) == (0, ())
    Order.objects.filter(pk=paid.pk).update(state="shipped")
    sent = quote_refund(order_id=paid.pk, items={1: 1}, now=NOON)
    assert [(part.kind, part.amount_minor) for part in sent.deductions] == [
        ("freight_unowed", 800)
    ]
    assert sent.amount_minor == unshipped.amount_minor - 800
    broken = RefundPolicy(reason_code="damaged")
    shops_fault = quote_refund(order_id=paid.pk, items={1: 1}, policy=broken, now=NOON)
    assert shops_fault.amount_minor == unshipped.amount_minor


def test_an_order_that_a_withdrawal_leaves_empty_is_told_as_refunded(paid):
    """The freight was the last thing under way: no refund is completed after it."""
    refund(paid, {1: 1, 2: 3}, "k1")
    send_due_refunds(now=NOON)
    Order.objects.filter(pk=paid.pk).update(state="paid")
    told = Fact.objects.filter(name="orders.OrderRefunded")
    assert told.count() == 1
    freight = refund(paid, {}, "k2", freight=None)
    assert (freight.amount_minor, freight.freight_minor) == (800, 800)
    assert refuse(freight)
    paid.refresh_from_db()
    assert (paid.state, told.count()) == ("refunded", 2)


# --- Several tenders ----------------------------------------------------------


def split(order, *amounts):
    """Turn the payment of an order into several of these amounts."""
    whole = Payment.objects.get(order=order, state="captured")
    assert sum(amounts) == whole.amount_minor
    Payment.objects.filter(pk=whole.pk).update(amount_minor=amounts[0])
    for number, amount in enumerate(amounts[1:], start=2):
        Payment.objects.create(
            order=order,
            provider="test",
            amount_minor=amount,
            state="captured",
            provider_ref=f"part-{number}",
            created_at=NOON,
            captured_at=NOON,
        )
    return list(order.payments.order_by("id"))


def test_r4_each_payment_gets_its_part_and_in_the_end_all_of_it(paid):
    payments = split(paid, 5_000, 14_299)
    wanted = refund(paid, {2: 1}, "k1")
    parts = list(wanted.tenders.order_by("id").values_list("key", "amount_minor"))
    assert wanted.amount_minor == 3_083
    assert parts == [(wanted.public_id, 799), (f"{wanted.public_id}-2", 2_284)]
    refund(paid, {2: 2}, "k2")
    refund(paid, {1: 1}, "k3", freight=True)
    assert send_due_refunds(now=NOON) == 6
    for payment in payments:
        payment.refresh_from_db()
        assert payment.refunded_minor == payment.amount_minor
    assert sum(TestProvider.given_back.values()) == 19_299
    paid.refresh_from_db()
    assert paid.state == "refunded"


def test_r4_a_refund_is_completed_when_every_part_is_back(paid):
    split(paid, 5_000, 14_299)
    TestProvider.outages = 1
    wanted = refund(paid, {1: 1}, "k1")
    assert send_due_refunds(now=NOON) == 1
    wanted.refresh_from_db()
    assert (wanted.state, completed()) == ("requested", [])
    assert send_due_refunds(now=NOON + timedelta(seconds=30)) == 1
    wanted.refresh_from_db()
    assert (wanted.state, completed()) == ("completed", [wanted.pk])
    assert sum(TestProvider.given_back.values()) == wanted.amount_minor


# --- The version of a quote ---------------------------------------------------


def test_a_stale_quote_is_refused_with_the_new_one(paid):
    seen = quote_refund(order_id=paid.pk, items={2: 2}, now=NOON)
    tea = paid.lines.get(position=1)
    ship(order_id=paid.pk, items={1: 1}, actor="key:1", now=NOON)
    as_gift(tea, 2)
    assert quote_refund(order_id=paid.pk, items={2: 2}, now=NOON).hash == seen.hash
    seen = quote_refund(order_id=paid.pk, items={2: 3}, now=NOON)
    paid.lines.filter(position=1).update(gift_of=None)
    with pytest.raises(StaleRefundQuote) as refused:
        refund(paid, {2: 3}, "k2", expected_hash=seen.hash)
    assert refused.value.quote.hash != seen.hash
    assert not Refund.objects.exists()

    agreed = refused.value.quote
    wanted = refund(paid, {2: 3}, "k3", expected_hash=agreed.hash)
    assert (wanted.quote_hash, wanted.amount_minor) == (
        agreed.hash,
        agreed.amount_minor,
    )


# --- Gifts and stock ----------------------------------------------------------


def sent_with_gift(order: Order, *, listed_minor: int) -> None:
    """Send the tea, and make it a gift that came with three cups."""
    ship(order_id=order.pk, items={1: 1}, actor="key:1", now=NOON)
    as_gift(order.lines.get(position=1), 2, listed_minor=listed_minor)


def test_r8_a_kept_gift_is_deducted_and_given_back_when_it_comes(paid):
    sent_with_gift(paid, listed_minor=1_500)
    first = refund(paid, {2: 3}, "k1")
    # 92.50 is what three cups cost; the tea that came with them is worth 15.00.
    assert (first.deducted_minor, first.amount_minor) == (1_500, 9_249 - 1_500)
    assert list(first.deductions.values_list("kind", "amount_minor")) == [
        ("gift_kept", 1_500)
    ]
    second = refund(paid, {1: 1}, "k2")
    assert second.deducted_minor == -1_500
    assert first.amount_minor + second.amount_minor == 18_499


def test_r8_a_gift_takes_no_more_than_the_refund(paid):
    sent_with_gift(paid, listed_minor=99_999)
    first = refund(paid, {2: 3}, "k1")
    assert (first.amount_minor, first.state) == (0, "completed")
    second = refund(paid, {1: 1}, "k2")
    assert second.amount_minor == 18_499


def test_r15_units_go_back_on_the_shelf_only_when_staff_say_so(paid, tea):
    tea.refresh_from_db()
    assert tea.on_hand == 4
    refund(paid, {1: 1}, "k1", policy=RefundPolicy(restocks=True))
    tea.refresh_from_db()
    assert tea.on_hand == 4, "not before the money went"
    send_due_refunds(now=NOON)
    tea.refresh_from_db()
    assert tea.on_hand == 5


def test_what_was_bought_with_points_alone_is_refunded_at_once(alice, tea):
    Offers.offers[:] = [Off("pts", 10_000, stage=Stage.POINTS, points=1000)]
    order = place(fill_cart({"TEA": 1}, member=alice))
    wanted = refund(order, {1: 1}, "k1")
    order.refresh_from_db()
    assert (wanted.state, wanted.amount_minor, wanted.points_returned) == (
        "completed",
        0,
        1000,
    )
    assert order.state == "refunded"
    assert completed() == [wanted.pk]
