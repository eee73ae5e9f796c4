"""Money is typed as 12.30 and kept as 1230."""

import pytest
from django.forms import ValidationError
from django.urls import reverse

from campaigns.admin.amounts import AmountField
from campaigns.models import CouponTemplate
from crm.console.templatetags.console import taken_off


@pytest.mark.parametrize(
    ("typed", "minor"), [("12.30", 1230), ("0", 0), (" 7 ", 700), ("0.05", 5)]
)
def test_a_decimal_of_the_currency_is_read(typed, minor):
    assert AmountField().clean(typed) == minor


@pytest.mark.parametrize("typed", ["1.234", "-1", "1,000", "1e3", "¥5", "9" * 19, ""])
def test_anything_else_is_not_an_amount(typed):
    with pytest.raises(ValidationError):
        AmountField().clean(typed)


def test_minor_units_are_shown_as_money_and_unchanged_ones_are_no_change():
    field = AmountField()
    assert field.prepare_value(1230) == "12.30"
    assert field.prepare_value("1.2x") == "1.2x"
    assert not field.has_changed(1230, "12.30")
    assert field.has_changed(1230, "12.31")
    assert AmountField(required=False).clean("") is None


def test_a_yen_has_no_digits_after_the_point(settings):
    settings.SHOP_CURRENCY = "JPY"
    assert AmountField().clean("1230") == 1230
    with pytest.raises(ValidationError):
        AmountField().clean("12.30")


def form_of(client, where, **changes):
    """Return what the form of a page would send, with changes."""
    form = client.get(where).context["adminform"].form
    data = {}
    for name in form.fields:
        bound = form[name]
        value = bound.field.prepare_value(bound.value())
        if value is not None and value is not False:
            data[name] = value
    for name in ("starts_at", "ends_at", "valid_from", "valid_until"):
        data.pop(name, None)
    data |= {"starts_at_0": "2026-11-01", "starts_at_1": "00:00:00"}
    return data | changes


def test_the_form_of_a_template_speaks_of_money(endless, staff):
    client = staff("marketer")
    where = reverse("admin:campaigns_coupontemplate_change", args=[endless.pk])
    assert 'value="20.00"' in client.get(where).content.decode()

    data = form_of(client, where, amount_minor="12.50", min_spend_minor="99")
    answer = client.post(where, data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    endless.refresh_from_db()
    assert (endless.amount_minor, endless.min_spend_minor) == (1250, 9900)

    bad = client.post(where, {**data, "amount_minor": "12.505"})
    assert "Enter an amount such as 12.30." in bad.content.decode()
    # Nothing off is no coupon: said by the constraint, as before.
    assert client.post(where, {**data, "amount_minor": "0"}).status_code == 200
    assert CouponTemplate.objects.get().amount_minor == 1250


def test_a_new_template_begins_with_nothing_off(endless, staff):
    page = staff("marketer").get(reverse("admin:campaigns_coupontemplate_add"))
    assert 'name="min_spend_minor" value="0.00"' in page.content.decode()


def test_what_was_given_back_is_no_double_minus():
    assert (taken_off(500, "CNY"), taken_off(-500, "CNY")) == ("−¥5.00", "+¥5.00")
