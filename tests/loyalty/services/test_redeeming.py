"""Points leave in one statement of the database, which chooses lots as the rule does."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.models import LotTake, PointsAccount, PointsEntry, PointsLot
from loyalty.rules.lots import TooFewPoints, choose
from loyalty.services.adjusting import grant_points
from loyalty.services.posting import NotEnoughPoints, lot_of
from loyalty.services.redeeming import redeem_points
from tests.cast import NOON
from tests.loyalty.books import account_of, assert_sound

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
#: Points, held part, day of activation (None: unknown yet), day of the end.
SHAPE = st.tuples(
    st.integers(1, 50),
    st.integers(0, 50),
    st.one_of(st.none(), st.integers(-3, 2)),
    st.one_of(st.none(), st.integers(-1, 3)),
)


def lots_of(member, shapes):
    """Give a member lots of any shape, and what the account then says."""
    for number, (points, held, active, end) in enumerate(shapes):
        entry = grant_points(
            member_id=member.pk,
            points=points,
            reason="x",
            actor="t",
            source=f"lot:{number}",
            now=NOON,
        )
        PointsLot.objects.filter(entry=entry).update(
            held=min(held, points),
            active_at=None if active is None else NOON + active * DAY,
            expires_at=None if end is None else NOON + end * DAY,
        )
    rows = PointsLot.objects.filter(account_id=member.pk)
    PointsAccount.objects.filter(pk=member.pk).update(
        held=sum(row.held for row in rows)
    )
    return [lot_of(row) for row in rows]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(shapes=st.lists(SHAPE, max_size=6), points=st.integers(1, 120))
def test_p11_the_database_takes_from_the_lots_the_rule_would(alice, shapes, points):
    with transaction.atomic():
        lots = lots_of(alice, shapes)
        try:
            wanted = {t.lot.id: t.points for t in choose(lots, points, at=NOON)}
        except TooFewPoints:
            with pytest.raises(NotEnoughPoints) as refused:
                redeem_points(member_id=alice.pk, points=points, source="buy", now=NOON)
            assert refused.value.params["available"] == sum(
                lot.free(NOON) for lot in lots
            )
            wanted = {}
        else:
            redeem_points(member_id=alice.pk, points=points, source="buy", now=NOON)
        takes = LotTake.objects.filter(entry__source="buy")
        assert dict(takes.values_list("lot_id", "points")) == wanted
        transaction.set_rollback(True)


def test_a_spending_is_one_statement_and_its_entry_is_whole(
    alice, django_assert_num_queries
):
    lots_of(alice, [(30, 0, 0, 5), (40, 0, 0, 2)])

    with django_assert_num_queries(1):
        entry = redeem_points(
            member_id=alice.pk, points=50, source="buy", now=NOON, reason="tea"
        )

    written = PointsEntry.objects.get(source="buy")
    for field in PointsEntry._meta.concrete_fields:
        assert getattr(entry, field.attname) == getattr(written, field.attname)
    assert (written.points, written.balance_after, written.seq) == (-50, 20, 3)
    assert account_of(alice).balance == 20
    assert_sound()


@pytest.mark.parametrize("points", [19, 20, 21, 50, 51])
def test_p11_one_lot_or_several_pay_a_spending(alice, points):
    """P11: the first lot alone, to its last point, and one point more."""
    last, first = (lot.id for lot in lots_of(alice, [(30, 0, 0, 5), (20, 0, 0, 2)]))

    if points > 50:
        with pytest.raises(NotEnoughPoints):
            redeem_points(member_id=alice.pk, points=points, source="buy", now=NOON)
    else:
        redeem_points(member_id=alice.pk, points=points, source="buy", now=NOON)

    takes = dict(LotTake.objects.values_list("lot_id", "points"))
    paid = {first: min(points, 20), last: points - 20} if points <= 50 else {}
    assert takes == {lot: part for lot, part in paid.items() if part > 0}
    assert_sound()


def test_p4_the_same_source_spends_once(alice):
    lots_of(alice, [(30, 0, 0, 5)])
    first = redeem_points(member_id=alice.pk, points=20, source="buy", now=NOON)

    again = redeem_points(member_id=alice.pk, points=20, source="buy", now=NOON)

    assert again == first
    assert account_of(alice).balance == 10


def test_p18_who_owes_has_nothing_to_spend(alice):
    lots_of(alice, [(30, 0, 0, 5)])
    PointsAccount.objects.update(debt=1)

    with pytest.raises(NotEnoughPoints) as refused:
        redeem_points(member_id=alice.pk, points=1, source="buy", now=NOON)

    assert refused.value.params["available"] == 0


def test_p12_who_has_no_account_has_nothing_to_spend(alice):
    PointsAccount.objects.filter(pk=alice.pk).delete()

    with pytest.raises(NotEnoughPoints) as refused:
        redeem_points(member_id=alice.pk, points=1, source="buy", now=NOON)

    assert refused.value.params["available"] == 0
