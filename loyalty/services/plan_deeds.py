"""What staff do to the plan of a member: every deed with its reason, audited."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from loyalty.models import Subscription
from loyalty.services.ending_plans import cancel_plan, end_plan_now, keep_plan
from loyalty.services.moving_plans import NoPlan
from loyalty.services.pausing import pause_plan, resume_plan

#: Deed -> verb; each takes member_id, actor, reason and now.
DEEDS: dict[str, Callable[..., Subscription]] = {
    "cancel": cancel_plan,
    "keep": keep_plan,
    "pause": pause_plan,
    "resume": resume_plan,
    "end": end_plan_now,
}


class NoReasonForDeed(Refusal):
    """Give a reason of at least three characters."""

    code = "reason_missing"
    status = 422
    message = _("Give a reason of at least three characters.")


@transaction.atomic
def do_to_plan(
    *, subscription_id: int, deed: str, actor: Any, reason: str, now: datetime
) -> Subscription:
    """Do one of ``DEEDS`` to a subscription, and write down who did it and why.

    Raises:
        NoReasonForDeed: staff say why.
        NoPlan: it has ended, or the member has another one by now.
        Refusal: as the verb says.
    """
    if len(reason.strip()) < 3:
        raise NoReasonForDeed
    row = Subscription.objects.only("member_id").get(pk=subscription_id)
    held = DEEDS[deed](
        member_id=row.member_id, actor=actor, reason=reason.strip(), now=now
    )
    if held.pk != subscription_id:
        # Rolled back: what was done was done to another one.
        raise NoPlan
    record_audit(
        actor=actor, action=f"plans.{deed}", obj=held, reason=reason.strip(), now=now
    )
    return held


def deeds_for(subscription: Subscription) -> list[str]:
    """Return what staff may try with a subscription now."""
    if not subscription.is_open:
        return []
    deeds = ["keep" if subscription.cancels else "cancel", "end"]
    if subscription.state == Subscription.State.PAUSED:
        return ["resume", *deeds]
    if subscription.state == Subscription.State.ACTIVE and subscription.plan.may_pause:
        return ["pause", *deeds]
    return deeds
