"""R4: every effect of a purchase, cut before and after each of its statements."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from crm.shared.models import Delivery
from crm.shared.outbox import drain, relay
from orders.models import Order, Payment, Refund, RefundTender, Variant
from orders.providers.test import TestProvider
from orders.services.cancelling import cancel_order, release_unpaid
from orders.services.checkout import place_order
from orders.services.exchanging import Swap, exchange_units
from orders.services.payment import start_payment
from orders.services.quoting import quote_cart
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from tests.cast import NOON, make_variant
from tests.faults.cuts import Effect, cut_everywhere
from tests.orders.proofs.counter import (
    begun_payment,
    full_cart,
    open_shop,
    order_of,
    paid_order,
)
from tests.orders.shop import fill_cart, notify

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
#: The most that one fact has.
SUBSCRIBERS = 12
NEVER = NOON.replace(year=9000)
LATER = NOON + timedelta(minutes=31)


def checkout() -> Effect:
    """Place an order that uses stock, a promotion, a coupon and points."""
    cart = full_cart(open_shop())
    seen = quote_cart(cart=type(cart).objects.get(pk=cart.pk), now=NOON).hash
    return Effect(lambda: place_order(cart_id=cart.pk, quote_hash=seen, now=NOON))


def checkout_of_nothing_to_pay() -> Effect:
    """Place an order that is paid at once: it costs nothing."""
    member = open_shop()
    make_variant("FREE", 0, on_hand=3)
    cart = fill_cart({"FREE": 1}, member=member)
    return Effect(
        lambda: place_order(cart_id=cart.pk, expected_total_minor=0, now=NOON)
    )


def beginning_to_pay() -> Effect:
    """Open a payment, then keep the provider's reference: two transactions."""
    order = order_of(full_cart(open_shop()))
    return Effect(
        lambda: start_payment(order_id=order.pk, provider="test", now=NOON), commits=2
    )


def call_back() -> Effect:
    """Take the message that the money came."""
    payment = begun_payment(order_of(full_cart(open_shop())))
    return Effect(lambda: notify(payment))


def call_back_of_a_failure() -> Effect:
    """Take the message that it did not."""
    payment = begun_payment(order_of(full_cart(open_shop())))
    return Effect(lambda: notify(payment, "failed"))


def call_back_too_late() -> Effect:
    """Take money for an order that was cancelled: a surplus."""
    payment = begun_payment(order_of(full_cart(open_shop())))
    cancel_order(order_id=payment.order_id, actor="test", reason="", now=NOON)
    return Effect(lambda: notify(payment))


def cancelling() -> Effect:
    """Cancel an order of which a payment is under way."""
    payment = begun_payment(order_of(full_cart(open_shop())))
    return Effect(
        lambda: cancel_order(
            order_id=payment.order_id, actor="test", reason="", now=NOON
        )
    )


def deadline() -> Effect:
    """Cancel two orders whose time is over."""
    member = open_shop()
    order_of(full_cart(member))
    begun_payment(order_of(full_cart(member)))
    return Effect(lambda: release_unpaid(now=LATER))


def ask_for_refund(order: Order, items: dict[int, int]) -> Refund:
    return refund_order(
        order_id=order.pk,
        items=items,
        reason="broken",
        actor="test",
        request_key="once",
        freight=None,
        now=NOON,
    )


def refund_request() -> Effect:
    """Ask for units of two lines back."""
    order = paid_order(open_shop())
    return Effect(lambda: ask_for_refund(order, {1: 1, 2: 2}))


def refund_of_nothing_paid() -> Effect:
    """Give back what cost nothing: completed in the same transaction."""
    member = open_shop()
    make_variant("FREE", 0, on_hand=3)
    order = order_of(fill_cart({"FREE": 1}, member=member))
    drain(now=NOON)
    return Effect(lambda: ask_for_refund(order, {1: 1}))


def due_again() -> None:
    """Let every attempt begin anew: what failed is asked again later."""
    RefundTender.objects.filter(state="due").update(due_at=NOON, attempts=0)
    Payment.objects.filter(state="surplus").update(return_due_at=NOON)
    TestProvider.given_back.clear()


def sending(order: Order) -> Effect:
    """Ask the provider for what is due; a lost answer is asked for again."""
    return Effect(
        lambda: send_due_refunds(now=NOON),
        again=lambda: send_due_refunds(now=NOON + timedelta(hours=2)),
        outside=lambda: sorted(TestProvider.given_back.items()),
        forget=due_again,
    )


def refund_sent() -> Effect:
    """Give a part of the money back."""
    order = paid_order(open_shop())
    ask_for_refund(order, {1: 1, 2: 2})
    return sending(order)


