"""One subscription at a time: its lock, its moves, and its end.

The member's row is the lock, as at checkout: payments of a plan, its pauses and the
nightly round come one after another.
"""

from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.outbox import record
from loyalty.events import PlanEnded
from loyalty.models import Subscription, SubscriptionMove, SubscriptionPeriod
from loyalty.queries.plans import open_subscription, start_of
from loyalty.rules.plans import Deed, MoveNotAllowed, moved
from members.models import Member
from orders.models import Order
from orders.services.cancelling import OrderNotCancellable, cancel_order
from orders.services.moving import actor_name

#: Who acts when no person does.
ACTOR = "plans"


class NoPlan(Refusal):
    """There is no paid plan."""

    code = "no_plan"
    status = 404
    message = _("There is no paid plan.")


class PlanStateRefused(Refusal):
    """The plan cannot do this at the moment."""

    code = "plan_state_refused"
    message = _("The plan cannot do this at the moment.")


def lock_member(*, member_id: int) -> Member:
    """Lock a member's row. For use in a transaction."""
    return Member.objects.select_for_update(no_key=True).get(pk=member_id)


def locked_subscription(*, member_id: int) -> Subscription:
    """Lock a member and return the open subscription.

    Raises:
        NoPlan: there is none.
    """
    lock_member(member_id=member_id)
    subscription = open_subscription(member_id=member_id)
    if subscription is None:
        raise NoPlan
    return subscription


def state_after(subscription: Subscription, *, deed: Deed) -> str:
    """Return the state after a deed.

    Raises:
        PlanStateRefused: this state does not allow it.
    """
    try:
        return str(moved(subscription.state, deed))
    except MoveNotAllowed as refused:
        raise PlanStateRefused from refused


def move_plan(
    subscription: Subscription,
    *,
    kind: str,
    to_state: str,
    actor: Any,
    now: datetime,
    days: int = 0,
    period: SubscriptionPeriod | None = None,
    source: str = "",
    reason: str = "",
    **changes: Any,
) -> None:
    """Change a locked subscription and write down who did what.

    Args:
        actor: a login, or the name of a program.
        days: that came or, negative, went.
        changes: fields to set with the state.
    """
    before, subscription.state = subscription.state, to_state
    for name, value in changes.items():
        setattr(subscription, name, value)
    subscription.save(update_fields=["state", *changes])
    SubscriptionMove.objects.create(
        subscription=subscription,
        kind=kind,
        from_state=before,
        to_state=to_state,
        days=days,
        period=period,
        source=source,
        actor=actor_name(actor),
        reason=reason[:200],
        occurred_at=now,
    )


def until(day: date) -> dict[str, Any]:
    """Return the fields of a subscription that is paid until a day, and looked at."""
    return {"ends_on": day, "due_at": start_of(day)}


def end_plan(
    subscription: Subscription,
    *,
    actor: Any,
    reason: str,
    now: datetime,
    kind: str = SubscriptionMove.Kind.ENDED,
    **move: Any,
) -> None:
    """End a locked subscription, call off its renewal and publish PlanEnded.

    Changing to another plan ends the first one, too, but nobody is told that.
    """
    call_off_renewal(subscription, now=now)
    move_plan(
        subscription,
        kind=kind,
        to_state=state_after(subscription, deed=Deed.END),
        actor=actor,
        reason=reason,
        now=now,
        ended_at=now,
        due_at=None,
        paused_on=None,
        kept_days=None,
        **move,
    )
    if kind != SubscriptionMove.Kind.CHANGED:
        record(
            PlanEnded(
                member_id=subscription.member_id,
                subscription_id=subscription.pk,
                plan_code=subscription.plan.code,
                reason=reason[:80],
            )
        )


def call_off_renewal(subscription: Subscription, *, now: datetime) -> None:
    """Cancel the unpaid order of a renewal, so that nobody can pay it any more.

    Money that comes for it later is returned (``orders.services.payment``).
    """
    renewal = subscription.renewal
    if renewal is None or renewal.state != Order.State.PENDING:
        return
    try:
        cancel_order(order_id=renewal.pk, actor=ACTOR, reason="", now=now)
    except OrderNotCancellable:
        # Paid at this moment: the news are on their way.
        return
