"""From one plan to another: previewed and done by the same sum, to the day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from loyalty.models import PlanPrice, Subscription
from loyalty.queries.plans import (
    left_after,
    offered_price,
    open_subscription,
    paid_days,
    shop_day,
)
from loyalty.rules.plans import Change, Term, change_of, credit_minor
from loyalty.services.moving_plans import NoPlan, locked_subscription
from loyalty.services.subscribing import CHANGE, UnknownPlan
from orders.models import Order
from orders.services.agreed_orders import Agreement, place_agreed_order


class SamePlan(Refusal):
    """This is the plan there is."""

    code = "same_plan"
    status = 422
    message = _("This is the plan there is.")


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """What changing to a plan would mean today."""

    held: Subscription
    price: PlanPrice
    change: Change


class ChangeOutdated(Refusal):
    """The change costs something else now. Please look again."""

    code = "plan_change_outdated"
    message = _("The change costs something else now. Please look again.")


def preview_change(
    *, member_id: int, plan: str, period: str, now: datetime
) -> PlannedChange:
    """Say what changing costs today. Writes nothing.

    Unused days, today included, are credited at what was paid for them, rounded down;
    kept days of a paused plan, too. A trial is worth nothing.

    Args:
        plan: code of a plan on offer.
        period: for how long it is to be paid (``PlanPrice.Period``).

    Raises:
        NoPlan, UnknownPlan, SamePlan: as they say.
    """
    held = open_subscription(member_id=member_id)
    if held is None:
        raise NoPlan
    return _planned(held, plan, period, now)


@transaction.atomic
def change_plan(
    *,
    member_id: int,
    plan: str,
    period: str,
    expected_due_minor: int,
    now: datetime,
) -> Order:
    """Order the change at what is due; with the payment it is done.

    A change that costs nothing is paid at once. The credit is that of the day of the
    order.

    Args:
        expected_due_minor: what the member saw and agreed to.

    Raises:
        NoPlan, UnknownPlan, SamePlan: as they say.
        ChangeOutdated: another sum is due now.
        MemberMayNotOrder: the membership is frozen or over.
    """
    held = locked_subscription(member_id=member_id)
    planned = _planned(held, plan, period, now)
    if planned.change.due_minor != expected_due_minor:
        raise ChangeOutdated
    return place_agreed_order(
        member_id=member_id,
        agreement=Agreement(
            planned.price.variant_id, planned.change.due_minor, kind=CHANGE
        ),
        now=now,
    )


def _planned(
    held: Subscription, plan: str, period: str, now: datetime
) -> PlannedChange:
    price = offered_price(plan=plan, period=period)
    if price is None:
        raise UnknownPlan
    if price.pk == held.price_id:
        raise SamePlan
    today = shop_day(now)
    left = left_after(held, after=today - timedelta(days=1))
    credit = credit_minor(paid_days(held), days_left=left)
    term = Term(today, price.months, price.variant.price_minor)
    return PlannedChange(held, price, change_of(term, credit_minor=credit))
