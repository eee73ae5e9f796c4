"""Returns: the list, and one return with its next steps."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, LedgerAdmin, labelled
from orders.admin.refunding import most_of
from orders.models import ReturnLine, ReturnRequest
from orders.queries.returns import with_lines
from orders.reasons import effect_text
from orders.rules.returns import may_move
from orders.services.return_requests import (
    approve_return,
    receive_return,
    refuse_request,
)
from orders.services.settling_exchanges import (
    exchange_return,
    quote_exchange_of_return,
)
from orders.services.settling_returns import (
    Finding,
    inspect_return,
    quote_return,
    refund_return,
)

STATE_COLOURS = {
    "requested": CALM,
    "approved": BUSY,
    "in_transit": BUSY,
    "received": CALM,
    "inspected": CALM,
    "refunded": GOOD,
    "exchanged": GOOD,
    "refused": BAD,
    "cancelled": BAD,
}
#: What staff may do -> the state it leads to, and its name on the button.
STEPS: dict[str, tuple[str, Any]] = {
    "approve": ("approved", gettext_lazy("Approve")),
    "receive": ("received", gettext_lazy("Received")),
    "inspect": ("inspected", gettext_lazy("Inspected")),
    "refund": ("refunded", gettext_lazy("Refund")),
    "exchange": ("exchanged", gettext_lazy("Send the exchange")),
    "refuse": ("refused", gettext_lazy("Refuse")),
}
#: Steps that give value away.
PAYING = frozenset({"refund", "exchange"})


@admin.register(ReturnRequest)
class ReturnRequestAdmin(LedgerAdmin):
    """What members ask back, the ones that wait for somebody on top of the filter."""

    when_empty = gettext_lazy(
        "What members want to send back or exchange stands here. They ask in "
        "the app; you answer, inspect and refund."
    )

    list_display = [
        "public_id",
        "order",
        "kind",
        "state_label",
        "reason_code",
        "requested_at",
        "closed_at",
    ]
    list_select_related = ["order"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("requested_at", RangeDateTimeFilter),
    ]
    search_fields = ["=public_id", "=order__number"]
    ordering = ["-requested_at", "-id"]

    @display(description=gettext_lazy("state"), label=STATE_COLOURS)
    def state_label(self, request: ReturnRequest) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(request, "state")

    def get_urls(self):
        """Add the steps."""
        view = require_POST(self.admin_site.admin_view(self.take_step))
        return [
            path("<path:pk>/step/", view, name="return_step"),
            *super().get_urls(),
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one return as a page, not as a form."""
        found = self._find(request, object_id)
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return self._show(request, found)

    def take_step(self, request, pk: str):
        """Do one step, as far as this login may."""
        found = self._find(request, pk)
        step = request.POST.get("step", "")
        if step not in STEPS or not may_take(request.user, step):
            raise PermissionDenied
        try:
            _WAYS[step](found, request)
        except Refusal as refusal:
            return self._show(request, found, error=str(refusal))
        messages.success(request, _("Done."))
        here = reverse("admin:orders_returnrequest_change", args=[found.pk])
        return HttpResponseRedirect(here)

    def _find(self, request, pk: str) -> ReturnRequest:
        found = (
            with_lines(ReturnRequest.objects.filter(pk=pk)).first()
            if pk.isascii() and pk.isdecimal()
            else None
        )
        if found is None:
            raise Http404
        return found

    def _show(self, request, found: ReturnRequest, error: str = ""):
        labels = dict(ReturnRequest.State.choices)
        events = sorted(found.events.all(), key=lambda event: event.pk)
        for event in events:
            event.label = labels.get(event.to_state, event.to_state)
        steps = [
            (name, label, name in PAYING or name == "approve")
            for name, (_to, label) in STEPS.items()
            if name in steps_of(found) and may_take(request.user, name)
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Return %(id)s") % {"id": found.public_id},
            "opts": self.opts,
            "original": found,
            "found": found,
            "lines": sorted(found.lines.all(), key=lambda line: line.pk),
            "events": events,
            "steps": steps,
            "names": [name for name, _label, _main in steps],
            "conditions": ReturnLine.Condition.choices,
            "shows_words": request.user.has_perm("members.view_pii"),
            "error": error,
            **_effects(found, steps),
            **_exchange_of(found, steps),
        }
        return TemplateResponse(request, "orders/return_page.html", context)


