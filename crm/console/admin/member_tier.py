"""Why a member has this tier: now, or on any day before."""

from datetime import date

from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _

from crm.console.admin.member_page import OfOneMember
from crm.console.queries.tier_words import tier_history, tier_words
from crm.shared.clock import day_bounds, today
from loyalty.queries.tier_terms import MAIN_LADDER


def member_tier_urls(model_admin) -> list:
    """Return the URL of the page, wrapped in the site's sign-in check."""
    view = TierPage.as_view(model_admin=model_admin)
    wrapped = model_admin.admin_site.admin_view(view)
    return [path("<str:public_id>/360/tier/", wrapped, name="member_tier")]


class TierPage(OfOneMember):
    """The tier on a day, and every change of it."""

    def get(self, request):
        """Show it; a day that cannot be read is today."""
        if not request.user.has_perm("loyalty.view_tierchange"):
            raise PermissionDenied
        try:
            day = date.fromisoformat(request.GET.get("on", ""))
        except ValueError:
            day = today()
        at = min(day_bounds(day)[1], self.at)
        account = getattr(self.member, "points_account", None)
        changes = tier_history(member_id=self.member.pk, until=at)
        on_main = (each for each in changes if each["ladder"].code == MAIN_LADDER)
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Tier of %(number)s") % {"number": self.member.number},
            "opts": self.model_admin.opts,
            "member": self.member,
            "page_url": self.page_url(),
            "day": day,
            "now": tier_words(account=account, at=self.at),
            "held": next(on_main, None),
            "changes": changes,
        }
        return TemplateResponse(request, "console/member_tier.html", context)
