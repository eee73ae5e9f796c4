"""Points for events: joining, birthdays, check-ins, and what others report."""

from datetime import timedelta

import pytest

from crm.shared.outbox import drain
from loyalty.models import CheckIn, PointsEntry
from loyalty.queries.check_ins import check_in_standing
from loyalty.services.birthdays import grant_birthdays
from loyalty.services.checking_in import check_in
from loyalty.services.event_points import Happening, grant_for_events
from members.services.inviting import invitation_code_of
from members.services.joining import join
from members.services.merging import merge_members
from tests.cast import NOON, make_member, put_in_state
from tests.faults.callers import at_once
from tests.loyalty.books import account_of, assert_sound, ledger, rule

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _sound_in_the_end(db):
    yield
    assert_sound()


def born(serial, birthday):
    return make_member(
        serial, birthday=birthday, birth_month=int(birthday[5:7]), joined_at=NOON
    )


def test_birthdays_earn_once_a_year(db):
    rule("birthday", occasion="birthday", points=88)
    today, other = born(1, "1990-11-21"), born(2, "1990-11-22")
    gone = born(3, "1990-11-21")
    put_in_state(gone, "closed")
    assert [grant_birthdays(now=NOON), grant_birthdays(now=NOON)] == [1, 0]
    assert ledger(today) == [("grant", 88, 88)]
    assert ledger(other) == ledger(gone) == []
    assert grant_birthdays(now=NOON + DAY) == 1
    assert grant_birthdays(now=NOON + 365 * DAY) == 1
    assert account_of(today).balance == 176


def test_a_birthday_nobody_looked_at_is_made_up_for_within_two_days(db):
    rule("birthday", occasion="birthday", points=88)
    missed, of_last_year = born(1, "1990-11-21"), born(2, "1990-12-31")
    assert grant_birthdays(now=NOON + 2 * DAY) == 1
    assert grant_birthdays(now=NOON + 3 * DAY) == 0
    assert account_of(missed).balance == 88
    new_year = NOON.replace(year=2027, month=1, day=1)
    assert grant_birthdays(now=new_year) == 1
    assert grant_birthdays(now=new_year.replace(month=12, day=31)) == 1
    assert account_of(of_last_year).balance == 176


def test_who_was_born_on_29_february_celebrates_every_year(db):
    rule("birthday", occasion="birthday", points=88)
    leap = born(1, "2000-02-29")
    for year, day, written in [(2027, 28, 1), (2028, 28, 0), (2028, 29, 1)]:
        at = NOON.replace(year=year, month=2, day=day)
        assert grant_birthdays(now=at) == written
    assert account_of(leap).balance == 176


def test_t5_a_birthday_moved_over_new_year_earns_once(dana):
    """Also where the other birthday came with a merge."""
    rule("birthday", occasion="birthday", points=88)
    eve = NOON.replace(year=2026, month=12, day=31)
    moved, stays, goes = (
        born(1, "1990-12-31"),
        born(2, "1990-01-01"),
        born(3, "1990-12-31"),
    )
    assert grant_birthdays(now=eve) == 2
    moved.birthday, moved.birth_month = "1990-01-01", 1
    moved.save()
    merge_members(
        winner_id=stays.pk, loser_id=goes.pk, actor=dana, reason="one person", now=eve
    )
    assert grant_birthdays(now=eve + DAY) == 0
    assert grant_birthdays(now=eve + 366 * DAY) == 2
    assert account_of(moved).balance == account_of(stays).balance == 176


def test_birthdays_take_the_same_few_statements_for_many(
    db, django_assert_max_num_queries
):
    rule("birthday", occasion="birthday", points=88)
    for serial in range(1, 30):
        born(serial, "1990-11-21")
    with django_assert_max_num_queries(18):
        assert grant_birthdays(now=NOON) == 29


def test_a_streak_grows_day_by_day_and_begins_anew(alice):
    rule("look-in", occasion="check_in", award="ladder", ladder=[5, 10, 20])
    brought = [
        check_in(member_id=alice.pk, now=NOON + n * DAY) for n in (0, 0, 1, 2, 4)
    ]
    assert [done.points for done in brought] == [5, 5, 10, 20, 5]
    assert [done.is_new for done in brought] == [True, False, True, True, True]
    assert [done.check_in.streak for done in brought] == [1, 1, 2, 3, 1]
    assert account_of(alice).balance == 40


def test_the_day_of_a_check_in_is_the_shops(alice):
    late = NOON.replace(hour=15, minute=59)
    first = check_in(member_id=alice.pk, now=late)
    second = check_in(member_id=alice.pk, now=late + timedelta(minutes=1))
    assert second.check_in.day - first.check_in.day == DAY
    assert second.check_in.streak == 2


def test_the_next_days_are_told_ahead(alice):
    rule("look-in", occasion="check_in", award="ladder", ladder=[5, 10, 20])
    before = check_in_standing(member=alice, at=NOON)
    assert (before.is_done, before.streak) == (False, 0)
    assert [each.points for each in before.coming][:4] == [5, 10, 20, 20]
    check_in(member_id=alice.pk, now=NOON)
    after = check_in_standing(member=alice, at=NOON)
    assert (after.is_done, after.streak, after.coming[0].points) == (True, 1, 10)
    missed = check_in_standing(member=alice, at=NOON + 3 * DAY)
    assert (missed.streak, missed.coming[0].points) == (0, 5)


@pytest.mark.django_db(transaction=True)
def test_twenty_check_ins_at_once_are_one():
    member = make_member(7)
    rule("look-in", occasion="check_in", points=5)
    at_once([lambda: check_in(member_id=member.pk, now=NOON)] * 20)
    assert (CheckIn.objects.count(), account_of(member).balance) == (1, 5)


@pytest.mark.django_db(transaction=True)
def test_joining_and_inviting_earn_once():
    rule("joined", occasion="joined", points=50)
    rule("invite", occasion="invite", points=30)
    inviter = join(name="Ann", source="storefront", now=NOON)
    code = invitation_code_of(member_id=inviter.pk, now=NOON)
    join(name="Ben", source="storefront", invitation_code=code, now=NOON)
    join(name="Old", source="erp", is_new=False, now=NOON)
    for _again in range(2):
        drain(now=NOON)
    points = PointsEntry.objects.order_by("points").values_list("points", flat=True)
    assert list(points) == [30, 50, 50]
    assert account_of(inviter).balance == 80


def test_p4_many_events_of_many_members_earn_once_each(alice, bob):
    rule("survey", occasion="survey", award="dynamic", points=3)
    happenings = [
        Happening(alice.pk, "survey:1", number=2),
        Happening(alice.pk, "survey:2", number=1),
        Happening(bob.pk, "survey:1", number=5),
        Happening(bob.pk, "survey:3", number=0),
    ]
    for _again in range(2):
        grant_for_events(occasion="survey", happenings=happenings, now=NOON)
    assert ledger(alice) == [("grant", 6, 6), ("grant", 3, 9)]
    assert ledger(bob) == [("grant", 15, 15)]
