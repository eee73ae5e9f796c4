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
from crm.shared.errors import Refusal
from crm.shared.models import Delivery, Fact
from crm.shared.outbox import Claim, deliver, drain, relay
from loyalty.models import PointsAccount, Tier
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.verification import verify_ledger
from orders.models import (
    Cart,
    GiftCard,
    Order,
    OrderEvent,
    OrderLine,
    Payment,
    Refund,
    ReturnRequest,
    Shipment,
    Variant,
    Wallet,
)
from orders.providers.test import TestProvider
from orders.rules.ingesting import GivenLine, GivenOrder, GivenTender
from orders.rules.lifecycle import may_move
from orders.services.cancelling import cancel_order, release_unpaid
from orders.services.carts import set_points
from orders.services.checkout import place_order
from orders.services.completing import confirm_order
from orders.services.delivering import deliver_shipment
from orders.services.exchanging import Swap, exchange_units
from orders.services.gift_cards import redeem_gift_card
from orders.services.ingesting import ingest_order
from orders.services.ingesting_refunds import ingest_refund
from orders.services.mending import withdraw_refund
from orders.services.payment import start_payment
from orders.services.quoting import quote_cart
from orders.services.refund_preview import RefundPolicy
from orders.services.refunding import refund_order
from orders.services.return_requests import (
    Wish,
    approve_return,
    cancel_return,
    receive_return,
    refuse_request,
    request_return,
    send_back,
)
from orders.services.returning import send_due_refunds
from orders.services.settling_exchanges import exchange_return
from orders.services.settling_returns import Finding, inspect_return, refund_return
from orders.services.shipping import lose_shipment, ship
from orders.services.stocking import OutOfStock
from orders.services.verifying_stock import verify_stock
from orders.services.wallet_verification import verify_wallets
from orders.services.wallets import top_up_wallet
from tests.cast import NOON, make_user, make_variant
from tests.orders.proofs import model
from tests.orders.proofs.counter import (
    OPENING,
    give_along,
    new_coupon,
    open_shop,
)
from tests.orders.shop import fill_cart, notify

FREIGHT = 800
CARD_MINOR = 5_000
#: What a member asks for -> its name in the tables.
_KINDS = {"refund": "refund_only", "return": "return", "exchange": "exchange"}
WALLET = 40_000
#: Picks one of what there is, however much that is.
pick = st.integers(0, 9)
units = st.integers(0, 3)
some_units = st.dictionaries(st.integers(1, 3), st.integers(0, 3), max_size=3)


