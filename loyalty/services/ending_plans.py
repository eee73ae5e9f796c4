"""Plans end: with their last day, at once by staff, or by a refund (R21)."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from loyalty.models import Subscription, SubscriptionMove, SubscriptionPeriod
from loyalty.queries.plans import left_after, paid_days, shop_day
from loyalty.rules.plans import State, unused_days
from loyalty.services.moving_plans import (
    ACTOR,
    end_plan,
    lock_member,
    locked_subscription,
    move_plan,
    until,
)
from orders.models import Product, Refund, RefundLine


@transaction.atomic
def cancel_plan(
    *, member_id: int, actor: Any, reason: str = "", now: datetime
) -> Subscription:
    """Let a plan end with its last day; in grace, where that is over, at once.

    Again is harmless.

    Raises:
        NoPlan: see there.
    """
    held = locked_subscription(member_id=member_id)
    if held.cancels:
        return held
    move_plan(
        held,
        kind=SubscriptionMove.Kind.CANCELLED,
        to_state=held.state,
        actor=actor,
        reason=reason,
        now=now,
        cancels=True,
    )
    if held.state == State.GRACE:
        end_plan(held, actor=actor, reason="cancelled", now=now)
    return held


@transaction.atomic
def keep_plan(
    *, member_id: int, actor: Any, reason: str = "", now: datetime
) -> Subscription:
    """Undo ``cancel_plan`` while the plan lasts; again is harmless.

    Raises:
        NoPlan: see there.
    """
    held = locked_subscription(member_id=member_id)
    if held.cancels:
        move_plan(
            held,
            kind=SubscriptionMove.Kind.KEPT,
            to_state=held.state,
            actor=actor,
            reason=reason,
            now=now,
            cancels=False,
        )
    return held


@transaction.atomic
def end_plan_now(
    *, member_id: int, actor: Any, reason: str, now: datetime
) -> Subscription:
    """End a plan at once, by staff; money goes back by a refund of its order.

    Raises:
        NoPlan: see there.
    """
    held = locked_subscription(member_id=member_id)
    end_plan(held, actor=actor, reason=reason, now=now)
    return held


@transaction.atomic
def settle_plan_refund(*, refund_id: int, now: datetime) -> int:
    """Take back the unused days of plan fees that were refunded (R21); once each.

    The day the refund was asked for is used. With no days left the plan ends; days
    that were paid otherwise stay. Money given back without units takes no days.

    Returns:
        How many days went.
    """
    refund = Refund.objects.get(pk=refund_id)
    parts = list(
        refund.lines.filter(
            order_line__kind=Product.Kind.PLAN, order_line__plan_period__isnull=False
        ).select_related("order_line__plan_period__subscription")
    )
    return sum(_take_back(refund, part, now) for part in parts)


def _take_back(refund: Refund, part: RefundLine, now: datetime) -> int:
    period = part.order_line.plan_period
    lock_member(member_id=period.subscription.member_id)
    # Read under the lock: what stood there before may be over by now.
    held = Subscription.objects.select_related("plan", "renewal").get(
        pk=period.subscription_id
    )
    source = f"refund:{refund.public_id}"
    known = held.moves.filter(
        kind=SubscriptionMove.Kind.REFUNDED, period=period, source=source
    )
    if not held.is_open or known.exists():
        return 0
    asked_on = shop_day(refund.requested_at)
    left = left_after(held, after=asked_on)
    days = _days_of(part, period, unused_days(paid_days(held), days_left=left))
    if not days:
        return 0
    move: dict[str, Any] = {"days": -days, "period": period, "source": source}
    if held.state == State.PAUSED:
        move["kept_days"] = left - days
    else:
        ends_on = held.ends_on - timedelta(days=days)
        move |= until(ends_on) | {"anchor_day": ends_on.day}
    move_plan(
        held,
        kind=SubscriptionMove.Kind.REFUNDED,
        to_state=held.state,
        actor=ACTOR,
        now=now,
        **move,
    )
    if days == left:
        end_plan(held, actor=ACTOR, reason="refunded", now=now)
    return days


def _days_of(part: RefundLine, period: SubscriptionPeriod, unused: dict) -> int:
    """Return the days a refunded line takes: of some units only their part."""
    left = unused.get(period.pk, 0)
    if part.order_line.refunded_quantity >= part.order_line.quantity:
        return left
    return min(left, period.days * part.quantity // part.order_line.quantity)
