"""The database knows which way each kind of entry moves points (P1)."""

import pytest
from django.db import IntegrityError, connection, transaction

from loyalty.models import PointsEntry
from tests.cast import NOON

pytestmark = pytest.mark.django_db

Kind = PointsEntry.Kind
ONLY_IN = {Kind.EARN, Kind.RETURN, Kind.GRANT, Kind.OPENING, Kind.REINSTATE}
ONLY_OUT = {Kind.SPEND, Kind.CLAW_BACK, Kind.EXPIRE, Kind.DEDUCT}


def fits(kind: str, points: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT loyalty_sign_fits(%s, %s)", [kind, points])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("kind", Kind.values)
def test_each_kind_moves_points_its_way_only(kind):
    assert fits(kind, 0)
    assert fits(kind, 1) == (kind not in ONLY_OUT)
    assert fits(kind, -1) == (kind not in ONLY_IN)


def test_a_kind_nobody_knows_moves_nothing():
    assert not fits("present", 0)


@pytest.mark.parametrize(("kind", "points"), [("spend", 5), ("earn", -5), ("odd", 0)])
def test_an_entry_the_wrong_way_is_refused(alice, kind, points):
    with (
        pytest.raises(IntegrityError, match="points_entry_sign_matches_kind"),
        transaction.atomic(),
    ):
        PointsEntry.objects.create(
            account_id=alice.pk,
            seq=1,
            kind=kind,
            points=points,
            balance_after=0,
            source="wrong",
            occurred_at=NOON,
        )
