"""What came back of the orders that lifted a member, and what holds without it (T9)."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Max

from loyalty.models import PointsEntry
from loyalty.queries.tier_measures import Counted, counted
from loyalty.queries.tier_terms import LadderInForce
from loyalty.rules.lifts import CameBack
from loyalty.rules.terms import IN_MONEY

_Kind = PointsEntry.Kind


def came_back(
    ladder: LadderInForce,
    each: Counted,
    *,
    planned: Mapping[str, datetime] | None = None,
    less_minor: int = 0,
) -> dict[str, CameBack]:
    """Return what came back of the lifts of a member, by what lifted.

    Asked of the ledger, not of the refund at hand: refunds that were booked while the
    membership was frozen count as well (T15), and in any order (X2). A tier is kept if
    it is now, or was at the moment of the lift, by what is left: what only left a
    window was not given back.

    Args:
        planned: refunds that are not booked, by the cause they are of; their money,
            ``less_minor``, is off what ``each`` counts already.
    """
    lifts = {lift.cause: lift for lift in each.held.lifts if lift.cause}
    if not lifts:
        return {}
    dates = dict(
        PointsEntry.objects.filter(
            kind=_Kind.CLAW_BACK,
            source__startswith="refund:",
            reverses__account_id__in=each.accounts,
            reverses__kind=_Kind.EARN,
            reverses__source__in=lifts,
        )
        .values("reverses__source")
        .annotate(at=Max("occurred_at"))
        .values_list("reverses__source", "at")
    )
    dates |= {cause: at for cause, at in (planned or {}).items() if cause in lifts}
    kept = ladder.terms.kept(each.to_keep)
    found = {}
    for cause, at in dates.items():
        then = counted(ladder, at=lifts[cause].since or at, member_ids=[each.member_id])
        numbers = less_money(then[each.member_id].to_keep, less_minor)
        found[cause] = CameBack(at, kept | ladder.terms.kept(numbers))
    return found


def less_money(numbers: Mapping[str, int], minor: int) -> dict[str, int]:
    """Return numbers less money that comes back; other numbers stay (T2)."""
    return {
        name: number - (minor if name in IN_MONEY else 0)
        for name, number in numbers.items()
    }
