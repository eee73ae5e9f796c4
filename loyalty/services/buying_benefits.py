"""Uses of a benefit that come for points, beside what tiers and plans bring."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from loyalty.models import Benefit, BenefitTally
from loyalty.queries.benefits import held_benefit, spans_of
from loyalty.services.using_benefits import lock_tally


@transaction.atomic
def buy_use(*, benefit_id: int, member_id: int, now: datetime) -> str:
    """Add a use in the period that runs.

    Returns:
        What it is called: the benefit's public id and the first day of the period.
    """
    benefit = Benefit.objects.get(pk=benefit_id)
    span = spans_of([member_id], now, period=benefit.period)[member_id]
    tally = lock_tally(
        benefit_id=benefit_id, member_id=member_id, period_start=span.starts_on
    )
    BenefitTally.objects.filter(pk=tally.pk).update(bought=F("bought") + 1)
    return f"{benefit.public_id}:{span.starts_on.isoformat()}"


@transaction.atomic
def give_use_back(*, member_id: int, bought: str, now: datetime) -> bool:
    """Take a bought use away again while it is not used and its period runs.

    Args:
        bought: as ``buy_use`` called it.

    Returns:
        Whether it was still there.
    """
    public_id, _colon, start = bought.partition(":")
    benefit = Benefit.objects.get(public_id=public_id)
    held = held_benefit(member_id=member_id, benefit=benefit, at=now)
    if held is None or held.span.starts_on != date.fromisoformat(start):
        return False
    tally = BenefitTally.objects.filter(
        benefit=benefit,
        member_id=member_id,
        period_start=held.span.starts_on,
        bought__gt=0,
    )
    if held.right.quota is not None:
        tally = tally.filter(used__lt=F("bought") + held.right.quota)
    return bool(tally.update(bought=F("bought") - 1))
