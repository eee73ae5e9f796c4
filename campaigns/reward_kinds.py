"""Coupons as rewards for points (``crm.wiring.REWARD_KINDS``)."""

from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from campaigns.models import Coupon, CouponTemplate
from campaigns.services.issuing import CouponsAllGone, issue_coupon
from loyalty.models import Reward
from loyalty.services.reward_kinds import (
    Promise,
    RewardGone,
    RewardIncomplete,
    RewardUsed,
)


class CouponReward:
    """A coupon of a template, issued at once."""

    label = _("coupon")
    needs = "template"
    is_sent = False

    def choices(self) -> list[tuple[str, Any]]:
        """Return the templates that are live."""
        live = CouponTemplate.objects.filter(state=CouponTemplate.State.LIVE)
        return [(each.public_id, each.label) for each in live.order_by("-pk")]

    def check(self, reward: Reward) -> None:
        """Refuse a reward whose template is not live."""
        _live(reward.template)

    def fulfil(self, promise: Promise, *, now: datetime) -> str:
        """Issue the coupon; the template's own stock counts, too."""
        try:
            coupon = issue_coupon(
                template_id=_live(promise.terms["template"]).pk,
                member_id=promise.member_id,
                source=promise.source,
                now=now,
            )
        except CouponsAllGone as gone:
            raise RewardGone from gone
        return coupon.public_id

    def undo(self, promise: Promise, *, now: datetime) -> None:
        """Revoke the coupon while nobody used, held or passed it on, and it lasts.

        What came of a reward that was given back was not given out: the template has
        one more again, like the reward.
        """
        own = Coupon.objects.filter(
            public_id=promise.result,
            member_id=promise.member_id,
            state=Coupon.State.AVAILABLE,
            expires_at__gt=now,
        )
        if not own.update(state=Coupon.State.REVOKED):
            raise RewardUsed
        template = CouponTemplate.objects.filter(
            coupons__public_id=promise.result, issued__gt=0
        )
        template.update(issued=F("issued") - 1)


def _live(template: str) -> CouponTemplate:
    live = CouponTemplate.objects.filter(
        public_id=template, state=CouponTemplate.State.LIVE
    )
    found = live.first()
    if found is None:
        raise RewardIncomplete
    return found
