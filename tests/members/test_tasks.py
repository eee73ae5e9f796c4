from datetime import timedelta

from crm.shared.clock import now
from members.models import Member, MemberTag
from members.services.tagging import tag_member
from members.tasks import drop_expired_tags, mark_dormant
from tests.cast import make_member


def test_the_tags_that_ended_go_and_the_others_stay(alice, dana):
    at = now()
    for name, days in (("past", -1), ("next", 1)):
        tag_member(
            member_id=alice.pk,
            name=name,
            author=dana,
            now=at - timedelta(days=9),
            expires_at=at + timedelta(days=days),
        )
    assert drop_expired_tags() == 1
    assert drop_expired_tags() == 0
    assert MemberTag.objects.get().tag.name == "next"


def test_the_long_absent_fall_asleep_after_the_days_of_the_settings(db, settings):
    settings.DORMANT_AFTER_DAYS = 90
    at = now()
    long_gone = make_member(1, joined_at=at - timedelta(days=91))
    make_member(2, joined_at=at - timedelta(days=89))
    assert mark_dormant() == 1
    assert mark_dormant() == 0
    assert Member.objects.get(state="dormant") == long_gone
