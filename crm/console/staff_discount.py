"""A discount that staff give an open cart: its price before and after, and the deed."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.money_field import MoneyField
from crm.shared.ratio_fields import PercentField
from orders.models import Cart
from orders.queries.carts import open_carts
from orders.rules.quotes import Quote
from orders.rules.staff_discounts import StaffDiscount
from orders.services.reducing_by_hand import (
    LONGEST_REASON,
    give_staff_discount,
    quote_by_hand,
    take_staff_discount_back,
    try_staff_discount,
)

#: Steps of the form besides asking for the price.
GIVE, TAKE_BACK = "give", "take_back"
_RIGHTS = ("orders.view_order", "orders.give_staff_discount")


class StaffDiscountForm(forms.Form):
    """A share or an amount, and why; the service looks at the reason."""

    percent_bp = PercentField(
        label=gettext_lazy("Percent off the goods"),
        min_value=0.01,
        max_value=100,
        required=False,
    )
    off_minor = MoneyField(
        label=gettext_lazy("Or an amount off"), min_value=1, required=False
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=LONGEST_REASON,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Kept in the audit trail; do not name people."),
    )

    def clean(self) -> dict[str, Any]:
        """Make a discount of one of the two, unless one is taken back."""
        super().clean()
        found = self.cleaned_data
        if self.errors or self.data.get("step") == TAKE_BACK:
            return found
        both = found["percent_bp"], found["off_minor"]
        if (both[0] is None) == (both[1] is None):
            raise forms.ValidationError(
                _("Enter a share or an amount, one of the two.")
            )
        return found | {"discount": StaffDiscount(*both)}


def may_give_discounts(user) -> bool:
    """Whether this login may take something off carts by hand."""
    return user.has_perms(_RIGHTS)


def staff_discount_page(request, site, cart_id: str) -> HttpResponse:
    """Show what a cart costs with and without a discount; give it, or take it back."""
    if not may_give_discounts(request.user):
        raise PermissionDenied
    found = open_carts().filter(public_id=cart_id, order__isnull=True)
    cart = found.select_related("member").first()
    if cart is None:
        raise Http404
    form = StaffDiscountForm(request.POST or None)
    tried = None
    if request.method == "POST" and form.is_valid():
        try:
            tried = _done(request, cart, form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            if tried is None:
                return HttpResponseRedirect(request.path)
    context = {
        **site.each_context(request),
        "title": _("Discount by hand"),
        "cart": cart,
        "form": form,
        "prices": _prices(cart, tried),
    }
    return TemplateResponse(request, "console/staff_discount.html", context)


def _done(request, cart: Cart, told: dict[str, Any]) -> Quote | None:
    """Do what was asked for; return the price where it was only tried."""
    step = request.POST.get("step")
    how = {"reason": told["reason"], "actor": request.user, "now": now()}
    if step == TAKE_BACK:
        take_staff_discount_back(cart_id=cart.pk, **how)
        messages.success(request, _("The discount is taken back."))
    elif step == GIVE:
        give_staff_discount(cart_id=cart.pk, discount=told["discount"], **how)
        messages.success(request, _("The cart has the discount."))
    else:
        return try_staff_discount(cart, discount=told["discount"], now=now())
    return None


def _prices(cart: Cart, tried: Quote | None) -> list[tuple[str, Quote]]:
    """Return what the cart costs without a discount, as it stands, and as tried."""
    at = now()
    without = quote_by_hand(cart, discount=None, now=at)
    found = [(_("Without a discount by hand"), without)]
    if cart.staff_discount is not None:
        stands = quote_by_hand(cart, discount=cart.staff_discount, now=at)
        found.append((_("As it stands"), stands))
    return found + ([(_("With this one"), tried)] if tried is not None else [])
