"""Orders: the list, and one order with everything that lowered its price."""

from django.conf import settings
from django.contrib import admin
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RangeDateTimeFilter,
    RelatedDropdownFilter,
    TextFilter,
)
from unfold.decorators import display

from crm.shared.staff_lists import (
    BAD,
    BUSY,
    CALM,
    GOOD,
    LedgerAdmin,
    money_column,
)
from crm.shared.staff_spreadsheets import ExportAdmin
from orders.admin.refunding import RefundPage, may_refund
from orders.admin.shipping import shipment_facts
from orders.models import Order
from orders.resources import OrderResource

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


class CampaignFilter(TextFilter):
    """Orders that one source campaign brought, by its whole code."""

    title = _("source campaign")
    parameter_name = "campaign"

    def queryset(self, request, queryset):
        """Return the orders of the campaign; an index serves it."""
        code = (self.value() or "").strip().lower()
        return queryset.filter(campaign=code) if code else queryset


@admin.register(Order)
class OrderAdmin(ExportAdmin, LedgerAdmin):
    """Orders, newest first. What was bought never changes; refunds stand beside it."""

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
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("channel", RelatedDropdownFilter),
        CampaignFilter,
        ("device", ChoicesDropdownFilter),
        ("placed_at", RangeDateTimeFilter),
    ]
    search_fields = ["=number", "=member__number"]
    ordering = ["-placed_at", "-id"]
    resource_classes = [OrderResource]

    total = money_column("total_minor", _("total"), ordering=False)
    refunded = money_column("refunded_minor", _("refunded"), ordering=False)

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, order: Order) -> tuple[str, str]:
        """Return where it stands."""
        return order.state, order.get_state_display()

    def get_urls(self):
        """Add the refund page."""
        view = self.admin_site.admin_view(RefundPage.as_view(model_admin=self))
        return [
            path("<path:pk>/refund/", view, name="order_refund"),
            *super().get_urls(),
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one order as a page, not as a form."""
        order = self.get_object(request, object_id)
        if order is None:
            raise Http404
        if not self.has_view_permission(request, order):
            return super().change_view(request, object_id, form_url, extra_context)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Order %(number)s") % {"number": order.number},
            "opts": self.opts,
            "original": order,
            "order": order,
            "state_colour": STATE_COLOURS.get(order.state, ""),
            **order_facts(order),
            **shipment_facts(request.user, order),
            "refund_url": reverse("admin:order_refund", args=[order.pk])
            if may_refund(request.user, order)
            else "",
            **(extra_context or {}),
        }
        return TemplateResponse(request, "orders/order_page.html", context)


def order_facts(order: Order) -> dict:
    """Return what the page of one order shows, in a fixed number of queries."""
    lines = list(order.lines.order_by("position").prefetch_related("allocations"))
    refunds = list(
        order.refunds.order_by("-requested_at", "-id").prefetch_related(
            "lines__order_line"
        )
    )
    return {
        "currency": order.currency or settings.SHOP_CURRENCY,
        "lines": lines,
        "payments": list(order.payments.order_by("-id")),
        "refunds": refunds,
        "events": _events(order),
        "net_minor": order.paid_minor - order.refunded_minor,
        "state_steps": state_steps(order),
    }


def _events(order: Order) -> list:
    labels = dict(Order.State.choices)
    events = list(order.events.order_by("id"))
    for event in events:
        event.to_label = labels.get(event.to_state, event.to_state)
    return events


def state_steps(order: Order) -> list[dict]:
    """Return the strip of states an order goes through, and how far it is."""
    way = [
        Order.State.PENDING,
        Order.State.PAID,
        Order.State.SHIPPED,
        Order.State.DELIVERED,
        Order.State.COMPLETED,
    ]
    if order.state not in way:
        way = [Order.State.PENDING, Order.State(order.state)]
    reached = way.index(Order.State(order.state))
    return [
        {"label": state.label, "reached": place <= reached, "now": place == reached}
        for place, state in enumerate(way)
    ]
