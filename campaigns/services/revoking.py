"""Taking coupons back: never those that an order holds or used (C21)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from campaigns.models import Coupon, CouponBatch, CouponCode, CouponTemplate
from crm.shared.audit import record_audit
from crm.shared.jobs import enqueue
from crm.shared.models import Job

#: Key of ``crm.wiring.JOBS``.
JOB = "campaigns.revoke_coupons"
#: More coupons than this are revoked by a job, a chunk a transaction.
MOST_AT_ONCE = 2_000
CHUNK = 10_000

_SKIPPED = [Coupon.State.HELD, Coupon.State.USED]


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a revocation does, or would do."""

    #: Codes nobody used yet.
    codes: int
    #: Coupons in wallets that can be used no more.
    coupons: int
    #: Held by an order or used: they stay.
    skipped: int

    @property
    def detail(self) -> dict[str, int]:
        """Return it for the audit trail."""
        return {"codes": self.codes, "coupons": self.coupons, "skipped": self.skipped}


def revocation_of_batch(*, batch: CouponBatch) -> Revocation:
    """Return what revoking a batch would do now; writes nothing."""
    free = CouponCode.objects.filter(batch=batch, state=CouponCode.State.FREE)
    return _counted(_coupons_of(batch), codes=free.count())


def revocation_of_template(*, template: CouponTemplate) -> Revocation:
    """Return what revoking all coupons of a template would do now; writes nothing."""
    return _counted(Coupon.objects.filter(template=template), codes=0)


@transaction.atomic
def revoke_batch(
    *, batch_id: int, actor: Any, reason: str, now: datetime
) -> Revocation:
    """Make the free codes of a batch worthless, and the coupons that came of it.

    Those held by an order or used stay as they are. Codes not made yet are not made
    any more. However many codes there are, one row says that they are revoked.

    Args:
        reason: why, for the audit trail.
    """
    batch = CouponBatch.objects.select_for_update(no_key=True).get(pk=batch_id)
    free = CouponCode.objects.filter(batch=batch, state=CouponCode.State.FREE)
    outcome = _revoke(_coupons_of(batch), codes=free.count())
    if batch.revoked_at is None:
        batch.revoked_at = now
        batch.save(update_fields=["revoked_at"])
    record_audit(
        actor=actor,
        action="coupons.revoke_batch",
        obj=batch,
        reason=reason,
        detail=outcome.detail,
        now=now,
    )
    return outcome


@transaction.atomic
def revoke_coupons(
    *, template_id: int, actor: Any, reason: str, now: datetime
) -> Revocation:
    """Revoke every coupon of a template that no order holds or used.

    The template stays as it is: end it to give out no more.

    Args:
        reason: why, for the audit trail.
    """
    template = CouponTemplate.objects.select_for_update(no_key=True).get(pk=template_id)
    outcome = _revoke(Coupon.objects.filter(template=template), codes=0)
    record_audit(
        actor=actor,
        action="coupons.revoke",
        obj=template,
        reason=reason,
        detail=outcome.detail,
        now=now,
    )
    return outcome


@transaction.atomic
def order_revocation(
    *, template_id: int, actor: Any, reason: str, now: datetime
) -> Job:
    """Start a job that revokes the coupons a template has now; return it.

    What is given out after ``now`` stays, and so does what orders hold or used.

    Args:
        reason: why, for the audit trail.
    """
    template = CouponTemplate.objects.get(pk=template_id)
    params = {"template": template.public_id}
    job = enqueue(kind=JOB, params=params, owner=actor, now=now)
    record_audit(
        actor=actor,
        action="coupons.order_revocation",
        obj=template,
        reason=reason,
        detail={"job": job.public_id},
        now=now,
    )
    return job


def coupons_to_revoke(*, template: str, until: datetime) -> QuerySet[Coupon]:
    """Return the coupons of a template that were issued until a moment.

    Args:
        template: public id.
    """
    return Coupon.objects.filter(template__public_id=template, issued_at__lte=until)


def revoke_chunk(
    *, coupons: QuerySet[Coupon], after: int
) -> tuple[Revocation, int, int]:
    """Revoke the next coupons, inside the caller's transaction.

    Args:
        coupons: all there are to be revoked.
        after: primary key of the last one looked at.

    Returns:
        What was done, how many were looked at, and the last of their keys.
    """
    keys = coupons.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
    chunk = list(keys[:CHUNK])
    outcome = _revoke(Coupon.objects.filter(pk__in=chunk), codes=0)
    return outcome, len(chunk), chunk[-1] if chunk else after


def _coupons_of(batch: CouponBatch) -> QuerySet[Coupon]:
    # Also those given away, whose code is another one now.
    return Coupon.objects.filter(template_id=batch.template_id, batch=batch)


def _counted(coupons: QuerySet[Coupon], *, codes: int) -> Revocation:
    found = coupons.aggregate(
        free=Count("pk", filter=Q(state=Coupon.State.AVAILABLE)),
        skipped=Count("pk", filter=Q(state__in=_SKIPPED)),
    )
    return Revocation(codes, found["free"], found["skipped"])


def _revoke(coupons: QuerySet[Coupon], *, codes: int) -> Revocation:
    # Decided row by row: what an order takes at this moment is not touched.
    revoked = coupons.filter(state=Coupon.State.AVAILABLE).update(
        state=Coupon.State.REVOKED
    )
    return Revocation(codes, revoked, coupons.filter(state__in=_SKIPPED).count())
