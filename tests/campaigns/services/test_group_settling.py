"""G5 to G7, G9, G11, G12 and G15: how groups end, and what becomes of their orders."""

from datetime import timedelta

import pytest

from campaigns.models import Group, Message, Seat
from campaigns.services import settling_groups
from campaigns.services.seats import join_group
from campaigns.services.settling_groups import (
    GroupNotOpen,
    complete_group,
    settle_due_groups,
    settle_group,
)
from crm.shared.models import AuditEntry, Delivery, Fact
from crm.shared.outbox import drain
from loyalty.models import PointsEntry
from loyalty.services.posting import open_accounts
from orders.models import Order, Payment, Refund, Variant
from orders.providers.test import TestProvider
from orders.queries.revenue import net_by_month
from orders.services.moving import OrderWaits
from orders.services.payment import start_payment
from orders.services.refunding import quote_refund, refund_order
from orders.services.return_requests import Wish, request_return
from orders.services.returning import send_due_refunds
from orders.services.shipping import ship
from tests.campaigns.groups import (
    DAY,
    GROUP_MINOR,
    LADDER,
    counters_are_right,
    make_deal,
    open_with,
    paid_seat,
    people,
)
from tests.cast import NOON
from tests.orders.shop import notify

pytestmark = pytest.mark.django_db
DUE = NOON + DAY


@pytest.fixture(autouse=True)
def shop_with_freight(settings):
    settings.FREIGHT_MINOR, settings.FREE_FREIGHT_FROM_MINOR = 800, None
    for known in (TestProvider.given_back, TestProvider.asked):
        known.clear()


def tell(now=DUE) -> None:
    """Tell all news, and let providers pay what is due."""
    drain(now=now)
    send_due_refunds(now=now)
    drain(now=now)


def facts(name: str) -> int:
    return Fact.objects.filter(name=name).count()


# --- G5, G15: success ---------------------------------------------------------


def test_g5_the_last_payment_lets_all_orders_go(alice):
    seats = open_with(make_deal(), 2)
    assert {o.waits_for for o in Order.objects.all()} == {"group"}
    assert facts("orders.OrderPaid") == 0
    at = NOON + timedelta(hours=1)
    (last,) = people(1, first=200)
    paid_seat(group=seats[0].group, member_id=last, now=at)
    group = Group.objects.get()
    assert (group.state, group.paid, group.held) == ("succeeded", 3, 0)
    assert (group.price_minor, group.settled_at) == (GROUP_MINOR, at)
    assert [(o.state, o.waits_for, o.paid_at) for o in Order.objects.all()] == [
        ("paid", "", at)
    ] * 3
    assert facts("orders.OrderPaid") == 3
    assert Message.objects.filter(template="group_succeeded").count() == 3
    assert settle_group(group_id=group.pk, now=DUE) is False
    assert counters_are_right()


def test_g15_a_waiting_order_neither_ships_nor_earns_nor_counts(alice):
    open_accounts(member_ids=[alice.pk], now=NOON)
    seat = paid_seat(deal=make_deal(), member_id=alice.pk)
    order = Order.objects.get()
    assert (order.state, order.paid_at, order.waits_for) == ("paid", None, "group")
    with pytest.raises(OrderWaits):
        ship(order_id=order.pk, items={1: 1}, actor="key:w", now=NOON)
    with pytest.raises(OrderWaits):
        quote_refund(order_id=order.pk, items={1: 1}, now=NOON)
    with pytest.raises(OrderWaits):
        refund_order(
            order_id=order.pk,
            items={1: 1},
            reason="",
            actor="dana",
            request_key="r",
            now=NOON,
        )
    with pytest.raises(OrderWaits):
        wish = Wish(kind="return", items={1: 1}, reason_code="damaged")
        request_return(order_id=order.pk, wish=wish, actor="member", now=NOON)
    assert not PointsEntry.objects.filter(kind="earn").exists()
    assert net_by_month() == {}
    for pk in people(2, first=200):
        paid_seat(group=seat.group, member_id=pk)
    earned = PointsEntry.objects.get(account_id=alice.pk, kind="earn")
    assert earned.source == f"order:{order.public_id}"
    assert ship(order_id=order.pk, items={1: 1}, actor="key:w", now=NOON).pk
    assert sum(net_by_month().values()) == 3 * order.total_minor


