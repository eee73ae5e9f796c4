import pytest

from crm.shared.outbox import drain
from loyalty.models import PointsEntry, Program
from loyalty.services.rewarding import reward_profile
from members.models import Interest
from members.services.correcting import correct_member
from tests.cast import NOON, make_member, put_in_state
from tests.loyalty.books import account_of, assert_sound, ledger

PROFILE = {
    "phone": "13800001234",
    "email": "bob@example.com",
    "birthday": "1990-02-28",
    "gender": "male",
    "city": "杭州",
    "nickname": "Bobby",
    "occupation": "retired",
    "education": "school",
    "interests": ["tea"],
}


def pay(points: int) -> None:
    Program.objects.update(profile_points=points)


def test_a_complete_profile_brings_points_once(bob):
    pay(200)
    for _again in range(3):
        entry = reward_profile(member_id=bob.pk, now=NOON)
    assert (entry.kind, entry.points, entry.source) == (
        "grant",
        200,
        f"profile:{bob.public_id}",
    )
    assert ledger(bob) == [("grant", 200, 200)]
    assert_sound()


def test_a_program_that_gives_nothing_writes_nothing(bob):
    pay(0)
    assert reward_profile(member_id=bob.pk, now=NOON) is None
    assert not PointsEntry.objects.exists()


@pytest.mark.parametrize("state", ["closed", "merged", "erased"])
def test_who_may_not_earn_gets_nothing(db, state):
    pay(200)
    member = make_member(9)
    put_in_state(member, state)
    assert reward_profile(member_id=member.pk, now=NOON) is None
    assert not PointsEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_from_the_form_to_the_points():
    pay(150)
    Interest.objects.create(code="tea", name="茶")
    bob = make_member(2, name="Bob")
    for nickname in ("Bobby", None, "Rob"):
        correct_member(
            member_id=bob.pk, changes={**PROFILE, "nickname": nickname}, now=NOON
        )
        drain(now=NOON)
    assert account_of(bob).balance == 150
    assert ledger(bob) == [("grant", 150, 150)]
