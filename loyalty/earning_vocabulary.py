"""What conditions of earning rules may ask about; see ``crm.shared.conditions``."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.shared.conditions import Field
from loyalty.queries.tiers import tiers
from orders.models import Brand, Category, Channel, Order

#: ISO day of the week -> its name.
WEEKDAYS = {
    "1": _("Monday"),
    "2": _("Tuesday"),
    "3": _("Wednesday"),
    "4": _("Thursday"),
    "5": _("Friday"),
    "6": _("Saturday"),
    "7": _("Sunday"),
}


def tier_choices() -> list[tuple[str, str]]:
    """Return the tiers from low to high."""
    return [(tier.code, tier.label) for tier in tiers()]


def channel_choices() -> list[tuple[str, str]]:
    """Return where the shop sells."""
    return [(row.code, row.label) for row in Channel.objects.all()]


def brand_choices() -> list[tuple[str, str]]:
    """Return the brands."""
    return [(row.code, row.label) for row in Brand.objects.all()]


def category_choices() -> list[tuple[str, str]]:
    """Return every category; asking for one asks for its branch."""
    return [(row.code, row.label) for row in Category.objects.all()]


def _devices() -> Sequence[tuple[str, Any]]:
    return Order.Device.choices


#: Of every occasion.
_ALWAYS = [
    Field("member.tier", "choice", _("tier"), tier_choices),
    Field("member.days", "number", _("days since joining")),
    Field("member.birthday_month", "flag", _("the month of the birthday")),
    Field("time.weekday", "choice", _("day of the week"), lambda: [*WEEKDAYS.items()]),
    Field("time.day", "number", _("day of the month")),
    Field("time.date", "date", pgettext_lazy("condition", "date")),
    Field("time.hour", "number", _("hour of the day")),
]
_OF_ORDERS = [
    Field("order.amount", "money", _("paid for goods")),
    Field("order.units", "number", _("pieces")),
    Field("order.channel", "choice", _("sales channel"), channel_choices),
    Field("order.device", "choice", _("device"), _devices),
    Field("order.first", "flag", _("the first order")),
    Field("line.category", "set", _("category"), category_choices),
    Field("line.brand", "choice", _("brand"), brand_choices),
    Field("line.tags", "set", _("tags")),
    Field("line.sku", "text", _("SKU")),
]
_OF_EVENTS = [
    Field("event.number", "number", _("number told with the event")),
    Field("event.pictures", "flag", _("with pictures")),
]

VOCABULARY = {field.name: field for field in (*_ALWAYS, *_OF_ORDERS, *_OF_EVENTS)}


def remembered() -> dict[str, Field]:
    """Return the vocabulary for one page: each list of choices is read once."""
    return {
        name: replace(field, choices=cache(field.choices)) if field.choices else field
        for name, field in VOCABULARY.items()
    }
