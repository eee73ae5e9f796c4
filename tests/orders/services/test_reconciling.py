"""Lost, late and swapped messages: asked for, and the same in the end."""

from datetime import timedelta
from itertools import count

import pytest
from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from crm.shared.models import AuditEntry, Fact
from orders.models import Order, Payment, Refund, Wallet
from orders.providers.base import NoticeKind
from orders.providers.test import TestProvider
from orders.queries.payments import stuck_payments
from orders.services.cancelling import cancel_order, release_unpaid
from orders.services.payment import (
    OrderNotPayable,
    PaymentAmountTooHigh,
    UnknownPayment,
    start_payment,
)
from orders.services.reconciling import ask_about_payments, ask_again
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.wallet_verification import verify_wallets
from orders.services.wallets import NotEnoughInWallet, top_up_wallet
from tests.cast import NOON, make_member, make_variant
from tests.orders.gateway import Message, ScriptedGateway
from tests.orders.shop import fill_cart, notify, place

SOON, LATE = NOON + timedelta(minutes=2), NOON + timedelta(hours=1)
NEXT_DAY = NOON + timedelta(days=1)


@pytest.fixture
def order(alice, tea):
    return place(fill_cart({"TEA": 2}, member=alice))


@pytest.fixture
def payment(order):
    return start_payment(order_id=order.pk, provider="test", now=NOON)


def state(row):
    row.refresh_from_db()
    return row.state


# --- Asking -------------------------------------------------------------------


def test_nobody_is_asked_before_two_minutes(payment):
    TestProvider.outcomes[payment.public_id] = NoticeKind.CAPTURED
    assert ask_about_payments(now=SOON - timedelta(seconds=1)) == 0
    assert state(payment) == "pending"
    assert TestProvider.asked == {}


@pytest.mark.parametrize(
    ("outcome", "ends", "paid"),
    [
        (NoticeKind.CAPTURED, "captured", "paid"),
        (NoticeKind.FAILED, "failed", "pending"),
    ],
)
def test_the_answer_counts_like_a_message(order, payment, outcome, ends, paid):
    TestProvider.outcomes[payment.public_id] = outcome
    assert ask_about_payments(now=SOON) == 1
    assert (state(payment), state(order)) == (ends, paid)
    assert ask_about_payments(now=LATE) == 0
    assert TestProvider.asked[payment.public_id] == 1


def test_the_message_after_the_answer_changes_nothing(order, payment):
    TestProvider.outcomes[payment.public_id] = NoticeKind.CAPTURED
    ask_about_payments(now=SOON)
    notify(payment, now=LATE)
    assert Fact.objects.filter(name="orders.OrderPaid").count() == 1


def test_without_an_answer_it_is_asked_less_and_less_often(payment):
    TestProvider.outages = 2
    asked = []
    for minute in range(2, 12):
        ask_about_payments(now=NOON + timedelta(minutes=minute))
        asked.append(TestProvider.asked[payment.public_id])
    # Waits of 30 s, 1, 2 and 4 minutes, looked at once a minute.
    assert asked == [1, 2, 3, 3, 4, 4, 4, 4, 5, 5]


def test_a_cancelled_attempt_is_asked_about_for_a_day(order, payment):
    cancel_order(order_id=order.pk, actor="member", reason="", now=NOON)
    ask_about_payments(now=SOON)
    payment.refresh_from_db()
    assert (payment.state, payment.ask_due_at is None) == ("cancelled", False)
    TestProvider.outcomes[payment.public_id] = NoticeKind.CAPTURED
    assert ask_about_payments(now=LATE) == 1
    assert state(payment) == "surplus"


def test_after_a_day_nobody_asks_any_more(order, payment):
    release_unpaid(now=LATE)
    assert ask_about_payments(now=NEXT_DAY) == 1
    payment.refresh_from_db()
    assert (payment.state, payment.ask_due_at) == ("cancelled", None)


def test_a_late_message_of_a_failure_does_not_hide_a_lost_capture(order, payment):
    TestProvider.outcomes[payment.public_id] = NoticeKind.CAPTURED
    notify(payment, "failed")
    assert state(payment) == "failed"
    assert ask_about_payments(now=SOON) == 1
    assert (state(payment), state(order)) == ("captured", "paid")


def test_two_workers_ask_once(payment):
    first = ask_about_payments(now=SOON)
    assert (first, ask_about_payments(now=SOON)) == (0, 0)
    assert TestProvider.asked[payment.public_id] == 1


# --- What staff see and do ----------------------------------------------------


def test_staff_have_it_asked_at_once_and_it_is_written_down(payment, dana):
    ask_about_payments(now=SOON)
    TestProvider.outcomes[payment.public_id] = NoticeKind.CAPTURED
    assert ask_about_payments(now=SOON) == 0
    ask_again(payment_id=payment.pk, actor=dana, now=SOON)
    assert ask_about_payments(now=SOON) == 1
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.object_id) == (
        *("payments.ask_again", "dana"),
        payment.public_id,
    )


def test_nothing_is_asked_about_what_is_closed(payment, dana):
    notify(payment)
    for pk in (payment.pk, 0):
        with pytest.raises(UnknownPayment):
            ask_again(payment_id=pk, actor=dana, now=SOON)
    assert not AuditEntry.objects.exists()


