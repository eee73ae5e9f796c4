"""What staff do with one order besides shipping and refunding: one dialog each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from crm.care.models import Ticket
from crm.care.services.talking import open_ticket
from crm.console.queries.order_page import get_order
from crm.shared.clock import now
from crm.shared.errors import Refusal
from members.models import User
from members.services.noting import add_note
from orders.models import Order
from orders.services.cancelling import cancel_order


class CancelForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=3,
        max_length=200,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy("Stands in the order's history; do not name people."),
    )


class NoteForm(forms.Form):
    """What colleagues should know."""

    text = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=gettext_lazy("Staff read it here and on the page of the member."),
    )


class TicketForm(forms.Form):
    """What the member said."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=Ticket.Kind.choices,
        widget=UnfoldAdminSelectWidget,
    )
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=160,
        widget=UnfoldAdminTextInputWidget,
    )
    text = forms.CharField(
        label=gettext_lazy("What the member said"),
        max_length=4000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


@dataclass(frozen=True, slots=True)
class Deed:
    """One button: who may press it, when, the form behind it, and what it does.

    ``run`` takes order, data, actor and now, and returns where to go and what to say.
    """

    label: Any
    icon: str
    permission: str
    fits: Callable[[Order], bool]
    form: type[forms.Form]
    run: Callable[[Order, dict, User, datetime], tuple[str, str]]


def page_of(order: Order) -> str:
    """Return the address of an order's page."""
    return reverse("admin:orders_order_change", args=[order.pk])


def _cancel(order: Order, data: dict, actor: User, now: datetime) -> tuple[str, str]:
    cancel_order(order_id=order.pk, actor=actor, reason=data["reason"], now=now)
    return page_of(order), _("The order was cancelled.")


def _note(order: Order, data: dict, actor: User, now: datetime) -> tuple[str, str]:
    add_note(
        member_id=order.member_id,
        text=data["text"],
        author=actor,
        about=order.public_id,
        now=now,
    )
    return page_of(order), _("The note was saved.")


def _ticket(order: Order, data: dict, actor: User, now: datetime) -> tuple[str, str]:
    ticket = open_ticket(
        member_id=order.member_id, order_id=order.pk, actor=actor, now=now, **data
    )
    return (
        reverse("admin:care_ticket_change", args=[ticket.pk]),
        _("Ticket %(id)s was opened.") % {"id": ticket.public_id},
    )


def _has_member(order: Order) -> bool:
    return order.member_id is not None


DEEDS: dict[str, Deed] = {
    "cancel": Deed(
        gettext_lazy("Cancel order"),
        "block",
        "orders.change_order",
        lambda order: order.state == Order.State.PENDING and order.is_ours,
        CancelForm,
        _cancel,
    ),
    "note": Deed(
        gettext_lazy("Add note"),
        "sticky_note_2",
        "members.add_note",
        _has_member,
        NoteForm,
        _note,
    ),
    "ticket": Deed(
        gettext_lazy("Open ticket"),
        "support_agent",
        "care.add_ticket",
        _has_member,
        TicketForm,
        _ticket,
    ),
}


def allowed_deeds(user: Any, order: Order) -> list[dict]:
    """Return the buttons this login has on this order now."""
    return [
        {
            "label": deed.label,
            "icon": deed.icon,
            "url": reverse("admin:order_deed", args=[order.pk, code]),
        }
        for code, deed in DEEDS.items()
        if user.has_perm(deed.permission) and deed.fits(order)
    ]


class OrderDeedPage(View):
    """The form of one deed, then doing it."""

    model_admin = None

    def dispatch(self, request, *args, pk: int, code: str, **kwargs):
        """Refuse whoever may not, then find the order."""
        self.deed = DEEDS.get(code)
        if self.deed is None:
            raise Http404
        rights = ("orders.view_order", self.deed.permission)
        if not request.user.has_perms(rights):
            raise PermissionDenied
        self.order = get_order(pk)
        if self.order is None or not self.deed.fits(self.order):
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Show the form."""
        return self._show(request, self.deed.form())

    def post(self, request):
        """Do it; a refusal stands above the form."""
        form = self.deed.form(request.POST)
        if not form.is_valid():
            return self._show(request, form)
        try:
            target, said = self.deed.run(
                self.order, form.cleaned_data, request.user, now()
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return self._show(request, form)
        messages.success(request, said)
        return HttpResponseRedirect(target)

    def _show(self, request, form):
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": f"{self.deed.label} · {self.order.number}",
            "opts": self.model_admin.opts,
            "original": self.order,
            "deed": self.deed,
            "form": form,
            "back": page_of(self.order),
        }
        return TemplateResponse(request, "console/order_deed_page.html", context)
