"""What marketers do only when somebody else agrees."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.services.publishing import publish_approved
from crm.shared.approvals import Deed
from crm.shared.models import Approval
from crm.shared.money import display_amount


class PromotionPublication(Deed):
    """Publishing a promotion that gives more away than one person may."""

    permission = "campaigns.publish_promotion"
    label = gettext_lazy("Publication of a promotion")

    def words(self, params: dict[str, Any]) -> str:
        """Return which promotion, and what it may cost."""
        said = {"name": params["name"], "share": f"{params['share_bp'] / 100:g} %"}
        text = _("Publish “%(name)s”.") % said
        if params["share_bp"]:
            text += " " + _("It gives away up to %(share)s of a price.") % said
        if params["budget_minor"] is not None:
            budget = display_amount(params["budget_minor"], settings.SHOP_CURRENCY)
            text += " " + _("Its budget is %(budget)s.") % {"budget": budget}
        return text

    def carry_out(self, approval: Approval, *, now: datetime) -> None:
        """Publish it as it was when approval was asked for.

        Raises:
            ChangedSinceAsked: it is not what it was.
            PromotionOver, LimitBelowUses: it is too late for it.
        """
        publish_approved(
            promotion_id=approval.params["promotion"],
            digest=approval.params["digest"],
            reason=approval.reason,
            author=approval.author,
            now=now,
        )
