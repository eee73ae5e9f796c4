"""A group beside a model of it, through random lives; and its money in the end."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from campaigns.models import Group, Seat
from campaigns.services.seats import join_group, leave_group, open_group
from campaigns.services.settling_groups import complete_group, settle_due_groups
from crm.shared.errors import Refusal
from crm.shared.models import Delivery, Fact
from crm.shared.outbox import drain
from orders.models import Order, Variant
from orders.providers.test import TestProvider
from orders.services.cancelling import cancel_order
from orders.services.payment import start_payment
from orders.services.returning import send_due_refunds
from orders.services.verifying_stock import verify_stock
from tests.campaigns import group_model as model
from tests.campaigns.groups import DAY, LADDER, counters_are_right, make_deal, people
from tests.cast import NOON
from tests.orders.shop import notify

pytestmark = pytest.mark.django_db
TEAS = 9
who = st.integers(0, 5)


class GroupMachine(RuleBasedStateMachine):
    """Six members and one group: they join, pay, leave, and time runs out."""

    def __init__(self):
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        for known in (TestProvider.given_back, TestProvider.asked):
            known.clear()
        self.deal = make_deal(rungs=LADDER, on_hand=TEAS, stock=TEAS)
        self.ids = people(6)
        self.now = NOON
        self.group = model.Group(LADDER)

    def teardown(self):
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    @initialize(paid=st.sampled_from([0, 1, 2, 3, 3, 4]))
    def opens(self, paid):
        leader = self.ids[0]
        seat = open_group(deal=self.deal.public_id, member_id=leader, now=self.now)
        self.public_id = seat.group.public_id
        self.group.open(leader)
        for member in self.ids[:paid]:
            if member != leader:
                join_group(group=self.public_id, member_id=member, now=self.now)
                self.group.join(member)
            self._pay(member)

    def _both(self, told, asked) -> None:
        """Ask the model and the shop; both do it, or both refuse."""
        try:
            told()
        except model.NotNow:
            with pytest.raises(Refusal), transaction.atomic():
                asked()
        else:
            asked()

    def _order(self, member: int) -> Order:
        seats = Seat.objects.select_related("order")
        return seats.get(member_id=member, state__in=Seat.LIVE).order

    @rule(number=who)
    def joins(self, number):
        member = self.ids[number]
        self._both(
            lambda: self.group.join(member),
            lambda: join_group(group=self.public_id, member_id=member, now=self.now),
        )

    @rule(number=who)
    def pays(self, number):
        seat = self.group.live(self.ids[number])
        if seat is not None and seat.state == "held":
            self._pay(self.ids[number])

    def _pay(self, member: int) -> None:
        order = self._order(member)
        notify(start_payment(order_id=order.pk, provider="test", now=self.now))
        drain(now=self.now)
        self.group.pay(member)
        # Each pays at a moment of their own: who was first is no matter of chance.
        self.now += timedelta(seconds=1)

    @rule(number=who)
    def cancels(self, number):
        seat = self.group.live(self.ids[number])
        if seat is None or seat.state != "held":
            return
        order = self._order(seat.member)
        cancel_order(order_id=order.pk, actor="member", reason="", now=self.now)
        drain(now=self.now)
        self.group.lose(seat.member)

    @rule(number=st.sampled_from([0, 0, 1, 2]))
    def leaves(self, number):
        member = self.ids[number]
        self._both(
            lambda: self.group.leave(member),
            lambda: leave_group(group=self.public_id, member_id=member, now=self.now),
        )

    @rule(hesitates=st.sampled_from([True, False]))
    def is_completed(self, hesitates):
        if hesitates:
            return
        pk = Group.objects.get().pk
        self._both(
            self.group.complete,
            lambda: complete_group(
                group_id=pk, actor="dana", reason="enough", now=self.now
            ),
        )

    @precondition(lambda self: self.group.is_under_way)
    @rule(hesitates=st.sampled_from([True, False]))
    def time_is_over(self, hesitates):
        if hesitates:
            return
        at = self.now + DAY
        settle_due_groups(now=at)
        self.group.deadline()

    @rule()
    def news_are_told(self):
        drain(now=self.now)
        send_due_refunds(now=self.now)
        drain(now=self.now)
        waiting = Delivery.objects.exclude(state="done")
        assert list(waiting.values_list("subscriber", "last_error")) == []
        self._money_agrees()

    def _money_agrees(self):
        kept = {"held": "pending", "paid": "paid", "lost": "cancelled"}
        for seat in Seat.objects.select_related("order", "group"):
            order = seat.order
            if seat.state in kept:
                assert order.state == kept[seat.state]
            elif order.paid_minor:
                assert (order.state, order.refunded_minor) == (
                    "refunded",
                    order.total_minor,
                )
            if seat.state == "paid" and seat.group.state == "succeeded":
                assert order.paid_minor - order.refunded_minor == self.group.price
        sold = self.group.count("paid")
        tea = Variant.objects.get()
        assert (tea.on_hand, tea.reserved) == (TEAS - sold, self.group.count("held"))
        assert verify_stock().findings == ()

    @invariant()
    def the_seats_are_those_of_the_model(self):
        if not hasattr(self, "public_id"):
            return
        group = Group.objects.get()
        rows = Seat.objects.order_by("pk").values_list("member_id", "state")
        assert list(rows) == [(s.member, s.state) for s in self.group.seats]
        assert (group.state, group.price_minor) == (self.group.state, self.group.price)
        if self.group.is_under_way:
            (leader,) = group.seats.filter(is_leader=True)
            assert leader.member_id == self.group.leader
        assert counters_are_right()

    @invariant()
    def only_a_successful_group_lets_orders_go(self):
        if not hasattr(self, "public_id"):
            return
        released = Order.objects.filter(waits_for="")
        sold = self.group.count("paid") if self.group.state == "succeeded" else 0
        assert released.count() == sold
        assert Fact.objects.filter(name="orders.OrderPaid").count() == sold
        assert not released.exclude(paid_at__isnull=False).exists()


def test_any_life_of_a_group_is_that_of_its_model(db):
    run_state_machine_as_test(
        GroupMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_many_lives_of_a_group_are_those_of_its_model(db):
    run_state_machine_as_test(
        GroupMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
