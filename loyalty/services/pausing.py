"""Pausing a plan, and going on: the days that are left are kept."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from loyalty.models import Subscription, SubscriptionMove
from loyalty.queries.plans import shop_day
from loyalty.rules.plans import Deed, days_left, resumed_end
from loyalty.services.moving_plans import (
    PlanStateRefused,
    locked_subscription,
    move_plan,
    state_after,
    until,
)


class PlanNotPausable(Refusal):
    """This plan cannot be paused."""

    code = "plan_not_pausable"
    message = _("This plan cannot be paused.")


@transaction.atomic
def pause_plan(
    *, member_id: int, actor: Any, reason: str = "", now: datetime
) -> Subscription:
    """Keep the days that follow today; what the plan gives stops at once.

    Today counts as used, so that nobody pauses every night.

    Raises:
        NoPlan: see there.
        PlanNotPausable: the plan does not allow it.
        PlanStateRefused: it is on trial, in grace, paused, or over today.
    """
    held = locked_subscription(member_id=member_id)
    if not held.plan.may_pause:
        raise PlanNotPausable
    to_state = state_after(held, deed=Deed.PAUSE)
    today = shop_day(now)
    if today >= held.ends_on:
        # It is over, and the nightly round has not come to it yet.
        raise PlanStateRefused
    kept = days_left(ends_on=held.ends_on, after=today)
    move_plan(
        held,
        kind=SubscriptionMove.Kind.PAUSED,
        to_state=to_state,
        actor=actor,
        reason=reason,
        now=now,
        days=-kept,
        paused_on=today,
        kept_days=kept,
        due_at=None,
    )
    return held


@transaction.atomic
def resume_plan(
    *, member_id: int, actor: Any, reason: str = "", now: datetime
) -> Subscription:
    """Go on with the days that were kept, from today on.

    Raises:
        NoPlan: see there.
        PlanStateRefused: it is not paused.
    """
    held = locked_subscription(member_id=member_id)
    to_state = state_after(held, deed=Deed.RESUME)
    kept = held.kept_days or 0
    ends_on = resumed_end(paused_on=held.paused_on, kept_days=kept, today=shop_day(now))
    anchor_day = held.anchor_day if ends_on == held.ends_on else ends_on.day
    move_plan(
        held,
        kind=SubscriptionMove.Kind.RESUMED,
        to_state=to_state,
        actor=actor,
        reason=reason,
        now=now,
        days=kept,
        paused_on=None,
        kept_days=None,
        anchor_day=anchor_day,
        **until(ends_on),
    )
    return held