# --- G6, G7: failure ----------------------------------------------------------


def test_g6_a_group_too_small_gives_everything_back(alice):
    deal = make_deal(on_hand=10)
    seats = open_with(deal, 2)
    (late,) = people(1, first=200)
    held = join_group(
        group=seats[0].group.public_id,
        member_id=late,
        now=DUE - timedelta(minutes=5),
    )
    assert settle_due_groups(now=DUE - timedelta(seconds=1)) == 0
    assert settle_due_groups(now=DUE) == 1
    assert settle_due_groups(now=DUE) == 0
    tell()
    group = Group.objects.get()
    assert (group.state, group.paid, group.held) == ("failed", 2, 0)
    for seat in seats:
        order = Order.objects.get(pk=seat.order_id)
        assert order.state == "refunded"
        assert order.refunded_minor == order.paid_minor == order.total_minor
        assert order.freight_minor == 800
    assert Order.objects.get(pk=held.order_id).state == "cancelled"
    tea = Variant.objects.get()
    assert (tea.on_hand, tea.reserved) == (10, 0)
    assert set(Seat.objects.values_list("order_id", "state")) == {
        (seats[0].order_id, "refunded"),
        (seats[1].order_id, "refunded"),
        (held.order_id, "lost"),
    }
    deal.refresh_from_db()
    assert deal.taken == 0
    assert facts("orders.OrderPaid") == 0
    assert net_by_month() == {}
    assert not Delivery.objects.exclude(state="done").exists()
    assert Message.objects.filter(template="group_failed").count() == 2


def test_g6_who_has_paid_in_time_counts_although_the_news_are_late(alice):
    seats = open_with(make_deal(), 2)
    (last,) = people(1, first=200)
    seat = join_group(group=seats[0].group.public_id, member_id=last, now=NOON)
    notify(start_payment(order_id=seat.order_id, provider="test", now=NOON))
    assert settle_due_groups(now=DUE) == 1
    assert Group.objects.get().state == "succeeded"
    tell()
    assert facts("orders.OrderPaid") == 3
    assert not Refund.objects.exists()


def test_g7_a_payment_after_failure_goes_back(alice):
    seat = paid_seat(deal=make_deal(), member_id=alice.pk)
    (late,) = people(1)
    held = join_group(
        group=seat.group.public_id, member_id=late, now=DUE - timedelta(minutes=5)
    )
    payment = start_payment(
        order_id=held.order_id, provider="test", now=DUE - timedelta(minutes=4)
    )
    settle_due_groups(now=DUE)
    tell()
    notify(payment, now=DUE)
    assert Payment.objects.get(pk=payment.pk).state == "surplus"
    tell()
    assert Payment.objects.get(pk=payment.pk).state == "returned"


def test_g7_a_payment_between_failure_and_its_news_is_refunded(alice):
    seat = paid_seat(deal=make_deal(), member_id=alice.pk)
    (late,) = people(1)
    held = join_group(
        group=seat.group.public_id, member_id=late, now=DUE - timedelta(minutes=5)
    )
    payment = start_payment(
        order_id=held.order_id, provider="test", now=DUE - timedelta(minutes=4)
    )
    settle_due_groups(now=DUE)
    notify(payment, now=DUE)
    tell()
    order = Order.objects.get(pk=held.order_id)
    assert (order.state, order.refunded_minor) == ("refunded", order.total_minor)
    assert Group.objects.get().paid == 1


def test_a_group_that_cannot_be_settled_stops_no_other(alice, monkeypatch, caplog):
    deal = make_deal(one_open_group=False)
    first, second = (paid_seat(deal=deal, member_id=alice.pk) for _ in range(2))
    settle = settling_groups.settle_group

    def broken(*, group_id, now):
        if group_id == first.group_id:
            raise RuntimeError("no")
        return settle(group_id=group_id, now=now)

    monkeypatch.setattr(settling_groups, "settle_group", broken)
    assert settle_due_groups(now=DUE) == 1
    assert Group.objects.get(pk=second.group_id).state == "failed"
    assert Group.objects.get(pk=first.group_id).state == "open"


