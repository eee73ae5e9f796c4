"""Columns that a page only shows: money, ratios and actors as people read them."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from crm.shared.actor_words import actor_words
from crm.shared.money import display_amount
from crm.shared.money_field import MONEY_ENDINGS
from crm.shared.ratio_fields import RATIO_ENDING, PercentField, TimesField, is_times


class ReadColumnsMixin:
    """Admin mixin: what is only read is written as the lists write it.

    A column that holds money or something else, by what its row says, does not stand
    on a page: a method of the admin class shows it.
    """

    @admin.display(description=_("actor"), ordering="actor", empty_value="–")
    def who_did_it(self, row: models.Model) -> str | None:
        """Return who did it, a program in words; None where nobody is named."""
        return actor_words(row.actor) or None

    def get_readonly_fields(self, request, obj=None):
        """Return what nobody may change, as people read it."""
        return [self.read(each) for each in super().get_readonly_fields(request, obj)]

    def read(self, name: Any) -> Any:
        """Return what stands on a page for a column that is only read there."""
        if name == "actor":
            return "who_did_it"
        endings = (*MONEY_ENDINGS, RATIO_ENDING)
        is_raw = isinstance(name, str) and name.endswith(endings)
        return read_column(self.model, name) if is_raw else name

    def get_fieldsets(self, request, obj=None):
        """Put the same in the place of the columns."""
        fieldsets = super().get_fieldsets(request, obj)
        names = set(flatten_fieldsets(fieldsets))
        if obj is None or self.has_change_permission(request, obj):
            names &= set(super().get_readonly_fields(request, obj))
        return [
            (title, {**each, "fields": self._all_read(each["fields"], names)})
            for title, each in fieldsets
        ]

    def _all_read(self, fields: Iterable[Any], names: set[Any]) -> list[Any]:
        return [
            self._all_read(each, names)
            if isinstance(each, list | tuple)
            else self.read(each)
            if each in names
            else each
            for each in fields
        ]


@cache
def read_column(model: type[models.Model], name: str) -> Callable | str:
    """Return a column for pages that shows money or a ratio; another one by its name.

    The same function for the same column: pages look for it in their lists.
    """
    try:
        column = model._meta.get_field(name)
    except FieldDoesNotExist:
        return name

    @admin.display(description=column.verbose_name, empty_value="–")
    def show(row: models.Model) -> str | None:
        value = getattr(row, name)
        return None if value is None else _written(name, value)

    show.__name__ = name
    return show


def _written(name: str, value: int) -> str:
    if name.endswith(MONEY_ENDINGS):
        return display_amount(value, settings.SHOP_CURRENCY)
    if is_times(name):
        return f"{number_format(TimesField().prepare_value(value))} ×"
    return f"{number_format(PercentField().prepare_value(value))} %"
