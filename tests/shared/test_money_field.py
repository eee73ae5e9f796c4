"""Money is typed as 12.30 and kept as 1230."""

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import resolve

from crm.shared.admin import ReadOnlyAdmin
from crm.shared.money_field import MONEY_ENDINGS, MoneyField
from loyalty.models import Program, VersionRung
from orders.models import FreightRule

#: What a ladder counts may be money, points or orders: its thresholds are numbers.
NOT_ALWAYS_MONEY = {
    (VersionRung, "threshold_minor"),
    (VersionRung, "keep_minor"),
}
#: Seen to be forms of money when this was written.
KNOWN = {
    *("campaigns.Budget.amount_minor", "campaigns.CouponTemplate.cap_minor"),
    *("loyalty.EarningRule.per_minor", "loyalty.ReferralProgram.least_order_minor"),
    *("loyalty.Program.redeem_minor_per_100", "orders.FreightRule.free_from_minor"),
    *("orders.Variant.price_minor", "orders.Variant.cost_minor"),
    "orders.Variant.minimum_price_minor",
}


class Form(forms.Form):
    """One amount."""

    amount = MoneyField(required=False)


@pytest.mark.parametrize(
    ("typed", "minor"),
    [("12.30", 1_230), (" 5 ", 500), ("0", 0), ("0.05", 5), ("", None), (" ", None)],
)
def test_amounts_are_kept_in_minor_units(typed, minor):
    form = Form({"amount": typed})
    assert form.is_valid()
    assert form.cleaned_data["amount"] == minor


@pytest.mark.parametrize(
    "typed", ["1.234", "much", "-1", "-0.01", "1,000", "1e3", "¥5", "9" * 19, "\0"]
)
def test_what_is_no_amount_is_refused(typed):
    said = ["Enter an amount such as 12.30."]
    assert Form({"amount": typed}).errors == {"amount": said}


def test_an_amount_may_be_asked_for():
    assert MoneyField().clean("0") == 0, "nothing is an amount"
    with pytest.raises(ValidationError, match="required"):
        MoneyField().clean(" ")


def test_limits_are_kept():
    field = MoneyField(min_value=1, max_value=9_999)
    assert [field.clean("0.01"), field.clean("99.99")] == [1, 9_999]
    for typed in ("0", "100", "100.00"):
        with pytest.raises(ValidationError):
            field.clean(typed)


@pytest.mark.parametrize(
    ("kept", "typed", "changed"),
    [
        *((1_230, "12.30", False), (1_230, "12.3", False), (1_230, "12.31", True)),
        *((500, "5", False), (500, "", True), (500, "five", True)),
        *((None, "", False), (None, "0", True), (0, "0.00", False)),
    ],
)
def test_an_amount_that_means_the_same_has_not_changed(kept, typed, changed):
    form = Form({"amount": typed}, initial={"amount": kept})
    assert form.changed_data == (["amount"] if changed else [])
    assert MoneyField().has_changed(kept, typed) is changed, "asked for, too"


def test_what_nobody_may_change_stays():
    form = Form({"amount": "7"}, initial={"amount": 1_230})
    form.fields["amount"].disabled = True
    assert form.is_valid()
    assert (form.changed_data, form.cleaned_data) == ([], {"amount": 1_230})


def test_minor_units_are_shown_as_money_and_what_was_typed_as_it_was():
    assert MoneyField().prepare_value(1_230) == "12.30"
    assert MoneyField().prepare_value("1.2x") == "1.2x"
    assert MoneyField().prepare_value(None) is None


def test_a_yen_has_no_digits_after_the_point(settings):
    settings.SHOP_CURRENCY = "JPY"
    assert MoneyField().clean("1230") == 1_230
    assert MoneyField().prepare_value(1_230) == "1230"
    with pytest.raises(ValidationError):
        MoneyField().clean("12.30")


@pytest.mark.parametrize(
    ("model", "name", "most"),
    [
        (Program, "redeem_minor_per_100", "21474836.47"),
        (FreightRule, "first_minor", "9999999999999.99"),
    ],
)
def test_a_form_takes_no_more_than_the_column_holds(model, name, most, rf):
    page = admin.site._registry[model]
    field = page.formfield_for_dbfield(model._meta.get_field(name), rf.get("/"))
    assert field.prepare_value(field.clean(most)) == most
    with pytest.raises(ValidationError):
        field.clean(most.replace(".", "0."))


def money_columns(model):
    """Return the names of the columns that hold money."""
    return {
        column.name
        for column in model._meta.concrete_fields
        if isinstance(column, models.IntegerField)
        and column.name.endswith(MONEY_ENDINGS)
    }


def forms_that_are_filled_in(request):
    """Yield the model and the form of every page and inline that may be edited."""
    for model, page in admin.site._registry.items():
        for inline in page.get_inline_instances(request):
            yield inline.model, inline.get_formset(request).form
        if not isinstance(page, ReadOnlyAdmin):
            yield model, page.get_form(request)


def test_no_form_asks_for_minor_units(db, rf):
    request = rf.get("/")
    request.user = get_user_model()(is_superuser=True, is_active=True, is_staff=True)
    request.resolver_match = resolve("/admin/")
    seen = set()
    for model, form in forms_that_are_filled_in(request):
        for name in money_columns(model) & {*form.base_fields}:
            if (model, name) not in NOT_ALWAYS_MONEY:
                assert isinstance(form.base_fields[name], MoneyField), (model, name)
                seen.add(f"{model._meta.label}.{name}")
    assert seen >= KNOWN
