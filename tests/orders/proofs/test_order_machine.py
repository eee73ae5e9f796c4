"""Orders and refunds beside a model of them, through random lives (R9).

Every step is asked of the services and of ``model.Shop``; both must give the same
answer, and after every step the tables must say what the model says. News wait until a
step tells them, so they come late, many at a time, and again.
"""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from campaigns.models import Coupon, Promotion
from crm.shared.models import Delivery, Fact
from crm.shared.outbox import deliver, drain, relay
from loyalty.models import PointsAccount, Tier
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.verification import verify_ledger
from orders.models import Cart, Order, OrderEvent, OrderLine, Payment, Refund, Variant
from orders.providers.test import TestProvider
from orders.rules.lifecycle import may_move
from orders.services.cancelling import (
    OrderNotCancellable,
    cancel_order,
    release_unpaid,
)
from orders.services.carts import set_points
from orders.services.checkout import place_order
from orders.services.payment import OrderNotPayable
from orders.services.quoting import quote_cart
from orders.services.refunding import (
    NothingToRefund,
    OrderNotRefundable,
    refund_order,
)
from orders.services.returning import send_due_refunds
from orders.services.stocking import OutOfStock
from tests.cast import NOON, make_variant
from tests.orders.proofs import model
from tests.orders.proofs.counter import begun_payment, give_coupon, open_shop
from tests.orders.shop import fill_cart, notify

FREIGHT = 800
#: Picks one of what there is, however much that is.
pick = st.integers(0, 9)
units = st.integers(0, 3)


