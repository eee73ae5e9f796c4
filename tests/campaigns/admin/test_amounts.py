"""The form of a coupon template speaks of money."""

from django.urls import reverse

from campaigns.models import CouponTemplate
from crm.console.templatetags.console import taken_off


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
