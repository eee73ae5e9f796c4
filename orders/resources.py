"""Catalogue in and out of spreadsheets; orders out.

Past orders come in by the background job ``orders.import``, not here: their money,
points and member values follow from them.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from import_export.fields import Field

from crm.shared.money import InvalidAmount, format_amount, parse_amount
from crm.shared.spreadsheets import ServiceResource, given
from orders.models import Brand, Order, Product, Variant
from orders.services.cataloguing import store_sku

_TEXTS = ("name", "name_en", "option", "barcode")
#: What a SKU may do without.
_OPTIONAL_AMOUNTS = frozenset({"cost", "minimum_price"})
_AMOUNTS = frozenset({"price"}) | _OPTIONAL_AMOUNTS
_YES, _NO = "yes", "no"
#: Units on a shelf, and grams of one unit.
_LARGEST_NUMBER = 10**9
_MOST_TAGS = 20


class MoneyField(Field):
    """An amount in minor units, written as a decimal of the shop's currency."""

    def export(self, instance, **kwargs):
        """Return ``12.30``, or nothing where there is no amount."""
        minor = self.get_value(instance)
        return "" if minor is None else format_amount(minor, settings.SHOP_CURRENCY)


class YesNoField(Field):
    """A truth, written as yes or no."""

    def export(self, instance, **kwargs):
        """Return ``yes`` or ``no``."""
        return _YES if self.get_value(instance) else _NO


class TagsField(Field):
    """Words, separated by commas."""

    def export(self, instance, **kwargs):
        """Return ``new, gift``."""
        return ", ".join(self.get_value(instance) or ())


class ProductResource(ServiceResource):
    """One row per SKU; the columns of its product repeat.

    A brand nobody knew is made by its name. Pictures do not come in by spreadsheet.
    """

    keys = ("sku",)

    sku = Field("sku", "sku")
    product = Field("product__public_id", "product")
    name = Field("product__name", "name")
    name_en = Field("product__name_en", "name_en")
    kind = Field("product__kind", "kind")
    category = Field("product__category__code", "category")
    brand = Field("product__brand__name", "brand")
    tags = TagsField("product__tags", "tags")
    is_listed = YesNoField("product__is_listed", "is_listed")
    option = Field("option", "option")
    price = MoneyField("price_minor", "price")
    cost = MoneyField("cost_minor", "cost")
    minimum_price = MoneyField("minimum_price_minor", "minimum_price")
    barcode = Field("barcode", "barcode")
    weight = Field("weight_grams", "weight_grams")
    on_hand = Field("on_hand", "on_hand")
    is_active = YesNoField("is_active", "is_active")

    class Meta(ServiceResource.Meta):
        model = Variant
        fields = [
            "sku",
            "product",
            "name",
            "name_en",
            "kind",
            "category",
            "brand",
            "tags",
            "is_listed",
            "option",
            "price",
            "cost",
            "minimum_price",
            "barcode",
            "weight",
            "on_hand",
            "is_active",
        ]
        import_id_fields = ("sku",)

    def filter_export(self, queryset, **kwargs):
        """Fetch the products along."""
        return queryset.select_related("product__category", "product__brand")

    def find(self, row: dict[str, str]) -> Variant | None:
        """Return the SKU a row names."""
        if not row.get("sku"):
            raise ValidationError(_("The SKU is missing."))
        skus = Variant.objects.select_related("product__category", "product__brand")
        return skus.filter(sku=row["sku"]).first()

    def store(
        self,
        instance: Variant | None,
        row: dict[str, str],
        *,
        actor: Any,
        now: datetime,
    ) -> tuple[Variant, bool]:
        """Write SKU and product."""
        return store_sku(
            sku=_short(row["sku"], Variant, "sku"),
            values=read_sku(row),
            product=_product(row.get("product", "")),
            actor=actor,
            now=now,
        )


def read_sku(row: dict[str, str]) -> dict[str, Any]:
    """Return the cells of a row as values of the catalogue.

    Raises:
        ValidationError: a cell cannot be read; the message names its column.
    """
    said = given(row, [*_READERS, *_TEXTS])
    values: dict[str, Any] = {}
    for name, text in said.items():
        if name in _READERS:
            field = f"{name}_minor" if name in _AMOUNTS else name
            values[field] = _READERS[name](name, text)
        else:
            model = Product if name.startswith("name") else Variant
            values[name] = _short(text, model, name)
    return values


