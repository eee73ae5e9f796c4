"""Plans begin and go on: with a trial, or with what a paid order bought."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.money import cumulative_share
from crm.shared.outbox import record
from loyalty.events import PlanRenewed, PlanStarted
from loyalty.models import (
    PlanPrice,
    Subscription,
    SubscriptionMove,
    SubscriptionPeriod,
)
from loyalty.queries.plans import (
    left_after,
    offered_price,
    open_subscription,
    paid_days,
    points_of_fee,
    shop_day,
)
from loyalty.rules.plans import (
    Deed,
    State,
    Term,
    bought_until,
    credit_minor,
    period_end,
)
from loyalty.services.moving_plans import (
    ACTOR,
    call_off_renewal,
    end_plan,
    lock_member,
    move_plan,
    state_after,
    until,
)
from orders.models import Order, OrderLine, Product
from orders.rules.lifecycle import SOLD

#: Prices that were agreed, not taken from the catalogue (``OrderLine.price_kind``).
RENEWAL, CHANGE = "plan", "planchange"


class UnknownPlan(Refusal):
    """There is no such plan on offer."""

    code = "unknown_plan"
    status = 404
    message = _("There is no such plan on offer.")


class AlreadySubscribed(Refusal):
    """There is a paid plan already."""

    code = "already_subscribed"
    message = _("There is a paid plan already.")


class NoTrial(Refusal):
    """This plan has no trial, or it was used."""

    code = "no_trial"
    message = _("This plan has no trial, or it was used.")


class MayNotSubscribe(Refusal):
    """This membership cannot take a plan at the moment."""

    code = "member_not_active"
    message = _("This membership cannot take a plan at the moment.")


@transaction.atomic
def start_trial(
    *, member_id: int, plan: str, period: str, now: datetime
) -> Subscription:
    """Begin a plan for nothing, once for each member and plan, and publish PlanStarted.

    After the days of trial it renews at today's price.

    Args:
        plan: code of a plan on offer.
        period: for how long it will be paid then (``PlanPrice.Period``).

    Raises:
        UnknownPlan: no such plan, or not for this period.
        AlreadySubscribed: there is an open subscription.
        NoTrial: the plan has none, or the member had the plan before.
        MayNotSubscribe: the membership is frozen or over.
    """
    member = lock_member(member_id=member_id)
    price = offered_price(plan=plan, period=period)
    if price is None:
        raise UnknownPlan
    if not member.may_spend:
        raise MayNotSubscribe
    if open_subscription(member_id=member_id) is not None:
        raise AlreadySubscribed
    before = Subscription.objects.filter(member_id=member_id, plan=price.plan)
    if not price.plan.trial_days or before.exists():
        raise NoTrial
    today = shop_day(now)
    ends_on = today + timedelta(days=price.plan.trial_days)
    subscription = Subscription.objects.create(
        member_id=member_id,
        plan=price.plan,
        price=price,
        price_minor=price.variant.price_minor,
        state=State.TRIAL,
        had_trial=True,
        started_on=today,
        anchor_day=ends_on.day,
        **until(ends_on),
    )
    period_row = SubscriptionPeriod.objects.create(
        subscription=subscription,
        starts_on=today,
        ends_on=ends_on,
        amount_minor=0,
        occurred_at=now,
    )
    _note_start(subscription, period_row, is_trial=True, at=now)
    return subscription


@transaction.atomic
def settle_paid_plans(*, order_id: int, now: datetime) -> list[SubscriptionPeriod]:
    """Give a member the days that a paid order bought; again gives nothing (X2).

    The same plan goes on where it ends. Another one takes its place: what is left of
    the first buys days of the second. What was refunded meanwhile gives nothing.

    Returns:
        What this call wrote, one period for each line.
    """
    order = Order.objects.get(pk=order_id)
    if order.member_id is None or order.paid_at is None or order.state not in SOLD:
        return []
    plans = order.lines.filter(kind=Product.Kind.PLAN)
    # Most orders hold none: their members are not locked for nothing.
    if not plans.exists():
        return []
    # A member may have been merged into another one: the order knows who it is now.
    lock_member(member_id=order.member_id)
    lines = list(
        plans.filter(
            plan_period__isnull=True, quantity__gt=F("refunded_quantity")
        ).order_by("position")
    )
    prices = {
        price.variant_id: price
        for price in PlanPrice.objects.select_related("plan", "variant").filter(
            variant__in=[line.variant_id for line in lines]
        )
    }
    return [
        _settle(order, line, prices[line.variant_id], now)
        for line in lines
        if line.variant_id in prices
    ]


def _settle(
    order: Order, line: OrderLine, price: PlanPrice, now: datetime
) -> SubscriptionPeriod:
    held = open_subscription(member_id=order.member_id)
    goes_on = (
        held is not None and held.plan_id == price.plan_id and line.price_kind != CHANGE
    )
    if held is not None and goes_on:
        return _go_on(held, order, line, price, now)
    return _begin(held, order, line, price, now)


def _go_on(
    held: Subscription, order: Order, line: OrderLine, price: PlanPrice, now: datetime
) -> SubscriptionPeriod:
    """Add days to the plan a member has."""
    starts_on, anchor_day = _next_start(held, shop_day(order.paid_at))
    ends_on = period_end(
        starts_on, months=price.months * _units(line), anchor_day=anchor_day
    )
    period = _write(held, line, starts_on, ends_on, credit=0, at=order.paid_at)
    if held.renewal_id != order.pk:
        call_off_renewal(held, now=now)
    to_state = state_after(held, deed=Deed.PAY)
    if held.state == State.PAUSED:
        # Resumed before a day is lost, they end there, on the same day of the month.
        days = {"kept_days": (held.kept_days or 0) + period.days, "ends_on": ends_on}
    else:
        days = until(ends_on)
    move_plan(
        held,
        kind=SubscriptionMove.Kind.PAID,
        to_state=to_state,
        actor=ACTOR,
        now=order.paid_at,
        days=period.days,
        period=period,
        source=f"order:{order.public_id}",
        price=price,
        price_minor=_agreed_minor(line),
        anchor_day=anchor_day,
        tried=0,
        renewal=None,
        **days,
    )
    record(
        PlanRenewed(
            member_id=held.member_id, subscription_id=held.pk, period_id=period.pk
        )
    )
    return period


def _next_start(held: Subscription, paid_on: date) -> tuple[date, int]:
    """Return where new days begin, and the day of the month they count from (X4)."""
    if held.state == State.PAUSED:
        starts_on = held.paused_on + timedelta(days=1 + held.kept_days)
        return starts_on, starts_on.day
    if paid_on < held.ends_on + timedelta(days=held.plan.grace_days):
        return held.ends_on, held.anchor_day
    # Nobody looked for so long that the days would be over already.
    return paid_on, paid_on.day


def _begin(
    held: Subscription | None,
    order: Order,
    line: OrderLine,
    price: PlanPrice,
    now: datetime,
) -> SubscriptionPeriod:
    """Begin a plan with the day it was paid on, in the place of what a member has."""
    starts_on = shop_day(order.paid_at)
    credit = 0
    if held is not None:
        # As it was quoted: the day of the order belongs to the new plan already.
        eve = shop_day(order.placed_at) - timedelta(days=1)
        days_left = left_after(held, after=eve)
        credit = credit_minor(paid_days(held), days_left=days_left)
        end_plan(
            held,
            kind=SubscriptionMove.Kind.CHANGED,
            actor=ACTOR,
            reason=price.plan.code,
            source=f"order:{order.public_id}",
            now=now,
        )
    term = Term(
        starts_on, price.months * _units(line), _agreed_minor(line) * _units(line)
    )
    # Whoever changes pays the price less the credit; everybody else all that was asked.
    paid = _paid_minor(line) if line.price_kind == CHANGE else term.price_minor
    ends_on = bought_until(term, value_minor=paid + credit)
    subscription = Subscription.objects.create(
        member_id=order.member_id,
        plan=price.plan,
        price=price,
        price_minor=_agreed_minor(line),
        state=State.ACTIVE,
        started_on=starts_on,
        anchor_day=starts_on.day if ends_on == term.whole_end else ends_on.day,
        provider=held.provider if held else "",
        instrument=held.instrument if held else None,
        **until(ends_on),
    )
    period = _write(
        subscription, line, starts_on, ends_on, credit=credit, at=order.paid_at
    )
    _note_start(
        subscription,
        period,
        is_trial=False,
        at=order.paid_at,
        source=f"order:{order.public_id}",
    )
    return period


def _write(
    subscription: Subscription,
    line: OrderLine,
    starts_on: date,
    ends_on: date,
    *,
    credit: int,
    at: datetime,
) -> SubscriptionPeriod:
    return SubscriptionPeriod.objects.create(
        subscription=subscription,
        order_line=line,
        starts_on=starts_on,
        ends_on=ends_on,
        amount_minor=_paid_minor(line),
        credit_minor=credit,
        occurred_at=at,
    )


def _note_start(
    subscription: Subscription,
    period: SubscriptionPeriod,
    *,
    is_trial: bool,
    at: datetime,
    source: str = "",
) -> None:
    SubscriptionMove.objects.create(
        subscription=subscription,
        kind=SubscriptionMove.Kind.STARTED,
        to_state=subscription.state,
        days=period.days,
        period=period,
        source=source,
        actor=ACTOR,
        occurred_at=at,
    )
    record(
        PlanStarted(
            member_id=subscription.member_id,
            subscription_id=subscription.pk,
            plan_code=subscription.plan.code,
            is_trial=is_trial,
        )
    )


def _units(line: OrderLine) -> int:
    return line.quantity - line.refunded_quantity


def _paid_minor(line: OrderLine) -> int:
    """Return what paid the units that were not refunded: money, and worth of points."""
    _points, worth = points_of_fee(line)
    gone = cumulative_share(worth, line.refunded_quantity, line.quantity)
    return line.net_minor - line.refunded_minor + worth - gone


def _agreed_minor(line: OrderLine) -> int:
    """Return what a renewal costs: as agreed before, otherwise the list price."""
    if line.price_kind == RENEWAL or line.list_price_minor is None:
        return line.unit_price_minor
    return line.list_price_minor
