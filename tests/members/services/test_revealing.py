"""Personal data in clear: a reason, a budget per day, an entry."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from crm.shared.models import AuditEntry
from members.models import RevealBudget
from members.services.freezing import ReasonMissing
from members.services.revealing import RevealBudgetSpent, reveal, spend
from tests.cast import NOON, make_member, make_user


@pytest.fixture
def jing(db):
    return make_member(7, name="王静", phone="+8613800001234")


def look(member, actor, now=NOON, reason="call back"):
    return reveal(
        member_id=member.pk, field="phone", actor=actor, reason=reason, now=now
    )


def test_a_value_is_shown_for_a_reason(jing, dana):
    assert look(jing, dana) == "+8613800001234"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason, entry.detail) == (
        "members.reveal",
        "call back",
        {"field": "phone"},
    )
    assert RevealBudget.objects.get().used == 1


@pytest.mark.parametrize("reason", ["", "  ", "ab", " ab "])
def test_without_a_reason_nothing_is_spent(jing, dana, reason):
    with pytest.raises(ReasonMissing):
        look(jing, dana, reason=reason)
    assert not RevealBudget.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_budget_ends_and_begins_anew_with_the_shops_day(jing, dana, settings):
    settings.REVEALS_PER_DAY = 2
    look(jing, dana)
    look(jing, dana)
    with pytest.raises(RevealBudgetSpent):
        look(jing, dana)
    assert AuditEntry.objects.count() == 2
    midnight = NOON + timedelta(hours=12)  # noon in Shanghai is 04:00 UTC
    with pytest.raises(RevealBudgetSpent):
        look(jing, dana, now=midnight - timedelta(seconds=1))
    look(jing, dana, now=midnight)


def test_each_has_a_budget_of_their_own(jing, dana, settings):
    settings.REVEALS_PER_DAY = 1
    look(jing, dana)
    look(jing, make_user("erik", is_staff=True))


def test_rows_are_counted_apart_and_all_or_none(dana, settings):
    settings.REVEALS_PER_DAY, settings.CLEAR_ROWS_PER_DAY = 0, 10
    spend(user_id=dana.pk, kind="export", amount=7, now=NOON)
    with pytest.raises(RevealBudgetSpent):
        spend(user_id=dana.pk, kind="export", amount=4, now=NOON)
    spend(user_id=dana.pk, kind="export", amount=3, now=NOON)
    with pytest.raises(RevealBudgetSpent):
        spend(user_id=dana.pk, kind="reveal", now=NOON)
    assert RevealBudget.objects.get().used == 10


@pytest.mark.django_db(transaction=True)
def test_of_twelve_at_once_exactly_five_see_something(settings):
    settings.REVEALS_PER_DAY = 5
    member, user = make_member(7, phone="+8613800001234"), make_user("dana")
    barrier, seen = Barrier(12), []

    def one():
        try:
            barrier.wait()
            seen.append(look(member, user))
        except RevealBudgetSpent:
            seen.append(None)
        finally:
            connection.close()

    threads = [Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 12
    assert seen.count("+8613800001234") == 5
    assert RevealBudget.objects.get().used == 5
    assert AuditEntry.objects.count() == 5