# --- G9: afterwards -----------------------------------------------------------


def test_g9_one_refund_after_success_changes_nobody_else(alice):
    seats = open_with(make_deal(), 3)
    refund_order(
        order_id=seats[1].order_id,
        items={1: 1},
        reason="broken",
        actor="dana",
        request_key="one",
        now=NOON,
    )
    tell()
    group = Group.objects.get()
    assert (group.state, group.paid) == ("succeeded", 3)
    states = group.seats.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["paid", "refunded", "paid"]
    assert list(Order.objects.order_by("pk").values_list("state", flat=True)) == [
        "paid",
        "refunded",
        "paid",
    ]
    assert counters_are_right()


# --- G11: ladders -------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "price", "back"), [(3, 8_000, 0), (4, 8_000, 0), (5, 6_001, 1_999)]
)
def test_g11_everybody_pays_the_step_reached(alice, members, price, back):
    seats = open_with(make_deal(rungs=LADDER), members)
    settle_due_groups(now=DUE)
    tell()
    group = Group.objects.get()
    assert (group.state, group.price_minor) == ("succeeded", price)
    refunds = Refund.objects.order_by("order_id")
    assert [refund.amount_minor for refund in refunds] == [back] * members * bool(back)
    for seat in seats:
        order = Order.objects.get(pk=seat.order_id)
        assert order.state == "paid"
        assert order.paid_minor - order.refunded_minor - order.freight_minor == price
    given = Payment.objects.values_list("refunded_minor", flat=True)
    assert set(given) == {back}


def test_g11_what_was_given_back_is_not_given_twice(alice):
    open_accounts(member_ids=[alice.pk], now=NOON)
    leader = paid_seat(deal=make_deal(rungs=LADDER), member_id=alice.pk)
    for pk in people(4, first=200):
        paid_seat(group=leader.group, member_id=pk)
    tell(NOON)
    refund_order(
        order_id=leader.order_id,
        items={1: 1},
        reason="back",
        actor="dana",
        request_key="whole",
        freight=None,
        now=NOON,
    )
    tell(NOON)
    order = Order.objects.get(pk=leader.order_id)
    amounts = order.refunds.order_by("pk").values_list("amount_minor", flat=True)
    assert list(amounts) == [1_999, 6_001 + order.freight_minor]
    assert (order.state, order.refunded_minor) == ("refunded", order.total_minor)
    entries = PointsEntry.objects.filter(account_id=alice.pk)
    assert sum(entries.values_list("points", flat=True)) == 0


def test_g11_too_few_for_the_first_step_is_a_failure(alice):
    open_with(make_deal(rungs=LADDER), 2)
    settle_due_groups(now=DUE)
    assert Group.objects.get().state == "failed"


# --- G12: completed by the shop -----------------------------------------------


def test_g12_the_shop_completes_a_group_in_the_open(alice, dana):
    seats = open_with(make_deal(), 2)
    (late,) = people(1, first=200)
    held = join_group(group=seats[0].group.public_id, member_id=late, now=NOON)
    complete_group(
        group_id=seats[0].group_id, actor=dana, reason="one is missing", now=NOON
    )
    tell(NOON)
    group = Group.objects.get()
    assert (group.state, group.completed_by_shop) == ("succeeded", True)
    assert (group.paid, group.price_minor, group.seats.count()) == (2, GROUP_MINOR, 3)
    entry = AuditEntry.objects.get(action="groups.complete")
    assert (entry.reason, entry.detail) == ("one is missing", {"paid": 2, "size": 3})
    assert Order.objects.get(pk=held.order_id).state == "cancelled"
    assert facts("orders.OrderPaid") == 2
    assert Message.objects.filter(template="group_completed_by_shop").count() == 2
    with pytest.raises(GroupNotOpen):
        complete_group(group_id=group.pk, actor=dana, reason="again", now=NOON)
    assert counters_are_right()