def whole_refund_sent() -> Effect:
    """Give all of it back: the order is refunded."""
    order = paid_order(open_shop())
    ask_for_refund(order, {1: 2, 2: 3})
    return sending(order)


def refund_refused() -> Effect:
    """Hear that the provider will not."""
    order = paid_order(open_shop())
    ask_for_refund(order, {1: 1, 2: 2})
    TestProvider.refuses = True
    return sending(order)


def surplus_sent_back() -> Effect:
    """Give money back that nobody wanted."""
    payment = begun_payment(order_of(full_cart(open_shop())))
    cancel_order(order_id=payment.order_id, actor="test", reason="", now=NOON)
    notify(payment)
    return sending(payment.order)


def exchange(order: Order, price_minor: int) -> Order:
    return exchanged(order, make_variant("OTHER", price_minor, on_hand=3))


def exchanged(order: Order, other: Variant) -> Order:
    return exchange_units(
        order_id=order.pk,
        swaps=[Swap(1, 1, other.pk)],
        reason="colour",
        actor="test",
        request_key="once",
        now=NOON,
    )


def exchange_for_dearer_goods() -> Effect:
    """Put dearer goods aside until they are paid."""
    order = paid_order(open_shop())
    other = make_variant("OTHER", 12_000, on_hand=3)
    return Effect(lambda: exchanged(order, other))


def exchange_for_cheaper_goods() -> Effect:
    """Send cheaper goods and give the difference back."""
    order = paid_order(open_shop())
    other = make_variant("OTHER", 7_000, on_hand=3)
    return Effect(lambda: exchanged(order, other))


EFFECTS = [
    checkout,
    checkout_of_nothing_to_pay,
    beginning_to_pay,
    call_back,
    call_back_of_a_failure,
    call_back_too_late,
    cancelling,
    deadline,
    refund_request,
    refund_of_nothing_paid,
    refund_sent,
    whole_refund_sent,
    refund_refused,
    surplus_sent_back,
    exchange_for_dearer_goods,
    exchange_for_cheaper_goods,
]


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.__name__)
def test_r4_an_effect_is_whole_or_not_at_all(effect):
    found = cut_everywhere(effect(), kill_every=5)
    assert found.cuts >= 2 * found.statements
    print(f"{effect.__name__}: {found}")


# --- The subscribers of their facts, one delivery after the other --------------


def order_paid() -> None:
    member = open_shop()
    notify(begun_payment(order_of(full_cart(member))))


def order_cancelled() -> None:
    order = order_of(full_cart(open_shop()))
    cancel_order(order_id=order.pk, actor="test", reason="", now=NOON)


def part_refunded() -> None:
    order = paid_order(open_shop())
    ask_for_refund(order, {1: 1, 2: 2})
    send_due_refunds(now=NOON)


def all_refunded() -> None:
    order = paid_order(open_shop())
    ask_for_refund(order, {1: 2, 2: 3})
    send_due_refunds(now=NOON)


def difference_paid() -> None:
    new = exchange(paid_order(open_shop()), 12_000)
    notify(begun_payment(new))


def difference_not_paid() -> None:
    new = exchange(paid_order(open_shop()), 12_000)
    cancel_order(order_id=new.pk, actor="test", reason="", now=NOON)


def next_alone() -> Callable[[], bool]:
    """Put all but the next delivery off; return what makes it due as if never tried.

    That says whether there was need: what was delivered may have news of its own.
    """
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING)
    following = waiting.order_by("due_at", "id").values_list("pk", flat=True)[0]
    waiting.exclude(pk=following).update(due_at=NEVER)

    def try_again() -> bool:
        return bool(waiting.filter(pk=following).update(attempts=0, due_at=Now()))

    return try_again


@pytest.mark.parametrize("number", range(SUBSCRIBERS))
@pytest.mark.parametrize(
    "news",
    [
        order_paid,
        order_cancelled,
        part_refunded,
        all_refunded,
        difference_paid,
        difference_not_paid,
    ],
    ids=lambda news: news.__name__,
)
def test_r4_a_subscriber_is_whole_or_not_at_all(news, number):
    news()
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING).count()
    assert waiting <= SUBSCRIBERS
    if number >= waiting:
        pytest.skip(f"{news.__name__} has {waiting} subscribers.")
    relay(now=NOON, limit=number)
    try_again = next_alone()

    def run() -> None:
        relay(now=NOON, limit=1)

    def again() -> None:
        if try_again():
            run()

    found = cut_everywhere(Effect(run, again=again, forget=try_again), kill_every=5)
    print(f"{news.__name__} {number}: {found}")
