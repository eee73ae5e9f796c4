"""To whom members belong: marks such as ``tier:gold``, and what conditions ask."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.utils.module_loading import import_string

from crm import wiring
from crm.shared.conditions import All, Condition, Facts
from loyalty.models import PointsAccount, Subscription
from members.conditions import member_facts


def tier_marks(member_ids: Collection[int], at: datetime) -> dict[int, set[str]]:
    """Return ``{"tier:<code>"}`` of every member who holds a tier."""
    held = PointsAccount.objects.filter(member_id__in=member_ids, tier__isnull=False)
    pairs = held.values_list("member_id", "tier__code")
    return {member_id: {f"tier:{code}"} for member_id, code in pairs}


def plan_marks(member_ids: Collection[int], at: datetime) -> dict[int, set[str]]:
    """Return ``{"plan:<code>"}`` of every member who has a paid plan now."""
    held = Subscription.objects.holding().filter(member_id__in=member_ids)
    pairs = held.values_list("member_id", "plan__code")
    return {member_id: {f"plan:{code}"} for member_id, code in pairs}


def marks_of(member_ids: Collection[int], at: datetime) -> dict[int, set[str]]:
    """Return all marks of members at ``at``, as ``crm.wiring.MEMBER_MARKS`` tell."""
    marks: dict[int, set[str]] = {member_id: set() for member_id in member_ids}
    for path in wiring.MEMBER_MARKS:
        for member_id, some in import_string(path)(member_ids, at).items():
            marks[member_id] |= some
    return marks


def facts_for(
    conditions: Iterable[Condition], member_ids: Collection[int], at: datetime
) -> dict[int, Facts]:
    """Return what some conditions ask about members: one statement, or none."""
    everything = All(tuple(conditions))
    if next(everything.questions(), None) is None:
        return {}
    return member_facts(member_ids, everything, at)
