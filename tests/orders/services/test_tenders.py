"""Orders paid in parts: what is open, what is held, what goes back."""

from datetime import timedelta

import pytest

from crm.shared.models import Fact
from members.models import Member
from orders.models import Order, Payment, Wallet, WalletEntry
from orders.services.cancelling import cancel_order, release_unpaid
from orders.services.payment import (
    OrderNotPayable,
    PaymentAmountTooHigh,
    start_payment,
)
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.wallet_verification import verify_wallets
from orders.services.wallets import NotEnoughInWallet, WalletNotUsable, top_up_wallet
from tests.cast import NOON
from tests.orders.shop import fill_cart, notify, place

LATE = NOON + timedelta(hours=1)


@pytest.fixture
def order(alice, tea):
    return place(fill_cart({"TEA": 2}, member=alice))


def fill_wallet(member, amount_minor, source="staff:1"):
    return top_up_wallet(
        member_id=member.pk,
        amount_minor=amount_minor,
        reason="goodwill",
        actor="tests",
        source=source,
        now=NOON,
    )


def start(order, provider="test", amount_minor=None, *, now=NOON):
    return start_payment(
        order_id=order.pk, provider=provider, amount_minor=amount_minor, now=now
    )


def states(order):
    return dict(order.payments.order_by("id").values_list("amount_minor", "state"))


def wallet(member):
    found = Wallet.objects.get(pk=member.pk)
    return found.balance_minor, found.held_minor


def sound():
    return verify_wallets().findings == ()


def paid_facts():
    return Fact.objects.filter(name="orders.OrderPaid").count()


# --- Two gateways -------------------------------------------------------------


def test_two_parts_pay_an_order_and_the_first_does_not(order, tea):
    first = start(order, amount_minor=5_000)
    notify(first)
    order.refresh_from_db()
    assert (order.state, order.paid_minor, paid_facts()) == ("pending", 5_000, 0)
    second = start(order)
    assert second.amount_minor == 15_000
    notify(second)
    order.refresh_from_db()
    assert (order.state, order.paid_minor, paid_facts()) == ("paid", 20_000, 1)
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (3, 0)
    assert states(order) == {5_000: "captured", 15_000: "captured"}


@pytest.mark.parametrize("amount", [0, -1, 20_001])
def test_no_part_is_nothing_or_more_than_is_open(order, amount):
    with pytest.raises(PaymentAmountTooHigh):
        start(order, amount_minor=amount)
    assert not Payment.objects.exists()


def test_more_than_is_open_is_refused_after_a_part_came(order):
    notify(start(order, amount_minor=19_999))
    with pytest.raises(PaymentAmountTooHigh):
        start(order, amount_minor=2)
    assert start(order, amount_minor=1).amount_minor == 1


def test_a_part_too_many_is_surplus_and_goes_back_whole(order):
    """Both attempts were begun while everything was open; both are paid."""
    whole, part = start(order), start(order, amount_minor=5_000)
    notify(part)
    notify(whole)
    order.refresh_from_db()
    assert (order.state, order.paid_minor) == ("pending", 5_000)
    assert states(order) == {20_000: "surplus", 5_000: "captured"}
    assert send_due_refunds(now=NOON) == 1
    rest = start(order)
    assert rest.amount_minor == 15_000
    notify(rest)
    order.refresh_from_db()
    assert (order.state, paid_facts()) == ("paid", 1)


def test_attempts_under_way_end_when_the_order_is_paid(order):
    other = start(order, amount_minor=5_000)
    notify(start(order))
    other.refresh_from_db()
    assert other.state == "cancelled"
    notify(other)
    other.refresh_from_db()
    order.refresh_from_db()
    assert (other.state, order.paid_minor, paid_facts()) == ("surplus", 20_000, 1)


@pytest.mark.parametrize("by_deadline", [False, True])
def test_what_was_captured_goes_back_when_the_order_is_cancelled(order, by_deadline):
    part = start(order, amount_minor=5_000)
    open_part = start(order, amount_minor=7_000)
    notify(part)
    if by_deadline:
        assert release_unpaid(now=LATE) == 1
    else:
        cancel_order(order_id=order.pk, actor="member", reason="", now=LATE)
    order.refresh_from_db()
    assert (order.state, order.paid_minor) == ("cancelled", 0)
    assert states(order) == {5_000: "surplus", 7_000: "cancelled"}
    assert send_due_refunds(now=LATE) == 1
    part.refresh_from_db()
    assert (part.state, part.refunded_minor) == ("returned", 5_000)
    open_part.refresh_from_db()
    assert open_part.refunded_minor == 0


# --- Stored value -------------------------------------------------------------


def test_the_wallet_alone_pays_at_once(order, alice, tea):
    fill_wallet(alice, 25_000)
    payment = start(order, "wallet")
    order.refresh_from_db()
    assert (order.state, order.paid_minor, paid_facts()) == ("paid", 20_000, 1)
    assert (payment.state, payment.captured_at, payment.pay_url) == (
        *("captured", NOON),
        "",
    )
    assert wallet(alice) == (5_000, 0)
    entry = WalletEntry.objects.get(kind="payment")
    assert (entry.amount_minor, entry.balance_after_minor, entry.source) == (
        *(-20_000, 5_000),
        f"payment:{payment.public_id}",
    )
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (3, 0)
    assert sound()


