"""Pending points (P9): not spendable, dated by the delivery, first to be taken back."""

from datetime import timedelta

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from loyalty.models import PointsAccount, PointsLot, Program
from loyalty.queries.points import Activating, points_summary
from loyalty.services.activating import date_lots, pay_debts
from loyalty.services.adjusting import grant_points
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.holding import hold_points
from loyalty.services.posting import NotEnoughPoints
from loyalty.tasks import nightly
from orders.models import Order
from orders.queries.returns import return_deadline
from tests.cast import NOON
from tests.loyalty.books import (
    account_of,
    assert_sound,
    ledger,
    lots,
    paid_order,
    refund,
)
from tests.staff import client_in_role

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _sound_in_the_end(db, settings):
    settings.RETURN_DAYS = 14
    yield
    assert_sound()


def wait_for(activation, days=0):
    Program.objects.update(activation=activation, activation_days=days)


def earn(member, net_minor=10_000, **more):
    order = paid_order(member, net_minor, **more)
    earn_for_order(order_id=order.pk, now=NOON)
    return order


def deliver(order, at=NOON + DAY):
    Order.objects.filter(pk=order.pk).update(state="delivered", delivered_at=at)


def test_p9_pending_points_are_seen_and_not_spent(alice):
    wait_for("after_returns")
    earn(alice)
    summary = points_summary(alice.pk, NOON)
    assert (summary.available, summary.pending, summary.balance) == (0, 100, 100)
    assert summary.activating == (Activating(100, None),)
    with pytest.raises(NotEnoughPoints):
        hold_points(member_id=alice.pk, points=100, source="test:1", now=NOON)


def test_p9_the_term_counts_from_activation_not_from_the_order(alice):
    wait_for("after_returns")
    order = earn(alice)
    deliver(order)
    assert date_lots(order_id=order.pk, now=NOON + DAY) == 1
    lot = PointsLot.objects.get()
    assert lot.active_at == return_deadline(NOON + DAY)
    assert lot.expires_at.isoformat() == "2028-12-07T16:00:00+00:00"
    begins = lot.active_at
    assert points_summary(alice.pk, begins - timedelta(seconds=1)).available == 0
    assert points_summary(alice.pk, begins).available == 100
    assert date_lots(order_id=order.pk, now=NOON + 2 * DAY) == 0, "dated once"


def test_p9_points_may_wait_so_many_days(alice):
    wait_for("after_days", days=7)
    earn(alice)
    summary = points_summary(alice.pk, NOON)
    assert (summary.available, summary.pending) == (0, 100)
    assert [part.on.isoformat() for part in summary.activating] == ["2026-11-28"]
    assert points_summary(alice.pk, NOON + 7 * DAY).available == 100


def test_p9_news_of_the_delivery_may_come_first(alice):
    wait_for("after_returns")
    order = paid_order(alice, 10_000)
    deliver(order)
    date_lots(order_id=order.pk, now=NOON + DAY)
    earn_for_order(order_id=order.pk, now=NOON + DAY)
    assert PointsLot.objects.get().active_at == return_deadline(NOON + DAY)


def test_p9_the_nightly_sweep_dates_what_was_missed(alice, bob, monkeypatch):
    wait_for("after_returns")
    here, there = earn(alice), earn(bob)
    deliver(here)
    assert date_lots(now=NOON) == 0, "not yet arrived on that day"
    assert date_lots(now=NOON + DAY, limit=1) == 1
    assert date_lots(now=NOON + DAY) == 0
    deliver(there)
    monkeypatch.setattr("crm.shared.clock.now", lambda: NOON + 2 * DAY)
    assert nightly()["activate"] == 1


def test_p16_a_refund_takes_the_pending_points_of_its_order_first(alice):
    grant_points(
        member_id=alice.pk, points=50, reason="x", actor="t", source="t:1", now=NOON
    )
    wait_for("after_returns")
    order = earn(alice)
    back = refund(order, 10_000, is_last=True)
    settle_refund(refund_id=back.pk, now=NOON + DAY)
    assert ledger(alice)[-1] == ("claw_back", -100, 50)
    assert lots(alice) == [(50, 50), (100, 0)]
    assert account_of(alice).debt == 0


def test_p18_pending_points_pay_debt_once_they_are_active(alice):
    PointsAccount.objects.get_or_create(member=alice)
    first = earn(alice, 5_000)
    hold_points(member_id=alice.pk, points=50, source="test:spent", now=NOON)
    back = refund(first, 5_000)
    settle_refund(refund_id=back.pk, now=NOON + DAY)
    assert account_of(alice).debt == 50
    wait_for("after_days", days=7)
    second = paid_order(alice, 10_000, at=NOON + 2 * DAY)
    earn_for_order(order_id=second.pk, now=NOON + 2 * DAY)
    assert account_of(alice).debt == 50, "pending points pay nothing"
    assert pay_debts(now=NOON + 3 * DAY) == 0
    assert pay_debts(now=NOON + 9 * DAY) == 1
    assert pay_debts(now=NOON + 9 * DAY) == 0
    assert (account_of(alice).debt, lots(alice)[-1]) == (0, (100, 50))


def test_p9_lists_and_the_api_leave_pending_points_out(alice):
    wait_for("after_returns")
    earn(alice)
    boss = client_in_role("loyalty manager")
    for name in ("loyalty_pointsaccount", "members_member"):
        page = boss.get(reverse(f"admin:{name}_changelist"))
        (shown,) = page.context["cl"].result_list
        assert shown.spendable == 0
    client = APIClient()
    client.force_authenticate(alice.user)
    told = client.get("/api/storefront/v1/me/points").json()
    assert (told["available"], told["pending"]) == (0, 100)
    assert told["activating"] == [{"points": 100, "on": None, "asked_back": False}]
