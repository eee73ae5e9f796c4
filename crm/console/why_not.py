"""Why a code or an offer does nothing: the answer a member gets, for staff to read."""

from django import forms
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from crm.console.queries.why_not import Answers, answers_of, cart_meant
from crm.console.staff_discount import may_give_discounts
from crm.shared.clock import now
from orders.services.explaining import explain_cart, read_code

_RIGHTS = ("orders.view_order", "campaigns.view_coupon", "campaigns.view_promotion")


class WhyNotForm(forms.Form):
    """About which cart, and which code."""

    whose = forms.CharField(
        label=_("Member number or cart"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Of a member the cart they are filling is looked at."),
    )
    code = forms.CharField(
        label=_("Coupon code"),
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("As the member types it. Empty: every offer."),
    )

    def clean_whose(self):
        """Find the cart."""
        cart = cart_meant(self.cleaned_data["whose"])
        if cart is None:
            raise forms.ValidationError(
                _("No open cart has this id, and no member with this number fills one.")
            )
        return cart


def may_ask_why_not(user) -> bool:
    """Whether this login may read what offers do on carts."""
    return user.has_perms(_RIGHTS)


def why_not_page(request, site) -> TemplateResponse:
    """Ask about which cart and code, and answer below the form; nothing is written."""
    if not may_ask_why_not(request.user):
        raise PermissionDenied
    asked = request.method == "POST"
    whose = {"whose": request.GET.get("whose", "")}
    form = WhyNotForm(request.POST) if asked else WhyNotForm(initial=whose)
    context = {
        **site.each_context(request),
        "title": _("Why not?"),
        "form": form,
        "may_discount": may_give_discounts(request.user),
        "answers": _answers(form) if asked and form.is_valid() else None,
    }
    return TemplateResponse(request, "console/why_not.html", context)


def _answers(form: WhyNotForm) -> Answers:
    cart, code = form.cleaned_data["whose"], form.cleaned_data["code"]
    if code:
        return answers_of(read_code(cart=cart, code=code, now=now()))
    return answers_of(explain_cart(cart=cart, now=now()))
