"""The stock of a product: receive, count, correct; and the ledger of all moves."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import LedgerAdmin
from orders.models import StockMove
from orders.services.counting_stock import (
    MOST_UNITS,
    adjust_stock,
    count_stock,
    receive_stock,
)

_MOST_MOVES = 50


class StockForm(forms.Form):
    """What happened to the units of a SKU, and why."""

    variant = forms.ModelChoiceField(
        label=gettext_lazy("SKU"), queryset=None, widget=UnfoldAdminSelectWidget
    )
    deed = forms.ChoiceField(
        label=gettext_lazy("What happened"),
        choices=[
            ("receive", gettext_lazy("so many units came in")),
            ("count", gettext_lazy("counted: so many are there")),
            ("adjust", gettext_lazy("correct by so many, below zero for lost ones")),
            ("stop", gettext_lazy("stop keeping stock of this SKU")),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    units = forms.IntegerField(
        label=gettext_lazy("Units"),
        required=False,
        min_value=-MOST_UNITS,
        max_value=MOST_UNITS,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=3,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Kept in the audit trail; do not name people."),
    )

    def __init__(self, *args, product, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["variant"].queryset = product.variants.order_by("sku")

    def clean(self):
        """Ask for units that fit the deed."""
        cleaned = super().clean()
        deed, units = cleaned.get("deed"), cleaned.get("units")
        wrong = {
            "receive": units is None or units < 1,
            "count": units is None or units < 0,
            "adjust": not units,
        }
        if wrong.get(deed or "", False):
            self.add_error("units", _("Give a number of units that fits."))
        return cleaned

    def do(self, *, actor, at) -> None:
        """Call the service of the deed.

        Raises:
            Refusal: the service said no.
        """
        deed, units = self.cleaned_data["deed"], self.cleaned_data["units"]
        how = {
            "variant_id": self.cleaned_data["variant"].pk,
            "reason": self.cleaned_data["reason"],
            "actor": actor,
            "now": at,
        }
        if deed == "receive":
            receive_stock(units=units, **how)
        elif deed == "adjust":
            adjust_stock(units=units, **how)
        else:
            count_stock(on_hand=None if deed == "stop" else units, **how)


class StockPage(View):
    """One page per product: its SKUs, their latest moves, and a form."""

    model_admin = None

    def dispatch(self, request, *args, pk: str, **kwargs):
        """Find the product; refuse whoever may not see its moves."""
        if not request.user.has_perm("orders.view_stockmove"):
            raise PermissionDenied
        self.product = self.model_admin.get_object(request, pk)
        if self.product is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Show what is there."""
        return self._show(request, StockForm(product=self.product))

    def post(self, request):
        """Receive, count or correct."""
        if not request.user.has_perm("orders.add_stockmove"):
            raise PermissionDenied
        form = StockForm(request.POST, product=self.product)
        if not form.is_valid():
            return self._show(request, form)
        try:
            form.do(actor=request.user, at=now())
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return self._show(request, form)
        messages.success(request, _("The stock was changed."))
        return HttpResponseRedirect(
            reverse("admin:product_stock", args=[self.product.pk])
        )

    def _show(self, request, form: StockForm):
        moves = StockMove.objects.filter(variant__product=self.product)
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Stock of %(name)s") % {"name": self.product.label},
            "opts": self.model_admin.opts,
            "original": self.product,
            "product": self.product,
            "variants": list(self.product.variants.order_by("sku")),
            "moves": list(
                moves.select_related("variant", "order").order_by("-id")[:_MOST_MOVES]
            ),
            "form": form,
            "may_change": request.user.has_perm("orders.add_stockmove"),
        }
        return TemplateResponse(request, "orders/stock_page.html", context)


@admin.register(StockMove)
class StockMoveAdmin(LedgerAdmin):
    """Every unit that came, went or was promised, newest first."""

    when_empty = gettext_lazy(
        "Every unit that comes, goes or is promised stands here. Open a "
        "product and choose “Stock” to receive or count."
    )

    list_display = [
        "occurred_at",
        "variant",
        "kind",
        "delta_on_hand",
        "delta_reserved",
        "order",
        "who_did_it",
        "reason",
    ]
    list_select_related = ["variant", "order"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        ("occurred_at", RangeDateTimeFilter),
    ]
    search_fields = ["=variant__sku", "=order__number"]
    ordering = ["-occurred_at", "-id"]
