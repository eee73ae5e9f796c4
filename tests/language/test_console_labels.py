"""Headings of lists and labels of pages have a Chinese name: none is a column's own."""

import re

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.utils.translation import override

from members.models import User

CHINESE = re.compile(r"[\u4e00-\u9fff]")
#: The same in both languages; columns of links have no heading.
ALIKE = {"", "ID", "SKU"}
#: Pages of their own, not made of fields.
OWN_PAGES = {
    *("orders.Order", "orders.Refund", "loyalty.PointsAccount", "campaigns.Backtest"),
}


def is_named(model, name, page) -> bool:
    label = str(label_for_field(name, model, page))
    return bool(CHINESE.search(label)) or label in ALIKE


def test_headings_of_lists_are_chinese():
    with override("zh-hans"):
        nameless = {
            f"{model._meta.label}.{name}"
            for model, page in admin.site._registry.items()
            for name in page.list_display
            if name != "__str__" and not is_named(model, name, page)
        }
    assert nameless == set()


def test_labels_of_pages_are_chinese(rf, db):
    request = rf.get("/")
    request.user = User(pk=1, is_superuser=True, is_active=True, is_staff=True)
    nameless = set()
    with override("zh-hans"):
        for model, page in admin.site._registry.items():
            if model._meta.label in OWN_PAGES or hasattr(page, "page_template"):
                continue
            for name in flatten_fieldsets(page.get_fieldsets(request)):
                if isinstance(name, str) and not hasattr(model, name):
                    continue
                if not is_named(model, name, page):
                    nameless.add(f"{model._meta.label}.{name}")
    assert nameless == set()
