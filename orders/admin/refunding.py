"""The refund wizard: what comes back, what that does, then doing it (ux S9).

The effects are quoted by the function that makes the refund; the version that was
shown goes along, and a refund that has changed since is shown anew instead of made.
"""

import uuid
from dataclasses import dataclass, replace

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.generic import View

from crm import wiring
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.money import display_amount
from orders.models import Order, Refund, RefundDeduction, ReturnRequest
from orders.payment_words import provider_words
from orders.reasons import effect_text
from orders.rules.refund_effects import Shortfall
from orders.rules.refunds import RefundQuote
from orders.rules.waterfall import ROW, WIDTH, waterfall
from orders.services.refunding import (
    RefundPolicy,
    StaleRefundQuote,
    quote_refund,
    refund_order,
)


def most_of(user) -> int | None:
    """Return what this login may give back for one order in all, None without limit."""
    if user.has_perm("orders.change_refund"):
        return None
    return settings.STAFF_REFUND_LIMIT_MINOR


@dataclass(frozen=True, slots=True)
class Choice:
    """What the form says."""

    items: dict[int, int]
    policy: RefundPolicy
    freight: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen yet."""
        return not self.items and not self.freight


class RefundPage(View):
    """One page in three steps: units and reason, effects, confirmation."""

    model_admin = None

    def dispatch(self, request, *args, pk: int, **kwargs):
        """Find the order; refuse whoever may not refund."""
        if not request.user.has_perm("orders.add_refund"):
            raise PermissionDenied
        self.order = Order.objects.filter(pk=pk).first()
        if self.order is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Show the form."""
        return self._show(request, self._read(request))

    def post(self, request):
        """Say what would happen (``preview``), or do what was shown."""
        choice = self._read(request)
        if "preview" in request.GET:
            return TemplateResponse(
                request, "orders/refund_effect.html", self._effect(choice)
            )
        reason = request.POST.get("reason", "").strip()
        if len(reason) < 3:
            error = _("Say why, in three characters or more.")
            return self._show(request, choice, error=error)
        seen = request.POST.get("quote_hash", "")
        if not seen and not self._is_known(request):
            # Without script nobody has seen the effects yet.
            note = _("Look at the effects, then confirm.")
            return self._show(request, choice, error=note)
        try:
            refund = refund_order(
                order_id=self.order.pk,
                items=choice.items,
                reason=reason,
                actor=request.user,
                request_key=self._key(request),
                most_minor=most_of(request.user),
                freight=choice.freight,
                policy=choice.policy,
                expected_hash=seen[:64],
                now=now(),
            )
        except StaleRefundQuote as stale:
            return self._show(request, choice, error=str(stale))
        except Refusal as refusal:
            return self._show(request, choice, error=str(refusal))
        messages.success(
            request,
            _("The refund of %(amount)s was requested.")
            % {"amount": self._money(refund.amount_minor)},
        )
        return HttpResponseRedirect(
            reverse("admin:orders_order_change", args=[self.order.pk])
        )

    def _key(self, request) -> str:
        return f"staff:{request.POST.get('request_key', '')[:36]}"

    def _is_known(self, request) -> bool:
        return Refund.objects.filter(request_key=self._key(request)).exists()

    def _read(self, request) -> Choice:
        items = {}
        for line in self.order.lines.all():
            text = request.POST.get(f"units-{line.position}", "").strip()
            if text.isascii() and text.isdecimal() and int(text[:9]) > 0:
                items[line.position] = int(text[:9])
        code = request.POST.get("reason_code", "")
        shortfall = request.POST.get("shortfall", "")
        return Choice(
            items=items,
            freight="freight" in request.POST,
            policy=RefundPolicy(
                reason_code=code if code in ReturnRequest.Reason.values else "",
                shortfall=Shortfall(
                    shortfall if shortfall in Refund.Shortfall.values else "program"
                ),
                restocks="restock" in request.POST,
            ),
        )

    def _effect(self, choice: Choice) -> dict:
        """Return what the second step shows; ``refusal`` when it cannot be done."""
        if choice.is_empty:
            return {}
        try:
            quote = quote_refund(
                order_id=self.order.pk,
                items=choice.items,
                freight=choice.freight,
                policy=choice.policy,
                now=now(),
            )
        except Refusal as refusal:
            return {"refusal": str(refusal)}
        return self._words(quote, choice)

    def _words(self, quote: RefundQuote, choice: Choice) -> dict:
        order = self.order
        names = {line.position: line.name for line in order.lines.all()}
        sentences = [effect_text(effect, order.currency) for effect in quote.effects]
        if choice.policy.restocks:
            units = sum(part.quantity for part in quote.lines)
            sentences.append(
                _("%(units)s units go back in stock once the money is paid.")
                % {"units": units}
            )
        return {
            "quote": quote,
            "tenders": [
                (provider_words(part.provider), part.amount_minor)
                for part in quote.tenders
            ],
            "order": order,
            "parts": [(names[part.position], part) for part in quote.lines],
            "deductions": [
                (RefundDeduction.Kind(part.kind).label, part.amount_minor)
                for part in quote.deductions
            ],
            "sentences": sentences,
            "message": self._message(quote),
            **self._waterfall(quote),
        }

    def _waterfall(self, quote: RefundQuote) -> dict:
        order = self.order
        if order.paid_minor <= 0:
            return {}
        before = [(_("refunded before"), -order.refunded_minor)]
        steps = [
            (_("paid"), order.paid_minor),
            *(before if order.refunded_minor else []),
            (_("this refund"), -quote.amount_minor),
        ]
        left = order.paid_minor - order.refunded_minor - quote.amount_minor
        bars = waterfall(steps, whole_minor=order.paid_minor)
        (net,) = waterfall([(_("net"), left)], whole_minor=order.paid_minor)
        height = (len(bars) + 1) * ROW
        return {
            "bars": [*bars, replace(net, y=height - ROW)],
            "net_minor": left,
            "size": (WIDTH, height),
        }

    def _message(self, quote: RefundQuote) -> tuple[str, str] | None:
        """Return what the member will read, in their language."""
        member = self.order.member
        if member is None:
            return None
        return import_string(wiring.REFUND_MESSAGE)(
            order_number=self.order.number,
            amount_minor=quote.amount_minor,
            currency=self.order.currency,
            points=quote.points,
            language=member.language,
        )

    def _money(self, minor: int) -> str:
        return display_amount(minor, self.order.currency)

    def _show(self, request, choice: Choice, error: str = ""):
        lines = list(self.order.lines.order_by("position"))
        for line in lines:
            line.left = line.quantity - line.refunded_quantity - line.returning_quantity
            line.chosen = choice.items.get(line.position, 0)
        context = {
            **self.model_admin.admin_site.each_context(request),
            **self._effect(choice),
            "title": _("Refund order %(number)s") % {"number": self.order.number},
            "opts": self.order._meta,
            "original": self.order,
            "order": self.order,
            "lines": lines,
            "choice": choice,
            "reasons": ReturnRequest.Reason.choices,
            "shortfalls": Refund.Shortfall.choices,
            "error": error,
            "request_key": request.POST.get("request_key") or uuid.uuid4(),
            "reason": request.POST.get("reason", ""),
        }
        return TemplateResponse(request, "orders/refund_page.html", context)