def test_a_part_is_held_until_the_rest_is_paid(order, alice):
    fill_wallet(alice, 10_000)
    held = start(order, "wallet", 6_000)
    assert (held.state, wallet(alice)) == ("held", (10_000, 6_000))
    order.refresh_from_db()
    assert (order.state, order.paid_minor) == ("pending", 0)
    assert not WalletEntry.objects.filter(kind="payment").exists()
    rest = start(order)
    assert rest.amount_minor == 14_000
    notify(rest)
    order.refresh_from_db()
    assert (order.state, order.paid_minor, paid_facts()) == ("paid", 20_000, 1)
    assert wallet(alice) == (4_000, 0)
    assert states(order) == {6_000: "captured", 14_000: "captured"}
    assert sound()


def test_the_wallet_pays_the_rest_after_a_gateway(order, alice):
    fill_wallet(alice, 6_000)
    notify(start(order, amount_minor=14_000))
    start(order, "wallet")
    order.refresh_from_db()
    assert (order.state, wallet(alice)) == ("paid", (0, 0))
    assert sound()


def test_what_is_held_gives_only_what_is_missing(order, alice):
    """The whole was under way before a part was held, and then it was paid."""
    fill_wallet(alice, 10_000)
    whole, most = start(order), start(order, amount_minor=15_000)
    held = start(order, "wallet", 6_000)
    notify(most)
    order.refresh_from_db()
    held.refresh_from_db()
    assert (order.state, held.state, held.amount_minor) == ("paid", "captured", 5_000)
    assert wallet(alice) == (5_000, 0)
    notify(whole)
    whole.refresh_from_db()
    assert whole.state == "surplus"
    assert sound()


def test_what_is_held_is_free_when_another_way_paid_it_all(order, alice):
    fill_wallet(alice, 10_000)
    whole = start(order)
    held = start(order, "wallet", 6_000)
    notify(whole)
    held.refresh_from_db()
    assert (held.state, held.amount_minor, held.captured_at) == (
        *("cancelled", 6_000),
        None,
    )
    assert wallet(alice) == (10_000, 0)
    assert sound()


@pytest.mark.parametrize("by_deadline", [False, True])
def test_what_is_held_is_free_when_the_order_is_cancelled(order, alice, by_deadline):
    fill_wallet(alice, 10_000)
    held = start(order, "wallet", 6_000)
    if by_deadline:
        assert release_unpaid(now=LATE) == 1
    else:
        cancel_order(order_id=order.pk, actor="member", reason="", now=LATE)
    held.refresh_from_db()
    assert (held.state, wallet(alice)) == ("cancelled", (10_000, 0))
    assert not WalletEntry.objects.filter(kind="payment").exists()
    assert sound()


def test_asking_for_the_same_part_again_holds_it_once(order, alice):
    fill_wallet(alice, 20_000)
    first, again = start(order, "wallet", 6_000), start(order, "wallet", 6_000)
    assert (first.pk, wallet(alice)) == (again.pk, (20_000, 6_000))


def test_refusals_of_the_wallet_write_nothing(order, alice):
    fill_wallet(alice, 19_999)
    for amount, refusal in (
        (None, NotEnoughInWallet),
        (20_000, NotEnoughInWallet),
        (20_001, PaymentAmountTooHigh),
        (0, PaymentAmountTooHigh),
    ):
        with pytest.raises(refusal):
            start(order, "wallet", amount)
    with pytest.raises(OrderNotPayable):
        start(order, "wallet", 5, now=LATE)
    Member.objects.filter(pk=alice.pk).update(state="frozen")
    with pytest.raises(WalletNotUsable):
        start(order, "wallet", 5)
    assert not Payment.objects.exists()
    assert wallet(alice) == (19_999, 0)


def test_nobodys_order_has_no_wallet(tea):
    order = place(fill_cart({"TEA": 1}))
    with pytest.raises(WalletNotUsable):
        start(order, "wallet")
    assert not Wallet.objects.exists()


def test_what_one_order_holds_another_cannot_spend(order, alice, tea):
    fill_wallet(alice, 10_000)
    start(order, "wallet", 6_000)
    other = place(fill_cart({"TEA": 1}, member=alice))
    with pytest.raises(NotEnoughInWallet):
        start(other, "wallet", 4_001)
    start(other, "wallet", 4_000)
    assert wallet(alice) == (10_000, 10_000)


def test_r4_a_refund_of_stored_value_goes_into_the_wallet_once(order, alice):
    fill_wallet(alice, 20_000)
    start(order, "wallet")
    refund = refund_order(
        order_id=order.pk,
        items={1: 1},
        reason="broken",
        actor="tests",
        request_key="k",
        now=NOON,
    )
    assert send_due_refunds(now=NOON) == 1
    assert send_due_refunds(now=LATE) == 0
    assert wallet(alice) == (10_000, 0)
    entry = WalletEntry.objects.get(kind="refund")
    assert (entry.amount_minor, entry.source) == (10_000, f"refund:{refund.public_id}")
    assert sound()


def test_the_constraint_alone_refuses_more_than_the_total(order):
    """Whatever forgets the condition: the table does not take it."""
    with pytest.raises(Exception, match="order_paid_is_within_total"):
        Order.objects.filter(pk=order.pk).update(paid_minor=20_001)
