"""Uses of a benefit that come for points, beside what tiers and plans bring."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from loyalty.models import Benefit, BenefitTally
from loyalty.queries.benefits import rights_of, sanctions_at, spans_of
from loyalty.rules.benefits import Right
from loyalty.services.using_benefits import (
    BenefitNotHeld,
    BenefitUsedUp,
    lock_tally,
)


@transaction.atomic
def buy_use(*, benefit_id: int, member_id: int, now: datetime) -> str:
    """Add a use in the period that runs.

    Returns:
        What it is called: the benefit's public id and the first day of the period.

    Raises:
        BenefitNotHeld: a sanction took the benefit away, so it could not be used.
        BenefitUsedUp: nor could one more, of who used more than is granted now.
    """
    benefit = Benefit.objects.get(pk=benefit_id)
    if sanctions_at(now).filter(member_id=member_id, benefit=benefit).exists():
        raise BenefitNotHeld
    span = spans_of([member_id], now, period=benefit.period)[member_id]
    opened = lock_tally(
        benefit_id=benefit_id, member_id=member_id, period_start=span.starts_on
    )
    tally = BenefitTally.objects.filter(pk=opened.pk)
    quota = _quota(benefit, member_id, now)
    if quota is not None:
        tally = tally.filter(used__lte=F("bought") + quota)
    if not tally.update(bought=F("bought") + 1):
        raise BenefitUsedUp(until=span.ends_on.isoformat())
    return f"{benefit.public_id}:{span.starts_on.isoformat()}"


@transaction.atomic
def give_use_back(*, member_id: int, bought: str, now: datetime) -> bool:
    """Take a bought use away again while it is not used and its period runs.

    A sanction does not use it up: who is under one gives it back like everybody else.

    Args:
        bought: as ``buy_use`` called it.

    Returns:
        Whether it was still there.
    """
    public_id, _colon, start = bought.partition(":")
    benefit = Benefit.objects.get(public_id=public_id)
    span = spans_of([member_id], now, period=benefit.period)[member_id]
    if span.starts_on != date.fromisoformat(start):
        return False
    quota = _quota(benefit, member_id, now)
    tally = BenefitTally.objects.filter(
        benefit=benefit,
        member_id=member_id,
        period_start=span.starts_on,
        bought__gt=0,
    )
    if quota is not None:
        tally = tally.filter(used__lt=F("bought") + quota)
    return bool(tally.update(bought=F("bought") - 1))


def _quota(benefit: Benefit, member_id: int, now: datetime) -> int | None:
    """Return the uses a period brings besides bought ones, whatever is sanctioned."""
    rights = rights_of([member_id], now, benefits=[benefit], sanctions=False)
    return rights[member_id].get(benefit.pk, Right(0)).quota
