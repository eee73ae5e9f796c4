"""Groups end by themselves."""

import pytest

from campaigns import tasks
from campaigns.models import Group
from campaigns.services.settling_groups import complete_group
from crm.schedule import SCHEDULE
from crm.shared import clock
from crm.wiring import DAILY_WORK
from loyalty.models import PointsEntry
from orders.models import Order
from orders.queries.returns import return_deadline
from tests.campaigns.groups import DAY, make_deal, paid_seat


@pytest.mark.django_db
def test_groups_are_settled_every_minute_and_every_skipped_day(alice, monkeypatch):
    now = clock.now()
    paid_seat(deal=make_deal(), member_id=alice.pk, now=now)
    assert tasks.settle_groups() == 0
    monkeypatch.setattr(clock, "now", lambda: now + DAY)
    assert tasks.settle_groups() == 1
    assert tasks.settle_groups() == 0
    assert Group.objects.get().state == "failed"
    assert SCHEDULE["settle-groups"] == {
        "task": "campaigns.tasks.settle_groups",
        "schedule": 60.0,
    }
    assert "campaigns.tasks.settle_groups" in DAILY_WORK


@pytest.mark.django_db
def test_g16_leaders_are_rewarded_every_hour_and_every_skipped_day(alice, monkeypatch):
    now = clock.now()
    deal = make_deal(leader_points=300)
    seat = paid_seat(deal=deal, member_id=alice.pk, now=now)
    complete_group(group_id=seat.group_id, actor="dana", reason="enough", now=now)
    Order.objects.update(state="completed", delivered_at=now)
    tasks.reward_leaders()
    assert not PointsEntry.objects.filter(kind="grant").exists()
    monkeypatch.setattr(clock, "now", lambda: return_deadline(now))
    tasks.reward_leaders()
    assert PointsEntry.objects.get(kind="grant").points == 300
    assert SCHEDULE["reward-leaders"]["schedule"] == 3600.0
    assert "campaigns.tasks.reward_leaders" in DAILY_WORK
