"""What a refund of a plan fee does to the plan: asked before, told after (R21)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.shared.money import cumulative_share
from loyalty.models import SubscriptionMove, SubscriptionPeriod
from loyalty.queries.plans import (
    left_after,
    paid_days,
    points_of_fee,
    saved_minor,
    shop_day,
    start_of,
)
from loyalty.rules.plans import (
    fee_back_minor,
    unused_days,
    used_of_fee,
    worth_minor,
)
from orders.models import OrderLine, Product, Refund
from orders.rules.refund_effects import Effect, PlannedRefund, UnitsBack

SENTENCES = {
    "plan_used": _(
        "%(used)s of the plan fee stays: days used, and %(saved)s saved by the plan."
    ),
    "plan_used_points": _(
        "%(points)s of the points that paid the plan fee stay, for the days used."
    ),
    "plan_ends": _("The plan %(plan)s ends."),
    "plan_shortened": _("The plan %(plan)s gets %(days)s days shorter."),
}


def _effect(code: str, params: dict[str, Any], **used: int) -> Effect:
    return Effect(code, SENTENCES[code], params, **used)


class PlanEffects:
    """Used days of a plan are not given back, unused ones go."""

    def preview(self, planned: PlannedRefund, *, now: datetime) -> Sequence[Effect]:
        """Say what of the fee stays, and whether the plan ends."""
        lines = OrderLine.objects.filter(
            order_id=planned.order_id,
            kind=Product.Kind.PLAN,
            position__in=list(planned.units),
            plan_period__isnull=False,
        ).select_related("plan_period__subscription__plan")
        return [
            effect
            for line in lines
            for effect in _of_line(line, planned.units[line.position], now=now)
        ]

    def booked(self, refund_id: int) -> Sequence[Effect]:
        """Say what a refund did to plans."""
        refund = Refund.objects.only("public_id", "order_id").get(pk=refund_id)
        moves = SubscriptionMove.objects.filter(
            kind=SubscriptionMove.Kind.REFUNDED,
            source=f"refund:{refund.public_id}",
            period__order_line__order_id=refund.order_id,
        ).select_related("subscription__plan")
        return [
            _effect(
                "plan_shortened",
                {"plan": m.subscription.plan.label, "days": -m.days},
            )
            for m in moves
        ]


def _of_line(line: OrderLine, back: UnitsBack, *, now: datetime) -> Iterator[Effect]:
    period: SubscriptionPeriod = line.plan_period
    held = period.subscription
    paid = paid_days(held)
    left = left_after(held, after=shop_day(now))
    days = unused_days(paid, days_left=left)[period.pk]
    if back.quantity + line.refunded_quantity < line.quantity:
        days = min(days, period.days * back.quantity // line.quantity)
    mine = next(each for each in paid if each.id == period.pk)
    saved = saved_minor(
        member_id=held.member_id,
        plan=held.plan,
        since=start_of(period.starts_on),
        until=now,
    )
    # Each unit of the fee bears its part, so that none is taken off twice.
    units = line.quantity
    before, after = line.refunded_quantity, line.refunded_quantity + back.quantity
    saved = cumulative_share(saved, after, units) - cumulative_share(
        saved, before, units
    )
    points, worth = points_of_fee(line)
    points_minor = worth * back.points // points if points else 0
    paid_minor = back.amount_minor + points_minor
    goes_back = fee_back_minor(
        paid_minor=paid_minor,
        unused_value_minor=worth_minor(mine, days=days),
        benefits_minor=saved,
    )
    used, used_points = used_of_fee(
        paid_minor - goes_back,
        paid_minor=back.amount_minor,
        points=back.points,
        points_minor=points_minor,
    )
    if used:
        told = {"used_minor": used, "saved_minor": saved}
        yield _effect("plan_used", told, used_minor=used)
    if used_points:
        told = {"points": used_points}
        yield _effect("plan_used_points", told, used_points=used_points)
    if days and days == left:
        yield _effect("plan_ends", {"plan": held.plan.label})
    elif days:
        yield _effect("plan_shortened", {"plan": held.plan.label, "days": days})