class OrderMachine(RuleBasedStateMachine):
    """One member who buys, pays, cancels and sends back, whatever comes next."""

    def __init__(self):
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        Tier.objects.update(multiplier_bp=10_000)
        self.member = open_shop(teas=8)
        make_variant("FREE", 0, on_hand=4)
        # What goods are exchanged for: even with a cup, dearer, and cheaper.
        make_variant("MUG", 3_333)
        make_variant("BOX", 12_000, on_hand=3)
        make_variant("PIN", 2_000)
        make_variant(model.CARD, CARD_MINOR, kind="gift_card")
        # What comes for nothing, and instead: of what was given, one costs as much
        # as a cup, the other as little as a pin.
        make_variant("BOWL", 3_333, on_hand=3)
        make_variant("SPOON", 2_000, on_hand=4)
        give_along()
        self.shop = model.Shop(
            on_hand={"TEA": 8, "CUP": None, "FREE": 4, "BOX": 3, "BOWL": 3, "SPOON": 4}
            | dict.fromkeys(["MUG", "PIN", model.CARD]),
            prices={"TEA": 10_000, "CUP": 3_333, "FREE": 0, "BOX": 12_000}
            | {"MUG": 3_333, "PIN": 2_000, model.CARD: CARD_MINOR}
            | {"BOWL": 3_333, "SPOON": 2_000},
            points=5_000,
            wallet=WALLET,
        )
        top_up_wallet(
            member_id=self.member.pk,
            amount_minor=WALLET,
            reason="opening",
            actor="test",
            source="test:opening",
            now=OPENING,
        )
        self.dana = make_user("dana", is_staff=True)
        self.now = NOON
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
        cards=st.sampled_from([0, 0, 0, 1, 2]),
        bowls=st.sampled_from([0, 0, 0, 1]),
        coupon=st.sampled_from(["", "new", "old"]),
        points=st.sampled_from([0, 0, 500, 3_000]),
    )
    def place(self, teas, cups, free, cards, bowls, coupon, points):
        items = {"TEA": teas, "CUP": cups, "FREE": free, model.CARD: cards}
        items["BOWL"] = bowls
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

    @rule(
        teas=st.integers(1, 2),
        cups=units,
        cards=st.sampled_from([0, 0, 1]),
        is_sent=st.booleans(),
    )
    def buy(self, teas, cups, cards, is_sent):
        """Order and pay at once, as most buyers do; the gift is sent along."""
        known = len(self.shop.orders)
        self.place(teas, cups, 0, cards, 0, "", 500)
        if len(self.shop.orders) > known:
            (*_others, (pk, order)) = self.shop.orders.items()
            self._pay(pk)
            if is_sent:
                self._send_all(pk, order)

    def _coupon(self, which: str) -> str | None:
        if which == "new":
            self.coupons.append(new_coupon(self.member, source=f"{self.now}").code)
            return self.coupons[-1]
        return self.coupons[0] if which == "old" and self.coupons else None

    def _believe(self, order: Order, items: dict[str, int], code: str | None) -> None:
        """Let the model have an order, at the price that the model says."""
        has_coupon = Coupon.objects.filter(order=order).exists()
        goods, has_promotion = self.shop.goods_after_offers(
            items, has_coupon=has_coupon
        )
        freight = FREIGHT if set(items) != {model.CARD} else 0
        paid_by_points = order.points_spent
        assert order.total_minor == goods - paid_by_points + freight
        assert paid_by_points <= goods // 2
        lines = {
            line.position: model.Line(
                line.sku,
                line.quantity,
                line.net_minor,
                sum(each.points for each in line.allocations.all()),
                price=line.unit_price_minor,
                listed=line.list_price_minor,
                kind=line.kind,
                gift_of=tuple(line.gift_of.trigger_positions) if line.gift_of else (),
            )
            for line in order.lines.select_related("gift_of").prefetch_related(
                "allocations"
            )
        }
        bought = {at: x for at, x in lines.items() if not x.gift_of}
        assert {x.sku: x.quantity for x in bought.values()} == items
        self._believe_gifts(items, lines)
        assert sum(x.points for x in lines.values()) == order.points_spent
        self.shop.place(
            order.pk,
            model.Order(
                lines=lines,
                freight=freight,
                points=order.points_spent,
                coupon=code if has_coupon else None,
                has_promotion=has_promotion,
                due_at=self.now + model.DEADLINE,
            ),
        )

    def _believe_gifts(
        self, items: dict[str, int], lines: dict[int, model.Line]
    ) -> None:
        """See that what came along is what the model says, with what brought it."""
        gifts = [line for line in lines.values() if line.gift_of]
        assert {x.sku: x.quantity for x in gifts} == self.shop.gifts_with(items)
        goods = [
            at
            for at, line in lines.items()
            if line.kind == "goods" and not line.gift_of
        ]
        for gift in gifts:
            assert (gift.net, gift.price) == (0, 0)
            assert gift.listed == self.shop.prices[gift.sku]
            assert sorted(gift.gift_of) == goods

    @precondition(lambda self: self.shop.orders)
    @rule(which=pick)
    def cancel(self, which):
        pk, order = self._one(self.shop.orders, which)
        with self._model() as told:
            self.shop.cancel(order, self.now)
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
    @rule(
        which=pick,
        provider=st.sampled_from(["test", "test", "wallet"]),
        amount=st.sampled_from([None, None, 1, 5_000, 30_000]),
    )
    def begin_payment(self, which, provider, amount):
        pk, order = self._one(self.shop.orders, which, _is_pending)
        self._begin(pk, order, provider, amount)

    def _begin(self, pk, order, provider, amount):
        with self._model() as told:
            wanted = self.shop.begin_payment(order, provider, amount, self.now)
        with told():
            row = start_payment(
                order_id=pk, provider=provider, amount_minor=amount, now=self.now
            )
            self.names[row.public_id] = f"payment {row.pk}"
            self.shop.add_payment(row.pk, model.Payment(order, wanted, provider))

    @precondition(lambda self: self.shop.orders)
    @rule(which=pick)
    def pay_at_once(self, which):
        """Hear of the money as soon as it is asked for."""
        pk, _order = self._one(self.shop.orders, which, _is_pending)
        self._pay(pk)

    def _pay(self, pk: int) -> None:
        order = self.shop.orders[pk]
        self._begin(pk, order, "test", None)
        for number, (_pk, payment) in enumerate(list(self.shop.payments.items())):
            if payment.order is order and payment.state == "pending":
                self.message(number, "captured", "a")

    @precondition(lambda self: self.shop.payments)
    @rule(
        which=st.integers(0, 99),
        kind=st.sampled_from(["captured", "captured", "failed"]),
        event=st.sampled_from(["a", "b"]),
    )
    def message(self, which, kind, event):
        pk, payment = self._one(self.shop.payments, which)
        if payment.provider != "test":
            return
        row = Payment.objects.select_related("order").get(pk=pk)
        event = f"{row.public_id}:{kind}:{event}"
        notify(row, kind, now=self.now, event_id=event)
        self.shop.hear(payment, kind, event, self.now)

    # --- Sending ---------------------------------------------------------------

    @precondition(lambda self: self.shop.orders)
    @rule(which=pick, wanted=some_units)
    def send_parcel(self, which, wanted):
        pk, order = self._one(self.shop.orders, which, _is_standing)
        self._ship(pk, order, {at: n for at, n in wanted.items() if at in order.lines})

    @precondition(lambda self: self.shop.orders)
    @rule(which=pick)
    def send_all_that_is_left(self, which):
        self._send_all(*self._one(self.shop.orders, which, _is_standing))

    def _send_all(self, pk: int, order: model.Order) -> None:
        left = {
            at: line.quantity - line.units_back - line.shipped
            for at, line in order.lines.items()
            if line.kind == "goods"
        }
        self._ship(pk, order, {at: count for at, count in left.items() if count > 0})

    def _ship(self, pk, order, items):
        with self._model() as told:
            shipment = self.shop.ship(order, items)
        with told():
            row = ship(order_id=pk, items=items, actor=self.dana, now=self.now)
            self.shop.add_shipment(row.pk, shipment)

    @precondition(lambda self: self._shipments())
    @rule(which=pick, arrives=st.booleans())
    def parcel_arrives_or_is_lost(self, which, arrives):
        pk, shipment = self._one(self._shipments(), which)
        if arrives:
            done = deliver_shipment(shipment_id=pk, actor=self.dana, now=self.now)
            assert done == self.shop.arrive(shipment)
            return
        with self._model() as told:
            self.shop.lose(shipment)
        with told():
            lose_shipment(shipment_id=pk, actor=self.dana, reason="lost", now=self.now)

    def _shipments(self) -> dict:
        orders = self.shop.orders.values()
        return {pk: each for order in orders for pk, each in order.shipments.items()}

    @precondition(lambda self: self.shop.orders)
    @rule(which=pick)
    def buyer_confirms(self, which):
        pk, order = self._one(self.shop.orders, which)
        with self._model() as told:
            self.shop.confirm(order)
        with told():
            confirm_order(order_id=pk, now=self.now)

    # --- Giving back -----------------------------------------------------------

    @precondition(lambda self: self.shop.orders)
    @rule(
        which=pick,
        wanted=some_units,
        freight=st.booleans(),
        restocks=st.booleans(),
        key=st.sampled_from(["k1", "k2", "k3", "k4", "k5", "k6"]),
    )
    def ask_refund(self, which, wanted, freight, restocks, key):
        pk, order = self._one(self.shop.orders, which, _is_standing)
        self._refund(pk, order, wanted, freight, restocks, key)

    @precondition(lambda self: self.shop.orders)
    @rule(which=pick, freight=st.booleans(), restocks=st.booleans())
    def ask_for_all_that_is_left(self, which, freight, restocks):
        pk, order = self._one(self.shop.orders, which, _is_standing)
        left = {
            at: line.quantity - line.units_back
            for at, line in order.lines.items()
            if line.units_back < line.quantity
        }
        self._refund(pk, order, left, freight, restocks, f"all{len(order.refunds)}")

    @precondition(lambda self: any(map(_has_gift, self.shop.orders.values())))
    @rule(
        which=st.integers(0, 8), kept=st.sampled_from([0, 0, 0, 1]), gift=st.booleans()
    )
    def what_brought_a_gift_goes_back(self, which, kept, gift):
        """With the gift, or without it, or the gift alone when nothing else is left."""
        pk, order = self._one(self.shop.orders, which, _has_gift)
        left = {
            at: line.units_free
            for at, line in order.lines.items()
            if line.units_free and line.kind == "goods"
        }
        bought = {at: n for at, n in left.items() if not order.lines[at].gift_of}
        wanted = left if gift or not bought else bought
        if kept and len(wanted) > 1:
            wanted.popitem()
        self._refund(pk, order, wanted, False, True, f"gift{len(order.refunds)}")

    def _refund(self, pk, order, wanted, freight, restocks, key):
        items = {at: count for at, count in wanted.items() if at in order.lines}
        is_new = key not in order.refunds
        with self._model() as told:
            refund = self.shop.ask_refund(
                order, items, with_freight=freight, restocks=restocks, key=key
            )
        with told():
            row = refund_order(
                order_id=pk,
                items=items,
                reason="",
                actor="test",
                request_key=f"{pk}:{key}",
                freight=freight,
                policy=RefundPolicy(restocks=restocks),
                now=self.now,
            )
            assert (row.amount_minor, row.freight_minor, row.points_returned) == (
                refund.amount,
                refund.freight,
                refund.points,
            )
            if is_new:
                refund.request_key = row.request_key
                self._believe_tenders(refund, row)

    def _believe_tenders(self, refund: model.Refund, row: Refund) -> None:
        """Let the model have the payments that get something: they add up (R4)."""
        for tender in row.tenders.order_by("pk"):
            payment = self.shop.payments[tender.payment_id]
            assert payment.order in refund.order.and_above()
            assert payment.provider != "exchange"
            assert payment.state == "captured"
            self.names[tender.key] = tender.key
            refund.tenders[tender.key] = model.Tender(
                payment, tender.amount_minor, self.now
            )
            assert payment.given_back <= payment.amount
        assert sum(t.amount for t in refund.tenders.values()) == refund.money
        family = [*refund.order.and_above(), *refund.order.and_below()]
        is_alone = len(family) == 2
        if is_alone and refund.order.refunded == refund.order.total:
            for payment in self.shop.payments.values():
                if payment.order is refund.order and payment.state == "captured":
                    assert payment.given_back == payment.amount

    @rule(mode=st.sampled_from(["up", "up", "down", "refuses"]))
    def send(self, mode):
        TestProvider.outages = 10_000 if mode == "down" else 0
        TestProvider.refuses = mode == "refuses"
        assert send_due_refunds(now=self.now) == self.shop.send(mode, self.now)

    @precondition(lambda self: Refund.objects.exists())
    @rule(which=pick)
    def withdraw(self, which):
        rows = list(Refund.objects.order_by("pk"))
        row = rows[which % len(rows)]
        refund = self._refunds()[row.request_key]
        with self._model() as told:
            self.shop.withdraw(refund)
        with told():
            withdraw_refund(refund_id=row.pk, actor="test", reason="", now=self.now)

    # --- Exchanging and sending back ----------------------------------------------

    @precondition(lambda self: self.shop.orders)
    @rule(
        which=pick,
        at=st.integers(1, 3),
        units=st.integers(1, 2),
        sku=st.sampled_from(["MUG", "BOX", "PIN", "BOX", "PIN", model.CARD]),
        key=st.sampled_from(["x1", "x2", "x3"]),
    )
    def exchange(self, which, at, units, sku, key):
        pk, order = self._one(self.shop.orders, which, _is_standing)
        if key in order.refunds:
            plan = None
            told = nullcontext
        else:
            with self._model() as told:
                if sku == model.CARD:
                    raise model.NotNow
                plan = self.shop.plan_exchange(order, at, units, sku)
        with told():
            new = exchange_units(
                order_id=pk,
                swaps=[Swap(at, units, Variant.objects.get(sku=sku).pk)],
                reason="",
                actor="test",
                request_key=f"{pk}:{key}",
                now=self.now,
            )
            if plan is None:
                assert self.shop.orders[new.pk] is order.refunds[key].replaced_by
            else:
                self._believe_exchange(new, plan, key, is_reserved=False)

    def _believe_exchange(
        self, new: Order, plan: model.Plan, key: str, *, is_reserved: bool
    ) -> model.Refund:
        row = Refund.objects.get(replaced_by=new)
        (part,) = row.lines.all()
        (line,) = new.lines.prefetch_related("allocations")
        carried = sum(each.points for each in line.allocations.all())
        assert 0 <= carried <= part.points
        assert (part.amount_minor, line.net_minor) == (plan.value, plan.net)
        assert row.exchanged_minor == plan.moved
        assert row.points_returned == part.points - carried
        refund = self.shop.add_exchange(
            new.pk,
            plan,
            points=(part.points, carried),
            key=key,
            is_reserved=is_reserved,
            now=self.now,
        )
        refund.request_key = row.request_key
        (payment,) = new.payments.all()
        paid = model.Payment(
            refund.replaced_by,
            plan.moved,
            "exchange",
            state="captured",
            is_captured=True,
        )
        self.shop.payments[payment.pk] = paid
        self._believe_tenders(refund, row)
        self.shop.settle_exchange(refund)
        return refund

    @precondition(lambda self: self.shop.orders)
    @rule(
        which=pick,
        kind=st.sampled_from(list(_KINDS)),
        at=st.integers(1, 3),
        units=st.integers(1, 2),
        wanted=st.sampled_from(["MUG", "BOX", "PIN"]),
        is_fault=st.booleans(),
    )
    def ask_return(self, which, kind, at, units, wanted, is_fault):
        pk, order = self._one(self.shop.orders, which, _is_standing)
        self._ask_return(pk, order, kind, at, units, wanted, is_fault)

    def _ask_return(self, pk, order, kind, at, units, wanted, is_fault):
        with self._model() as told:
            request = self.shop.ask_return(order, kind, at, units, wanted, is_fault)
        with told():
            wish = Wish(
                kind=_KINDS[kind],
                items={at: units},
                reason_code="damaged" if is_fault else "changed_mind",
                wanted={at: wanted} if kind == "exchange" else None,
            )
            row = request_return(order_id=pk, wish=wish, actor="member", now=self.now)
            self.shop.returns[row.pk] = request

    @precondition(lambda self: self.shop.returns)
    @rule(
        which=pick,
        step=st.sampled_from(["approve", "refuse", "cancel", "send", "receive"]),
    )
    def return_moves(self, which, step):
        self._move(*self._one(self.shop.returns, which, _is_open), step)

    def _move(self, pk: int, request: model.Return, step: str) -> None:
        shop, asked = self.shop, {"return_id": pk, "actor": "test", "now": self.now}
        with self._model() as told:
            if step == "approve":
                shop.approve(request)
            elif step == "refuse":
                shop.give_up(request, "refused")
            elif step == "cancel":
                shop.give_up(request, "cancelled")
            elif step == "send" and request.state != "in_transit":
                shop.move(request, "in_transit")
            elif step == "receive":
                shop.move(request, "received")
        parcel = {"carrier": "SF", "tracking_number": "1"}
        verbs = {
            "approve": lambda: approve_return(**asked),
            "refuse": lambda: refuse_request(**asked, note="worn"),
            "cancel": lambda: cancel_return(**asked),
            "send": lambda: send_back(**asked, **parcel),
            "receive": lambda: receive_return(**asked),
        }
        with told():
            verbs[step]()

    @precondition(lambda self: self.shop.returns)
    @rule(which=pick, missing=st.sampled_from([0, 0, 0, 1, 2]), restock=st.booleans())
    def return_is_looked_at(self, which, missing, restock):
        """Walk it to the inspection, as most returns go."""
        pk, request = self._one(self.shop.returns, which, _is_open)
        self._look_at(pk, request, missing, restock)

    def _look_at(self, pk: int, request: model.Return, missing: int, restock: bool):
        for step in ("approve", "receive"):
            self._move(pk, request, step)
        accepted = request.units - missing
        with self._model() as told:
            self.shop.inspect(request, accepted, restock=restock)
        with told():
            inspect_return(
                return_id=pk,
                findings={request.at: Finding(accepted, restock, "opened")},
                actor="test",
                now=self.now,
            )

    @precondition(lambda self: self.shop.returns)
    @rule(which=pick)
    def return_is_refunded(self, which):
        pk, request = self._one(self.shop.returns, which, _is_inspected)
        is_new = request.state != "refunded"
        with self._model() as told:
            refund = self.shop.refund_return(request)
        with told():
            row = refund_return(return_id=pk, reason="", actor="test", now=self.now)
            assert (row.amount_minor, row.freight_minor, row.points_returned) == (
                refund.amount,
                refund.freight,
                refund.points,
            )
            if is_new:
                refund.request_key = row.request_key
                self._believe_tenders(refund, row)

    @precondition(lambda self: self.shop.returns)
    @rule(which=pick)
    def return_is_exchanged(self, which):
        self._exchange(*self._one(self.shop.returns, which, _is_for_exchange))

    def _exchange(self, pk: int, request: model.Return) -> None:
        with self._model() as told:
            plan = self.shop.plan_exchange_of(request)
        with told():
            new = exchange_return(return_id=pk, reason="", actor="test", now=self.now)
            if plan is None:
                assert self.shop.orders[new.pk] is request.refund.replaced_by
            else:
                refund = self._believe_exchange(
                    new, plan, f"exchange{pk}", is_reserved=True
                )
                self.shop.exchange_return(request, refund)

    @precondition(lambda self: any(map(_is_standing, self.shop.orders.values())))
    @rule(
        which=st.integers(0, 8),
        wanted=st.sampled_from(["MUG", "BOX", "BOX", "PIN"]),
        missing=st.sampled_from([0, 0, 1]),
        pays=st.booleans(),
    )
    def goods_come_back_for_others(self, which, wanted, missing, pays):
        """The whole way of a return that is exchanged, paid for or not."""
        pk, order = self._one(self.shop.orders, which, _is_standing)
        at, line = max(order.lines.items(), key=lambda each: each[1].units_free)
        known = len(self.shop.returns)
        units = min(2, max(1, line.units_free))
        self._ask_return(pk, order, "exchange", at, units, wanted, False)
        if len(self.shop.returns) == known:
            return
        (*_others, (pk, request)) = self.shop.returns.items()
        self._look_at(pk, request, missing, False)
        self._exchange(pk, request)
        if pays and request.waits_for_difference:
            (*_others, new) = self.shop.orders
            self._pay(new)

    # --- Gift cards, and orders of other systems -----------------------------------

    @precondition(lambda self: GiftCard.objects.filter(state="issued").exists())
    @rule(which=pick)
    def redeem(self, which):
        cards = list(GiftCard.objects.filter(state="issued").order_by("pk"))
        card = cards[which % len(cards)]
        redeem_gift_card(
            member_id=self.member.pk, code=card.code, caller="test", now=self.now
        )
        line = self.shop.orders[card.line.order_id].lines[card.line.position]
        line.redeemed += 1
        self.shop.wallet += CARD_MINOR

    @rule(
        number=st.integers(1, 2),
        units=st.integers(1, 3),
        again=st.booleans(),
        tenders=st.sampled_from([(10_000,), (1, 9_999)]),
    )
    def told_of_an_order(self, number, units, again, tenders):
        """Another system says the same again, or something else of the same number."""
        ref = f"E{number}"
        known = Order.objects.filter(external_ref=ref).first()
        if known is not None and again:
            units = self.shop.orders[known.pk].lines[1].quantity
        total = units * 9_000 + 300
        amounts = (total,) if len(tenders) == 1 else (1, total - 1)
        given = GivenOrder(
            state="paid",
            placed_at=NOON,
            paid_at=NOON,
            lines=(GivenLine("TEA", units, 9_000),),
            freight_minor=300,
            total_minor=total,
            tenders=tuple(GivenTender("cash", amount) for amount in amounts),
        )
        is_other = False
        if known is not None:
            same = [p.amount for p in self._payments_of(known.pk)]
            was = self.shop.orders[known.pk].lines[1].quantity
            is_other = units != was or sorted(amounts) != sorted(same)
        with pytest.raises(Refusal) if is_other else nullcontext():
            told = ingest_order(
                source="erp",
                external_ref=ref,
                given=given,
                buyer={"number": self.member.number},
                actor="key:erp",
                now=self.now,
            )
            assert told.created == (known is None)
            if known is None:
                self._believe_told(told.order, total)

    def _believe_told(self, row: Order, total: int) -> None:
        (line,) = row.lines.all()
        order = model.Order(
            {1: model.Line("TEA", line.quantity, line.net_minor, 0, price=9_000)},
            freight=300,
            points=0,
            coupon=None,
            has_promotion=False,
            due_at=self.now,
            state="paid",
            paid=total,
            is_ours=False,
        )
        order.lines[1].listed = line.list_price_minor or 9_000
        self.shop.orders[row.pk] = order
        for payment in row.payments.all():
            self.shop.payments[payment.pk] = model.Payment(
                order, payment.amount_minor, "elsewhere", "captured", is_captured=True
            )

    def _payments_of(self, pk: int) -> list[model.Payment]:
        order = self.shop.orders[pk]
        return [each for each in self.shop.payments.values() if each.order is order]

    @precondition(lambda self: Order.objects.filter(source="erp").exists())
    @rule(which=pick, units=st.integers(1, 3), freight=st.booleans())
    def told_of_a_refund(self, which, units, freight):
        """It gave units back there; the freight, too, where it says so."""
        rows = list(Order.objects.filter(source="erp").order_by("pk"))
        row = rows[which % len(rows)]
        order = self.shop.orders[row.pk]
        key = f"told{len(order.refunds)}"
        refund = None
        with self._model() as told:
            refund = self.shop.ask_refund(
                order,
                {1: units},
                with_freight=freight,
                restocks=False,
                key=key,
                is_fault=True,
            )
        with told():
            made = ingest_refund(
                source="erp",
                external_ref=row.external_ref,
                refund_ref=key,
                items={1: units},
                freight=freight,
                amount_minor=refund.amount if refund else 1,
                actor="key:erp",
                now=self.now,
            ).refund
            refund.request_key = made.request_key
            self._believe_tenders(refund, made)

    # --- News ------------------------------------------------------------------

    @rule(limit=st.integers(1, 4))
    def some_news(self, limit):
        relay(now=self.now, limit=limit)

    @rule()
    def all_news(self):
        drain(now=self.now)
        waiting = Delivery.objects.exclude(state=Delivery.State.DONE)
        assert list(waiting.values_list("subscriber", "last_error")) == []
        self._hear_news()
        for refund in self._refunds().values():
            if refund.waits_for_difference:
                assert refund.replaced_by.state == "pending"
        self.shop.news_told()
        self._above_agrees()

    @rule(which=st.integers(0, 99))
    def old_news_again(self, which):
        """A worker that lost its lease comes back; the ledger is told again anyway."""
        done = list(Delivery.objects.filter(state=Delivery.State.DONE).order_by("id"))
        if not done:
            return
        delivery = done[which % len(done)]
        fact = Fact.objects.get(pk=delivery.fact_id)
        late = Claim(delivery.pk, delivery.attempts, delivery.subscriber, fact)
        assert not deliver(late, now=self.now)
        if delivery.subscriber == "loyalty.subscribers.earn_points_for_order":
            earn_for_order(order_id=fact.payload["order_id"], now=self.now)
        if delivery.subscriber == "loyalty.subscribers.settle_points_of_refund":
            settle_refund(refund_id=fact.payload["refund_id"], now=self.now)

    def _above_agrees(self):
        account = PointsAccount.objects.get(member=self.member)
        assert account.balance - account.debt == self.shop.points_net()
        assert account.held == self.shop.points_held()
        uses = dict(Promotion.objects.values_list("kind", "used"))
        assert uses == self.shop.promotion_uses()
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
        self._hear_news()
        rows = Order.objects.values_list("pk", "state", "paid_minor", "refunded_minor")
        assert {pk: rest for pk, *rest in rows} == {
            pk: [order.state, order.paid, order.refunded]
            for pk, order in self.shop.orders.items()
        }
        lines = OrderLine.objects.values_list(
            "order_id",
            "position",
            "refunded_quantity",
            "refunded_minor",
            "shipped_quantity",
        )
        assert {(pk, at): rest for pk, at, *rest in lines} == {
            (pk, at): [line.units_back, line.money_back, line.shipped]
            for pk, order in self.shop.orders.items()
            for at, line in order.lines.items()
        }

    @invariant()
    def money_in_and_out_agrees(self):
        rows = Payment.objects.values_list(
            "pk", "state", "amount_minor", "refunded_minor"
        )
        assert {pk: rest for pk, *rest in rows} == {
            pk: [payment.state, payment.amount, payment.given_back]
            for pk, payment in self.shop.payments.items()
        }
        wallet = Wallet.objects.get(pk=self.member.pk)
        assert (wallet.balance_minor, wallet.held_minor) == (
            self.shop.wallet,
            self.shop.wallet_held(),
        )
        parcels = dict(Shipment.objects.values_list("pk", "state"))
        assert parcels == {pk: each.state for pk, each in self._shipments().items()}
        self._hear_news()
        refunds = dict(Refund.objects.values_list("request_key", "state"))
        known = self._refunds()
        assert refunds == {key: refund.state for key, refund in known.items()}
        went_out = {
            self.names[key]: amount for key, amount in TestProvider.given_back.items()
        }
        assert went_out == self.shop.gateway

    @invariant()
    def history_is_a_chain_of_allowed_moves(self):
        self._hear_news()
        last: dict[int, str] = {}
        for pk, before, after in OrderEvent.objects.order_by("id").values_list(
            "order_id", "from_state", "to_state"
        ):
            assert before == last.get(pk, "")
            assert before == "" or may_move(before, after)
            last[pk] = after
        assert last == {pk: order.state for pk, order in self.shop.orders.items()}

    @invariant()
    def ledgers_are_sound(self):
        assert verify_ledger().findings == ()
        assert verify_wallets().findings == ()
        assert verify_stock().findings == ()

    @invariant()
    def returns_agree(self):
        self._hear_news()
        rows = ReturnRequest.objects.values_list("pk", "state", "kind")
        assert {pk: rest for pk, *rest in rows} == {
            pk: [each.state, _KINDS[each.kind]]
            for pk, each in self.shop.returns.items()
        }
        promised = OrderLine.objects.values_list(
            "order_id", "position", "returning_quantity"
        )
        assert {(pk, at): units for pk, at, units in promised} == {
            (pk, at): line.returning
            for pk, order in self.shop.orders.items()
            for at, line in order.lines.items()
        }

    def _refunds(self) -> dict[str, model.Refund]:
        orders = self.shop.orders.values()
        return {
            refund.request_key: refund
            for order in orders
            for refund in order.refunds.values()
        }

    def _hear_news(self) -> None:
        """Let the model know what news that arrived have settled."""
        for pk, state in Order.objects.values_list("pk", "state"):
            order = self.shop.orders[pk]
            if state == order.where_it_stands():
                # Less is waited for now.
                order.state = state
        waiting = {
            key: refund
            for key, refund in self._refunds().items()
            if refund.waits_for_difference
        }
        if waiting:
            rows = Refund.objects.filter(request_key__in=list(waiting))
            for key, state in rows.values_list("request_key", "state"):
                self.shop.hear_of_exchange(waiting[key], state)

    # --- Small words -------------------------------------------------------------

    def _one(self, what: dict, which: int, good=None):
        """Return one of many; mostly, where there is any, one that can do it."""
        if good is not None and which < 9:
            what = {pk: each for pk, each in what.items() if good(each)} or what
        return list(what.items())[which % len(what)]

    def _model(self):
        """Ask the model first; what it refuses the services must refuse, too."""
        return _Asked()


