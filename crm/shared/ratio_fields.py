"""Ratios in forms: typed as people say them, kept in basis points."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from unfold.widgets import UnfoldAdminTextInputWidget

#: How the names of columns end that hold basis points.
RATIO_ENDING = "_bp"


def is_times(name: str) -> bool:
    """Tell whether a column of basis points says how many times something counts."""
    return name.startswith("multiplier")


class _RatioField(forms.DecimalField):
    """A number of which each one is so many basis points."""

    each: int

    def __init__(self, **kwargs):
        attrs = {"inputmode": "decimal"}
        kwargs.setdefault("widget", UnfoldAdminTextInputWidget(attrs=attrs))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Write basis points as the number; what was typed stays as it is."""
        if not isinstance(value, int):
            return value
        text = f"{Decimal(value) / self.each:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def clean(self, value: Any) -> int | None:
        """Return basis points."""
        found: Decimal | None = super().clean(value)
        return None if found is None else int(found * self.each)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare what is meant: ``12.50`` for 1,250 is no change."""
        try:
            return self.clean(data) != initial
        except ValidationError:
            return True


class PercentField(_RatioField):
    """A percentage."""

    each = 100

    def __init__(self, **kwargs):
        super().__init__(**{"max_value": 10_000, **kwargs, "decimal_places": 2})


class TimesField(_RatioField):
    """How many times something counts."""

    each = 10_000

    def __init__(self, **kwargs):
        super().__init__(**{"max_value": 1_000, **kwargs, "decimal_places": 4})


class RatiosMixin:
    """Admin mixin, of inlines, too: basis points are typed as what they mean."""

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Return the field of a form; a multiplier is so many times, a share percent.

        What cannot be below nothing is a part of something: at most all of it.
        """
        is_ratio = isinstance(db_field, models.IntegerField)
        if not (is_ratio and db_field.name.endswith(RATIO_ENDING)):
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        if is_times(db_field.name):
            return db_field.formfield(form_class=TimesField)
        is_part = isinstance(db_field, models.PositiveIntegerField)
        most = {"max_value": 100} if is_part else {}
        return db_field.formfield(form_class=PercentField, **most)