class OrderMachine(RuleBasedStateMachine):
    """One member who buys, pays, cancels and sends back, whatever comes next."""

    def __init__(self):
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        Tier.objects.update(multiplier_bp=10_000)
        self.member = open_shop()
        make_variant("FREE", 0, on_hand=4)
        Variant.objects.filter(sku="TEA").update(on_hand=8)
        self.shop = model.Shop(
            on_hand={"TEA": 8, "CUP": None, "FREE": 4},
            prices={"TEA": 10_000, "CUP": 3_333, "FREE": 0},
            points=5_000,
            freight=FREIGHT,
        )
        self.now = NOON
        self.mode = "up"
        self.coupons: list[str] = []
        self.names: dict[str, str] = {}
        for known in (TestProvider.given_back, TestProvider.asked):
            known.clear()

    def teardown(self):
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    # --- Buying ----------------------------------------------------------------

    @rule(
        teas=units,
        cups=units,
        free=st.sampled_from([0, 0, 0, 1]),
        coupon=st.sampled_from(["", "new", "old"]),
        points=st.sampled_from([0, 0, 500, 3_000]),
    )
    def place(self, teas, cups, free, coupon, points):
        items = {"TEA": teas, "CUP": cups, "FREE": free}
        items = {sku: count for sku, count in items.items() if count}
        if not items:
            return
        cart = fill_cart(items, member=self.member, now=self.now)
        code = self._coupon(coupon)
        Cart.objects.filter(pk=cart.pk).update(coupon_codes=[code] if code else [])
        set_points(cart_id=cart.pk, points=points, now=self.now)
        seen = quote_cart(cart=Cart.objects.get(pk=cart.pk), now=self.now)

        def buy() -> Order:
            return place_order(cart_id=cart.pk, quote_hash=seen.hash, now=self.now)

        if not self.shop.has(items):
            with pytest.raises(OutOfStock), transaction.atomic():
                buy()
            return
        order = buy()
        assert buy().pk == order.pk
        self._believe(order, items, code)

    def _coupon(self, which: str) -> str | None:
        if which == "new":
            self.coupons.append(give_coupon(self.member, source=f"{self.now}").code)
            return self.coupons[-1]
        return self.coupons[0] if which == "old" and self.coupons else None

    def _believe(self, order: Order, items: dict[str, int], code: str | None) -> None:
        """Let the model have an order, at the price that the model says."""
        is_free = code and Coupon.objects.get(code=code).order_id in {None, order.pk}
        goods, has_promotion, takes_coupon = self.shop.price_without_points(
            items, with_coupon=bool(is_free)
        )
        freight = FREIGHT if items else 0
        paid_by_points = order.points_spent
        assert order.total_minor == goods - paid_by_points + freight
        assert paid_by_points <= goods // 2
        lines = {
            line.position: model.Line(
                line.sku,
                line.quantity,
                line.net_minor,
                sum(each.points for each in line.allocations.all()),
            )
            for line in order.lines.prefetch_related("allocations")
        }
        assert {x.sku: x.quantity for x in lines.values()} == items
        assert sum(x.points for x in lines.values()) == order.points_spent
        self.shop.place(
            order.pk,
            model.Order(
                lines=lines,
                freight=freight,
                points=order.points_spent,
                coupon=code if takes_coupon else None,
                has_promotion=has_promotion,
                due_at=self.now + model.DEADLINE,
            ),
        )

    @precondition(lambda self: self.shop.orders)
    @rule(which=pick)
    def cancel(self, which):
        pk, order = self._one(self.shop.orders, which)
        with self._refusal(OrderNotCancellable) as told:
            self.shop.cancel(order)
        with told():
            cancel_order(order_id=pk, actor="test", reason="", now=self.now)

    @rule()
    def deadline(self):
        assert release_unpaid(now=self.now) == self.shop.deadline(self.now)

    @rule(minutes=st.sampled_from([1, 1, 10, 31, 180]))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    # --- Paying ----------------------------------------------------------------

    @precondition(lambda self: self.shop.orders)
    @rule(which=pick)
    def begin_payment(self, which):
        pk, order = self._one(self.shop.orders, which)
        row = Order.objects.get(pk=pk)
        if not self.shop.may_begin_payment(order, self.now):
            with pytest.raises(OrderNotPayable), transaction.atomic():
                begun_payment(row, now=self.now)
            return
        payment = begun_payment(row, now=self.now)
        known = self.shop.payments.setdefault(
            payment.pk, model.Payment(order, order.total)
        )
        assert known.order is order
        self.names[payment.public_id] = f"payment {payment.pk}"

    @precondition(lambda self: self.shop.payments)
    @rule(
        which=pick,
        kind=st.sampled_from(["captured", "captured", "failed"]),
        event=st.sampled_from(["a", "b"]),
    )
    def message(self, which, kind, event):
        pk, payment = self._one(self.shop.payments, which)
        row = Payment.objects.select_related("order").get(pk=pk)
        event = f"{row.public_id}:{kind}:{event}"
        notify(row, kind, now=self.now, event_id=event)
        self.shop.hear(payment, kind, event, self.now)

    # --- Giving back -----------------------------------------------------------

    @precondition(lambda self: self.shop.orders)
    @rule(
        which=pick,
        wanted=st.dictionaries(st.integers(1, 3), st.integers(0, 3), max_size=3),
        freight=st.booleans(),
        key=st.sampled_from(["k1", "k2", "k3", "k4", "k5", "k6"]),
    )
    def ask_refund(self, which, wanted, freight, key):
        pk, order = self._one(self.shop.orders, which)
        self._refund(pk, order, wanted, freight, key)

    @precondition(lambda self: self.shop.orders)
    @rule(which=pick, freight=st.booleans())
    def ask_for_all_that_is_left(self, which, freight):
        pk, order = self._one(self.shop.orders, which)
        left = {
            at: line.quantity - line.units_back
            for at, line in order.lines.items()
            if line.units_back < line.quantity
        }
        self._refund(pk, order, left, freight, f"all{len(order.refunds)}")

    def _refund(self, pk, order, wanted, freight, key):
        items = {at: count for at, count in wanted.items() if at in order.lines}
        with self._refusal(NothingToRefund, OrderNotRefundable) as told:
            refund = self.shop.ask_refund(
                order, items, with_freight=freight, key=key, now=self.now
            )
        with told():
            row = refund_order(
                order_id=pk,
                items=items,
                reason="",
                actor="test",
                request_key=f"{pk}:{key}",
                freight=freight,
                now=self.now,
            )
            assert (row.amount_minor, row.freight_minor, row.points_returned) == (
                refund.amount,
                refund.freight,
                refund.points,
            )
            self.names[row.public_id] = f"refund {pk} {key}"

    @rule(mode=st.sampled_from(["up", "up", "down", "refuses"]))
    def send(self, mode):
        TestProvider.outages = 10_000 if mode == "down" else 0
        TestProvider.refuses = mode == "refuses"
        assert send_due_refunds(now=self.now) == self.shop.send(mode, self.now)

    # --- News ------------------------------------------------------------------

    @rule(limit=st.integers(1, 4))
    def some_news(self, limit):
        relay(now=self.now, limit=limit)

    @rule()
    def all_news(self):
        drain(now=self.now)
        waiting = Delivery.objects.exclude(state=Delivery.State.DONE)
        assert list(waiting.values_list("subscriber", "last_error")) == []
        self._above_agrees()

    @rule(which=st.integers(0, 99))
    def old_news_again(self, which):
        """A worker that lost its lease comes back; the ledger is told again anyway."""
        done = list(Delivery.objects.filter(state=Delivery.State.DONE).order_by("id"))
        if not done:
            return
        delivery = done[which % len(done)]
        assert not deliver(delivery.pk, delivery.attempts, now=self.now)
        fact = Fact.objects.get(pk=delivery.fact_id)
        if delivery.subscriber == "loyalty.subscribers.earn_points_for_order":
            earn_for_order(order_id=fact.payload["order_id"], now=self.now)
        if delivery.subscriber == "loyalty.subscribers.settle_points_of_refund":
            settle_refund(refund_id=fact.payload["refund_id"], now=self.now)

    def _above_agrees(self):
        account = PointsAccount.objects.get(member=self.member)
        assert account.balance - account.debt == self.shop.points_net()
        assert account.held == self.shop.points_held()
        assert Promotion.objects.get().used == self.shop.promotion_uses()
        coupons = dict(Coupon.objects.values_list("code", "state"))
        assert coupons == self.shop.coupon_states(self.coupons)

    # --- After every step --------------------------------------------------------

    @invariant()
    def stock_agrees(self):
        rows = Variant.objects.values_list("sku", "on_hand", "reserved")
        assert {sku: (left, held) for sku, left, held in rows} == {
            sku: (left, self.shop.reserved[sku])
            for sku, left in self.shop.on_hand.items()
        }

    @invariant()
    def orders_agree(self):
        rows = Order.objects.values_list("pk", "state", "paid_minor", "refunded_minor")
        assert {pk: rest for pk, *rest in rows} == {
            pk: [order.state, order.paid, order.refunded]
            for pk, order in self.shop.orders.items()
        }
        lines = OrderLine.objects.values_list(
            "order_id", "position", "refunded_quantity", "refunded_minor"
        )
        assert {(pk, at): rest for pk, at, *rest in lines} == {
            (pk, at): [line.units_back, line.money_back]
            for pk, order in self.shop.orders.items()
            for at, line in order.lines.items()
        }

    @invariant()
    def money_in_and_out_agrees(self):
        rows = Payment.objects.values_list("pk", "state", "refunded_minor")
        assert {pk: rest for pk, *rest in rows} == {
            pk: [payment.state, self._given_back(payment)]
            for pk, payment in self.shop.payments.items()
        }
        refunds = dict(Refund.objects.values_list("request_key", "state"))
        assert refunds == {
            f"{pk}:{key}": refund.state
            for pk, order in self.shop.orders.items()
            for key, refund in order.refunds.items()
        }
        went_out = {
            self.names[key]: amount for key, amount in TestProvider.given_back.items()
        }
        assert went_out == self.shop.gateway

    def _given_back(self, payment: model.Payment) -> int:
        if payment.state == "returned":
            return payment.amount
        return payment.order.refunded if payment.state == "captured" else 0

    @invariant()
    def history_is_a_chain_of_allowed_moves(self):
        last: dict[int, str] = {}
        for pk, before, after in OrderEvent.objects.order_by("id").values_list(
            "order_id", "from_state", "to_state"
        ):
            assert before == last.get(pk, "")
            assert before == "" or may_move(before, after)
            last[pk] = after
        assert last == {pk: order.state for pk, order in self.shop.orders.items()}

    @invariant()
    def ledger_is_sound(self):
        assert verify_ledger().findings == ()

    # --- Small words -------------------------------------------------------------

    def _one(self, what: dict, which: int):
        return list(what.items())[which % len(what)]

    def _refusal(self, *refusals):
        """Ask the model first; what it refuses the services must refuse, too."""
        return _Asked(refusals)


class _Asked:
    """Whether the model said ``NotNow``."""

    def __init__(self, refusals):
        self.refusals, self.is_refused = refusals, False

    def __enter__(self):
        return self.then

    def __exit__(self, kind, error, trace):
        self.is_refused = kind is model.NotNow
        return self.is_refused

    def then(self):
        """Return what the call of the service stands in."""
        if self.is_refused:
            return pytest.raises(self.refusals)
        return nullcontext()


@pytest.fixture
def freight(settings):
    settings.FREIGHT_MINOR = FREIGHT


def live(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        OrderMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_r9_orders_live_as_the_model_says(db, freight):
    live(examples=10, steps=20)


@pytest.mark.slow
def test_r9_orders_live_as_the_model_says_for_long(db, freight):
    live(examples=60, steps=50)