def _is_standing(order: model.Order) -> bool:
    return order.state in model.STANDING


def _has_gift(order: model.Order) -> bool:
    return _is_standing(order) and any(x.gift_of for x in order.lines.values())


def _is_pending(order: model.Order) -> bool:
    return order.state == "pending"


def _is_open(request: model.Return) -> bool:
    return request.state in {"requested", "approved", "in_transit", "received"}


def _is_inspected(request: model.Return) -> bool:
    return request.state == "inspected"


def _is_for_exchange(request: model.Return) -> bool:
    return _is_inspected(request) and request.kind == "exchange"


class _Asked:
    """Whether the model said ``NotNow``."""

    is_refused = False

    def __enter__(self):
        return self.then

    def __exit__(self, kind, error, trace):
        self.is_refused = kind is model.NotNow
        return self.is_refused

    def then(self):
        """Return what the call of the service stands in."""
        return pytest.raises(Refusal) if self.is_refused else nullcontext()


@pytest.fixture
def freight(settings):
    settings.FREIGHT_MINOR = FREIGHT
    settings.EXCHANGE_HOURS = 1


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
    live(examples=8, steps=20)


@pytest.mark.slow
def test_r9_orders_live_as_the_model_says_for_long(db, freight):
    live(examples=60, steps=50)
