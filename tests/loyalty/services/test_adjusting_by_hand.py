"""Points that staff move: alone up to a limit, beyond it by two."""

import pytest

from crm.shared.approvals import approve, deed_of
from crm.shared.models import Approval, AuditEntry
from loyalty.models import PointsEntry
from loyalty.services.adjusting_by_hand import (
    NeedsSecondPerson,
    ReasonMissing,
    adjust_by_hand,
)
from loyalty.services.posting import NotEnoughPoints
from loyalty.services.verification import verify_ledger
from tests.cast import NOON, make_user
from tests.faults.callers import all_at_once
from tests.loyalty.books import account_of


@pytest.fixture(autouse=True)
def limit(settings):
    settings.STAFF_POINTS_LIMIT = 1_000


@pytest.fixture
def erik(db):
    return make_user("erik", is_staff=True)


def adjust(member, points, author, source, **more):
    told = {"reason_code": "goodwill", **more}
    return adjust_by_hand(
        member_id=member.pk,
        points=points,
        reason="a late parcel",
        author=author,
        source=f"staff:{source}",
        now=NOON,
        **told,
    )


def test_up_to_the_limit_one_person_is_enough(alice, dana):
    entry = adjust(alice, 1_000, dana, 1)
    assert (entry.kind, entry.points, entry.actor) == ("grant", 1_000, "dana")
    assert adjust(alice, -1_000, dana, 2).kind == "deduct"
    assert (account_of(alice).balance, Approval.objects.count()) == (0, 0)


def test_beyond_the_limit_nothing_moves_until_somebody_agrees(alice, dana, erik):
    adjust(alice, 600, dana, 1)
    asked = adjust(alice, 401, dana, 2)
    assert asked == adjust(alice, 401, dana, 2)
    assert asked.params == {
        "member": alice.pk,
        "points": 401,
        "reason_code": "goodwill",
    }
    assert account_of(alice).balance == 600
    approve(approval_id=asked.pk, decider=erik, now=NOON)
    entry = PointsEntry.objects.latest("id")
    assert (entry.kind, entry.points, entry.actor, entry.source) == (
        *("grant", 401, "dana"),
        f"approval:{asked.public_id}",
    )
    assert (entry.reason_code, entry.reason) == ("goodwill", "a late parcel"), "P27"
    assert account_of(alice).balance == 1_001
    assert isinstance(adjust(alice, 400, dana, 3), PointsEntry)


def test_what_was_spent_meanwhile_is_not_deducted(alice, dana, erik):
    adjust(alice, 1_000, dana, 1)
    adjust(alice, 1_000, erik, 2)
    asked = adjust(alice, -1_500, dana, 3)
    adjust(alice, -1_000, erik, 4)
    with pytest.raises(NotEnoughPoints):
        approve(approval_id=asked.pk, decider=erik, now=NOON)
    asked.refresh_from_db()
    assert (asked.state, account_of(alice).balance) == ("waiting", 1_000)


def test_a_deed_for_many_members_does_not_ask(alice, dana):
    with pytest.raises(NeedsSecondPerson):
        adjust(alice, 1_001, dana, 1, asks=False)
    assert (Approval.objects.count(), PointsEntry.objects.count()) == (0, 0)
    assert AuditEntry.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_parallel_small_parts_stay_within_the_limit(alice, dana):
    came = all_at_once(
        20, lambda n: type(adjust(alice, 300, dana, f"part{n}")).__name__
    )
    assert came == {"PointsEntry": 3, "Approval": 17}
    assert account_of(alice).balance == 900
    assert verify_ledger().findings == ()


@pytest.mark.parametrize("points", [500, -500])
def test_p27_entries_by_hand_keep_reason_code_and_note(alice, dana, points):
    adjust(alice, 500, dana, 0)
    entry = adjust(alice, points, dana, 1, reason_code="correction")
    entry.refresh_from_db()
    assert (entry.reason_code, entry.reason) == ("correction", "a late parcel")
    noted = AuditEntry.objects.filter(action__startswith="points.").latest("pk")
    assert noted.detail["reason_code"] == "correction"


@pytest.mark.parametrize("points", [10, 5_000])
@pytest.mark.parametrize(
    "why",
    [
        {"reason_code": ""},
        {"reason_code": "because"},
        {"reason": "  "},
        {"reason": "ok"},
    ],
)
def test_p27_without_reason_code_and_note_nothing_is_written(alice, dana, why, points):
    asked = {"reason_code": "goodwill", "reason": "a late parcel", **why}
    with pytest.raises(ReasonMissing):
        adjust_by_hand(
            member_id=alice.pk,
            points=points,
            author=dana,
            source="staff:1",
            now=NOON,
            **asked,
        )
    assert not PointsEntry.objects.exists()
    assert not Approval.objects.exists()


def test_p27_the_second_person_reads_the_reason_code(alice, dana):
    asked = adjust(alice, 5_000, dana, 1, reason_code="migration")
    assert deed_of(asked.kind).words(asked.params) == (
        "Grant 5,000 points. Reason code: brought from another system."
    )


def test_p27_what_was_asked_before_there_were_codes_is_done_without(alice, dana, erik):
    asked = adjust(alice, 5_000, dana, 1)
    del asked.params["reason_code"]
    asked.save()
    approve(approval_id=asked.pk, decider=erik, now=NOON)
    assert PointsEntry.objects.get().reason_code == ""
