"""Catalogue in and out of spreadsheets; orders out.

Past orders come in by the background job ``orders.import``, not here: their money,
points and member values follow from them.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from import_export.fields import Field

from crm.shared.money import InvalidAmount, format_amount, parse_amount
from crm.shared.spreadsheets import ServiceResource, given
from orders.models import Order, Product, Variant
from orders.services.cataloguing import store_sku

_TEXTS = ("name", "name_en", "brand", "category", "option")
_YES, _NO = "yes", "no"
_LARGEST_STOCK = 10**9


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


class ProductResource(ServiceResource):
    """One row per SKU; the columns of its product repeat."""

    keys = ("sku",)

    sku = Field("sku", "sku")
    product = Field("product__public_id", "product")
    name = Field("product__name", "name")
    name_en = Field("product__name_en", "name_en")
    kind = Field("product__kind", "kind")
    category = Field("product__category__code", "category")
    brand = Field("product__brand", "brand")
    is_listed = YesNoField("product__is_listed", "is_listed")
    option = Field("option", "option")
    price = MoneyField("price_minor", "price")
    cost = MoneyField("cost_minor", "cost")
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
            "is_listed",
            "option",
            "price",
            "cost",
            "on_hand",
            "is_active",
        ]
        import_id_fields = ("sku",)

    def filter_export(self, queryset, **kwargs):
        """Fetch the products along."""
        return queryset.select_related("product__category")

    def find(self, row: dict[str, str]) -> Variant | None:
        """Return the SKU a row names."""
        if not row.get("sku"):
            raise ValidationError(_("The SKU is missing."))
        skus = Variant.objects.select_related("product__category")
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
            now=now,
        )


def read_sku(row: dict[str, str]) -> dict[str, Any]:
    """Return the cells of a row as values of the catalogue.

    Raises:
        ValidationError: a cell cannot be read; the message names its column.
    """
    said = given(
        row, ["kind", "is_listed", "price", "cost", "on_hand", "is_active", *_TEXTS]
    )
    values: dict[str, Any] = {}
    for name, text in said.items():
        if name in {"price", "cost"}:
            values[f"{name}_minor"] = _amount(name, text)
        elif name in {"is_listed", "is_active"}:
            values[name] = _truth(name, text)
        elif name == "on_hand":
            values[name] = _stock(text)
        elif name == "kind":
            if text not in Product.Kind.values:
                raise _bad(name)
            values[name] = text
        elif name == "category":
            values[name] = text or None
        else:
            values[name] = _short(text, Variant if name == "option" else Product, name)
    return values


def _amount(name: str, text: str) -> int | None:
    if not text and name == "cost":
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


def _stock(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text[:12]) > _LARGEST_STOCK:
        raise _bad("on_hand")
    return int(text)


def _short(text: str, model: type, name: str) -> str:
    if len(text) > model._meta.get_field(name).max_length:
        raise _bad(name)
    return text


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
