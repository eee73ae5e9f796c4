from datetime import timedelta

import pytest

from crm.shared.models import Fact
from members.models import LifecycleChange, Member
from members.services.freezing import move_member
from members.services.waking import mark_dormant, note_activity, note_past_activity
from tests.cast import NOON, make_member, put_in_state
from tests.members.people import later

YEAR = 365


def state_of(member) -> str:
    return Member.objects.get(pk=member.pk).state


def sleep(member, *, at=None):
    assert mark_dormant(now=at or later(days=YEAR + 1), after_days=YEAR) >= 1
    assert state_of(member) == "dormant"


def test_who_was_not_there_for_long_falls_asleep(alice, bob):
    note_activity(member_id=bob.pk, at=later(days=3), now=later(days=3))

    assert mark_dormant(now=later(days=YEAR), after_days=YEAR) == 0
    assert mark_dormant(now=later(days=YEAR, seconds=1), after_days=YEAR) == 1

    assert (state_of(alice), state_of(bob)) == ("dormant", "active")
    change = LifecycleChange.objects.get()
    assert (change.member, change.from_state, change.to_state, change.actor) == (
        alice,
        "active",
        "dormant",
        "members.tasks.mark_dormant",
    )
    assert change.reason == "inactivity"
    fact = Fact.objects.get(name="members.MemberStateChanged")
    assert (fact.payload["member_id"], fact.payload["change_id"]) == (
        alice.pk,
        change.pk,
    )
    assert Member.objects.get(pk=alice.pk).version == 1


def test_it_falls_asleep_once(alice):
    sleep(alice)
    assert mark_dormant(now=later(days=2 * YEAR), after_days=YEAR) == 0
    assert LifecycleChange.objects.count() == 1


@pytest.mark.parametrize("state", ["pending", "frozen", "closed", "merged", "erased"])
def test_only_the_active_fall_asleep(db, state):
    member = make_member(9)
    put_in_state(member, state)
    mark_dormant(now=later(days=2 * YEAR), after_days=YEAR)
    assert state_of(member) == state


@pytest.mark.parametrize("days", [0, -1])
def test_nobody_falls_asleep_at_once(alice, days):
    with pytest.raises(ValueError):
        mark_dormant(now=NOON, after_days=days)
    assert state_of(alice) == "active"


def test_many_fall_asleep_in_as_many_statements_as_few(
    db, django_assert_max_num_queries
):
    for serial in range(1, 13):
        make_member(serial, joined_at=NOON - timedelta(days=serial))
    at = later(days=YEAR + 1)
    with django_assert_max_num_queries(9) as few:
        assert mark_dormant(now=at, after_days=YEAR, limit=2) == 2
    with django_assert_max_num_queries(len(few)):
        assert mark_dormant(now=at, after_days=YEAR, limit=9) == 9
    # The longest absent came first; the newest is left.
    assert Member.objects.get(state="active").joined_at == NOON - timedelta(days=1)


def test_activity_wakes_up(alice):
    sleep(alice)
    at = later(days=YEAR + 2)
    assert note_activity(member_id=alice.pk, at=at, now=at) is True
    assert note_activity(member_id=alice.pk, at=at, now=at) is False
    assert state_of(alice) == "active"
    states = LifecycleChange.objects.order_by("id").values_list("to_state", "reason")
    assert list(states)[-1] == ("active", "activity")
    # And nobody wakes only to fall asleep the same night.
    assert mark_dormant(now=at, after_days=YEAR) == 0


def test_old_news_wake_nobody(alice):
    sleep(alice)
    at = later(days=YEAR + 2)
    assert note_activity(member_id=alice.pk, at=later(days=9), now=at) is False
    assert state_of(alice) == "dormant"
    assert Member.objects.get(pk=alice.pk).last_active_at == later(days=9)


@pytest.mark.parametrize("state", ["frozen", "closed"])
def test_activity_opens_nothing_that_staff_closed(alice, dana, state):
    move_member(member_id=alice.pk, to=state, reason="x", actor=dana, now=NOON)
    assert note_activity(member_id=alice.pk, at=NOON, now=NOON) is False
    assert state_of(alice) == state


def test_activity_is_kept_to_the_day(alice, django_assert_num_queries):
    for hours in (0, 5, 23):
        note_activity(member_id=alice.pk, at=later(hours=hours), now=NOON)
        assert Member.objects.get(pk=alice.pk).last_active_at == NOON
    note_activity(member_id=alice.pk, at=later(hours=25), now=NOON)
    assert Member.objects.get(pk=alice.pk).last_active_at == later(hours=25)


def test_history_moves_the_newest_day_forward_only(alice, bob):
    note_activity(member_id=alice.pk, at=later(days=5), now=NOON)
    note_past_activity(newest={alice.pk: NOON, bob.pk: later(days=2), 0: NOON})
    seen = Member.objects.order_by("pk").values_list("last_active_at", flat=True)
    assert list(seen) == [later(days=5), later(days=2)]
