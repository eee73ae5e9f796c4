"""What marketers do only when somebody else agrees."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import CouponTemplate
from campaigns.promotion_words import listed, shown
from campaigns.services.funding import change_approved
from campaigns.services.promising import write_approved
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
        share_bp = params["share_bp"] or 0
        said = {"name": params["name"], "share": f"{share_bp / 100:g} %"}
        parts = [_("Publish “%(name)s”.") % said]
        if share_bp:
            parts.append(_("It gives away up to %(share)s of a price.") % said)
        if params["share_bp"] is None and params["budget_minor"] is None:
            parts.append(_("Nobody can say what it gives away in all."))
        if params["budget_minor"] is not None:
            budget = display_amount(params["budget_minor"], settings.SHOP_CURRENCY)
            parts.append(_("Its budget is %(budget)s.") % {"budget": budget})
        return " ".join(parts)

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


class BudgetChange(Deed):
    """Raising what published offers may cost above what one person may publish."""

    permission = "campaigns.publish_promotion"
    label = gettext_lazy("Change of a budget")

    def words(self, params: dict[str, Any]) -> str:
        """Return which budget, and how much it would hold."""
        currency = settings.SHOP_CURRENCY
        return _("Raise the budget “%(name)s” from %(before)s to %(after)s.") % {
            "name": params["name"],
            "before": display_amount(params["before_minor"], currency),
            "after": display_amount(params["amount_minor"], currency),
        }

    def page(self, params: dict[str, Any]) -> str:
        """Return the page of the budget."""
        return reverse("admin:campaigns_budget_change", args=[params["budget"]])

    def carry_out(self, approval: Approval, *, now: datetime) -> None:
        """Give it the amount, if it holds what it held when that was asked for.

        Raises:
            ChangedSinceAsked: it was changed meanwhile.
            BudgetPromised: orders have and will get more than that.
        """
        change_approved(
            budget_id=approval.params["budget"],
            before_minor=approval.params["before_minor"],
            amount_minor=approval.params["amount_minor"],
            reason=approval.reason,
            author=approval.author,
            now=now,
        )


class CouponsOut(Deed):
    """Giving out coupons that may cost more than one person may give away, or more."""

    permission = "campaigns.publish_promotion"
    label = gettext_lazy("Coupons that may cost much")

    def words(self, params: dict[str, Any]) -> str:
        """Return which coupons, what changes, and what they may cost."""
        budgets = params["budgets"]
        changes = []
        for field, values in params["changes"].items():
            before, after = (_value(field, value, budgets) for value in values)
            changes.append(f"{_label(field)}: {before} → {after}")
        said = {"name": params["name"], "changes": listed(changes)}
        parts = [_("Coupons “%(name)s” – %(changes)s.") % said]
        if params["most_minor"] is None:
            parts.append(_("Nobody can say what they cost in all."))
        else:
            most = display_amount(params["most_minor"], settings.SHOP_CURRENCY)
            parts.append(_("They may cost %(most)s in all.") % {"most": most})
        return " ".join(parts)

    def page(self, params: dict[str, Any]) -> str:
        """Return the page of the template."""
        return reverse(
            "admin:campaigns_coupontemplate_change", args=[params["template"]]
        )

    def carry_out(self, approval: Approval, *, now: datetime) -> None:
        """Change the template as it was asked for.

        Raises:
            ChangedSinceAsked: it, its budget or its public codes are not what they
                were.
        """
        write_approved(
            template_id=approval.params["template"],
            changes=approval.params["changes"],
            digest=approval.params["digest"],
            reason=approval.reason,
            author=approval.author,
            now=now,
        )


def _label(name: str) -> str:
    return str(CouponTemplate._meta.get_field(name).verbose_name)


def _value(name: str, value: Any, budgets: dict[str, str]) -> str:
    """Return what a field of a template holds, as people write it."""
    if name == "budget_id":
        return budgets.get(str(value), "–")
    choices = CouponTemplate._meta.get_field(name).choices
    return str(dict(choices)[value]) if choices else shown(name, value)
