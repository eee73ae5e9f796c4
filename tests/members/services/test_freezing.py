import pytest
from django.db import IntegrityError, transaction

from crm.shared.models import AuditEntry, Fact
from members.models import LifecycleChange, Member
from members.queries import could_earn, state_at
from members.rules.lifecycle import TABLE
from members.services.freezing import (
    MoveNotAllowed,
    ReasonMissing,
    change_state,
    move_member,
)
from tests.cast import NOBODY, NOON, make_member, put_in_state
from tests.members.people import later


def move(member, to, *, by, reason="x", at=NOON):
    return move_member(member_id=member.pk, to=to, reason=reason, actor=by, now=at)


def test_a_move_leaves_who_and_why(alice, dana):
    move(alice, "frozen", by=dana, reason="returns too much")

    kept = Member.objects.get(pk=alice.pk)
    assert (kept.state, kept.version) == ("frozen", 1)
    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.action, entry.reason) == (
        dana.pk,
        "members.move",
        "returns too much",
    )
    assert entry.detail == {"from": "active", "to": "frozen"}


def test_a_move_stands_in_the_ledger_and_is_told(alice, dana):
    move(alice, "frozen", by=dana, reason=" returns too much ")
    change = LifecycleChange.objects.get()
    assert (change.member, change.from_state, change.to_state) == (
        alice,
        "active",
        "frozen",
    )
    assert (change.reason, change.actor, change.occurred_at) == (
        "returns too much",
        "dana",
        NOON,
    )
    fact = Fact.objects.get(name="members.MemberStateChanged")
    assert fact.payload == {
        "member_id": alice.pk,
        "change_id": change.pk,
        "from_state": "active",
        "to_state": "frozen",
    }
    assert fact.key == f"member:{alice.pk}"


def test_the_ledger_only_grows(alice, dana):
    move(alice, "frozen", by=dana)
    for change in (
        lambda: LifecycleChange.objects.update(reason="y"),
        lambda: LifecycleChange.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert LifecycleChange.objects.get().reason == "x"


def test_moving_again_writes_nothing(alice, dana):
    move(alice, "frozen", by=dana)
    move(alice, "frozen", by=dana)
    assert AuditEntry.objects.count() == 1
    assert LifecycleChange.objects.count() == 1


@pytest.mark.parametrize("to", ["erased", "merged", "dormant", "pending"])
def test_a_move_staff_may_not_choose_is_refused(to, alice, dana):
    with pytest.raises(MoveNotAllowed):
        move(alice, to, by=dana)
    assert Member.objects.get(pk=alice.pk).state == "active"
    assert not AuditEntry.objects.exists()
    assert not LifecycleChange.objects.exists()
    assert not Fact.objects.exists()


def test_staff_do_not_undo_a_merge_by_a_state(dana):
    merged = make_member(9)
    put_in_state(merged, "merged")
    with pytest.raises(MoveNotAllowed):
        move(merged, "active", by=dana)
    assert Member.objects.get(pk=merged.pk).state == "merged"


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_move_needs_a_reason(alice, dana, reason):
    with pytest.raises(ReasonMissing):
        move(alice, "frozen", by=dana, reason=reason)
    assert Member.objects.get(pk=alice.pk).state == "active"


def test_services_that_end_a_membership_use_the_same_table(alice):
    put_in_state(alice, "closed")
    for name, nothing in NOBODY.items():
        setattr(alice, name, nothing)
    alice.save()
    change_state(alice, to="erased", reason="asked", actor=None, now=NOON)
    assert LifecycleChange.objects.get().actor == "system"
    with pytest.raises(MoveNotAllowed):
        change_state(alice, to="active", reason="back", actor=None, now=NOON)
    assert Member.objects.get(pk=alice.pk).state == "erased"


@pytest.mark.parametrize("state", list(TABLE))
def test_lists_ask_the_same_table(db, state):
    member = make_member(9)
    put_in_state(member, state)
    standing = TABLE[state]
    assert Member.objects.may_earn().filter(pk=member.pk).exists() is standing.earn
    assert Member.objects.may_spend().filter(pk=member.pk).exists() is standing.spend
    assert (
        Member.objects.may_receive().filter(pk=member.pk).exists() is standing.receive
    )


def test_the_state_of_any_day_can_be_told(alice, bob, dana):
    move(alice, "closed", by=dana, at=later(days=10))
    move(alice, "active", by=dana, at=later(days=20))
    states = [state_at(member_id=alice.pk, at=later(days=d)) for d in (9, 10, 19, 20)]
    assert states == ["active", "closed", "closed", "active"]
    earning = [could_earn(member_id=alice.pk, at=later(days=d)) for d in (9, 10, 20)]
    assert earning == [True, False, True]
    assert state_at(member_id=bob.pk, at=NOON) == "active"
