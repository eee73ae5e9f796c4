"""Who has which benefits, how many uses are left, and what they saved."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, QuerySet

from crm.shared.conditions import read_condition
from loyalty.models import (
    Benefit,
    BenefitGrant,
    BenefitSanction,
    BenefitTally,
)
from loyalty.queries.marks import facts_for, marks_of
from loyalty.rules.benefits import Right, Span, left_of, span_of, union
from loyalty.rules.rewards import is_meant
from members.conditions import member_vocabulary
from members.models import Member

#: Member -> benefit -> what they have of it.
Rights = Mapping[int, Mapping[int, Right]]


@dataclass(frozen=True, slots=True)
class HeldBenefit:
    """A benefit of a member in the period that runs."""

    benefit: Benefit
    right: Right
    span: Span
    used: int
    bought: int
    #: Uses left; None is as often as wanted.
    left: int | None


def rights_of(
    member_ids: Collection[int],
    at: datetime,
    *,
    benefits: Iterable[Benefit],
    reached: str = "",
    sanctions: bool = True,
) -> Rights:
    """Return what members have of some benefits at ``at``: a union (T18).

    The same few statements for one member or a thousand. Who is under a sanction has
    nothing of that benefit.

    Args:
        reached: a mark, such as ``tier:gold``: what it alone brings whoever reached
            it, whether they hold it still or passed it.
        sanctions: False tells what they would have if nobody were under one.
    """
    under = _sanctioned(member_ids, at) if sanctions else set()
    return _rights(member_ids, at, benefits, under, reached)


def _rights(
    member_ids: Collection[int],
    at: datetime,
    benefits: Iterable[Benefit],
    under: set[tuple[int, int]],
    reached: str = "",
) -> Rights:
    rows = BenefitGrant.objects.filter(benefit__in=benefits)
    grants = list(rows.filter(audience=reached) if reached else rows)
    vocabulary = member_vocabulary(at)
    conditions = {
        grant.pk: read_condition(grant.condition, vocabulary) for grant in grants
    }
    marks = (
        dict.fromkeys(member_ids, {reached}) if reached else marks_of(member_ids, at)
    )
    facts = facts_for(conditions.values(), member_ids, at)
    rights: dict[int, dict[int, Right]] = {}
    for member_id in member_ids:
        meant = defaultdict(list)
        for grant in grants:
            if (member_id, grant.benefit_id) not in under and is_meant(
                grant.audience,
                conditions[grant.pk],
                marks=marks[member_id],
                facts=facts.get(member_id, {}),
            ):
                meant[grant.benefit_id].append(right_of(grant))
        rights[member_id] = {
            benefit_id: right
            for benefit_id, several in meant.items()
            if (right := union(several)) is not None
        }
    return rights


def right_of(grant: BenefitGrant) -> Right:
    """Return a grant as rules see it."""
    return Right(grant.quota, grant.number, (grant.audience,))


def sanctions_at(at: datetime) -> QuerySet[BenefitSanction]:
    """Return the sanctions in force at ``at``."""
    return BenefitSanction.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at
    )


def _sanctioned(member_ids: Collection[int], at: datetime) -> set[tuple[int, int]]:
    rows = sanctions_at(at).filter(member_id__in=member_ids)
    return set(rows.values_list("member_id", "benefit_id"))


def spans_of(
    member_ids: Collection[int], at: datetime, *, period: str
) -> dict[int, Span]:
    """Return the period that runs at ``at`` in the shop's zone, by member."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    today = at.astimezone(zone).date()
    joined = Member.objects.filter(pk__in=member_ids).values_list("pk", "joined_at")
    return {
        member_id: span_of(period, today, joined=moment.astimezone(zone).date())
        for member_id, moment in joined
    }


def held_benefits(member_id: int, at: datetime) -> list[HeldBenefit]:
    """Return what a member has at ``at``, bought uses included, by kind and code."""
    benefits = list(Benefit.objects.filter(is_active=True).order_by("kind", "code"))
    return _held(member_id, at, benefits)


def held_benefit(
    *, member_id: int, benefit: Benefit, at: datetime
) -> HeldBenefit | None:
    """Return what a member has of one benefit at ``at``, or None."""
    return next(iter(_held(member_id, at, [benefit])), None)


def _held(
    member_id: int, at: datetime, benefits: Sequence[Benefit]
) -> list[HeldBenefit]:
    under = _sanctioned([member_id], at)
    rights = _rights([member_id], at, benefits, under)[member_id]
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    joined = Member.objects.values_list("joined_at", flat=True).get(pk=member_id)
    today, first = (moment.astimezone(zone).date() for moment in (at, joined))
    spans = {each.pk: span_of(each.period, today, joined=first) for each in benefits}
    tallies = {
        (tally.benefit_id, tally.period_start): tally
        for tally in BenefitTally.objects.filter(
            member_id=member_id, period_start__lte=today
        )
    }
    held = []
    for benefit in benefits:
        span = spans[benefit.pk]
        tally = tallies.get((benefit.pk, span.starts_on)) or BenefitTally()
        right = rights.get(benefit.pk)
        if right is None and tally.bought and (member_id, benefit.pk) not in under:
            right = Right(0)
        if right is None:
            continue
        left = left_of(right, used=tally.used - tally.bought)
        held.append(HeldBenefit(benefit, right, span, tally.used, tally.bought, left))
    return held


def best_number(member_id: int, kind: str, at: datetime) -> int:
    """Return the best number a member has of a kind of benefit, 0 for none (T18)."""
    return best_numbers([member_id], kind, at).get(member_id, 0)


def best_numbers(
    member_ids: Collection[int], kind: str, at: datetime
) -> dict[int, int]:
    """Return the best number of a kind of benefit, by those members who have it (T18).

    One statement where the shop has no such benefit, else the same few for all.
    """
    benefits = list(Benefit.objects.filter(is_active=True, kind=kind))
    if not benefits or not member_ids:
        return {}
    rights = rights_of(member_ids, at, benefits=benefits)
    return {
        member_id: max(right.number for right in held.values())
        for member_id, held in rights.items()
        if held
    }
