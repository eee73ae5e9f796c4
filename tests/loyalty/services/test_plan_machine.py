"""A subscription beside a small model of it, through payments, pauses and time."""

from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm.shared.errors import Refusal
from crm.shared.outbox import drain
from loyalty.models import Subscription, SubscriptionPeriod
from loyalty.rules.plans import period_end
from loyalty.services.ending_plans import cancel_plan, keep_plan, settle_plan_refund
from loyalty.services.pausing import pause_plan, resume_plan
from loyalty.services.paying_plans import pay_plan_with
from loyalty.services.renewing import renew_due
from loyalty.services.subscribing import settle_paid_plans
from orders.models import Order, Payment
from orders.providers.test import TestProvider
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from tests.cast import make_member
from tests.loyalty.plans import bind_card, buy_plan, make_plan, noon, plan_of

pytestmark = pytest.mark.django_db
GRACE, BETWEEN, ATTEMPTS = 7, 3, 3
DAY = timedelta(days=1)


class NotNow(Exception):
    """The model refuses."""


@dataclass
class Model:
    """What should stand there: plain days, and one line for each thing that happens."""

    state: str = "none"
    ends: date = date.min
    anchor: int = 0
    kept: int = 0
    paused: date = date.min
    cancels: bool = False
    tried: int = 0
    charged: int = 0
    bought: list[int] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.state in {"active", "paused", "grace"}

    def left(self, today: date) -> int:
        if self.state == "paused":
            return self.kept
        return max(0, (self.ends - today).days - 1) if self.is_open else 0

    def _add(self, begin: date) -> None:
        end = period_end(begin, months=1, anchor_day=self.anchor)
        self.bought.append((end - begin).days)
        self.ends, self.tried = end, 0

    def buy(self, today: date) -> None:
        if self.state == "paused":
            begin = self.paused + (1 + self.kept) * DAY
            kept, self.anchor = self.kept, begin.day
            self._add(begin)
            self.kept = kept + self.bought[-1]
        elif self.is_open:
            self._add(self.ends)
            self.state = "active"
        else:
            self.anchor, self.cancels, self.bought = today.day, False, []
            self._add(today)
            self.state = "active"

    def night(self, today: date, *, card: str) -> None:
        if self.state not in {"active", "grace"} or today < self.ends:
            return
        if self.cancels or today >= self.ends + GRACE * DAY:
            self.state = "ended"
        elif self.tried < ATTEMPTS and today >= self.ends + self.tried * BETWEEN * DAY:
            self.tried += 1
            self.state = "grace"
            if card == "good":
                self.charged += 1
                self._add(self.ends)
                self.state = "active"

    def pause(self, today: date) -> None:
        if self.state != "active" or today >= self.ends:
            raise NotNow
        self.kept, self.paused, self.state = self.left(today), today, "paused"

    def resume(self, today: date) -> None:
        if self.state != "paused":
            raise NotNow
        end = max(today, self.paused + DAY) + self.kept * DAY
        if end != self.ends:
            self.anchor = end.day
        self.ends, self.state = end, "active"

    def cancel(self) -> None:
        if not self.is_open:
            raise NotNow
        self.cancels = True
        if self.state == "grace":
            self.state = "ended"

    def keep(self) -> None:
        if not self.is_open:
            raise NotNow
        self.cancels = False

    def refund(self, today: date) -> None:
        """Take back the days bought last."""
        left = self.left(today)
        days = min(left, self.bought[-1])
        if not days:
            return
        if self.state == "paused":
            self.kept -= days
        else:
            self.ends -= days * DAY
            self.anchor = self.ends.day
        self.bought.pop()
        if days == left:
            self.state = "ended"


