import pytest

from crm.shared.models import AuditEntry
from members.models import Member
from members.services.freezing import MoveNotAllowed, ReasonMissing, move_member
from tests.cast import NOON


def test_a_move_leaves_who_and_why(alice, dana):
    move_member(
        member_id=alice.pk, to="frozen", reason="returns too much", actor=dana, now=NOON
    )

    assert Member.objects.get(pk=alice.pk).state == "frozen"
    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.action, entry.reason) == (
        dana.pk,
        "members.move",
        "returns too much",
    )
    assert entry.detail == {"from": "active", "to": "frozen"}


def test_moving_again_writes_nothing(alice, dana):
    move_member(member_id=alice.pk, to="frozen", reason="x", actor=dana, now=NOON)
    move_member(member_id=alice.pk, to="frozen", reason="x", actor=dana, now=NOON)
    assert AuditEntry.objects.count() == 1


def test_a_move_the_table_does_not_know_is_refused(alice, dana):
    with pytest.raises(MoveNotAllowed):
        move_member(member_id=alice.pk, to="erased", reason="x", actor=dana, now=NOON)
    assert Member.objects.get(pk=alice.pk).state == "active"
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_move_needs_a_reason(alice, dana, reason):
    with pytest.raises(ReasonMissing):
        move_member(
            member_id=alice.pk, to="frozen", reason=reason, actor=dana, now=NOON
        )
    assert Member.objects.get(pk=alice.pk).state == "active"
