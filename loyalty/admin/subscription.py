"""Who has which plan: the list with what renews soon, and one with its history."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from crm.shared.clock import now, today
from crm.shared.errors import Refusal
from crm.shared.staff_filters import RelatedFilter
from crm.shared.staff_lists import (
    BAD,
    BUSY,
    CALM,
    GOOD,
    LedgerAdmin,
    labelled,
    money_column,
)
from loyalty.models import Subscription
from loyalty.queries.plans import history, renewals_ahead, saved_so_far
from loyalty.services.plan_deeds import DEEDS, deeds_for, do_to_plan

RIGHT = "loyalty.change_subscription"
#: How far ahead the picture above the list looks.
DAYS_AHEAD = 30
WORDS = {
    "cancel": gettext_lazy("End with the last day"),
    "keep": gettext_lazy("Keep after all"),
    "pause": gettext_lazy("Pause"),
    "resume": gettext_lazy("Resume"),
    "end": gettext_lazy("End at once"),
}


@admin.register(Subscription)
class SubscriptionAdmin(LedgerAdmin):
    """Subscriptions, newest first, below what renews in the next days."""

    when_empty = gettext_lazy(
        "Who has a paid plan stands here. Plans begin with a trial or a paid order."
    )
    list_before_template = "loyalty/renewals_ahead.html"
    list_display = [
        "public_id",
        "member",
        "plan",
        "state_label",
        "started_on",
        "ends_on",
        "renewal_price",
        "cancels",
    ]
    list_select_related = ["member", "plan"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("plan", RelatedFilter),
    ]
    search_fields = ["=public_id", "=member__number"]
    ordering = ["-id"]

    renewal_price = money_column(
        "price_minor", gettext_lazy("price at renewal"), ordering=False
    )

    @display(
        description=gettext_lazy("state"),
        label={
            "trial": BUSY,
            "active": GOOD,
            "paused": CALM,
            "grace": BAD,
            "ended": CALM,
        },
    )
    def state_label(self, subscription: Subscription) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(subscription, "state")

    def changelist_view(self, request, extra_context=None):
        """Add the money that renewals will bring, day by day."""
        ahead = renewals_ahead(today=today(), days=DAYS_AHEAD)
        shown = {
            "ahead": [(day, money) for day, _count, money in ahead],
            "renewing": sum(count for _day, count, _money in ahead),
            "days_ahead": DAYS_AHEAD,
        }
        return super().changelist_view(request, {**(extra_context or {}), **shown})

    def get_urls(self):
        """Add the deeds."""
        view = require_POST(self.admin_site.admin_view(self.do_deed))
        return [path("<path:pk>/deed/", view, name="plan_deed"), *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one subscription as a page, not as a form."""
        return self._show(request, self._find(request, object_id))

    def do_deed(self, request, pk: str):
        """Do what staff chose, for the reason they give."""
        found = self._find(request, pk)
        deed = request.POST.get("deed", "")
        if deed not in DEEDS or not request.user.has_perm(RIGHT):
            raise PermissionDenied
        try:
            do_to_plan(
                subscription_id=found.pk,
                deed=deed,
                actor=request.user,
                reason=request.POST.get("reason", "")[:200],
                now=now(),
            )
        except Refusal as refusal:
            return self._show(request, found, error=str(refusal))
        messages.success(request, _("Done."))
        here = reverse("admin:loyalty_subscription_change", args=[found.pk])
        return HttpResponseRedirect(here)

    def _find(self, request, pk: str) -> Subscription:
        known = pk.isascii() and pk.isdecimal()
        rows = Subscription.objects.select_related(
            "member", "plan", "price", "renewal", "instrument"
        )
        found = rows.filter(pk=pk[:18]).first() if known else None
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        if found is None:
            raise Http404
        return found

    def _show(self, request, found: Subscription, error: str = ""):
        periods, moves = history(found)
        may = request.user.has_perm(RIGHT)
        deeds = deeds_for(found) if may else []
        context = {
            **self.admin_site.each_context(request),
            "title": _("Subscription %(id)s") % {"id": found.public_id},
            "opts": self.opts,
            "original": found,
            "found": found,
            "saved_minor": saved_so_far(found, at=now()),
            "periods": periods,
            "moves": moves,
            "deeds": [(deed, WORDS[deed]) for deed in deeds],
            "error": error,
        }
        return TemplateResponse(request, "loyalty/subscription_page.html", context)