class PlanMachine(RuleBasedStateMachine):
    """One member, one plan at 30.00 a month."""

    def __init__(self):
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        for known in (TestProvider.charged, TestProvider.outcomes):
            known.clear()
        self.member = make_member(1)
        self.plan = make_plan()
        self.today = date(2026, 1, 31)
        self.cards = {
            "good": bind_card(self.member, self.today),
            "bad": bind_card(self.member, self.today, token="declined_1"),  # noqa: S106
        }
        self.card = ""
        self.model = Model()
        self.renewals: list[int] = []
        self.refunded: set[int] = set()

    def teardown(self):
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    @property
    def now(self):
        return noon(self.today)

    def _both(self, told, asked) -> None:
        """Ask the model and the shop; both do it, or both refuse."""
        try:
            told()
        except NotNow:
            with pytest.raises(Refusal), transaction.atomic():
                asked()
        else:
            asked()

    def _me(self):
        return {"member_id": self.member.pk, "actor": "member", "now": self.now}

    @rule()
    def buys(self):
        was_open = self.model.is_open
        buy_plan(self.member, self.plan, self.today)
        self.model.buy(self.today)
        if not was_open:
            self.card = ""

    @precondition(lambda self: self.model.is_open)
    @rule(card=st.sampled_from(["good", "good", "bad", ""]))
    def binds(self, card):
        way = self.cards[card].public_id if card else ""
        pay_plan_with(member_id=self.member.pk, way=way, now=self.now)
        self.card = card

    @rule(days=st.sampled_from([1, 2, 3, 8, 15, 28]))
    def time_passes(self, days):
        for _ in range(days):
            self.today += DAY
            renew_due(now=self.now)
            drain(now=self.now)
            self.model.night(self.today, card=self.card)

    @rule()
    def the_round_runs_again(self):
        assert renew_due(now=self.now) == 0

    @rule()
    def pauses(self):
        self._both(
            lambda: self.model.pause(self.today), lambda: pause_plan(**self._me())
        )

    @rule()
    def resumes(self):
        self._both(
            lambda: self.model.resume(self.today), lambda: resume_plan(**self._me())
        )

    @rule()
    def cancels(self):
        self._both(self.model.cancel, lambda: cancel_plan(**self._me()))

    @rule()
    def keeps(self):
        self._both(self.model.keep, lambda: keep_plan(**self._me()))

    @rule()
    def news_come_again(self):
        for order in Order.objects.filter(paid_at__isnull=False):
            assert settle_paid_plans(order_id=order.pk, now=self.now) == []

    @precondition(lambda self: self.model.is_open and len(self.model.bought) > 0)
    @rule()
    def refunds_the_last_payment(self):
        newest = (
            plan_of(self.member)
            .periods.exclude(order_line__order_id__in=self.refunded)
            .order_by("-id")
            .first()
        )
        if newest is None:
            return
        if self.model.left(self.today) == 0:
            # Nothing is left to take: the fee is kept whole.
            return
        order_id = newest.order_line.order_id
        self.refunded.add(order_id)
        refund = refund_order(
            order_id=order_id,
            items={1: 1},
            reason="test",
            actor="dana",
            request_key=f"machine:{order_id}",
            now=self.now,
        )
        send_due_refunds(now=self.now)
        drain(now=self.now)
        assert settle_plan_refund(refund_id=refund.pk, now=self.now) == 0
        assert 0 <= refund.amount_minor <= 3_000
        self.model.refund(self.today)

    @invariant()
    def it_stands_as_the_model_says(self):
        held = plan_of(self.member)
        if held is None:
            assert self.model.state == "none"
            return
        assert held.state == self.model.state
        assert Subscription.objects.open().count() <= 1
        if held.state == "paused":
            assert held.kept_days == self.model.kept
        elif held.state != "ended":
            assert (held.ends_on, held.tried) == (self.model.ends, self.model.tried)
            assert held.cancels == self.model.cancels

    @invariant()
    def money_is_taken_once_for_days(self):
        assert len(TestProvider.charged) == self.model.charged
        captured = Payment.objects.filter(state="captured").aggregate(
            sum=Sum("amount_minor")
        )["sum"]
        paid = SubscriptionPeriod.objects.aggregate(sum=Sum("amount_minor"))["sum"]
        assert captured == paid
        assert not Payment.objects.filter(state="surplus").exists()


def live(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        PlanMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_life_of_a_plan_is_that_of_its_model(db):
    live(8, 14)


@pytest.mark.slow
def test_many_lives_of_a_plan_are_those_of_its_model(db):
    live(60, 30)
