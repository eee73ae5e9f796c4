import threading

import pytest
from django.db import connection

from crm.shared.models import Fact
from members.models import Interest, Member, ProfileCompletion
from members.queries import profile_completeness
from members.services.correcting import correct_member
from tests.cast import NOON, make_member
from tests.members.people import later

ALL = {
    "name": "王静",
    "phone": "13800001234",
    "email": "jing@example.com",
    "birthday": "1990-02-28",
    "gender": "female",
    "city": "杭州",
    "nickname": "小静",
    "occupation": "professional",
    "education": "master",
    "interests": ["tea"],
}


@pytest.fixture
def tea(db):
    return Interest.objects.create(code="tea", name="茶", name_en="Tea")


def tell(member, now=NOON, **changes):
    return correct_member(member_id=member.pk, changes=changes, now=now)


def told() -> list[dict]:
    return [f.payload for f in Fact.objects.filter(name="members.ProfileCompleted")]


def test_a_complete_profile_is_told_once_for_good(bob, tea):
    almost = {k: v for k, v in ALL.items() if k != "nickname"}
    assert profile_completeness(tell(bob, **almost)) == 95
    assert told() == []

    assert profile_completeness(tell(bob, nickname="小静")) == 100
    assert told() == [{"member_id": bob.pk}]
    assert ProfileCompletion.objects.get().completed_at == NOON

    tell(bob, nickname=None)
    tell(bob, nickname="静", now=later(days=1))
    assert told() == [{"member_id": bob.pk}]
    assert ProfileCompletion.objects.get().completed_at == NOON


@pytest.mark.django_db(transaction=True)
def test_completed_twice_at_once_is_told_once():
    Interest.objects.create(code="tea", name="茶")
    member = make_member(1)
    tell(member, **{k: v for k, v in ALL.items() if k not in {"city", "nickname"}})
    tell(member, city="杭州")
    start = threading.Barrier(4)

    def finish(nickname):
        try:
            start.wait()
            tell(member, nickname=nickname)
        finally:
            connection.close()

    threads = [threading.Thread(target=finish, args=[f"n{n}"]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told() == [{"member_id": member.pk}]
    assert Member.objects.get().version == 6
