"""The prices of a product: what they were, what they are, what is planned."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from crm.shared.clock import now
from crm.shared.dates import bounds_of_day
from crm.shared.errors import Refusal
from crm.shared.money_field import MoneyField
from orders.models import Price, Variant
from orders.queries.audiences import known_audiences
from orders.queries.carts import items_of
from orders.queries.price_tables import entry_of, price_history
from orders.rules.prices import ANY_MEMBER, EVERYBODY, lowest_steps
from orders.rules.shown_prices import ShownPrice
from orders.services.pricing_entries import end_price, set_price
from orders.services.showing_prices import shown_prices

_DAY = UnfoldAdminTextInputWidget(attrs={"type": "date"})


def audience_choices() -> list[tuple[str, str]]:
    """Return for whom a price may be, as ``(audience, name)``."""
    known = [(EVERYBODY, _("everybody")), (ANY_MEMBER, _("all members"))]
    return known + known_audiences()


class PriceForm(forms.Form):
    """A price, for whom and when. Days are those of the shop (X3)."""

    variant = forms.ModelChoiceField(
        label=gettext_lazy("SKU"), queryset=None, widget=UnfoldAdminSelectWidget
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("kind"),
        choices=Price.Kind.choices,
        initial=Price.Kind.SALE,
        widget=UnfoldAdminSelectWidget,
    )
    audience = forms.ChoiceField(
        label=gettext_lazy("for whom"), required=False, widget=UnfoldAdminSelectWidget
    )
    amount = MoneyField(label=gettext_lazy("amount"))
    first_day = forms.DateField(
        label=gettext_lazy("first day"), required=False, widget=_DAY
    )
    last_day = forms.DateField(
        label=gettext_lazy("last day"), required=False, widget=_DAY
    )

    def __init__(self, *args, product, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["variant"].queryset = product.variants.order_by("sku")
        self.fields["audience"].choices = audience_choices()
        zone = {"zone": settings.SHOP_TIME_ZONE}
        self.fields["first_day"].help_text = (
            _("From 00:00 in %(zone)s; empty or today: from now on.") % zone
        )
        self.fields["last_day"].help_text = (
            _("Until 24:00 in %(zone)s; empty: without an end.") % zone
        )

    def period(self, at: datetime) -> tuple[datetime, datetime | None]:
        """Return the half-open period of the days, from ``at`` at the earliest."""
        zone = ZoneInfo(settings.SHOP_TIME_ZONE)
        first, last = self.cleaned_data["first_day"], self.cleaned_data["last_day"]
        starts_at = at
        if first and first != at.astimezone(zone).date():
            starts_at = bounds_of_day(first, zone)[0]
        return starts_at, bounds_of_day(last, zone)[1] if last else None


class PricesPage(View):
    """One page per product: a chart and a table per SKU, and a form."""

    model_admin = None

    def dispatch(self, request, *args, pk: str, **kwargs):
        """Find the product; refuse whoever may not see prices."""
        if not request.user.has_perm("orders.view_price"):
            raise PermissionDenied
        self.product = self.model_admin.get_object(request, pk)
        if self.product is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Show what is and was."""
        return self._show(request, PriceForm(product=self.product))

    def post(self, request):
        """Set a price, or end one."""
        if "end" in request.POST:
            return self._end(request)
        if not request.user.has_perm("orders.add_price"):
            raise PermissionDenied
        form = PriceForm(request.POST, product=self.product)
        if not form.is_valid():
            return self._show(request, form)
        at = now()
        starts_at, ends_at = form.period(at)
        try:
            set_price(
                variant_id=form.cleaned_data["variant"].pk,
                kind=form.cleaned_data["kind"],
                audience=form.cleaned_data["audience"],
                amount_minor=form.cleaned_data["amount"],
                starts_at=starts_at,
                ends_at=ends_at,
                actor=request.user,
                now=at,
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return self._show(request, form)
        messages.success(request, _("The price was set."))
        return self._back()

    def _end(self, request):
        if not request.user.has_perm("orders.change_price"):
            raise PermissionDenied
        text = request.POST["end"]
        mine = Price.objects.filter(variant__product=self.product)
        price = (
            mine.filter(pk=int(text)).first()
            if text.isascii() and (text.isdecimal() and len(text) < 19)
            else None
        )
        if price is None:
            raise Http404
        try:
            end_price(price_id=price.pk, actor=request.user, now=now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("The price ended."))
        return self._back()

    def _back(self):
        return HttpResponseRedirect(
            reverse("admin:product_prices", args=[self.product.pk])
        )

    def _show(self, request, form: PriceForm):
        at = now()
        variants = list(self.product.variants.order_by("sku"))
        shown = _shown_to_everybody(variants, at)
        names = dict(audience_choices())
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Prices of %(name)s") % {"name": self.product.label},
            "opts": self.model_admin.opts,
            "original": self.product,
            "product": self.product,
            "skus": [_history(v, shown[v.sku], names, at) for v in variants],
            "form": form,
            "may_set": request.user.has_perm("orders.add_price"),
            "may_end": request.user.has_perm("orders.change_price"),
        }
        return TemplateResponse(request, "orders/prices_page.html", context)


def _shown_to_everybody(
    variants: Sequence[Variant], at: datetime
) -> dict[str, ShownPrice]:
    """Return by SKU what a visitor is told that a unit costs."""
    items = items_of({each.sku: 1 for each in variants}, at=at)
    lines = [item.priced_at(place) for place, item in enumerate(items, start=1)]
    found = shown_prices(lines=lines, now=at)
    return {line.sku: each for line, each in zip(lines, found, strict=True)}


def _history(
    variant: Variant, shown: ShownPrice, names: dict[str, str], at: datetime
) -> dict:
    """Return what the page shows of one SKU."""
    prices = price_history(variant_id=variant.pk)
    for price in prices:
        price.audience_label = names.get(price.audience, price.audience)
        price.state, price.state_label = _state(price, at)
        price.may_end = price.state == "planned" or (
            price.state == "holds" and price.kind != Price.Kind.LIST
        )
    return {
        "variant": variant,
        "shown": shown.price,
        "promotions": [each.name for each in shown.offers],
        "prices": prices,
        "steps": lowest_steps([entry_of(price) for price in prices], at),
    }


def _state(price: Price, at: datetime) -> tuple[str, str]:
    if price.ends_at == price.starts_at:
        return "off", _("called off")
    if price.ends_at is not None and price.ends_at <= at:
        return "over", _("over")
    if price.starts_at > at:
        return "planned", _("planned")
    return "holds", _("in force")