def may_take(user, step: str) -> bool:
    """Whether a login may take a step: answering is one right, paying another."""
    needed = "orders.add_refund" if step in PAYING else "orders.change_returnrequest"
    return user.has_perm(needed)


def steps_of(found: ReturnRequest) -> list[str]:
    """Return what can be done with a return now."""
    sent_back = found.kind != ReturnRequest.Kind.REFUND_ONLY
    if found.awaits_difference:
        return []
    return [
        name
        for name, (to_state, _label) in STEPS.items()
        if may_move(found.state, to_state, is_sent_back=sent_back)
        and (name != "exchange" or found.kind == ReturnRequest.Kind.EXCHANGE)
    ]


def _effects(found: ReturnRequest, steps: list) -> dict:
    """Return what a refund would do, where that is the next step."""
    if not any(name == "refund" for name, _label, _main in steps):
        return {}
    try:
        quote = quote_return(return_id=found.pk, now=now())
    except Refusal as refusal:
        return {"refusal": str(refusal)}
    currency = found.order.currency
    return {
        "quote": quote,
        "sentences": [effect_text(effect, currency) for effect in quote.effects],
    }


def _exchange_of(found: ReturnRequest, steps: list) -> dict:
    """Return what an exchange would cost, or the order that waits for its payment."""
    if found.awaits_difference:
        return {"waits": found.refund.replaced_by}
    if not any(name == "exchange" for name, _label, _main in steps):
        return {}
    try:
        quote = quote_exchange_of_return(return_id=found.pk, now=now())
    except Refusal as refusal:
        return {"exchange_refusal": str(refusal)}
    currency = found.order.currency
    return {
        "exchange": quote,
        "exchange_sentences": [effect_text(part, currency) for part in quote.effects],
    }


def _note(request) -> str:
    return request.POST.get("note", "").strip()[:200]


def _plain(verb: Callable) -> Callable:
    """Return a step that takes a note and nothing else."""

    def step(found: ReturnRequest, request) -> None:
        verb(return_id=found.pk, actor=request.user, note=_note(request), now=now())

    return step


def _inspect(found: ReturnRequest, request) -> None:
    conditions = ReturnLine.Condition.values
    findings = {}
    for line in found.lines.all():
        position = line.order_line.position
        units = request.POST.get(f"units-{position}", "").strip()
        condition = request.POST.get(f"condition-{position}", "")
        findings[position] = Finding(
            # What is no number finds more than was asked, and is refused.
            quantity=int(units[:9])
            if units.isascii() and units.isdecimal()
            else line.quantity + 1,
            restock=f"restock-{position}" in request.POST,
            condition=condition if condition in conditions else "",
        )
    inspect_return(
        return_id=found.pk,
        findings=findings,
        actor=request.user,
        note=_note(request),
        now=now(),
    )


def _refund(found: ReturnRequest, request) -> None:
    refund_return(
        return_id=found.pk,
        reason=_note(request),
        actor=request.user,
        expected_hash=request.POST.get("quote_hash", "")[:64],
        most_minor=most_of(request.user),
        now=now(),
    )


def _exchange(found: ReturnRequest, request) -> None:
    exchange_return(
        return_id=found.pk,
        reason=_note(request),
        actor=request.user,
        expected_hash=request.POST.get("exchange_hash", "")[:64],
        most_minor=most_of(request.user),
        now=now(),
    )


_WAYS: dict[str, Callable] = {
    "approve": _plain(approve_return),
    "receive": _plain(receive_return),
    "refuse": _plain(refuse_request),
    "inspect": _inspect,
    "refund": _refund,
    "exchange": _exchange,
}
