"""Entries that staff undo: alone up to a limit, beyond it by two (P27)."""

import pytest

from crm.shared.approvals import approve
from crm.shared.models import Approval
from loyalty.models import PointsEntry
from loyalty.services.adjusting import grant_points
from loyalty.services.adjusting_by_hand import adjust_by_hand
from loyalty.services.undoing_by_hand import undo_by_hand
from members.services.merging import merge_members
from tests.cast import NOON, make_user


@pytest.fixture(autouse=True)
def limit(settings):
    settings.STAFF_POINTS_LIMIT = 1_000


def granted(member, count):
    return [
        grant_points(
            member_id=member.pk,
            points=900,
            reason="x",
            actor="t",
            source=f"s:{number}",
            now=NOON,
        )
        for number in range(count)
    ]


def merge(winner, loser, actor):
    merge_members(
        loser_id=loser.pk, winner_id=winner.pk, actor=actor, reason="one", now=NOON
    )


@pytest.mark.parametrize("is_merged", [False, True])
def test_p27_what_was_undone_counts_together_after_a_merge_too(
    is_merged, alice, bob, dana
):
    entries = granted(bob, 2)
    if is_merged:
        merge(alice, bob, dana)
    first, second = (
        undo_by_hand(
            entry_id=entry.pk,
            reason_code="correction",
            reason="wrong",
            author=dana,
            source=str(at),
            now=NOON,
        )
        for at, entry in enumerate(entries)
    )
    assert (type(first), type(second)) == (PointsEntry, Approval)
    assert first.reason_code == second.params["reason_code"] == "correction"
    approve(approval_id=second.pk, decider=make_user("erik"), now=NOON)
    revoked = PointsEntry.objects.latest("pk")
    assert (revoked.kind, revoked.reason_code) == ("claw_back", "correction")


def test_p27_what_was_granted_before_a_merge_counts(alice, bob, dana):
    why = {"reason_code": "goodwill", "reason": "a late parcel"}
    asked = {"points": 900, **why, "author": dana, "now": NOON}
    first = adjust_by_hand(member_id=bob.pk, source="staff:1", **asked)
    merge(alice, bob, dana)
    assert adjust_by_hand(member_id=alice.pk, source="staff:1", **asked) == first
    second = adjust_by_hand(member_id=alice.pk, source="staff:2", **asked)
    assert isinstance(second, Approval)
