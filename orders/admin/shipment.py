"""Shipments: the list, what became of a parcel, the paper that goes into it."""

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import (
    get_language,
    get_language_info,
    gettext_lazy,
    ngettext,
    override,
)
from django.utils.translation import gettext as _
from django.views.generic import View
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from crm.shared.admin import ReadOnlyAdmin
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import BAD, BUSY, GOOD, LedgerAdmin, labelled
from orders.admin.shipping import ShipPage
from orders.models import Shipment, ShipmentLine
from orders.services.delivering import deliver_shipment
from orders.services.shipping import lose_shipment

SHIPMENT_COLOURS = {"sent": BUSY, "delivered": GOOD, "lost": BAD}


class ShipmentLineInline(ReadOnlyAdmin, TabularInline):
    """What is in the parcel."""

    model = ShipmentLine
    fields = ["order_line", "quantity"]
    extra = 0
    hide_title = True

    def get_queryset(self, request):
        """Fetch the order's lines along: each row names one."""
        return super().get_queryset(request).select_related("order_line")

    def has_view_permission(self, request, obj=None) -> bool:
        """Whoever sees the parcel sees what is in it."""
        return request.user.has_perm("orders.view_shipment")


@admin.register(Shipment)
class ShipmentAdmin(LedgerAdmin):
    """Parcels, newest first."""

    when_empty = gettext_lazy(
        "Parcels stand here once an order was sent. Open a paid order and "
        "choose “Ship…”."
    )

    list_display = [
        "public_id",
        "order",
        "carrier",
        "tracking",
        "state_label",
        "sent_at",
        "delivered_at",
        "who_did_it",
    ]
    list_select_related = ["order"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("sent_at", RangeDateTimeFilter),
    ]
    search_fields = ["=public_id", "=tracking", "=order__number"]
    ordering = ["-sent_at", "-id"]
    inlines = [ShipmentLineInline]
    actions = ["mark_delivered"]

    @display(description=gettext_lazy("state"), label=SHIPMENT_COLOURS)
    def state_label(self, shipment: Shipment) -> tuple[str, str]:
        """Return what became of it."""
        return labelled(shipment, "state")

    def get_urls(self):
        """Add the pages that send, write off and print."""
        view = self.admin_site.admin_view
        pages = (
            ("ship/<int:order_pk>/", ShipPage, "order_ship"),
            ("<int:pk>/lose/", LosePage, "shipment_lose"),
            ("<int:pk>/packing-list/", PackingList, "shipment_packing_list"),
        )
        return [
            *(
                path(where, view(page.as_view(model_admin=self)), name=name)
                for where, page, name in pages
            ),
            *super().get_urls(),
        ]

    def has_deliver_permission(self, request) -> bool:
        """Whether this login may say that parcels arrived."""
        return request.user.has_perm("orders.change_shipment")

    @admin.action(
        description=gettext_lazy("Mark as delivered"), permissions=["deliver"]
    )
    def mark_delivered(self, request, queryset):
        """Note that the chosen parcels arrived, one service call each."""
        moment = now()
        count = sum(
            deliver_shipment(shipment_id=pk, actor=request.user, now=moment)
            for pk in list(queryset.order_by("pk").values_list("pk", flat=True))
        )
        messages.success(
            request,
            ngettext(
                "%(count)s shipment was delivered.",
                "%(count)s shipments were delivered.",
                count,
            )
            % {"count": count},
        )


class ShipmentPage(View):
    """What pages about one parcel share."""

    model_admin = None
    permission = ""

    def dispatch(self, request, *args, pk: int, **kwargs):
        """Find the parcel; refuse whoever may not."""
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        found = Shipment.objects.select_related("order").filter(pk=pk)
        self.shipment = found.first()
        if self.shipment is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)


class LosePage(ShipmentPage):
    """A parcel is lost: say why, and its units are to be sent again."""

    permission = "orders.change_shipment"

    def get(self, request):
        """Ask for the reason."""
        return self._show(request)

    def post(self, request):
        """Write the parcel off."""
        reason = request.POST.get("reason", "").strip()
        if len(reason) < 3:
            error = _("Say why, in three characters or more.")
            return self._show(request, error=error)
        try:
            lose_shipment(
                shipment_id=self.shipment.pk,
                actor=request.user,
                reason=reason[:200],
                now=now(),
            )
        except Refusal as refusal:
            return self._show(request, error=str(refusal))
        messages.success(request, _("The shipment was written off."))
        return HttpResponseRedirect(self._back())

    def _back(self) -> str:
        return reverse("admin:orders_order_change", args=[self.shipment.order_id])

    def _show(self, request, error: str = ""):
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Write off shipment %(id)s") % {"id": self.shipment.public_id},
            "opts": self.model_admin.opts,
            "original": self.shipment,
            "text": _(
                "Its units count as not sent: they can be sent again, or refunded."
            ),
            "error": error,
            "back": self._back(),
            "button": _("Write off"),
            "is_impossible": self.shipment.state != Shipment.State.SENT,
        }
        return TemplateResponse(request, "console/reason_page.html", context)


class PackingList(ShipmentPage):
    """The paper that goes into the parcel, in either language of the shop."""

    permission = "orders.view_shipment"

    def get(self, request):
        """Show the list, ready to be printed; ``?language=`` chooses."""
        languages = [code for code, _name in settings.LANGUAGES]
        asked = request.GET.get("language", "")
        language = asked if asked in languages else get_language()
        context = {
            "shop": settings.SHOP_NAME,
            "shipment": self.shipment,
            "order": self.shipment.order,
            "lines": self.shipment.lines.select_related("order_line").order_by(
                "order_line__position"
            ),
            # Each in its own words: who needs it cannot read the other.
            "languages": [
                (code, get_language_info(code)["name_local"])
                for code in languages
                if code != language
            ],
        }
        with override(language):
            page = TemplateResponse(request, "orders/packing_list.html", context)
            # Rendered here: afterwards the language is the reader's again.
            return page.render()
