"""The page that sends units of an order."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import View

from crm.shared.clock import now
from crm.shared.errors import Refusal
from orders.models import Order, Shipment
from orders.services.shipping import ship, units_to_ship


class ShipPage(View):
    """Which units leave, with whom, under which number."""

    model_admin = None

    def dispatch(self, request, *args, order_pk: int, **kwargs):
        """Find the order; refuse whoever may not ship."""
        if not request.user.has_perm("orders.add_shipment"):
            raise PermissionDenied
        self.order = Order.objects.filter(pk=order_pk).first()
        if self.order is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Show the form with everything that is left."""
        return self._show(request, units_to_ship(order_id=self.order.pk))

    def post(self, request):
        """Send the parcel; a double click sends one."""
        items = self._read(request)
        try:
            shipment = ship(
                order_id=self.order.pk,
                items=items,
                carrier=request.POST.get("carrier", "").strip()[:60],
                tracking=request.POST.get("tracking", "").strip()[:80],
                actor=request.user,
                request_key=f"staff:{request.POST.get('request_key', '')[:36]}",
                now=now(),
            )
        except Refusal as refusal:
            return self._show(request, items, error=str(refusal))
        messages.success(
            request,
            _("Shipment %(id)s is on its way.") % {"id": shipment.public_id},
        )
        return HttpResponseRedirect(
            reverse("admin:orders_order_change", args=[self.order.pk])
        )

    def _read(self, request) -> dict[int, int]:
        items = {}
        for position in self.order.lines.values_list("position", flat=True):
            text = request.POST.get(f"units-{position}", "").strip()
            if text.isascii() and text.isdecimal() and int(text[:9]) > 0:
                items[position] = int(text[:9])
        return items

    def _show(self, request, items: dict[int, int], error: str = ""):
        left = units_to_ship(order_id=self.order.pk)
        lines = list(self.order.lines.filter(position__in=left).order_by("position"))
        for line in lines:
            line.left = left[line.position]
            line.chosen = items.get(line.position, 0)
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Ship order %(number)s") % {"number": self.order.number},
            "opts": self.model_admin.opts,
            "order": self.order,
            "lines": lines,
            "error": error,
            "carrier": request.POST.get("carrier", ""),
            "tracking": request.POST.get("tracking", ""),
            "carriers": _carriers(),
            "request_key": request.POST.get("request_key") or uuid.uuid4(),
        }
        return TemplateResponse(request, "orders/ship_page.html", context)


def _carriers() -> list[str]:
    """Return the carriers of the latest parcels, to choose from."""
    latest = Shipment.objects.exclude(carrier="").order_by("-sent_at", "-id")
    return sorted(set(latest.values_list("carrier", flat=True)[:50]))
