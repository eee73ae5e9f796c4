"""Money at the same moment: once, whoever comes first; each with its control."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models import F

from crm.shared.models import Fact
from orders.models import GiftCard, Order, Payment, PaymentCallback, Wallet, WalletEntry
from orders.services import gift_cards, payment, tendering
from orders.services.cancelling import cancel_order
from orders.services.gift_cards import issue_gift_cards, redeem_gift_card
from orders.services.payment import start_payment
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.wallet_verification import verify_wallets
from orders.services.wallets import top_up_wallet
from tests.cast import NOON, make_member, make_variant
from tests.orders.services.test_races import all_at_once, rendezvous, without
from tests.orders.shop import fill_cart, notify, place

pytestmark = pytest.mark.django_db(transaction=True)

CALLS, CONNECTIONS = 500, 16


def new_order(member, units=2) -> Order:
    return place(fill_cart({"TEA": units}, member=member))


@pytest.fixture
def member(db):
    make_variant("TEA", 10_000, on_hand=50)
    found = make_member(1)
    top_up_wallet(
        member_id=found.pk,
        amount_minor=20_000,
        reason="goodwill",
        actor="tests",
        source="staff:1",
        now=NOON,
    )
    return found


def many(calls: int, work) -> Counter:
    """Run ``work(number)`` so often over a few connections that all start together."""
    start = threading.Barrier(CONNECTIONS)

    def run(worker: int) -> list[str]:
        start.wait()
        try:
            return [
                name_of(work, number) for number in range(worker, calls, CONNECTIONS)
            ]
        finally:
            connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return Counter(
            name for names in pool.map(run, range(CONNECTIONS)) for name in names
        )


def name_of(work, number: int) -> str:
    try:
        return work(number)
    except Exception as refusal:
        return type(refusal).__name__


def paid_facts() -> int:
    return Fact.objects.filter(name="orders.OrderPaid").count()


def deliver(waiting: Payment):
    def work(_number: int) -> str:
        notify(Payment.objects.select_related("order").get(pk=waiting.pk))
        return "taken"

    return work


# --- One message, five hundred times ------------------------------------------


@pytest.mark.slow
def test_x2_five_hundred_deliveries_of_one_message_pay_once(member):
    waiting = start_payment(order_id=new_order(member).pk, provider="test", now=NOON)
    assert many(CALLS, deliver(waiting)) == {"taken": CALLS}
    assert PaymentCallback.objects.count() == 1
    assert paid_facts() == 1
    order = Order.objects.get()
    assert (order.state, order.paid_minor) == ("paid", 20_000)


@pytest.mark.slow
def test_five_hundred_different_messages_of_one_capture_pay_once(member):
    waiting = start_payment(order_id=new_order(member).pk, provider="test", now=NOON)

    def work(number: int) -> str:
        found = Payment.objects.select_related("order").get(pk=waiting.pk)
        notify(found, event_id=f"event-{number}")
        return "taken"

    assert many(CALLS, work) == {"taken": CALLS}
    assert PaymentCallback.objects.count() == CALLS
    assert (paid_facts(), Order.objects.get().paid_minor) == (1, 20_000)


# --- Two tenders --------------------------------------------------------------


def two_whole_attempts(member) -> list[Payment]:
    """Return two attempts, each over the whole total."""
    order = new_order(member)
    first = start_payment(order_id=order.pk, provider="test", now=NOON)
    second = Payment.objects.create(
        order=order, provider="test", amount_minor=20_000, created_at=NOON
    )
    return [first, second]


def test_two_captures_at_once_pay_the_order_once_and_the_rest_goes_back(member):
    attempts = two_whole_attempts(member)
    outcome = all_at_once(8, lambda number: deliver(attempts[number % 2])(number))
    assert outcome == {"taken": 8}
    order = Order.objects.get()
    assert (order.state, order.paid_minor, paid_facts()) == ("paid", 20_000, 1)
    states = sorted(Payment.objects.values_list("state", flat=True))
    assert states == ["captured", "surplus"]


def no_locks(monkeypatch) -> None:
    monkeypatch.setattr(payment, "lock_wallets_of_orders", lambda ids: None)
    monkeypatch.setattr(payment, "lock_stock", lambda units: None)
    monkeypatch.setattr(
        payment, "lock_order", lambda *, order_id: Order.objects.get(pk=order_id)
    )


def test_control_without_lock_condition_and_constraint_both_count(member, monkeypatch):
    attempts = two_whole_attempts(member)
    without("orders_order", "order_paid_is_within_total")
    without("orders_variant", "variant_reserved_is_within_stock")
    no_locks(monkeypatch)
    meet = rendezvous(2)

    def read_then_write(order, *, amount_minor):
        fits = order.paid_minor + amount_minor <= order.total_minor
        meet()
        if fits:
            Order.objects.filter(pk=order.pk).update(
                paid_minor=F("paid_minor") + amount_minor
            )
            order.paid_minor += amount_minor
        return fits

    monkeypatch.setattr(payment, "count_capture", read_then_write)
    all_at_once(2, lambda number: deliver(attempts[number])(number))
    states = list(Payment.objects.values_list("state", flat=True))
    assert states == ["captured", "captured"]
    assert paid_facts() == 2


def test_without_the_lock_the_condition_still_counts_once(member, monkeypatch):
    attempts = two_whole_attempts(member)
    no_locks(monkeypatch)
    meet, count = rendezvous(2), tendering.count_capture
    monkeypatch.setattr(
        payment,
        "count_capture",
        lambda order, **given: (meet(), count(order, **given))[1],
    )
    all_at_once(2, lambda number: deliver(attempts[number])(number))
    states = sorted(Payment.objects.values_list("state", flat=True))
    assert states == ["captured", "surplus"]
    assert (Order.objects.get().paid_minor, paid_facts()) == (20_000, 1)


def test_the_wallet_and_a_gateway_at_once_take_no_more_than_the_total(member):
    order = new_order(member)
    whole = start_payment(order_id=order.pk, provider="test", now=NOON)

    def either(number: int) -> str:
        if number % 2:
            return deliver(whole)(number)
        start_payment(order_id=order.pk, provider="wallet", now=NOON)
        return "spent"

    outcome = all_at_once(8, either)
    order.refresh_from_db()
    whole.refresh_from_db()
    wallet = Wallet.objects.get()
    assert (order.state, order.paid_minor, paid_facts()) == ("paid", 20_000, 1)
    assert (outcome["spent"], whole.state, wallet.balance_minor) in {
        (1, "surplus", 0),
        (0, "captured", 20_000),
    }
    assert verify_wallets().findings == ()


# --- One wallet ---------------------------------------------------------------


def spend_all(orders: list[Order]):
    def work(number: int) -> str:
        start_payment(order_id=orders[number].pk, provider="wallet", now=NOON)
        return "spent"

    return work


def test_a_wallet_spent_for_many_orders_at_once_pays_one(member):
    orders = [new_order(member) for _number in range(8)]
    outcome = all_at_once(8, spend_all(orders))
    assert outcome == {"spent": 1, "NotEnoughInWallet": 7}
    wallet = Wallet.objects.get()
    assert (wallet.balance_minor, wallet.held_minor, paid_facts()) == (0, 0, 1)
    assert verify_wallets().findings == ()


def test_control_without_lock_condition_and_constraints_a_wallet_is_spent_twice(
    member, monkeypatch
):
    orders = [new_order(member, units=1) for _number in range(4)]
    Wallet.objects.update(balance_minor=10_000)
    without("orders_wallet", "wallet_is_not_negative", "wallet_held_is_within_balance")
    monkeypatch.setattr(payment, "lock_spender", lambda *, member_id: None)
    monkeypatch.setattr(payment, "lock_stock", lambda units: None)
    meet = rendezvous(4)

    def read_then_write(*, member_id, amount_minor):
        wallet = Wallet.objects.get(pk=member_id)
        meet()
        assert wallet.available_minor >= amount_minor
        Wallet.objects.filter(pk=member_id).update(
            held_minor=F("held_minor") + amount_minor
        )

    monkeypatch.setattr(payment, "hold_value", read_then_write)
    assert all_at_once(4, spend_all(orders))["spent"] > 1
    assert Wallet.objects.get().balance_minor < 0


def test_without_the_lock_the_condition_still_refuses(member, monkeypatch):
    orders = [new_order(member) for _number in range(4)]
    meet, hold = rendezvous(4), payment.hold_value
    monkeypatch.setattr(payment, "lock_spender", lambda *, member_id: None)
    monkeypatch.setattr(payment, "lock_stock", lambda units: None)
    monkeypatch.setattr(payment, "hold_value", lambda **given: (meet(), hold(**given)))
    outcome = all_at_once(4, spend_all(orders))
    assert outcome == {"spent": 1, "NotEnoughInWallet": 3}
    assert verify_wallets().findings == ()


def test_holding_while_cancelling_leaves_nothing_held(member):
    order = new_order(member)

    def either(number: int) -> str:
        if number % 2:
            cancel_order(order_id=order.pk, actor="test", reason="", now=NOON)
            return "cancelled"
        start_payment(
            order_id=order.pk, provider="wallet", amount_minor=5_000 + number, now=NOON
        )
        return "held"

    all_at_once(8, either)
    wallet = Wallet.objects.get()
    assert (wallet.balance_minor, wallet.held_minor) == (20_000, 0)
    assert not Payment.objects.filter(state="held").exists()


def test_one_refund_by_eight_workers_comes_into_the_wallet_once(member):
    order = new_order(member)
    start_payment(order_id=order.pk, provider="wallet", now=NOON)
    refund_order(
        order_id=order.pk,
        items={1: 2},
        reason="",
        actor="tests",
        request_key="k",
        now=NOON,
    )
    all_at_once(8, lambda _number: send_due_refunds(now=NOON))
    assert Wallet.objects.get().balance_minor == 20_000
    assert WalletEntry.objects.filter(kind="refund").count() == 1


# --- One gift card ------------------------------------------------------------


def sold_card() -> GiftCard:
    make_variant("CARD", 10_000, kind="gift_card")
    order = place(fill_cart({"CARD": 1}, member=make_member(50)))
    notify(start_payment(order_id=order.pk, provider="test", now=NOON))
    (card,) = issue_gift_cards(order_id=order.pk, now=NOON)
    return card


def redeem_with(card: GiftCard):
    members = [make_member(serial) for serial in range(1, 9)]

    def work(number: int) -> str:
        redeem_gift_card(
            member_id=members[number].pk, code=card.code, caller=str(number), now=NOON
        )
        return "redeemed"

    return work


def test_eight_members_with_one_code_redeem_it_once(db):
    outcome = all_at_once(8, redeem_with(sold_card()))
    assert outcome == {"redeemed": 1, "GiftCardNotValid": 7}
    assert sum(Wallet.objects.values_list("balance_minor", flat=True)) == 10_000
    assert verify_wallets().findings == ()


def test_control_without_condition_and_key_one_code_is_redeemed_twice(db, monkeypatch):
    work = redeem_with(sold_card())
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX wallet_entry_once_in_all_wallets")
    meet = rendezvous(8)

    def read_then_write(card, member_id, now):
        is_issued = GiftCard.objects.get(pk=card.pk).state == "issued"
        meet()
        if is_issued:
            GiftCard.objects.filter(pk=card.pk).update(
                state="redeemed", redeemed_by=member_id, redeemed_at=now
            )
        return is_issued

    monkeypatch.setattr(gift_cards, "_claim", read_then_write)
    monkeypatch.setattr(
        "orders.services.wallets.entry_of", lambda *, kind, source: None
    )
    assert all_at_once(8, work)["redeemed"] > 1
    assert sum(Wallet.objects.values_list("balance_minor", flat=True)) > 10_000


def test_redeeming_while_refunding_ends_in_one_of_the_two(db):
    card = sold_card()
    work = redeem_with(card)
    order = Order.objects.get()

    def either(number: int) -> str:
        if number % 2:
            return work(number)
        refund_order(
            order_id=order.pk,
            items={1: 1},
            reason="",
            actor="tests",
            request_key=f"k{number}",
            now=NOON,
        )
        return "refunded"

    outcome = all_at_once(8, either)
    card = GiftCard.objects.get(pk=card.pk)
    assert (card.state, outcome["redeemed"], outcome["refunded"]) in {
        ("redeemed", 1, 0),
        ("voided", 0, 1),
    }