def _amount(name: str, text: str) -> int | None:
    if not text and name in _OPTIONAL_AMOUNTS:
        return None
    try:
        minor = parse_amount(text, settings.SHOP_CURRENCY)
    except InvalidAmount as error:
        raise _bad(name) from error
    if minor < 0:
        raise _bad(name)
    return minor


def _truth(name: str, text: str) -> bool:
    if text.casefold() not in {_YES, _NO}:
        raise _bad(name)
    return text.casefold() == _YES


def _number(name: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text[:12]) > _LARGEST_NUMBER:
        raise _bad(name)
    return int(text)


def _kind(name: str, text: str) -> str:
    if text not in Product.Kind.values:
        raise _bad(name)
    return text


def _code(_name: str, text: str) -> str | None:
    return text or None


def _brand(name: str, text: str) -> str:
    return _short(text, Brand, "name") if text else ""


def _tags(name: str, text: str) -> list[str]:
    tags = [tag.strip() for tag in re.split("[,，、]", text) if tag.strip()]
    tags = list(dict.fromkeys(tags))
    if len(tags) > _MOST_TAGS or any(len(tag) > 40 for tag in tags):
        raise _bad(name)
    return tags


def _short(text: str, model: type, name: str) -> str:
    if len(text) > model._meta.get_field(name).max_length:
        raise _bad(name)
    return text


_READERS: dict[str, Callable[[str, str], Any]] = {
    "kind": _kind,
    "is_listed": _truth,
    "category": _code,
    "brand": _brand,
    "tags": _tags,
    **dict.fromkeys(_AMOUNTS, _amount),
    "weight_grams": _number,
    "on_hand": _number,
    "is_active": _truth,
}


def _product(public_id: str) -> Product | None:
    if not public_id:
        return None
    product = Product.objects.filter(public_id=public_id).first()
    if product is None:
        raise _bad("product")
    return product


def _bad(name: str) -> ValidationError:
    return ValidationError(
        _("The value of %(field)s cannot be read.") % {"field": name}
    )


class OrderResource(ServiceResource):
    """One row per order, to take out only."""

    number = Field("number", "number")
    source = Field("source", "source")
    external_ref = Field("external_ref", "external_ref")
    placed_at = Field("placed_at", "placed_at")
    paid_at = Field("paid_at", "paid_at")
    shipped_at = Field("shipped_at", "shipped_at")
    delivered_at = Field("delivered_at", "delivered_at")
    state = Field("state", "state")
    member = Field("member__number", "member")
    channel = Field("channel__code", "channel")
    region = Field("region", "region")
    campaign = Field("campaign", "campaign")
    device = Field("device", "device")
    audiences = TagsField("audiences", "audiences")
    currency = Field("currency", "currency")
    goods = MoneyField("goods_minor", "goods")
    discount = MoneyField("discount_minor", "discount")
    freight = MoneyField("freight_minor", "freight")
    total = MoneyField("total_minor", "total")
    paid = MoneyField("paid_minor", "paid")
    refunded = MoneyField("refunded_minor", "refunded")
    points_spent = Field("points_spent", "points_spent")

    class Meta(ServiceResource.Meta):
        model = Order
        fields = [
            "number",
            "source",
            "external_ref",
            "placed_at",
            "paid_at",
            "shipped_at",
            "delivered_at",
            "state",
            "member",
            "channel",
            "region",
            "campaign",
            "device",
            "audiences",
            "currency",
            "goods",
            "discount",
            "freight",
            "total",
            "paid",
            "refunded",
            "points_spent",
        ]

    def filter_export(self, queryset, **kwargs):
        """Fetch member and channel along, and nothing of the person."""
        return queryset.select_related("member", "channel").defer(
            "member__name", "member__phone", "member__email", "member__birthday"
        )

    def import_data(self, *args, **kwargs):
        """Refuse: see the job ``orders.import``.

        Raises:
            ValidationError: always.
        """
        raise ValidationError(_("Import orders as a background job."))
