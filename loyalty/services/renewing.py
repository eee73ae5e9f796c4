"""Every night: plans that are over renew, are asked for again, or end.

An attempt is claimed under the member's lock, the money is asked for outside any
transaction. A renewal is one order, however often it is tried: it can be paid once,
and what comes twice is returned.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from crm.shared.errors import Refusal
from crm.shared.logs import describe
from crm.shared.outbox import record
from loyalty.events import PlanPaymentFailed
from loyalty.models import Subscription, SubscriptionMove
from loyalty.queries.plans import open_subscription, shop_day, start_of
from loyalty.rules.plans import Deed, State, Step, next_look, step_due
from loyalty.services.moving_plans import (
    ACTOR,
    end_plan,
    lock_member,
    move_plan,
    state_after,
)
from loyalty.services.subscribing import RENEWAL
from orders.models import Order, Payment
from orders.services.agreed_orders import Agreement, place_agreed_order
from orders.services.charging import charge_order
from orders.services.writing_orders import OrderTerms

log = logging.getLogger(__name__)

#: When news of a payment are looked for again.
_SOON = timedelta(hours=1)
#: Why a renewal was not paid, where no refusal says it.
DECLINED, NOTHING_BOUND = "declined", "nothing_bound"


def renew_due(*, now: datetime, limit: int = 200) -> int:
    """Do what is due today for every subscription; return how many were looked at.

    One that cannot be renewed now stops no other: it is tried again in an hour.
    """
    due = Subscription.objects.filter(due_at__lte=now).order_by("due_at", "pk")
    looked = 0
    for pk in list(due.values_list("pk", flat=True)[:limit]):
        try:
            looked += renew_plan(subscription_id=pk, now=now)
        except Exception as error:
            log.exception(
                "A plan could not be renewed.",
                extra={"subscription": pk, "error": describe(error)},
            )
            # Not the first again next time: others would wait behind it for ever.
            due.filter(pk=pk).update(due_at=now + _SOON)
    return looked


def renew_plan(*, subscription_id: int, now: datetime) -> bool:
    """Do what is due today for a subscription; whether there was something.

    Two at once do it once (X5). For no transaction: money is asked for in between.
    """
    step = _claim(subscription_id, now)
    if step is Step.ATTEMPT:
        _attempt(subscription_id, now)
    return step is not Step.WAIT


@transaction.atomic
def _claim(subscription_id: int, now: datetime) -> Step:
    """Decide what is due and write that it is done, before anything is asked."""
    held = _locked(subscription_id)
    if held is None or held.due_at is None or held.due_at > now:
        return Step.WAIT
    dunning = held.plan.dunning
    step = step_due(
        dunning,
        ends_on=held.ends_on,
        tried=held.tried,
        is_cancelled=held.cancels,
        today=shop_day(now),
    )
    is_paid = held.renewal is not None and held.renewal.paid_at is not None
    if is_paid and step is not Step.WAIT:
        # The news of the payment are on their way: they bring the days.
        _look_again(held, at=now + _SOON)
        return Step.WAIT
    if step is Step.END:
        end_plan(held, actor=ACTOR, reason=_why(held), now=now)
    elif step is Step.ATTEMPT:
        _lapse(held, now)
    else:
        next_day = next_look(dunning, ends_on=held.ends_on, tried=held.tried)
        _look_again(held, at=max(start_of(next_day), now + _SOON))
    return step


def _locked(subscription_id: int) -> Subscription | None:
    row = Subscription.objects.only("member_id").get(pk=subscription_id)
    lock_member(member_id=row.member_id)
    held = open_subscription(member_id=row.member_id)
    return held if held is not None and held.pk == subscription_id else None


def _look_again(held: Subscription, *, at: datetime) -> None:
    held.due_at = at
    held.save(update_fields=["due_at"])


def _why(held: Subscription) -> str:
    return "cancelled" if held.cancels else "unpaid"


def _lapse(held: Subscription, now: datetime) -> None:
    """Count an attempt; with the first one the days of grace begin."""
    held.tried += 1
    next_day = next_look(held.plan.dunning, ends_on=held.ends_on, tried=held.tried)
    held.due_at = start_of(next_day)
    held.save(update_fields=["tried", "due_at"])
    if held.state != State.GRACE:
        move_plan(
            held,
            kind=SubscriptionMove.Kind.LAPSED,
            to_state=state_after(held, deed=Deed.LAPSE),
            actor=ACTOR,
            now=now,
        )


def _attempt(subscription_id: int, now: datetime) -> None:
    """Ask for the money; what is not paid waits for the member, who is told."""
    order = None
    try:
        order = _renewal_order(subscription_id, now)
        if order is None or order.state != Order.State.PENDING:
            return
        reason = _charge(subscription_id, order, now)
    except Refusal as refused:
        reason = refused.code
    if reason:
        _note_failure(subscription_id, order, reason, now)


def _charge(subscription_id: int, order: Order, now: datetime) -> str:
    """Return why the order was not paid; empty where it was, or nobody knows yet."""
    held = Subscription.objects.select_related("instrument").get(pk=subscription_id)
    if not held.provider:
        return NOTHING_BOUND
    payment = charge_order(
        order_id=order.pk, provider=held.provider, instrument=held.instrument, now=now
    )
    return DECLINED if payment.state == Payment.State.FAILED else ""


@transaction.atomic
def _renewal_order(subscription_id: int, now: datetime) -> Order | None:
    """Return the order of a renewal, placed with the first attempt.

    It can be paid until the days of grace are over.
    """
    held = _locked(subscription_id)
    if held is None:
        return None
    if held.renewal is not None and held.renewal.state != Order.State.CANCELLED:
        return held.renewal
    grace = timedelta(days=held.plan.grace_days)
    held.renewal = place_agreed_order(
        member_id=held.member_id,
        agreement=Agreement(held.price.variant_id, held.price_minor, kind=RENEWAL),
        terms=OrderTerms(open_until=start_of(held.ends_on + grace)),
        now=now,
    )
    held.save(update_fields=["renewal"])
    return held.renewal


@transaction.atomic
def _note_failure(
    subscription_id: int, order: Order | None, reason: str, now: datetime
) -> None:
    held = _locked(subscription_id)
    if held is None or (held.renewal is not None and held.renewal.paid_at is not None):
        return
    move_plan(
        held,
        kind=SubscriptionMove.Kind.PAYMENT_FAILED,
        to_state=held.state,
        actor=ACTOR,
        reason=reason,
        now=now,
    )
    record(
        PlanPaymentFailed(
            member_id=held.member_id,
            subscription_id=held.pk,
            order_id=order.pk if order else None,
            attempt=held.tried,
            reason=reason,
        )
    )
