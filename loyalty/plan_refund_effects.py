"""What a refund of a plan fee does to the plan: asked before, told after (R21)."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from loyalty.models import SubscriptionMove, SubscriptionPeriod
from loyalty.queries.plans import (
    left_after,
    paid_days,
    saved_minor,
    shop_day,
    start_of,
)
from loyalty.rules.plans import fee_back_minor, unused_days, worth_minor
from orders.models import OrderLine, Product, Refund
from orders.rules.refund_effects import Effect, PlannedRefund

SENTENCES = {
    "plan_used": _(
        "%(used)s of the plan fee stays: days used, and %(saved)s saved by the plan."
    ),
    "plan_ends": _("The plan %(plan)s ends."),
    "plan_shortened": _("The plan %(plan)s gets %(days)s days shorter."),
}


def _effect(code: str, **params) -> Effect:
    used = params.get("used_minor", 0)
    return Effect(code, SENTENCES[code], params, used_minor=used)


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
            for effect in _of_line(line, *planned.units[line.position], now=now)
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
            _effect("plan_shortened", plan=m.subscription.plan.label, days=-m.days)
            for m in moves
        ]


def _of_line(
    line: OrderLine, units: int, amount_minor: int, *, now: datetime
) -> Iterator[Effect]:
    period: SubscriptionPeriod = line.plan_period
    held = period.subscription
    paid = paid_days(held)
    left = left_after(held, after=shop_day(now))
    days = unused_days(paid, days_left=left)[period.pk]
    if units + line.refunded_quantity < line.quantity:
        days = min(days, period.days * units // line.quantity)
    mine = next(each for each in paid if each.id == period.pk)
    saved = saved_minor(
        member_id=held.member_id,
        plan=held.plan,
        since=start_of(period.starts_on),
        until=now,
    )
    back = fee_back_minor(
        paid_minor=amount_minor,
        unused_value_minor=worth_minor(mine, days=days),
        benefits_minor=saved,
    )
    used = amount_minor - back
    if used:
        yield _effect("plan_used", used_minor=used, saved_minor=saved)
    if days and days == left:
        yield _effect("plan_ends", plan=held.plan.label)
    elif days:
        yield _effect("plan_shortened", plan=held.plan.label, days=days)
