"""Using a benefit against its quota, and giving the use back."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from loyalty.models import Benefit, BenefitTally, BenefitUse
from loyalty.queries.benefits import HeldBenefit, held_benefit
from orders.models import Order


class BenefitNotHeld(Refusal):
    """This member does not have this benefit."""

    code = "benefit_not_held"
    message = _("This member does not have this benefit.")


class BenefitUsedUp(Refusal):
    """This benefit is used up until %(until)s."""

    code = "benefit_used_up"
    message = _("This benefit is used up until %(until)s.")


@transaction.atomic
def use_benefit(
    *,
    benefit: str,
    member_id: int,
    source: str,
    saved_minor: int = 0,
    actor: Any = None,
    reason: str = "",
    now: datetime,
) -> BenefitUse:
    """Use a benefit once, within its quota (X5); again with ``source`` is harmless.

    Args:
        benefit: its code.
        source: the cause, such as ``order:ord_01J…``; at most 80 characters.
        saved_minor: what it saved the member, in minor units.
        actor: the login, where staff write it down; None for the program.

    Raises:
        BenefitNotHeld: nothing grants it now, or a sanction took it away.
        BenefitUsedUp: the quota of this period is used.
    """
    found = Benefit.objects.filter(code=benefit, is_active=True).first()
    held = found and held_benefit(member_id=member_id, benefit=found, at=now)
    if found is None:
        raise BenefitNotHeld
    start = held.span.starts_on if held else None
    if start is not None:
        lock_tally(benefit_id=found.pk, member_id=member_id, period_start=start)
    # After the lock: of two calls with one source the second finds the first.
    done = BenefitUse.objects.filter(benefit=found, source=source).first()
    if done is not None:
        return done
    if held is None:
        raise BenefitNotHeld
    _count(held, member_id)
    use = BenefitUse.objects.create(
        benefit=found,
        member_id=member_id,
        period_start=held.span.starts_on,
        saved_minor=saved_minor,
        source=source,
        actor=actor.get_username()[:80] if actor else "",
        reason=reason[:200],
        used_at=now,
    )
    if actor is not None:
        record_audit(
            actor=actor, action="benefits.use", obj=use, reason=reason, now=now
        )
    return use


@transaction.atomic
def return_use(
    *, benefit_use: str, actor: Any = None, reason: str = "", now: datetime
) -> bool:
    """Give a use back, so that it can be used again in its period; once.

    Args:
        benefit_use: its public id.

    Returns:
        Whether this call gave it back.
    """
    use = BenefitUse.objects.filter(public_id=benefit_use).first()
    if use is None:
        return False
    given_back = BenefitUse.objects.filter(pk=use.pk, state=BenefitUse.State.USED)
    if not given_back.update(state=BenefitUse.State.RETURNED, returned_at=now):
        return False
    BenefitTally.objects.filter(
        benefit_id=use.benefit_id,
        member_id=use.member_id,
        period_start=use.period_start,
    ).update(used=F("used") - 1)
    if actor is not None:
        record_audit(
            actor=actor, action="benefits.return", obj=use, reason=reason, now=now
        )
    return True


@transaction.atomic
def return_uses_of_order(*, order_id: int, now: datetime) -> int:
    """Give back what an order used that came to nothing; again gives back nothing.

    Returns:
        How many uses were given back by this call.
    """
    order = Order.objects.only("public_id").get(pk=order_id)
    uses = BenefitUse.objects.filter(
        source=f"order:{order.public_id}", state=BenefitUse.State.USED
    )
    # One order uses a benefit once, so there are a few at most.
    ids = list(uses.order_by("pk").values_list("public_id", flat=True))
    return sum(return_use(benefit_use=each, now=now) for each in ids)


def lock_tally(*, benefit_id: int, member_id: int, period_start: Any) -> BenefitTally:
    """Return the count of a member's uses in a period, locked; opened if it is new."""
    key = {
        "benefit_id": benefit_id,
        "member_id": member_id,
        "period_start": period_start,
    }
    BenefitTally.objects.bulk_create([BenefitTally(**key)], ignore_conflicts=True)
    return BenefitTally.objects.select_for_update(no_key=True).get(**key)


def _count(held: HeldBenefit, member_id: int) -> None:
    """Count a use by one conditional write.

    Raises:
        BenefitUsedUp: there is none left.
    """
    tally = BenefitTally.objects.filter(
        benefit=held.benefit, member_id=member_id, period_start=held.span.starts_on
    )
    if held.right.quota is not None:
        tally = tally.filter(used__lt=F("bought") + held.right.quota)
    if not tally.update(used=F("used") + 1):
        raise BenefitUsedUp(until=held.span.ends_on.isoformat())
