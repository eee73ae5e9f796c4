"""A form that was sent nonsense for a row of another table is shown again."""

import pytest
from django.contrib import admin
from django.urls import reverse

from crm.shared.staff_selects import KeySelect
from orders.models import Product

NONSENSE = ["abc", "1; DROP TABLE members_member", "9" * 30, "-1", "1.5", "文"]
SEARCHED = [
    (model._meta.label_lower, name)
    for model, each in admin.site._registry.items()
    for name in each.autocomplete_fields
]


def test_every_search_box_of_the_console_is_such_a_one(signed_in):
    client = signed_in()
    for label, name in SEARCHED:
        page = client.get(reverse(f"admin:{label.replace('.', '_')}_add"))
        field = page.context["adminform"].form.fields[name]
        assert isinstance(field.widget.widget, KeySelect), (label, name)


@pytest.mark.parametrize("key", NONSENSE)
@pytest.mark.parametrize(("label", "name"), SEARCHED)
def test_what_is_no_key_is_refused_where_it_stands(label, name, key, signed_in):
    client = signed_in()
    answer = client.post(reverse(f"admin:{label.replace('.', '_')}_add"), {name: key})
    assert answer.status_code == 200
    form = answer.context["adminform"].form
    assert [error.code for error in form.errors.as_data()[name]] == ["invalid_choice"]


@pytest.mark.parametrize("key", NONSENSE)
def test_so_it_is_in_rows_below_a_form(key, signed_in, shop):
    client = signed_in()
    product = Product.objects.first()
    url = reverse("admin:orders_product_change", args=[product.pk])
    shown = client.get(url)
    data = {}
    for formset in shown.context["inline_admin_formsets"]:
        data |= {
            f"{formset.formset.prefix}-{count}": "0"
            for count in ("TOTAL_FORMS", "INITIAL_FORMS")
        }
    (below,) = (
        each.formset.prefix
        for each in shown.context["inline_admin_formsets"]
        if "attribute" in each.formset.form.base_fields
    )
    data |= {f"{below}-TOTAL_FORMS": "1", f"{below}-0-attribute": key}
    answer = client.post(url, data)
    assert answer.status_code == 200
    (found,) = (
        each.formset.forms[0].errors.as_data()
        for each in answer.context["inline_admin_formsets"]
        if each.formset.prefix == below
    )
    assert [error.code for error in found["attribute"]] == ["invalid_choice"]


def test_what_was_chosen_rightly_stays_chosen(signed_in, shop):
    client = signed_in()
    product = Product.objects.exclude(category=None).first()
    answer = client.post(
        reverse("admin:orders_product_add"), {"category": product.category_id}
    )
    text = answer.content.decode()
    assert f'<option value="{product.category_id}" selected' in text
