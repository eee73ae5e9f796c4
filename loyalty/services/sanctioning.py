"""Taking a benefit away from a member for a time, and lifting that again."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from loyalty.models import BenefitSanction
from loyalty.queries.benefits import sanctions_at


class SanctionReasonMissing(Refusal):
    """Say why, in three characters or more."""

    code = "reason_missing"
    status = 422
    message = _("Say why, in three characters or more.")


class SanctionEndsBeforeNow(Refusal):
    """A sanction must end after now."""

    code = "sanction_over"
    status = 422
    message = _("A sanction must end after now.")


@transaction.atomic
def sanction_benefit(
    *,
    benefit_id: int,
    member_id: int,
    reason: str,
    until: datetime | None,
    actor: Any,
    now: datetime,
) -> BenefitSanction:
    """Take a benefit away from a member; what was used before stays used.

    Args:
        until: exclusive; None is for good.
        actor: the login.

    Raises:
        SanctionReasonMissing, SanctionEndsBeforeNow: as they say.
    """
    if len(reason.strip()) < 3:
        raise SanctionReasonMissing
    if until is not None and until <= now:
        raise SanctionEndsBeforeNow
    sanction = BenefitSanction.objects.create(
        benefit_id=benefit_id,
        member_id=member_id,
        reason=reason.strip()[:200],
        actor=actor.get_username()[:80],
        starts_at=now,
        ends_at=until,
    )
    record_audit(
        actor=actor, action="benefits.sanction", obj=sanction, reason=reason, now=now
    )
    return sanction


@transaction.atomic
def lift_sanction(
    *, sanction_id: int, actor: Any, reason: str = "", now: datetime
) -> bool:
    """End a sanction now; the member has the benefit again from this moment.

    Returns:
        Whether it was in force.
    """
    if not sanctions_at(now).filter(pk=sanction_id).update(ends_at=now):
        return False
    sanction = BenefitSanction.objects.get(pk=sanction_id)
    record_audit(
        actor=actor, action="benefits.lift", obj=sanction, reason=reason, now=now
    )
    return True
