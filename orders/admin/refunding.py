"""The refund page: which units come back, what that gives, then doing it."""

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
from crm.shared.money import display_amount
from orders.models import Order
from orders.rules.lifecycle import STANDING
from orders.services.refunding import (
    quote_refund,
    refund_order,
)


def may_refund(user, order: Order) -> bool:
    """Whether this login may refund this order now."""
    return order.state in STANDING and user.has_perm("orders.add_refund")


class RefundPage(View):
    """One page: units, reason, and the effect in words before anything happens."""

    model_admin = None

    def dispatch(self, request, *args, pk: str, **kwargs):
        """Find the order; refuse whoever may not refund."""
        if not request.user.has_perm("orders.add_refund"):
            raise PermissionDenied
        self.order = self.model_admin.get_object(request, pk)
        if self.order is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Show the form."""
        return self._show(request, {})

    def post(self, request):
        """Say what would happen (``preview``), or do it."""
        items, freight = self._read(request)
        if "preview" in request.GET:
            context = {"effect": self._effect(items, freight)}
            return TemplateResponse(request, "console/effect.html", context)
        reason = request.POST.get("reason", "").strip()
        if len(reason) < 3:
            error = _("Say why, in three characters or more.")
            return self._show(request, items, error=error)
        try:
            refund = refund_order(
                order_id=self.order.pk,
                items=items,
                reason=reason,
                actor=request.user,
                request_key=f"staff:{request.POST.get('request_key', '')[:36]}",
                freight=freight,
                now=now(),
            )
        except Refusal as refusal:
            return self._show(request, items, error=str(refusal))
        messages.success(
            request,
            _("The refund of %(amount)s was requested.")
            % {"amount": self._money(refund.amount_minor)},
        )
        return HttpResponseRedirect(
            reverse("admin:orders_order_change", args=[self.order.pk])
        )

    def _read(self, request) -> tuple[dict[int, int], bool]:
        items = {}
        for line in self.order.lines.all():
            text = request.POST.get(f"units-{line.position}", "").strip()
            if text.isascii() and text.isdecimal() and int(text[:9]) > 0:
                items[line.position] = int(text[:9])
        return items, "freight" in request.POST

    def _effect(self, items: dict[int, int], freight: bool) -> str:
        if not items and not freight:
            return ""
        try:
            quote = quote_refund(order_id=self.order.pk, items=items, freight=freight)
        except Refusal as refusal:
            return str(refusal)
        sentence = _("Pays back %(amount)s and returns %(points)s points spent.")
        return sentence % {
            "amount": self._money(quote.amount_minor),
            "points": f"{quote.points:,d}",
        }

    def _money(self, minor: int) -> str:
        return display_amount(minor, self.order.currency)

    def _show(self, request, items: dict[int, int], error: str = ""):
        lines = list(self.order.lines.order_by("position"))
        for line in lines:
            line.left = line.quantity - line.refunded_quantity
            line.chosen = items.get(line.position, 0)
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Refund order %(number)s") % {"number": self.order.number},
            "opts": self.model_admin.opts,
            "original": self.order,
            "order": self.order,
            "lines": lines,
            "error": error,
            "request_key": request.POST.get("request_key") or uuid.uuid4(),
            "reason": request.POST.get("reason", ""),
            "effect": self._effect(items, "freight" in request.POST),
        }
        return TemplateResponse(request, "orders/refund_page.html", context)
