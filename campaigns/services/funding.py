"""What a budget holds: raised and lowered, alone or by two people (C22, 1.8).

While something published spends it, a budget is part of what that gives away: more of
it than one person may publish, a second one agrees to.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from campaigns.models import Budget, CouponTemplate, Promotion
from campaigns.services.budgeting import lock_budget
from campaigns.services.publishing import ChangedSinceAsked, ReasonMissing
from crm.shared.approvals import ask_for_approval
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.models import Approval

#: Kind of approval; see ``crm.wiring.APPROVALS``.
KIND = "campaigns.budget"


class BudgetPromised(Refusal):
    """More than this is reserved and spent already."""

    code = "budget_promised"
    status = 422
    message = _("More than this is reserved and spent already.")


@transaction.atomic
def change_budget(
    *,
    budget_id: int,
    name: str,
    amount_minor: int,
    reason: str,
    actor: Any,
    now: datetime,
) -> Budget | Approval:
    """Give a budget its name and its amount, or ask somebody else to agree to that.

    Only a larger amount above ``settings.PROMOTION_LIMIT_MINOR`` asks, and only while
    something published spends it. The name is written at once.

    Args:
        amount_minor: what reductions may cost in all, more than nothing.
        reason: why, where the amount is another one.

    Returns:
        The budget as it is now, or the approval that is waited for.

    Raises:
        ReasonMissing: another amount, and no word why.
        BudgetPromised: orders have and will get more than that.
    """
    budget = lock_budget(budget_id)
    if budget.name != name:
        budget.name = name
        budget.save(update_fields=["name"])
        _note(budget, detail={"changed": ["name"]}, actor=actor, now=now)
    if budget.amount_minor == amount_minor:
        return budget
    if not reason.strip():
        raise ReasonMissing
    if not (
        amount_minor > budget.amount_minor
        and wants_two(budget, amount_minor=amount_minor)
    ):
        return _fund(budget, amount_minor, reason=reason, actor=actor, now=now)
    return ask_for_approval(
        kind=KIND,
        params={
            "budget": budget.pk,
            "name": name,
            "before_minor": budget.amount_minor,
            "amount_minor": amount_minor,
        },
        subject=budget.public_id,
        reason=reason,
        author=actor,
        source=f"{budget.public_id}:{now:%Y%m%dT%H%M%S%f}",
        now=now,
    )


@transaction.atomic
def change_approved(
    *,
    budget_id: int,
    before_minor: int,
    amount_minor: int,
    reason: str,
    author: Any,
    now: datetime,
) -> Budget:
    """Give a budget the amount that a second person agreed to.

    Raises:
        ChangedSinceAsked: it holds something else by now.
        BudgetPromised: orders have and will get more than that.
    """
    budget = lock_budget(budget_id)
    if budget.amount_minor != before_minor:
        raise ChangedSinceAsked
    return _fund(budget, amount_minor, reason=reason, actor=author, now=now)


def wants_two(budget: Budget, *, amount_minor: int) -> bool:
    """Whether so much needs two people: above the limit, and published.

    A template that ended counts: coupons of it are still used.
    """
    if amount_minor <= settings.PROMOTION_LIMIT_MINOR:
        return False
    spends = {Promotion.State.LIVE, Promotion.State.PAUSED}
    return (
        Promotion.objects.filter(budget=budget, state__in=spends).exists()
        or CouponTemplate.objects.filter(budget=budget)
        .exclude(state=CouponTemplate.State.DRAFT)
        .exists()
    )


def _fund(
    budget: Budget, amount_minor: int, *, reason: str, actor: Any, now: datetime
) -> Budget:
    if amount_minor < budget.reserved_minor + budget.spent_minor:
        raise BudgetPromised
    before, budget.amount_minor = budget.amount_minor, amount_minor
    budget.save(update_fields=["amount_minor"])
    detail = {"from": before, "to": amount_minor}
    _note(budget, detail=detail, reason=reason, actor=actor, now=now)
    return budget


def _note(
    budget: Budget,
    *,
    detail: dict[str, Any],
    reason: str = "",
    actor: Any,
    now: datetime,
) -> None:
    record_audit(
        actor=actor,
        action="campaigns.budget.change",
        obj=budget,
        reason=reason,
        detail=detail,
        now=now,
    )
