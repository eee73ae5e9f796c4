"""Labels of forms begin with a capital, whoever named them."""

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy

from campaigns.models import Promotion
from orders.models import Product

#: Some of the forms with labels that were named by hand.
BY_HAND = {
    *("EarningRuleForm", "RewardForm", "RewardPriceForm", "BenefitGrantForm"),
    *("GroupRungForm", "SegmentForm", "ReferralProgramForm", "ProductImageForm"),
    *("PriceForm", "TrialForm", "PromotionForm"),
}


class Named(forms.Form):
    """A label by hand, none at all, and one that says nothing."""

    amount = forms.CharField(label=gettext_lazy("amount"))
    first_day = forms.DateField()
    search = forms.CharField(label="")


def test_a_label_begins_a_line():
    assert [field.label for field in Named()] == ["Amount", "First day", ""]


def addresses():
    """Yield pages with forms: to add rows, to change those there are, and others."""
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_add")
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])
    for kind in Promotion.Kind:
        yield reverse("admin:campaigns_promotion_add") + f"?kind={kind}"
    yield reverse("admin:earning_simulator")
    yield reverse("admin:why_not")
    yield reverse("admin:product_prices", args=[Product.objects.first().pk])


def forms_of(answer):
    """Yield every form a page shows, and the one of a further row."""
    context = answer.context or {}
    if "adminform" in context:
        yield context["adminform"].form
    if isinstance(context.get("form"), forms.BaseForm):
        yield context["form"]
    for inline in context.get("inline_admin_formsets") or ():
        yield from (*inline.formset.forms, inline.formset.empty_form)


def test_every_label_of_the_console_begins_with_a_capital(signed_in):
    client, low, seen = signed_in("admin"), set(), set()
    for url in addresses():
        for form in forms_of(client.get(url)):
            labels = {(type(form).__name__, str(field.label)) for field in form}
            low |= {(url, *each) for each in labels if each[1][:1].islower()}
            seen |= {name for name, _label in labels}
    assert not low
    assert seen >= BY_HAND, BY_HAND - seen


def test_the_page_says_so(signed_in):
    page = signed_in("admin").get(reverse("admin:loyalty_earningrule_add"))
    assert "Spend for it" in page.content.decode()
    assert "spend for it" not in page.content.decode()
