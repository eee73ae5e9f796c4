"""Lists of the console say of many what the page of one says (P2)."""

from datetime import timedelta

import pytest

from loyalty.models import PointsAccount, PointsLot
from loyalty.queries.points import available_points, points_summary
from loyalty.services.adjusting import grant_points
from loyalty.services.freezing import freeze_points
from members.models import Member
from tests.cast import NOON

DAY = timedelta(days=1)


def spend_nothing(member):
    pass


def end(member):
    PointsLot.objects.update(expires_at=NOON + DAY)


def wait(member):
    PointsLot.objects.update(active_at=NOON + 2 * DAY)


def wait_for_delivery(member):
    PointsLot.objects.update(active_at=None, expires_at=None)


def owe(member):
    PointsAccount.objects.update(debt=60)


def freeze(member):
    PointsAccount.objects.update(is_frozen=True, frozen_at=NOON)


def set_aside(member):
    freeze_points(
        member_id=member.pk, points=30, reason="x", actor="t", source="f", now=NOON
    )


@pytest.mark.parametrize(
    ("befalls", "available"),
    [
        (spend_nothing, 100),
        (end, 0),
        (wait, 0),
        (wait_for_delivery, 0),
        (owe, 0),
        (freeze, 0),
        (set_aside, 70),
    ],
)
def test_p2_p10_p18_a_list_shows_what_can_be_spent(alice, bob, befalls, available):
    grant_points(
        member_id=alice.pk, points=100, reason="x", actor="t", source="s", now=NOON
    )
    befalls(alice)
    at = NOON + DAY
    assert points_summary(alice.pk, at).available == available
    for rows in (PointsAccount.objects, Member.objects):
        listed = rows.annotate(spendable=available_points(at))
        assert listed.get(pk=alice.pk).spendable == available
    assert Member.objects.annotate(n=available_points(at)).get(pk=bob.pk).n == 0
