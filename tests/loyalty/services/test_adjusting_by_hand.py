"""Points that staff move: alone up to a limit, beyond it by two."""

import pytest

from crm.shared.approvals import approve
from crm.shared.models import Approval, AuditEntry
from loyalty.models import PointsEntry
from loyalty.services.adjusting_by_hand import NeedsSecondPerson, adjust_by_hand
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
    return adjust_by_hand(
        member_id=member.pk,
        points=points,
        reason="goodwill",
        author=author,
        source=f"staff:{source}",
        now=NOON,
        **more,
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
    assert asked.params == {"member": alice.pk, "points": 401}
    assert account_of(alice).balance == 600
    approve(approval_id=asked.pk, decider=erik, now=NOON)
    entry = PointsEntry.objects.latest("id")
    assert (entry.kind, entry.points, entry.actor, entry.source) == (
        *("grant", 401, "dana"),
        f"approval:{asked.public_id}",
    )
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
