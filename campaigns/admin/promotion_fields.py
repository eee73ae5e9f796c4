"""One form field for each kind of field that recipes have: as people write it."""

from dataclasses import MISSING, Field
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from campaigns.promotion_labels import LABELS, NAMES, WEEKDAYS
from crm.shared.money_field import MoneyField
from crm.shared.ratio_fields import PercentField
from orders.models import Brand, Category, Channel, Product, Variant
from orders.queries.audiences import known_audiences


class SkusField(forms.CharField):
    """SKUs of the catalogue, written one after another."""

    def __init__(self, **kwargs):
        kwargs.setdefault("widget", UnfoldAdminTextInputWidget())
        kwargs.setdefault("help_text", gettext_lazy("Separate several by spaces."))
        super().__init__(max_length=2_000, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Write them beside each other."""
        return " ".join(value) if isinstance(value, tuple | list) else value

    def clean(self, value: Any) -> list[str]:
        """Return SKUs that there are."""
        asked = list(dict.fromkeys(super().clean(value).replace(",", " ").split()))
        known = set(Variant.objects.filter(sku__in=asked).values_list("sku", flat=True))
        missing = [sku for sku in asked if sku not in known]
        if missing:
            words = {"skus": ", ".join(missing)}
            raise ValidationError(_("There is no such SKU: %(skus)s") % words)
        return asked


class PickField(forms.ModelMultipleChoiceField):
    """Rows of the catalogue, found by typing; their ids."""

    def clean(self, value: Any) -> list[int]:
        """Return ids."""
        return sorted(row.pk for row in super().clean(value))


#: Name of a list of goods -> a foreign key to what is picked there.
_PICKS = {
    "categories": (Category, Product, "category"),
    "products": (Product, Variant, "product"),
    "brands": (Brand, Product, "brand"),
}


def field_for(path: str, each: "Field[Any]") -> forms.Field:
    """Return the form field of a field of a recipe.

    Args:
        path: such as ``gives.percent_bp``; it names the label.
    """
    usual = {"label": LABELS[path], "required": each.default is MISSING}
    name = each.name.removeprefix("not_")
    what = each.metadata["is"]
    if name in _PICKS:
        return _pick(name, usual)
    if path in _CHOICES:
        return _several(_CHOICES[path](), usual)
    return _SIMPLE[what](usual, each)


def _pick(name: str, usual: dict[str, Any]) -> forms.Field:
    model, source, key = _PICKS[name]
    widget = AutocompleteSelectMultiple(source._meta.get_field(key), admin.site)
    rows = model._default_manager.all()
    return PickField(queryset=rows, widget=widget, **usual)


def _several(choices: list[tuple[Any, Any]], usual: dict[str, Any]) -> forms.Field:
    is_number = bool(choices) and isinstance(choices[0][0], int)
    return forms.TypedMultipleChoiceField(
        choices=choices,
        coerce=int if is_number else str,
        empty_value=[],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        **usual,
    )


def _audiences() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("member", gettext_lazy("all members"))]
    return found + known_audiences()


def _channels() -> list[tuple[str, str]]:
    rows = Channel.objects.order_by("code").values_list("code", "name")
    return [(code, name) for code, name in rows]


_CHOICES = {
    "when.audience": _audiences,
    "when.channels": _channels,
    "when.weekdays": lambda: list(WEEKDAYS.items()),
}


def _count(usual: dict[str, Any], each: "Field[Any]") -> forms.Field:
    return forms.IntegerField(
        min_value=each.metadata["least"],
        max_value=each.metadata["most"],
        widget=UnfoldAdminIntegerFieldWidget,
        **usual,
    )


def _choice(usual: dict[str, Any], each: "Field[Any]") -> forms.Field:
    choices = [(value, NAMES[value]) for value in each.metadata["choices"]]
    return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **usual)


def _time(usual: dict[str, Any], each: "Field[Any]") -> forms.Field:
    widget = UnfoldAdminTextInputWidget(attrs={"type": "time"})
    return forms.TimeField(widget=widget, **usual)


_SIMPLE = {
    "money": lambda usual, each: MoneyField(**usual),
    "share": lambda usual, each: PercentField(min_value=0, max_value=100, **usual),
    "count": _count,
    "yes": lambda usual, each: forms.BooleanField(
        widget=UnfoldBooleanSwitchWidget, **usual
    ),
    "choice": _choice,
    "time": _time,
    "names": lambda usual, each: SkusField(**usual),
}
