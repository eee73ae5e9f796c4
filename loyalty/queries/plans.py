"""Which plans there are, who has which, and what they are worth."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, OuterRef, Subquery, Sum
from django.db.models.functions import JSONObject

from crm.shared.dates import bounds_of_day
from crm.shared.planned import planned_cursor
from loyalty.models import (
    Plan,
    PlanPrice,
    Subscription,
    SubscriptionMove,
    SubscriptionPeriod,
)
from loyalty.rules.plans import HOLDING, PaidDays, State, days_left
from orders.models import OrderLine

#: What a member saved on goods because of the price for a plan, and by benefits that
#: nothing but the plan gave them: what each saved, and the worth of its points.
_SAVED = """
SELECT (SELECT COALESCE(sum(u.saved_minor + u.points * c.redeem_minor_per_100 / 100), 0)
          FROM loyalty_benefituse u CROSS JOIN loyalty_program c
         WHERE u.member_id = %(member)s AND u.state = 'used'
           AND u.used_at >= %(since)s AND u.used_at < %(until)s
           AND EXISTS (SELECT FROM loyalty_benefitgrant g
                        WHERE g.benefit_id = u.benefit_id AND g.audience = %(mark)s)
           AND NOT EXISTS (
               SELECT FROM loyalty_benefitgrant g, loyalty_pointsaccount a
                 LEFT JOIN loyalty_tier t ON t.id = a.tier_id
                WHERE g.benefit_id = u.benefit_id AND a.member_id = u.member_id
                  AND g.audience IN ('', 'tier:' || t.code))
       )::bigint +
       COALESCE(sum((l.list_price_minor - l.unit_price_minor)
                    * (l.quantity - l.refunded_quantity)), 0)::bigint
  FROM orders_order o
  JOIN orders_orderline l ON l.order_id = o.id
 WHERE o.member_id = %(member)s AND o.paid_at >= %(since)s AND o.paid_at < %(until)s
   AND l.price_kind = 'member' AND l.list_price_minor > l.unit_price_minor
   AND EXISTS (
       SELECT FROM orders_price p
        WHERE p.variant_id = l.variant_id AND p.kind = 'member'
          AND p.audience = %(mark)s AND p.amount_minor = l.unit_price_minor
          AND p.starts_at <= o.placed_at
          AND (p.ends_at IS NULL OR p.ends_at > o.placed_at))
"""


def shop_day(moment: datetime) -> date:
    """Return the day it is in the shop."""
    return moment.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE)).date()


def start_of(day: date) -> datetime:
    """Return when a day of the shop begins."""
    return bounds_of_day(day, ZoneInfo(settings.SHOP_TIME_ZONE))[0]


def offered_plans() -> Sequence[Plan]:
    """Return the plans on offer with their prices."""
    return list(
        Plan.objects.filter(is_offered=True).prefetch_related("prices__variant")
    )


def offered_price(*, plan: str, period: str) -> PlanPrice | None:
    """Return what a plan on offer costs for a period; None where there is none."""
    return (
        PlanPrice.objects.select_related("plan", "variant")
        .filter(plan__code=plan, plan__is_offered=True, period=period)
        .first()
    )


def open_subscription(*, member_id: int) -> Subscription | None:
    """Return what a member has and has not ended."""
    return (
        Subscription.objects.open()
        .select_related("plan", "price__variant", "renewal", "instrument")
        .filter(member_id=member_id)
        .first()
    )


def plan_then(*, at: datetime) -> Subquery:
    """Return, for a query of accounts, the plan its member held just before ``at``.

    As its history says, so news may come late (P7, X2): a dict with ``code`` and
    ``multiplier_bp``, or None. The order that pays for a plan does not yet have it.
    """
    newest = SubscriptionMove.objects.filter(
        subscription=OuterRef("pk"), occurred_at__lt=at
    ).order_by("-occurred_at", "-id")
    held = (
        Subscription.objects.filter(member_id=OuterRef("pk"))
        .annotate(state_then=Subquery(newest.values("to_state")[:1]))
        .filter(state_then__in=sorted(HOLDING))
        .order_by("-id")
    )
    told = JSONObject(code="plan__code", multiplier_bp="plan__multiplier_bp")
    return Subquery(held.values(told=told)[:1])


def paid_days(subscription: Subscription) -> list[PaidDays]:
    """Return what was paid for a subscription, without refunded days, oldest first."""
    rows = subscription.periods.filter(order_line__isnull=False).order_by("id")
    gone = dict(
        SubscriptionMove.objects.filter(
            subscription=subscription, kind=SubscriptionMove.Kind.REFUNDED
        )
        .values_list("period_id")
        .annotate(Sum("days"))
    )
    return [row.paid(refunded_days=-gone.get(row.pk, 0)) for row in rows]


def points_of_fee(line: OrderLine) -> tuple[int, int]:
    """Return the points that paid a fee, and their worth that day in minor units."""
    paid = line.allocations.filter(points__gt=0).aggregate(
        points=Sum("points", default=0), minor=Sum("amount_minor", default=0)
    )
    return paid["points"], paid["minor"]


def left_after(subscription: Subscription, *, after: date) -> int:
    """Return the days a subscription has after a day; kept ones while it is paused."""
    if subscription.state == State.PAUSED:
        return subscription.kept_days or 0
    if subscription.state == State.ENDED:
        return 0
    return days_left(ends_on=subscription.ends_on, after=after)


def saved_minor(*, member_id: int, plan: Plan, since: datetime, until: datetime) -> int:
    """Return what a plan saved a member by its prices and benefits (R21).

    Refunded units saved nothing, nor did benefits that were given back.
    """
    told = {"member": member_id, "mark": plan.mark, "since": since, "until": until}
    with planned_cursor() as cursor:
        cursor.execute(_SAVED, told)
        return cursor.fetchone()[0]


def saved_so_far(subscription: Subscription, *, at: datetime) -> int:
    """Return what a plan saved a member since it began, in minor units."""
    return saved_minor(
        member_id=subscription.member_id,
        plan=subscription.plan,
        since=start_of(subscription.started_on),
        until=at,
    )


def renewals_ahead(*, today: date, days: int) -> list[tuple[date, int, int]]:
    """Return day, subscriptions that renew on it, and their money, for days ahead.

    Days without any are there, too.
    """
    last = today + timedelta(days=days)
    found = {
        day: (count, money)
        for day, count, money in Subscription.objects.holding()
        .filter(ends_on__gte=today, ends_on__lt=last, cancels=False)
        .values_list("ends_on")
        .annotate(Count("id"), Sum("price_minor"))
    }
    ahead = (today + timedelta(days=n) for n in range(days))
    return [(day, *found.get(day, (0, 0))) for day in ahead]


def history(
    subscription: Subscription,
) -> tuple[Sequence[SubscriptionPeriod], Sequence[SubscriptionMove]]:
    """Return periods and moves of a subscription, the newest first."""
    periods = subscription.periods.select_related("order_line__order").order_by("-id")
    return list(periods), list(subscription.moves.order_by("-occurred_at", "-id"))
