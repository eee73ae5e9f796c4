"""Groups end by themselves."""

import pytest

from campaigns import tasks
from campaigns.models import Group
from crm.schedule import SCHEDULE
from crm.shared import clock
from crm.wiring import DAILY_WORK
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
