"""Seats of two members who turn out to be one."""

from datetime import timedelta

import pytest

from campaigns.models import Group, Seat
from campaigns.services.settling_groups import settle_due_groups
from crm.shared.outbox import drain
from members.services.unmerging import undo_merge
from orders.models import Order
from tests.campaigns.groups import DAY, counters_are_right, make_deal, paid_seat
from tests.cast import NOON
from tests.members.services.test_merging import merge

pytestmark = pytest.mark.django_db


def test_seats_go_over_and_come_back(alice, bob):
    seat = paid_seat(deal=make_deal(), member_id=bob.pk)
    done = merge(alice, bob)
    seat.refresh_from_db()
    assert seat.member_id == seat.order.member_id == alice.pk
    undo_merge(
        merge_id=done.pk,
        reason="two people after all",
        actor="tests",
        now=NOON + timedelta(hours=1),
    )
    seat.refresh_from_db()
    assert seat.member_id == bob.pk


def test_g4_who_is_both_in_one_group_has_one_seat_and_loses_no_money(alice, bob):
    leader = paid_seat(deal=make_deal(), member_id=alice.pk)
    other = paid_seat(group=leader.group, member_id=bob.pk)
    merge(alice, bob)
    assert Seat.objects.get(pk=leader.pk).member_id == alice.pk
    assert Seat.objects.get(pk=other.pk).member_id == bob.pk
    assert settle_due_groups(now=NOON + DAY) == 1
    drain(now=NOON + DAY)
    assert Group.objects.get().state == "failed"
    for order in Order.objects.all():
        assert (order.member_id, order.refunded_minor) == (alice.pk, order.total_minor)
    assert counters_are_right()
