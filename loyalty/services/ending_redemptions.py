"""Giving a reward back: stock and points go back together (P20)."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from loyalty.events import RedemptionEnded
from loyalty.models import Reward, RewardRedemption
from loyalty.queries.rewards import door_of
from loyalty.rules.rewards import may_move
from loyalty.services.locking_redemptions import locked_redemption
from loyalty.services.returning import return_points
from loyalty.services.reward_kinds import (
    RewardUsed,
    promise_of,
    reward_kind,
    source_of_redemption,
)
from orders.services.cancelling import cancel_order

_State = RewardRedemption.State
#: What members do themselves; afterwards they talk to staff.
_BY_MEMBERS = (_State.REQUESTED, _State.FULFILLED)
_ENDED = (_State.CANCELLED, _State.REFUNDED)


class RefundItsOrder(Refusal):
    """This reward was paid by an order: refund the order."""

    code = "reward_of_order"
    message = _("This reward was paid by an order: refund the order.")


class TooLateToGiveBack(Refusal):
    """This reward can no longer be given back."""

    code = "reward_not_refundable"
    message = _("This reward can no longer be given back.")


def cancel_redemption(
    *, redemption: str, member_id: int, now: datetime
) -> RewardRedemption:
    """Give one's own reward back before its deadline; again is harmless.

    Raises:
        RedemptionUnknown: it is not the member's.
        TooLateToGiveBack: its deadline is past, it never had one, it was sent, or its
            door is closed.
        OrderNotCancellable: it was paid at this very moment.
        RewardUsed: what it brought was used already.
    """
    return _end(redemption, member_id=member_id, now=now)


def end_redemption(
    *,
    redemption: str,
    actor: Any,
    reason: str,
    came_back: bool = True,
    now: datetime,
) -> RewardRedemption:
    """Staff give the points of a reward back, whatever its deadline says.

    Args:
        actor: the login.
        reason: why, for the history and the audit trail.
        came_back: False where what was sent is lost or broken: the points go back,
            the piece does not.

    Raises:
        RedemptionUnknown: as it says.
        RewardUsed: what it brought was used, such as a ticket at the door.
        RefundItsOrder: points and money go back together, with its order.
    """
    return _end(redemption, actor=actor, reason=reason, came_back=came_back, now=now)


@transaction.atomic
def _end(
    public_id: str,
    *,
    member_id: int | None = None,
    actor: Any = None,
    reason: str = "",
    came_back: bool = True,
    now: datetime,
) -> RewardRedemption:
    row = locked_redemption(public_id, member_id=member_id, now=now)
    if row.state in _ENDED:
        return row
    if member_id is not None and not may_cancel(row, at=now):
        raise TooLateToGiveBack
    # It may have been moved to before the day that was promised.
    if member_id is not None and row.ticket and now >= door_of(row).closes_at:
        raise TooLateToGiveBack
    if row.order_id is not None and row.state != _State.UNPAID:
        raise RefundItsOrder
    is_kept = row.state in (_State.UNPAID, _State.REQUESTED)
    to_state = _State.CANCELLED if is_kept else _State.REFUNDED
    if not may_move(row.state, to_state):
        raise RewardUsed
    kind = reward_kind(row.kind)
    if row.order_id is not None:
        # It lets go of the points and of what was paid of the money.
        by = actor or "member"
        cancel_order(order_id=row.order_id, actor=by, reason=reason, now=now)
    elif came_back or not kind.is_sent:
        kind.undo(promise_of(row), now=now)
    if row.order_id is not None or came_back or not kind.is_sent:
        Reward.objects.filter(pk=row.reward_id).update(taken=F("taken") - 1)
    return_points(
        member_id=row.member_id,
        source=source_of_redemption(row),
        now=now,
        reason=reason,
        actor=actor.get_username() if actor else "",
    )
    row.state, row.ended_at, row.reason = to_state, now, reason[:200]
    row.save(update_fields=["state", "ended_at", "reason"])
    record(RedemptionEnded(member_id=row.member_id, redemption_id=row.pk))
    if actor is not None:
        record_audit(
            actor=actor,
            action=f"rewards.{to_state}",
            obj=row,
            reason=reason,
            detail={"points": row.points, "came_back": came_back},
            now=now,
        )
    return row


def may_cancel(row: RewardRedemption, *, at: datetime) -> bool:
    """Whether a member may give a reward back at ``at`` without asking anybody."""
    if row.state == _State.UNPAID:
        return True
    in_time = row.refundable_until is not None and at < row.refundable_until
    return in_time and row.state in _BY_MEMBERS
