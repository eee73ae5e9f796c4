"""The list of orders with its views; one order is ``crm.console.admin.order_page``."""

from datetime import timedelta

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RangeDateTimeFilter,
    RangeNumericFilter,
    TextFilter,
)
from unfold.decorators import display

from crm.console.admin.order_deeds import OrderDeedPage
from crm.console.admin.order_delivery import delivery_urls
from crm.console.admin.order_page import order_context
from crm.console.admin.saved_views import SavedViewsMixin
from crm.console.queries.members import may_see_masked
from crm.console.queries.order_page import get_order
from crm.console.queries.orders import order_condition
from crm.shared.clock import now
from crm.shared.money import InvalidAmount, parse_amount
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
from crm.shared.staff_spreadsheets import ExportAdmin
from orders.models import Order, ReturnRequest
from orders.resources import OrderResource
from orders.rules.lifecycle import GROUPS, SHIPPABLE
from orders.rules.returns import OPEN

STATE_COLOURS = {
    "pending": CALM,
    "paid": GOOD,
    "partly_shipped": BUSY,
    "shipped": BUSY,
    "delivered": GOOD,
    "completed": GOOD,
    "cancelled": BAD,
    "refunded": BAD,
}


class OrderViewFilter(admin.SimpleListFilter):
    """The built-in views of the list, as tabs."""

    title = _("view")
    parameter_name = "view"

    def lookups(self, request, model_admin):
        """Name the views."""
        return [
            ("to_pay", _("To pay")),
            ("to_ship", _("To ship")),
            ("late", _("Late to ship")),
            ("on_the_way", _("On the way")),
            ("returns", _("Returns")),
            ("done", _("Done")),
            ("closed", _("Closed")),
        ]

    def queryset(self, request, queryset):
        """Narrow the list to one view."""
        view = self.value()
        if view in GROUPS:
            found = queryset.filter(state__in=GROUPS[view])
            # What waits for its group is not to be sent yet.
            return found.filter(waits_for="") if view == "to_ship" else found
        if view == "late":
            latest = now() - timedelta(hours=settings.SHIP_WITHIN_HOURS)
            return queryset.filter(
                state__in=SHIPPABLE, placed_at__lte=latest, paid_at__lte=latest
            )
        if view == "returns":
            open_ones = ReturnRequest.objects.filter(state__in=OPEN)
            return queryset.filter(pk__in=open_ones.values("order_id"))
        return queryset


class CampaignFilter(TextFilter):
    """Orders that one source campaign brought, by its whole code."""

    title = _("source campaign")
    parameter_name = "campaign"

    def queryset(self, request, queryset):
        """Return the orders of the campaign; an index serves it."""
        code = (self.value() or "").strip().lower()
        return queryset.filter(campaign=code) if code else queryset


class AmountFilter(RangeNumericFilter):
    """Orders by their total, typed as people write money."""

    def queryset(self, request, queryset):
        """Narrow the list; what is no amount narrows it to nothing."""
        bounds = Q()
        for end, lookup in (("_from", "gte"), ("_to", "lte")):
            text = self.used_parameters.get(f"{self.parameter_name}{end}")
            if not text:
                continue
            try:
                minor = parse_amount(str(text), settings.SHOP_CURRENCY)
            except InvalidAmount:
                return queryset.none()
            bounds &= Q(**{f"{self.parameter_name}__{lookup}": minor})
        return queryset.filter(bounds)


@admin.register(Order)
class OrderAdmin(SavedViewsMixin, ExportAdmin, LedgerAdmin):
    """Orders, newest first. What was bought never changes; refunds stand beside it."""

    when_empty = _(
        "What was bought stands here: in the app, at other systems, or in a "
        "file you import."
    )

    list_display = [
        "number",
        "placed_at",
        "member",
        "state_label",
        "channel",
        "total",
        "refunded",
        "region",
    ]
    list_select_related = ["member", "channel"]
    list_reads = (
        *("number", "state", "total_minor", "refunded_minor", "region"),
        *("member__number", "channel__name", "channel__name_en"),
    )
    list_filter = [
        OrderViewFilter,
        ("state", ChoicesDropdownFilter),
        ("channel", RelatedFilter),
        CampaignFilter,
        ("device", ChoicesDropdownFilter),
        ("placed_at", RangeDateTimeFilter),
        ("total_minor", AmountFilter),
    ]
    search_fields = ["number"]
    search_help_text = _("Order number or its beginning, member number, phone, SKU")
    ordering = ["-placed_at", "-id"]
    resource_classes = [OrderResource]

    total = money_column("total_minor", _("total"), ordering=False)
    refunded = money_column("refunded_minor", _("refunded"), ordering=False)

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, order: Order) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(order, "state")

    def get_search_results(self, request, queryset, search_term):
        """Look where the text says, by one index."""
        if not search_term.strip():
            return queryset, False
        personal = may_see_masked(request.user)
        return queryset.filter(
            order_condition(search_term[:80], personal=personal)
        ), False

    def get_urls(self):
        """Add what can be done with one order besides refunding and shipping."""
        wrap = self.admin_site.admin_view
        return [
            *delivery_urls(self),
            path(
                "<int:pk>/do/<slug:code>/",
                wrap(OrderDeedPage.as_view(model_admin=self)),
                name="order_deed",
            ),
            *super().get_urls(),
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one order as a page, not as a form."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        order = get_order(object_id)
        if order is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": _("Order %(number)s") % {"number": order.number},
            "opts": self.opts,
            "original": order,
            **order_context(order=order, user=request.user),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "console/order_page.html", context)