def test_a_surplus_is_returned_again_at_once(order, payment, dana):
    cancel_order(order_id=order.pk, actor="member", reason="", now=NOON)
    notify(payment)
    TestProvider.outages = 1
    assert send_due_refunds(now=NOON) == 0
    assert send_due_refunds(now=NOON) == 0
    ask_again(payment_id=payment.pk, actor=dana, now=NOON)
    assert send_due_refunds(now=NOON) == 1
    assert state(payment) == "returned"


def test_what_is_stuck_stands_in_its_queue(alice, tea, order, payment):
    def queues(now):
        stuck = stuck_payments(now)
        return tuple(
            list(rows.values_list("pk", flat=True))
            for rows in (stuck.payments, stuck.surplus, stuck.refunds)
        )

    assert queues(NOON) == ([], [], [])
    assert queues(LATE) == ([payment.pk], [], [])
    cancel_order(order_id=order.pk, actor="member", reason="", now=NOON)
    notify(payment)
    other = place(fill_cart({"TEA": 1}, member=alice))
    notify(start_payment(order_id=other.pk, provider="test", now=NOON))
    refund = refund_order(
        order_id=other.pk,
        items={1: 1},
        reason="",
        actor="tests",
        request_key="k",
        now=NOON,
    )
    TestProvider.outages = 6
    for minute in (0, 10, 20):
        assert queues(LATE) == ([], [], [])
        send_due_refunds(now=NOON + timedelta(minutes=minute))
    assert queues(LATE) == ([], [payment.pk], [refund.pk])
    assert Refund.objects.get().state == "requested"


# --- Any script ---------------------------------------------------------------

MESSAGES = st.builds(
    Message,
    payment=st.integers(0, 3),
    kind=st.sampled_from(["captured", "failed"]),
    after=st.integers(0, 90).map(lambda minutes: timedelta(minutes=minutes)),
    attempt=st.integers(1, 2),
    lost=st.booleans(),
)
#: How much of an order of 200.00 each of four attempts would pay, and how.
ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from(["test", "test", "wallet"]),
        st.sampled_from([None, 5_000, 15_000, 20_000]),
    ),
    min_size=4,
    max_size=4,
)


@pytest.mark.slow
class AnyScript(TestCase):
    """However messages come, no money is lost, made, or counted twice."""

    serials = count(1)

    @settings(max_examples=15, deadline=None)
    @given(ATTEMPTS, st.lists(MESSAGES, max_size=10), st.integers(0, 60))
    def test_money_in_is_money_kept_or_on_its_way_back(self, attempts, script, cut):
        TestProvider.outcomes.clear()
        TestProvider.given_back.clear()
        serial = next(self.serials)
        make_variant(f"T{serial}", 10_000, on_hand=5)
        member = make_member(serial)
        top_up_wallet(
            member_id=member.pk,
            amount_minor=12_000,
            reason="goodwill",
            actor="tests",
            source=f"staff:{serial}",
            now=NOON,
        )
        order = place(fill_cart({f"T{serial}": 2}, member=member))
        begun = [self._begin(order, *attempt) for attempt in attempts]
        outside = [each for each in begun if each is not None]
        gateway = ScriptedGateway(script if outside else [], started=NOON)
        places = [outside[n % len(outside)] for n in range(4) if outside]
        gateway.run(places, until=NOON + timedelta(minutes=cut))
        release_unpaid(now=LATE)
        gateway.run(places, until=NEXT_DAY)
        for hour in (1, 2, 24, 25, 26):
            at = NOON + timedelta(hours=hour)
            ask_about_payments(now=at)
            send_due_refunds(now=at)
        self._check(order, member)

    @staticmethod
    def _begin(order, provider, amount):
        try:
            begun = start_payment(
                order_id=order.pk, provider=provider, amount_minor=amount, now=NOON
            )
        except (NotEnoughInWallet, OrderNotPayable, PaymentAmountTooHigh):
            return None
        return begun if provider == "test" else None

    def _check(self, order, member):
        order.refresh_from_db()
        rows = Payment.objects.filter(order=order)
        captured = rows.filter(state="captured").aggregate(n=Sum("amount_minor"))["n"]
        assert order.state in {"paid", "cancelled"}
        assert order.paid_minor == (captured or 0)
        assert order.paid_minor == (20_000 if order.state == "paid" else 0)
        assert not rows.filter(state__in=["held", "pending", "surplus"]).exists()
        taken = {
            public_id
            for public_id, kind in TestProvider.outcomes.items()
            if kind is NoticeKind.CAPTURED
        }
        for row in rows.filter(provider="test"):
            # The buyer's money is with the shop for good, or it came back whole.
            kept = row.public_id in taken
            back = TestProvider.given_back.get(row.public_id, 0)
            assert (row.state == "captured") == (kept and not back)
            assert back in {0, row.amount_minor}
        spent = rows.filter(provider="wallet", state="captured")
        wallet = Wallet.objects.get(pk=member.pk)
        assert wallet.balance_minor == 12_000 - sum(
            spent.values_list("amount_minor", flat=True)
        )
        assert verify_wallets().findings == ()
        facts = Fact.objects.filter(name="orders.OrderPaid", payload__order_id=order.pk)
        assert facts.count() == (order.state == "paid")
        assert Order.objects.get(pk=order.pk).refunded_minor == 0
