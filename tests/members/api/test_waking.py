from datetime import timedelta

from crm.shared.clock import now
from members.models import LifecycleChange, Member
from members.services.waking import mark_dormant
from tests.members.api.signing_in import ADDRESS, PASSWORD, log_in


def test_signing_in_wakes_up(jing, eve):
    Member.objects.update(joined_at=now() - timedelta(days=500), last_active_at=None)
    assert mark_dormant(now=now(), after_days=365) == 2
    assert log_in(email=ADDRESS, password="wrong-pass-phrase").status_code == 400
    assert Member.objects.filter(state="dormant").count() == 2

    assert log_in(email=ADDRESS, password=PASSWORD).status_code == 200

    awake = Member.objects.get(state="active")
    assert awake.email == ADDRESS
    assert now() - awake.last_active_at < timedelta(minutes=5)
    assert LifecycleChange.objects.filter(to_state="active").count() == 1
